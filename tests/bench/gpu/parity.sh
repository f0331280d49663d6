# Results of the GPU against those of the CPU, which stand in the archive. Read by run.sh.

# What of float32 is left after sums in another order, by length of the difference over length; and of bf16, which has 8 bits.
EXACT=1e-4
ROUNDED=5e-2
# A step of training adds to what the steps before it left: bounds of the model's numbers and of its last loss. On the CPU,
# activations that are rounded to f16 (2e-4 of their length) move the one by 5e-4 and the other by 4e-4.
TRAINED=5e-4
LOSS=1e-4
# Encoded numbers, by a row's largest; and the share of rows in which a tie within rounding went another way. Activations
# rounded to f16 move numbers by 6e-4, and have other latents or concepts in 1.2 % of rows.
ENCODED=1e-5
TIES=2e-3
# Checks of check_parity and check_memory: without all of them there is no verdict.
checks=$((2 + 4 + 2 * $(find "$here/models" -mindepth 1 -maxdepth 1 | wc -l) + 3))

# distances KIND FOUND EXPECTED: lines of a name and a number
distances() { within 60 "$bin/gpu" compare "$@" 2>>"$log"; }

check_parity() {
    local compute limit model found
    for compute in f32 bf16; do
        limit=$EXACT
        [[ $compute == f32 ]] || limit=$ROUNDED
        found=
        if run "$bin/protsae-embed" -q -i "$here/data/few.fasta" -m "$here/plm" --dtype f32 --compute "$compute" \
            --device cuda -o "$out/$compute.arrow"; then
            found=$(distances activations "$out/$compute.arrow" "$here/data/activations.arrow")
        fi
        parity "embed, $compute: distance of activations" "$(field distance <<<"$found")" "$limit"
    done
    for compute in f32 bf16; do
        found=
        if run "$bin/protsae-train" -q -i "$here/data/activations.arrow" --labels "$here/data/labels.arrow" \
            --concepts "$here/data/concepts.json" --split "$here/data/split.tsv" $(cat "$here/data/train.options") \
            --compute "$compute" --device cuda -o "$out/model_$compute"; then
            found=$(distances model "$out/model_$compute" "$here/models/protsae")
        fi
        limit=$TRAINED
        [[ $compute == f32 ]] || limit=$ROUNDED
        parity "train, $compute: distance of the model" "$(field distance <<<"$found")" "$limit"
        limit=$LOSS
        [[ $compute == f32 ]] || limit=$ROUNDED
        parity "train, $compute: difference of the loss" "$(field loss <<<"$found")" "$limit"
    done
    for model in "$here"/models/*; do
        model=${model##*/}
        found=
        if run "$bin/protsae-encode" -q -i "$here/data/activations.arrow" -m "$here/models/$model" --device cuda \
            -o "$out/$model.arrow"; then
            found=$(distances features "$out/$model.arrow" "$here/expected/$model.arrow")
        fi
        parity "encode, $model: distance of numbers" "$(field distance <<<"$found")" "$ENCODED"
        parity "encode, $model: rows of others" "$(field other_names <<<"$found")" "$TIES"
    done
}

# A batch that needs more memory than there is must be halved. A model that there is none for ends the run with 137, or
# with 2 where not even the card could be opened; a crash has other statuses.
check_memory() {
    local plm=$out/plm_150M embed found
    run "$bin/gpu" plm 150M "$plm"
    fasta 2 >"$out/two.fasta"
    embed=("$bin/protsae-embed" -q -i "$out/two.fasta" -m "$plm" --device cuda --batch-tokens 131072)
    run "${embed[@]}" -o "$out/whole.arrow"
    # the batch has 131,072 tokens of at least 33 kB; 3 GiB hold the weights and less than half of it
    run "$bin/gpu" hold 3072 "${embed[@]}" -o "$out/halved.arrow"
    status "memory for half a batch: halved" 0 $?
    found=$(distances activations "$out/halved.arrow" "$out/whole.arrow")
    parity "the same: distance of activations" "$(field distance <<<"$found")" 1e-3
    run "$bin/gpu" hold 1024 "${embed[@]}" -o "$out/none.arrow"
    status "memory for no model: exhausted" "137 2" $?
    rm -f "$out"/{whole,halved,none}.arrow
}
