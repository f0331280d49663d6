# Rates of the executables in three sizes, beside what the card can do. Read by run.sh.
# A run is timed with few and with many residues: the difference has neither start nor loading in it.

# fasta COPIES: all proteins so many times, with ids of their own
fasta() {
    local copy
    for ((copy = 1; copy <= $1; copy++)); do
        awk -v copy="$copy" '/^>/ && copy > 1 { sub(/^>[a-z]+\|/, "&C" copy) } { print }' "$here/data/proteins.fasta"
    done
}

residues() { awk '!/^>/ { count += length($0) } END { print count }' "$1"; }

# took NAME COMMAND...: the seconds of a command, as a number in the variable NAME; none where it fails
took() {
    local start end
    start=$(date +%s%N)
    if run "${@:2}"; then
        end=$(date +%s%N)
        printf -v "$1" '%s' "$(awk -v ns=$((end - start)) 'BEGIN { print ns * 1e-9 }')"
    else
        printf -v "$1" '%s' ""
    fi
}

# rate WORK FEW MANY: what is done a second, of so much more work in MANY seconds than in FEW; nothing where that is no number
rate() {
    awk -v work="$1" -v few="$2" -v many="$3" 'BEGIN {
        if (few == "" || many == "") print "failed"; else if (many - few > 0.02) printf "%.0f", work / (many - few); else print "-"
    }'
}

# times FACTORS...: their product
times() { awk 'BEGIN { product = 1; for (i = 1; i < ARGC; i++) product *= ARGV[i]; printf "%.6g", product }' "$@"; }

measure() {
    # name, layers, width, copies of the proteins
    local size
    for size in "8M 6 320 8" "150M 30 640 4" "650M 33 1280 2"; do
        if ((SECONDS > deadline - 40)); then
            row "${size%% *}" skipped "" "" ""
            continue
        fi
        # shellcheck disable=SC2086
        measure_size $size
    done
}

measure_size() {
    local name=$1 layers=$2 width=$3 copies=$4 latents=$((8 * $3)) k=64 batch=4096
    local plm=$out/plm_$1 few many rows extra found flops
    [[ -d $plm ]] || run "$bin/gpu" plm "$name" "$plm"
    fasta "$copies" >"$out/many.fasta"
    rows=$(residues "$out/many.fasta")
    extra=$((rows - $(residues "$here/data/few.fasta")))
    local input embed=("$bin/protsae-embed" -q -m "$plm" --compute bf16 --device cuda)
    took few "${embed[@]}" -i "$here/data/few.fasta" -o "$out/few.arrow"
    took many "${embed[@]}" -i "$out/many.fasta" -o "$out/many.arrow"
    found=$(rate "$extra" "$few" "$many")
    row "embed $name, bf16" "$found" residues/s "" ""
    # 24 width^2 a layer and token, and 4 width a token of the sequence: the mean protein has about 200
    flops=$(awk -v l="$layers" -v d="$width" 'BEGIN { print l * (24 * d * d + 4 * d * 200) }')
    row "  of the card's bf16 products" "$(share "$(times "$found" "$flops" 1e-12)" "$(field gemm_bf16 <<<"$rates")")" % "" ""

    local train=("$bin/protsae-train" -q -i "$out/many.arrow" --labels "$here/data/labels.arrow" --variant topk
        --latents "$latents" --k "$k" --batch "$batch" --log-every 0 --checkpoint-every 0 --device cuda)
    took few "${train[@]}" --epochs 1 -o "$out/sae_$name"
    took many "${train[@]}" --epochs 5 -o "$out/sae_5_$name"
    found=$(rate $((4 * rows)) "$few" "$many")
    row "train $name, $latents latents, bf16" "$found" rows/s "" ""
    # weights and moments of both matrices, 54 bytes a weight of one, once a batch
    row "  of the card's copies, by Adam alone" \
        "$(share "$(times "$found" 54e-9 "$latents" "$width" "$(awk -v b=$batch 'BEGIN { print 1 / b }')")" "$(field copy_gb <<<"$rates")")" % "" ""

    local encode=("$bin/protsae-encode" -q -m "$out/sae_$name" --device cuda)
    took few "${encode[@]}" -i "$out/few.arrow" -o "$out/few_features.arrow"
    took many "${encode[@]}" -i "$out/many.arrow" -o "$out/many_features.arrow"
    row "encode $name, $latents latents, f32" "$(rate "$extra" "$few" "$many")" rows/s "" ""
    found=$(within 60 "$bin/gpu" encode "$width" "$latents" "$k" 2>>"$log" | field rows_per_s)
    row "  without tables" "${found:-failed}" rows/s "" ""
    row "  of the card's f32 products" \
        "$(share "$(times "${found:-0}" 2e-12 "$width" "$latents")" "$(field gemm_f32 <<<"$rates")")" % "" ""
    rm -rf "$plm" "$out"/{few,many,few_features,many_features}.arrow "$out"/sae_*
}
