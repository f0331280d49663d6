#!/usr/bin/env bash
# CWL: all documents are valid, tools have the options of their executables, and cwltool, without containers, gives the
# bytes of the plain shell, also under odd names; failures are what their exit statuses say.
# Takes executables from PATH, ROOT (the repository), VENVS (cwltool in venv-cwl), and PLAIN (results of
# workflows/quickstart.sh), which it makes if there are none.
set -euo pipefail

ROOT=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
VENVS=${VENVS:-$ROOT/target}
if [[ -d $VENVS/venv-cwl/bin ]]; then PATH=$PATH:$VENVS/venv-cwl/bin; fi
command -v cwltool >/dev/null || { echo "cwltool is not installed (tests/cwl.txt)"; exit 77; }
cwl=$ROOT/workflows/cwl
example=$ROOT/test_data/example
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "FAILS: $*"
    exit 1
}

# run NAME ARGUMENTS...: cwltool, its results in NAME/, what it says in NAME.log
run() {
    local name=$1
    shift
    cwltool --no-container --relax-path-checks --timestamps --outdir "$name" "$@" >"$name.json" 2>"$name.log"
}

if [[ -z ${PLAIN-} ]]; then
    PLAIN=$work/plain
    PROTSAE_BIN=$(dirname "$(command -v protsae-embed)") "$ROOT/workflows/quickstart.sh" --outdir "$PLAIN" >/dev/null 2>&1
fi

