#!/usr/bin/env bash
# Does steering work? Test proteins without a concept are steered towards it, beside four controls over the same masked
# residues: concept scores, likelihood, identity, and motifs that no model knows of, with intervals over proteins.
#   tests/bench/steer.sh [options]                    the embedded example, models of some seeds a layer
#   tests/bench/steer.sh --plm DIR --fasta FILE --labels TABLE --split TSV --concepts TSV --model DIR [--model DIR ...]
#     --concepts TSV   lines of a concept's id and a motif in PROSITE's syntax (or nothing)
#     --model DIR      SAE of the PLM, which has its masked-language-modelling head; each has the seed of its number
#     --proteins N     (80)          --longest N   residues (300)
#     --scales LIST    (0.2,10,50)   --rounds N    (3)      --mask-ratio X (0.5)
#     --decode HOW     (argmax)      --layers LIST of the example (3)      --seeds N of the example's models (3)
#     --threads N      (all)         --outdir DIR  (target/bench/steer)
# Writes OUTDIR/NAME.md. PROTSAE_BIN=DIR takes executables that are already built; PYTHON one with pyarrow.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
plm='' fasta='' labels='' split='' concepts='' models=() proteins=80 longest=300 scales=0.2,10,50 rounds=3 ratio=0.5
layers=3 seeds=3 decode=argmax threads=0 outdir=$root/target/bench/steer python=${PYTHON:-python3}
while (($#)); do
    case $1 in
        --plm) plm=$2; shift 2 ;;
        --fasta) fasta=$2; shift 2 ;;
        --labels) labels=$2; shift 2 ;;
        --split) split=$2; shift 2 ;;
        --concepts) concepts=$2; shift 2 ;;
        --model) models+=("$2"); shift 2 ;;
        --proteins) proteins=$2; shift 2 ;;
        --longest) longest=$2; shift 2 ;;
        --scales) scales=$2; shift 2 ;;
        --rounds) rounds=$2; shift 2 ;;
        --mask-ratio) ratio=$2; shift 2 ;;
        --layers) layers=$2; shift 2 ;;
        --seeds) seeds=$2; shift 2 ;;
        --decode) decode=$2; shift 2 ;;
        --threads) threads=$2; shift 2 ;;
        --outdir) outdir=$2; shift 2 ;;
        -h | --help) sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "steer: unknown argument $1 (see --help)" >&2; exit 2 ;;
    esac
done
if [[ -z ${PROTSAE_BIN:-} ]]; then
    cargo build --release --locked --bins --manifest-path "$root/Cargo.toml"
    PROTSAE_BIN=${CARGO_TARGET_DIR:-$root/target}/release
fi
export PATH=$PROTSAE_BIN:$PATH
mkdir -p "$outdir"

# experiment NAME MODEL SEED: steers towards every concept
experiment() {
    local name=$1 model=$2 seed=$3 number=0 concept motif
    while IFS=$'\t' read -r concept motif; do
        number=$((number + 1))
        protsae-steer -q -i "$outdir/$name.fasta" -m "$plm" --sae "$model" --concept "$concept" --scale "$scales" \
            --controls all --rounds "$rounds" --mask-ratio "$ratio" --decode "$decode" --seed "$seed" -t "$threads" \
            ${motif:+--motif "$motif"} -o /dev/null --table "$outdir/$name.$seed.$number.tsv"
    done <"$concepts"
}

if [[ -n $plm ]]; then
    "$python" "$here/steer.py" pick "$fasta" "$split" "$proteins" "$longest" >"$outdir/steer.fasta"
    for seed in "${!models[@]}"; do experiment steer "${models[$seed]}" "$seed"; done
    "$python" "$here/steer.py" summary "$labels" "$outdir"/steer.[0-9]*.tsv >"$outdir/steer.md"
    cat "$outdir/steer.md"
    exit
fi

example=$root/test_data/example
plm=$root/test_data/mini_esm2
labels=$outdir/labels.arrow split=$outdir/split.tsv concepts=$outdir/concepts.tsv
cat >"$concepts" <<'END'
BINDING:ATP	[AG]-x(4)-G-K-[ST]
CARBOHYD:N-linked (GlcNAc...) asparagine	N-{P}-[ST]-{P}
DOMAIN:EF-hand	D-x-[DNS]-{ILVFYW}-[DENSTG]-[DNQGHRK]-{GP}-[LIVMC]-[DENQSTAGC]-x(2)-[DE]-[LIVMFYW]
ZN_FING:C2H2-type	C-x(2,4)-C-x(3)-[LIVMFYWC]-x(8)-H-x(3,5)-H
REGION:Leucine-zipper	L-x(6)-L-x(6)-L-x(6)-L
REGION:Triple-helical region	G-x(2)-G-x(2)-G-x(2)-G-x(2)-G
MOTIF:Nuclear localization signal	K-[KR]-x-[KR]
MOTIF:Prevents secretion from ER	[KRHQSA]-[DENQ]-E-L>
END
protsae-concepts -q --ontology "$example/go_mini.obo" --annotations "$example/annotations.gaf" \
    --annotations "$example/features.csv" --sequences "$example/proteins.fasta" --min-count 10 \
    --concepts "$outdir/concepts.json" -o "$labels"
protsae-split -q --labels "$labels" --clusters "$example/clusters.tsv" --sequences "$example/proteins.fasta" \
    --fractions 0.7,0.1,0.2 -o "$split"
for layer in $layers; do
    name=example-$layer
    protsae-embed -q -i "$example/proteins.fasta" -m "$plm" --layer "$layer" --dtype f16 -t "$threads" \
        -o "$outdir/activations.arrow"
    "$python" "$here/steer.py" pick "$example/proteins.fasta" "$split" "$proteins" "$longest" >"$outdir/$name.fasta"
    for ((seed = 0; seed < seeds; seed++)); do
        protsae-train -q -i "$outdir/activations.arrow" --labels "$labels" --concepts "$outdir/concepts.json" \
            --split "$split" --latents 512 --k 32 --epochs 10 --batch 128 --seed "$seed" -t "$threads" \
            -o "$outdir/model-$layer-$seed"
        experiment "$name" "$outdir/model-$layer-$seed" "$seed"
    done
    "$python" "$here/steer.py" summary "$labels" "$outdir/$name".[0-9]*.tsv >"$outdir/$name.md"
    echo "== layer $layer"
    cat "$outdir/$name.md"
done
