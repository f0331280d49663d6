#!/usr/bin/env bash
# Snakemake where steps fail: only exhausted memory (137) is tried again, with twice the memory; what went wrong is said on the
# console and in the log; a killed training goes on to the same bytes; bad FASTA is named; containers run what they should.
set -euo pipefail

workflow=$ROOT/workflows/snakemake
example=$ROOT/test_data/example
command -v snakemake > /dev/null || { echo "snakemake is not installed"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export XDG_CACHE_HOME=$dir/cache
cd "$dir"
ln -s "$ROOT/test_data" test_data
mkdir fake

fails() { echo "FAILS: $*"; exit 1; }
run() { snakemake --snakefile "$workflow/workflow/Snakefile" --cores 2 "$@"; }
# fake TOOL: an executable that stands before the real one, whose path is $real
fake() {
    real=$(command -v "$1" || true)
    { echo "#!/usr/bin/env bash" && cat; } > "fake/$1"
    chmod +x "fake/$1"
}

echo "== what is tried again"
export real made
fake protsae-split <<'END'
[[ $1 != --version ]] || exec "$real" --version
echo run >> "runs.$made"
echo "protsae-split: error: made to end with $made" >&2
exit "$made"
END
for made in 1 2 3 101 137; do
    PATH=$dir/fake:$PATH run results/proteins/split.tsv > console 2>&1 && fails "$made passes"
    [[ $made == 137 ]] && expected=3 || expected=1
    [[ $(wc -l < "runs.$made") == "$expected" ]] || fails "$made: $(wc -l < "runs.$made") runs, not $expected"
    # said at each try, so that it stands by Snakemake's last word
    [[ $(grep -c "^protsae-split: error: made to end with $made" console) == 3 ]] || fails "$made: $(cat console)"
    grep -q "made to end with $made" results/proteins/logs/split.log || fails "$made: not in the log"
    grep -q "^exit status $made" results/proteins/logs/split.log || fails "$made: status not in the log"
done
for memory in 1000 2000 4000; do
    grep -q "mem_mb=$memory," console || grep -q "mem_mb=$memory\b" console || fails "no try with $memory MB"
done
# and what failed before is tried anew by the next run
rm fake/protsae-split
run results/proteins/split.tsv > console 2>&1 || fails "$(cat console)"
[[ ! -e results/proteins/logs/split.log.failed ]] || fails "a mark is left over"

echo "== a killed training goes on"
fake protsae-train <<'END'
[[ $* == *--resume* && ! -e killed ]] || exec "$real" "$@"
"$real" "$@" &
for ((i = 0; i < 600; i++)); do
    if compgen -G "results/proteins/checkpoints/step-*" > /dev/null; then break; fi
    sleep 0.1
done
kill -9 $! && touch killed && wait $!
END
PATH=$dir/fake:$PATH run --config 'extra={embed: --dtype f16, train: --checkpoint-every 200}' -- results/proteins/model > console 2>&1 ||
    fails "$(cat console)"
[[ -e killed ]] || fails "nothing was killed"
grep -q "going on from step" results/proteins/logs/train.log || fails "$(cat results/proteins/logs/train.log)"
[[ ! -e results/proteins/checkpoints ]] || fails "checkpoints are left over"
if [[ -n ${PLAIN:-} ]]; then
    for name in model.safetensors config.yaml summary.json log.jsonl; do
        cmp "results/proteins/model/$name" "$PLAIN/model/$name" || fails "$name differs from that of one go"
    done
else
    echo "PLAIN is not set: bytes are not compared"
fi
rm fake/protsae-train

echo "== bad FASTA is named on the console"
# bad FILE MESSAGE...: it fails at the first step and all words of the message are on the console
bad() {
    local file=$1 word
    shift
    run --config proteins="$file" annotations="$example/annotations.gaf" ontology="$example/go_mini.obo" \
        plm=test_data/mini_esm2 results=bad -- bad/x_1/shards.txt > console 2>&1 && fails "$file passes"
    for word in "$@"; do grep -F -- "$word" console | grep -qF -- "$file" || fails "$file: $(cat console)"; done
    [[ ! -e bad/x_1/shards.new ]] || fails "$(find bad)"
    rm -rf bad
}
: > "x 1.fa"
bad "x 1.fa" "no proteins to train on"
gzip -c "$example/proteins.fasta" | head -c 10000 > "x 1.fasta.gz"
bad "x 1.fasta.gz" "error"
printf '>a\nMKV\n>b\nMK1V\n' > "x 1.faa"
bad "x 1.faa" "error"

echo "== in a container"
fake apptainer <<'END'
[[ $1 != --version ]] || { echo "apptainer version 1.3.4"; exit; }
while [[ $1 != bash ]]; do
    [[ $1 != *.sif ]] || echo "${1##*/}" >> images
    shift
done
IN_CONTAINER=1 exec "$@"
END
real=$(command -v protsae-split)
fake protsae-split <<'END'
echo "${IN_CONTAINER:-host}" >> where
exec "$real" "$@"
END
touch protsae.sif
rm -r results
PATH=$dir/fake:$PATH run --sdm apptainer --config container="$dir/protsae.sif" -- results/proteins/split.tsv > console 2>&1 ||
    fails "$(cat console)"
[[ $(cat where) == 1 ]] || fails "protsae-split ran on the host: $(cat where)"
[[ $(sort -u images) == protsae.sif ]] || fails "images: $(cat images)"
echo "holds"