echo "== every document is valid, without a warning"
python=$(dirname "$(command -v cwltool)")/python
# all in one process, which reads the grammar of CWL once
"$python" - "$cwl"/*.cwl "$cwl"/tools/*.cwl >validation 2>&1 <<'END' || fail "$(cat validation)"
import sys
from cwltool.main import main
documents = sys.argv[1:]
assert len(documents) > 15, documents
sys.exit(any([main(["--validate", document]) for document in documents]))
END
! grep -i warning validation || fail "there are warnings: $(cat validation)"

echo "== the options of the executables"
"$python" "$ROOT/tests/workflows/cwl/options.py" "$cwl/tools"

echo "== train and annotate, three shards: the bytes of the plain shell"
run all "$cwl/protsae.cwl" "$cwl/example.yml" || fail "$(tail -n 40 all.log)"
for name in concepts.json labels.arrow concepts_mqc.json split.tsv dictionary.json dictionary.tsv missing.tsv \
    metrics.json protsae_mqc.json annotations.gff3 annotations.tsv calls.gaf report.html; do
    cmp "all/$name" "$PLAIN/$name" || fail "$name is not the plain shell's"
done
diff -r all/model "$PLAIN/model" || fail "the model is not the plain shell's"
[[ $(ls all/*.features.arrow | wc -l) == 3 ]] || fail "not three shards: $(ls all)"
protsae-schema check all/*.provenance.json >/dev/null || fail "provenance"
grep -q '"protsae-train"' all/train.model.provenance.json || fail "train has no provenance"
"$python" - all/ro-crate-metadata.json <<'END' || fail "the RO-Crate lacks something"
import json, sys
graph = json.load(open(sys.argv[1]))["@graph"]
ids = {entity["@id"] for entity in graph}
steps = [entity for entity in graph if entity["@type"] == "CreateAction"]
assert len(steps) == 16, f"{len(steps)} steps"
assert {"annotations.gff3", "calls.gaf", "report.html", "model/model.safetensors", "3.features.arrow"} <= ids, ids
END

echo "== a model that exists, twelve shards, odd names: the bytes of README's pipe"
odd="ödd + name"
mkdir "$odd"
gzip -c "$example/proteins.fasta" >"$odd/my pröteins v1.2+x.fasta.gz"
cp -r "$PLAIN/model" "$odd/the model.v1"
cp "$PLAIN/dictionary.json" "$odd/its dictionary.json"
cat >odd.yml <<END
proteins: {class: File, path: "$odd/my pröteins v1.2+x.fasta.gz", format: "http://edamontology.org/format_1929"}
plm: {class: Directory, path: "$ROOT/test_data/mini_esm2"}
model: {class: Directory, path: "$odd/the model.v1"}
dictionary: {class: File, path: "$odd/its dictionary.json", format: "http://edamontology.org/format_3464"}
annotation_names: ["my ränges + all.gff3", out.v1.bed]
shard_size: 34
END
run odd "$cwl/annotate.cwl" odd.yml || fail "$(tail -n 40 odd.log)"
protsae-embed -q -i "$example/proteins.fasta" -m "$ROOT/test_data/mini_esm2" --for "$PLAIN/model" -o - |
    protsae-encode -q -i - -m "$PLAIN/model" --dictionary "$PLAIN/dictionary.json" -o - |
    protsae-annotate -q -i - --dictionary "$PLAIN/dictionary.json" -o pipe.gff3
cmp "odd/my ränges + all.gff3" pipe.gff3 || fail "the GFF3 is not the pipe's"
[[ -s odd/out.v1.bed && -f odd/embed.12.arrow.log ]] || fail "what is there: $(ls odd)"

echo "== no proteins: an annotation file without features"
: >empty.fasta
sed "s#path: \"$odd/my.*fasta.gz\"#path: empty.fasta#" odd.yml >empty.yml
run empty "$cwl/annotate.cwl" empty.yml || fail "$(tail -n 20 empty.log)"
[[ $(cat "empty/my ränges + all.gff3") == "##gff-version 3" ]] || fail "$(cat empty/my*)"

echo "== tools by themselves: one packed, one by a job of odd values"
cwltool --pack "$cwl/tools/split.cwl" >packed.cwl 2>pack.log || fail "$(cat pack.log)"
run packed packed.cwl --labels "$PLAIN/labels.arrow" --fractions 0.7,0.1,0.2 --output_name "a split.tsv" ||
    fail "$(tail -n 20 packed.log)"
protsae-split -q --labels "$PLAIN/labels.arrow" --fractions 0.7,0.1,0.2 -o split.tsv
cmp "packed/a split.tsv" split.tsv || fail "the split is another"
awk '/^>/ { records++ } records <= 1' "$example/proteins.fasta" >one.fasta
cat >steer.yml <<END
input: [{class: File, path: one.fasta, format: "http://edamontology.org/format_1929"}]
model: {class: Directory, path: "$ROOT/test_data/mini_esm2"}
sae: {class: Directory, path: "$PLAIN/model"}
concept: ["GO:0005524"]
scale: [0.2, 1]
control: [unsteered, none]
motif: "[AG]-x(4)-G-K-[ST]"
table_name: "what's changed.tsv"
END
run steer "$cwl/tools/steer.cwl" steer.yml || fail "$(tail -n 20 steer.log)"
protsae-steer -q -i one.fasta -m "$ROOT/test_data/mini_esm2" --sae "$PLAIN/model" --concept GO:0005524 --scale 0.2,1 \
    --control unsteered,none --motif '[AG]-x(4)-G-K-[ST]' -o steered.fasta --table steered.tsv
cmp steer/steered.fasta steered.fasta && cmp "steer/what's changed.tsv" steered.tsv || fail "other sequences"
cat >check.yml <<END
files: [{class: Directory, path: "$PLAIN/model"}, {class: File, path: "$PLAIN/split.tsv"}]
END
run check "$cwl/tools/schema.cwl" check.yml || fail "$(tail -n 20 check.log)"
grep -q 'split of 396 proteins' check/checked.tsv || fail "$(cat check/checked.tsv)"

echo "== failures"
printf '>a\nMKV\n>a\nMKV\n' >twice.fasta
cat >bad.yml <<END
input: {class: File, path: twice.fasta, format: "http://edamontology.org/format_1929"}
model: {class: Directory, path: "$ROOT/test_data/mini_esm2"}
END
! run bad --leave-tmpdir --tmp-outdir-prefix "$work/left/" "$cwl/tools/embed.cwl" bad.yml || fail "a repeated id passed"
grep -q permanentFail bad.log || fail "$(cat bad.log)"
grep -rq 'twice.fasta' left || fail "the log does not name the file: $(cat bad.log)"
sed 's/format_1929/format_2330/' bad.yml >format.yml
! run format "$cwl/tools/embed.cwl" format.yml || fail "a file that is no FASTA passed"
grep -q 'incompatible format' format.log || fail "$(cat format.log)"
# what a step that ends with 137 did not write makes it a permanent failure for cwltool, so here is one that writes all
mkdir fake
printf '#!/bin/sh\nexit 137\n' >fake/protsae-schema
chmod +x fake/protsae-schema
! PATH=$work/fake:$PATH run memory "$cwl/tools/schema.cwl" check.yml || fail "137 passed"
grep -q temporaryFail memory.log || fail "137 is no temporary failure: $(cat memory.log)"

echo "CWL: all holds"
