#!/usr/bin/env bash
# Snakemake on several proteomes with odd names: a table of two gives the bytes of two runs of one; one model over both halves
# of the example is that of the whole (PLAIN is the folder of the plain shell's results; ALL=1); annotation alone is the pipe of
# the README; an edited protein embeds one shard.
set -euo pipefail

workflow=$ROOT/workflows/snakemake
example=$ROOT/test_data/example
plm=$ROOT/test_data/mini_esm2
command -v snakemake > /dev/null || { echo "snakemake is not installed"; exit 77; }
for folder in "${VENVS:-/nonexistent}"/*/bin; do PATH=$PATH:$folder; done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export XDG_CACHE_HOME=$dir/cache
mkdir "$dir/été + work.d"
cd "$dir/été + work.d"

fails() { echo "FAILS: $*"; exit 1; }
run() {
    snakemake --snakefile "$workflow/workflow/Snakefile" --cores 2 "$@" > log 2>&1 || fails "$* $(tail -50 log)"
}
# same FOLDER FOLDER: the same results, byte for byte; not of when and where they were made
same() { diff -r -x logs -x benchmarks -x provenance "$1" "$2" > differ || fails "$1 and $2: $(cat differ)"; }

echo "== inputs with odd names"
mkdir one "two (2)" cut
protsae-shard -i "$example/proteins.fasta" --count 2 -o 'cut/{shard}.fasta' -q
protsae-shard -i cut/1.fasta --count 1 -o "one/first half + één.v1.fasta.gz" -q
protsae-shard -i cut/2.fasta --count 1 -o "two (2)/second 'half'.faa.zst" -q
cp "$example/annotations.gaf" "one/what is [known].txt"
cp "$example/features.csv" "two (2)/what is [known].txt"
cp -r "$plm" "p l+m"
cp "$example/go_mini.obo" "go (mini).obo"
cat > table.csv <<END
taxon,id,annotations,fasta,clusters
32644,first half + één.v1,one/what is [known].txt;two (2)/what is [known].txt,"one/first half + één.v1.fasta.gz",$example/clusters.tsv
,second 'half',one/what is *.txt;two (*)/*.txt,"two (2)/second 'half'.faa.zst",
END
cat > base.yaml <<'END'
ontology: go (mini).obo
plm: p l+m
date: 2026-01-01
shard_size: 100
fractions: 0.7,0.1,0.2
min_count: 10
latents: 256
topk: "16"
epochs: 1
skip_multiqc: true
keep_activations: true
extra: {evaluate: --min-residues 10 --min-proteins 5}
END

echo "== a table of two"
{ cat base.yaml && echo "samples: table.csv"; } > both.yaml
multiqc=$(command -v multiqc > /dev/null && echo false || echo true)
run --configfile both.yaml --config results="all of it" skip_multiqc="$multiqc"
first="first_half_+_één.v1"
second="second__half_"
for id in "$first" "$second"; do [[ -s "all of it/$id/report.html" ]] || fails "$(ls "all of it")"; done
[[ -s "all of it/$first/calls.gaf" && ! -e "all of it/$second/calls.gaf" ]] || fails "calls where there is no taxon, or none where there is"
if [[ $multiqc == false ]]; then
    for row in "$first: what is [known].txt" "$second: what is [known].txt" "data-original-sn=\"$first\"" "data-original-sn=\"$second\""; do
        grep -qF -- "$row" "all of it/multiqc_report.html" || fails "MultiQC shows no $row"
    done
else
    echo "multiqc is not installed: its report is left out"
fi

echo "== two runs of one"
run --configfile base.yaml --config results=each taxon=32644 proteins="one/first half + één.v1.fasta.gz" \
    clusters="$example/clusters.tsv" annotations="one/what is [known].txt;two (2)/what is [known].txt"
run --configfile base.yaml --config results=each proteins="two (2)/second 'half'.faa.zst" \
    'annotations=["one/what is [[]known].txt", "two (2)/what is [[]known].txt"]'
for id in "$first" "$second"; do same "all of it/$id" "each/$id"; done

echo "== annotation alone is the pipe"
model="all of it/$first/model"
dictionary="all of it/$first/dictionary.json"
# alone FASTA ID: annotated with the first model, as the pipe does
alone() {
    run --config plm="p l+m" shard_size=50 keep_activations=true model="$model" dictionary="$dictionary" results=alone proteins="$1"
    protsae-embed -i "$1" -m "p l+m" --for "$model" -o - -q | protsae-encode -i - -m "$model" --dictionary "$dictionary" -o - -q |
        protsae-annotate -i - --dictionary "$dictionary" -o piped.gff3 -q
    cmp "alone/$2/annotations.gff3" piped.gff3 || fails "$1: not as the pipe has it"
    [[ -s alone/$2/report.html ]] || fails "no page"
}
protsae-shard -i cut/2.fasta --count 1 -o edited.fasta.bgz -q
alone edited.fasta.bgz edited
[[ $(grep -vc '^#' piped.gff3) -gt 10 && $(wc -l < alone/edited/shards.txt) -ge 3 ]] || fails "too little to tell"

echo "== an edited protein embeds one shard"
# embedded COUNT: so many shards were, by the run before
embedded() {
    local count
    count=$(grep -cE '^ *(local)?rule embed:' log || true)
    [[ $count == "$1" ]] || fails "$count shards were embedded, not $1"
}
embedded "$(wc -l < alone/edited/shards.txt)"
# the third residue of the 60th protein, which is in the second shard
awk '/^>/ { n++; line = 0 } { line++ } n == 60 && line == 2 { $0 = substr($0, 1, 2) "W" substr($0, 4) } 1' cut/2.fasta > edited.fasta
! cmp -s cut/2.fasta edited.fasta || fails "nothing was edited"
alone edited.fasta edited
embedded 1
[[ $(find alone/edited/features -name '*.arrow' | wc -l) == $(wc -l < alone/edited/shards.txt) ]] || fails "old shards are left over"

echo "== no proteins: a GFF3 without lines"
: > "no proteins.fa"
alone "no proteins.fa" no_proteins
[[ $(cat alone/no_proteins/annotations.gff3) == "##gff-version 3" ]] || fails "$(cat alone/no_proteins/annotations.gff3)"

if [[ -n ${ALL:-} && -n ${PLAIN:-} ]]; then
    echo "== one model over two halves is that of the whole"
    cat > halves.csv <<END
id,fasta,annotations,clusters,taxon
a,cut/1.fasta,$example/annotations.gaf;$example/features.csv,$example/clusters.tsv,32644
b,cut/2.fasta,$example/annotations.gaf;$example/features.csv,$example/clusters.tsv,32644
END
    { grep -vE '^(proteins|annotations|  - |clusters|taxon)' "$workflow/config/config.yaml" | sed "s#test_data#$ROOT/test_data#" &&
        echo "samples: halves.csv"; } > halves.yaml
    run --configfile halves.yaml --config one_model=true results=one_model
    for name in concepts.json labels.arrow split.tsv model/model.safetensors model/config.yaml model/log.jsonl dictionary.json \
        dictionary.tsv metrics.json missing.tsv report.html; do
        cmp "one_model/all/$name" "$PLAIN/$name" || fails "$name differs from that of the whole"
    done
    for name in annotations.tsv calls.gaf; do
        # lines of the first half, then those of the second without its header
        grep -v -e '^#' -e '^!' -e '^protein' "$PLAIN/$name" > whole
        cat "one_model/a/$name" "one_model/b/$name" | grep -v -e '^#' -e '^!' -e '^protein' | cmp - whole || fails "$name differs"
    done
else
    echo "one model over two halves: only with ALL=1 and PLAIN"
fi
echo "holds"
