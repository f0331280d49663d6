#!/usr/bin/env bash
# The pipeline on a yeast proteome, measured: seconds and peak memory of each step, and the quality of the
# features on held-out proteins, next to a plain TopK autoencoder of the same width and K.
#   tests/bench/yeast.sh --data DIR --plm DIR [options]
#     --data DIR       uniprot/proteomes/yeast_559292.{fasta,features.csv}.gz, go/go-basic_2015-01-26.obo.gz,
#                      gaf/sgd_go_slim_mapping.tab.gz ($PROTSAE_BENCH_DATA)
#     --plm DIR        protein language model in the layout of Hugging Face
#     --layer N        (4)        --sample N   residues of a protein in training (64)
#     --latents N      (2048)     --k N        (32)
#     --epochs N       (3)        --batch N    (1024)      --lr X   (0.004: the default is for 128 rows)
#     --schedule S     (cosine)
#     --compute T      (f32) what the products of embedding, training, encoding and interpreting multiply
#     --threads N      (all)      --outdir DIR (target/bench/yeast)
#     --no-proteome    leave out embedding, encoding and annotating whole proteins
# Writes OUTDIR/yeast.md. PROTSAE_BIN=DIR takes executables that are already built.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
data=${PROTSAE_BENCH_DATA:-} plm='' layer=4 sample=64 latents=2048 k=32 epochs=3 batch=1024 rate=0.004 threads=0
schedule=cosine compute=f32 outdir=$root/target/bench/yeast whole=yes
while (($#)); do
    case $1 in
        --data) data=$2; shift 2 ;;
        --plm) plm=$2; shift 2 ;;
        --layer) layer=$2; shift 2 ;;
        --sample) sample=$2; shift 2 ;;
        --latents) latents=$2; shift 2 ;;
        --k) k=$2; shift 2 ;;
        --epochs) epochs=$2; shift 2 ;;
        --batch) batch=$2; shift 2 ;;
        --lr) rate=$2; shift 2 ;;
        --schedule) schedule=$2; shift 2 ;;
        --compute) compute=$2; shift 2 ;;
        --threads) threads=$2; shift 2 ;;
        --outdir) outdir=$2; shift 2 ;;
        --no-proteome) whole=no; shift ;;
        -h | --help) sed -n '2,16s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "yeast: unknown argument $1 (see --help)" >&2; exit 2 ;;
    esac
done
[[ -d $data && -d $plm ]] || { echo "yeast: --data and --plm must be folders (see --help)" >&2; exit 2; }

if [[ -z ${PROTSAE_BIN:-} ]]; then
    cargo build --release --locked --bins --manifest-path "$root/Cargo.toml"
    PROTSAE_BIN=${CARGO_TARGET_DIR:-$root/target}/release
fi
export PATH=$PROTSAE_BIN:$PATH

mkdir -p "$outdir"
fasta=$data/uniprot/proteomes/yeast_559292.fasta.gz
features=$data/uniprot/proteomes/yeast_559292.features.csv.gz
obo=$data/go/go-basic_2015-01-26.obo.gz
steps=$outdir/steps.tsv
printf 'step\tseconds\tcpu_seconds\tpeak_mb\n' >"$steps"

# measured NAME COMMAND...
measured() {
    echo "== $1" >&2
    python3 "$here/measure.py" "$steps" "$@" 2> >(tee "$outdir/${1// /_}.log" >&2)
}

python3 "$here/sgd_to_gaf.py" "$data/gaf/sgd_go_slim_mapping.tab.gz" "$fasta" >"$outdir/sgd_slim.gaf"

truth=(--labels "$outdir/labels.arrow" --concepts "$outdir/concepts.json" --split "$outdir/split.tsv")
shape=(--latents "$latents" --k "$k" --epochs "$epochs" --batch "$batch" --lr "$rate"
    --schedule "$schedule" --compute "$compute" -t "$threads")

measured concepts protsae-concepts --ontology "$obo" --annotations "$outdir/sgd_slim.gaf" --annotations "$features" \
    --sequences "$fasta" --on-bad skip --axioms module --concepts "$outdir/concepts.json" -o "$outdir/labels.arrow"
measured split protsae-split --labels "$outdir/labels.arrow" --sequences "$fasta" --fractions 0.8,0.1,0.1 -o "$outdir/split.tsv"
measured "embed sample" protsae-embed -i "$fasta" -m "$plm" --layer "$layer" --sample "$sample" --compute "$compute" \
    -t "$threads" -o "$outdir/sample.arrow"
rm -rf "$outdir/protsae" "$outdir/topk"
measured "train protsae" protsae-train -i "$outdir/sample.arrow" "${truth[@]}" "${shape[@]}" -o "$outdir/protsae"
measured "train topk" protsae-train -i "$outdir/sample.arrow" "${truth[@]}" "${shape[@]}" --variant topk -o "$outdir/topk"
for variant in protsae topk; do
    measured "evaluate $variant" protsae-evaluate -i "$outdir/sample.arrow" -m "$outdir/$variant" "${truth[@]}" \
        -t "$threads" -o "$outdir/$variant.metrics.json"
done

if [[ $whole == yes ]]; then
    measured embed protsae-embed -i "$fasta" -m "$plm" --layer "$layer" --dtype f16 --compute "$compute" \
        -t "$threads" -o "$outdir/activations.arrow"
    measured interpret protsae-interpret -i "$outdir/activations.arrow" -m "$outdir/protsae" "${truth[@]}" \
        --compute "$compute" -t "$threads" -o "$outdir/dictionary.json" --table "$outdir/dictionary.tsv"
    measured encode protsae-encode -i "$outdir/activations.arrow" -m "$outdir/protsae" --compute "$compute" \
        -t "$threads" --dictionary "$outdir/dictionary.json" -o "$outdir/features.arrow" --proteins "$outdir/proteins.arrow"
    measured annotate protsae-annotate -i "$outdir/features.arrow" -t "$threads" \
        --dictionary "$outdir/dictionary.json" -o "$outdir/yeast.gff3"
    for variant in protsae topk; do
        measured "ranges $variant" protsae-evaluate -i "$outdir/activations.arrow" -m "$outdir/$variant" "${truth[@]}" \
            --suite ranges -t "$threads" -o "$outdir/$variant.ranges.json"
    done
    if command -v gt >/dev/null; then
        measured "gt gff3validator" gt gff3validator -typecheck so -xrfcheck -- "$outdir/yeast.gff3"
    else
        echo "gt is not installed: the GFF3 is not checked (Debian: genometools)" >&2
    fi
fi

python3 "$here/summary.py" "$outdir" "$fasta" >"$outdir/yeast.md"
cat "$outdir/yeast.md"
