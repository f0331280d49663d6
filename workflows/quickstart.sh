#!/usr/bin/env bash
# Builds ProtSAE and runs the whole pipeline on the embedded example, in the plain shell.
#   workflows/quickstart.sh [--outdir DIR] [--threads N]      default: results/ in the repository
# Needs Rust only. PROTSAE_BIN=DIR takes executables that are already built.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
outdir=$root/results
threads=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
while (($#)); do
    case $1 in
        --outdir) outdir=${2:?--outdir needs a folder}; shift 2 ;;
        --threads) threads=${2:?--threads needs a number}; shift 2 ;;
        -h | --help) sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "quickstart: unknown argument $1 (see --help)" >&2; exit 2 ;;
    esac
done

if [[ -z ${PROTSAE_BIN:-} ]]; then
    command -v cargo >/dev/null || { echo "quickstart: cargo is not installed; get Rust from https://rustup.rs" >&2; exit 1; }
    echo "== build (once; a few minutes)"
    cargo build --release --locked --bins --manifest-path "$root/Cargo.toml"
    PROTSAE_BIN=${CARGO_TARGET_DIR:-$root/target}/release
fi
export PATH=$PROTSAE_BIN:$PATH

mkdir -p "$outdir"
outdir=$(cd "$outdir" && pwd)
example=$root/test_data/example
plm=$root/test_data/mini_esm2
started=$SECONDS

step() {
    local name=$1 from=$SECONDS
    shift
    echo "== $name"
    "$@"
    echo "   $((SECONDS - from)) s"
}

step "concepts and labels from the ontology, annotations and features" \
    protsae-concepts --ontology "$example/go_mini.obo" \
    --annotations "$example/annotations.gaf" --annotations "$example/features.csv" \
    --sequences "$example/proteins.fasta" --min-count 10 --multiqc "$outdir/concepts_mqc.json" \
    --sample-name proteins --concepts "$outdir/concepts.json" -o "$outdir/labels.arrow"

step "train, validation and test proteins; clusters stay together" \
    protsae-split --labels "$outdir/labels.arrow" --clusters "$example/clusters.tsv" \
    --sequences "$example/proteins.fasta" --fractions 0.7,0.1,0.2 -o "$outdir/split.tsv"

step "activations of the protein language model, layer 6" \
    protsae-embed -i "$example/proteins.fasta" -m "$plm" --layer 6 --dtype f16 -t "$threads" \
    -o "$outdir/activations.arrow"

step "ProtSAE training" \
    protsae-train -i "$outdir/activations.arrow" --labels "$outdir/labels.arrow" \
    --concepts "$outdir/concepts.json" --split "$outdir/split.tsv" \
    --latents 512 --k 32 --epochs 10 --batch 128 -t "$threads" -o "$outdir/model"

step "what latents mean, and how ranges and calls of each concept are found" \
    protsae-interpret -i "$outdir/activations.arrow" -m "$outdir/model" --labels "$outdir/labels.arrow" \
    --concepts "$outdir/concepts.json" --split "$outdir/split.tsv" --clusters "$example/clusters.tsv" \
    -t "$threads" -o "$outdir/dictionary.json" --table "$outdir/dictionary.tsv" \
    --missing "$outdir/missing.tsv"

step "latents and concepts of every residue" \
    protsae-encode -i "$outdir/activations.arrow" -m "$outdir/model" --dictionary "$outdir/dictionary.json" \
    -t "$threads" -o "$outdir/features.arrow" --proteins "$outdir/proteins.arrow"

step "metrics on held-out proteins" \
    protsae-evaluate -i "$outdir/activations.arrow" -m "$outdir/model" --labels "$outdir/labels.arrow" \
    --split "$outdir/split.tsv" --min-residues 10 --min-proteins 5 -t "$threads" \
    -o "$outdir/metrics.json" --multiqc "$outdir/protsae_mqc.json" --sample-name proteins

step "ranges as GFF3" \
    protsae-annotate -i "$outdir/features.arrow" --dictionary "$outdir/dictionary.json" \
    -o "$outdir/annotations.gff3"

step "ranges as a table" \
    protsae-annotate -i "$outdir/features.arrow" --dictionary "$outdir/dictionary.json" \
    -o "$outdir/annotations.tsv"

# the proteins are made up: of no organism, on no date
step "terms of whole proteins as GAF" \
    protsae-annotate -i "$outdir/features.arrow" --dictionary "$outdir/dictionary.json" \
    --ontology "$example/go_mini.obo" --taxon 32644 --date 2026-01-01 -o "$outdir/calls.gaf"

step "all of it as one page" \
    protsae-report -i "$outdir/features.arrow" -m "$outdir/model" --dictionary "$outdir/dictionary.json" \
    --scores "$outdir/metrics.json" --labels "$outdir/labels.arrow" --concepts "$outdir/concepts.json" \
    --split "$outdir/split.tsv" --missing "$outdir/missing.tsv" -t "$threads" -o "$outdir/report.html"

cat <<END

The whole pipeline ran in $((SECONDS - started)) s. The results:
  all of it, to look at  $outdir/report.html
  ranges of residues     $outdir/annotations.gff3
  terms of proteins      $outdir/calls.gaf
  named features         $outdir/dictionary.tsv
  what labels lack       $outdir/missing.tsv
  metrics                $outdir/metrics.json
END
