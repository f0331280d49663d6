#!/usr/bin/env bash
# Snakemake on the embedded example: lint and format, refusals of a wrong configuration, the same bytes as the plain shell
# (PLAIN is the folder of its results), nothing to do again, MultiQC, the crate, Snakemake's own report.
set -euo pipefail

workflow=$ROOT/workflows/snakemake
example=$ROOT/test_data/example
command -v snakemake > /dev/null || { echo "snakemake is not installed"; exit 77; }
for folder in "${VENVS:-/nonexistent}"/*/bin; do PATH=$PATH:$folder; done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export XDG_CACHE_HOME=$dir/cache
cd "$dir"
# the configuration names its inputs from the root of the repository
ln -s "$ROOT/test_data" test_data

fails() { echo "FAILS: $*"; exit 1; }
run() { snakemake --snakefile "$workflow/workflow/Snakefile" --cores 2 "$@"; }

echo "== lint and format"
run --lint > lint 2>&1 || fails "$(cat lint)"
if command -v snakefmt > /dev/null; then
    snakefmt --check "$workflow" > fmt 2>&1 || fails "$(cat fmt)"
else
    echo "snakefmt is not installed"
fi

echo "== what is wrong with a configuration is said before any work"
# refused MESSAGE ARGUMENT...
refused() {
    local message=$1
    shift
    if run --dry-run "$@" > said 2>&1; then fails "$* is taken"; fi
    grep -qF -- "$message" said || fails "$*: no '$message' in: $(cat said)"
    [[ ! -e results ]] || fails "$*: results"
}
inputs=(proteins="$example/proteins.fasta" annotations="$example/annotations.gaf" ontology="$example/go_mini.obo" plm=test_data/mini_esm2)
echo 'k: 32' > old.yaml
refused "the key 'k' is now topk" --configfile old.yaml
refused "did you mean 'proteins'?" --config protiens=x.fasta
refused "'abc' is not of type 'integer'" --config topk=abc
refused "'model' and 'dictionary' go together" --config "${inputs[@]}" model=model
refused "'container' names no image" --sdm apptainer
printf 'id,fasta,annotations\na b,x.fa,%s\na_b,y.fa,%s\n' "$example/annotations.gaf" "$example/annotations.gaf" > twice.csv
refused "the id 'a_b' twice: twice.csv, line 2, and twice.csv, line 3" \
    --config samples=twice.csv ontology=x plm=test_data/mini_esm2
printf 'id,fasta,annotations\r\n"a,b",x.fa,"nothing*.gaf"\r\n' > nothing.csv
refused "nothing.csv, line 2: there is no nothing*.gaf" --config samples=nothing.csv ontology=x plm=test_data/mini_esm2

echo "== the configuration of the folder, and a workflow that uses this one as a module"
mkdir -p copy/workflows/snakemake
ln -s "$ROOT/test_data" copy/test_data
cp -r "$workflow/.test" copy/workflows/snakemake/
run --directory copy/workflows/snakemake/.test --dry-run > said 2>&1 || fails "$(cat said)"
grep -qF results/functions_and_features/report.html said || fails "$(cat said)"
cat > mine.smk <<END
import yaml

module protsae:
    snakefile: "$workflow/workflow/Snakefile"
    config: yaml.safe_load(open("$workflow/config/config.yaml"))

use rule * from protsae as protsae_*

rule mine:
    default_target: True
    input: "results/proteins/annotations.gff3"
END
snakemake --snakefile mine.smk --cores 1 --dry-run > said 2>&1 || fails "$(cat said)"
grep -q protsae_annotate said || fails "$(cat said)"

echo "== the example, by a profile; topk from the command line arrives as a number"
multiqc=$(command -v multiqc > /dev/null && echo false || echo true)
[[ $multiqc == false ]] || echo "multiqc is not installed: its report is left out"
run --workflow-profile "$workflow/profiles/default" --config topk=32 skip_multiqc="$multiqc" > log 2>&1 || fails "$(tail -50 log)"
of=results/proteins
for name in concepts.json labels.arrow concepts_mqc.json split.tsv model/{model.safetensors,config.yaml,concepts.json} \
    model/{summary.json,log.jsonl,curve.html} dictionary.json dictionary.tsv metrics.json annotations.gff3 annotations.tsv \
    calls.gaf missing.tsv report.html; do
    if [[ -n ${PLAIN:-} ]]; then
        cmp "$of/$name" "$PLAIN/$name" || fails "$name differs from the plain shell's"
    fi
    [[ -s $of/$name ]] || fails "$name is empty"
done
[[ -n ${PLAIN:-} ]] || echo "PLAIN is not set: bytes are not compared"
run --config topk=32 skip_multiqc="$multiqc" --dry-run > again 2>&1
grep -qF "Nothing to be done" again || fails "$(cat again)"
grep -q '^protsae-train: [0-9]' results/versions.yml || fails "$(cat results/versions.yml)"
[[ $(find results -name '*.failed' -o -name '*.new') == "" ]] || fails "left over: $(find results)"
protsae-schema check "$of"/provenance/*.json > checked 2>&1 || fails "$(cat checked)"
cat > crate.py <<'END'
"""The crate knows every file of the results by its content, and which step made it."""
import hashlib, json, pathlib, sys

root = pathlib.Path("results")
graph = json.loads((root / "ro-crate-metadata.json").read_text())["@graph"]
files = {e["@id"]: e for e in graph if e["@type"] == "File"}
for path in filter(pathlib.Path.is_file, root.rglob("*")):
    name = str(path.relative_to(root))
    if path.name.startswith(".") or name == "ro-crate-metadata.json":
        continue
    assert files[name]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest(), name
results = [e.get("result", []) for e in graph if e["@type"] == "CreateAction"]
# one result stands alone, several in a list
made = {o["@id"] for one in results for o in (one if isinstance(one, list) else [one])}
for name in ("annotations.gff3", "calls.gaf", "model/model.safetensors", "report.html", "split.tsv", "missing.tsv"):
    assert f"proteins/{name}" in made or f"proteins/{name.split('/')[0]}/" in made, (name, sorted(made))
END
python3 crate.py > said 2>&1 || fails "the crate: $(cat said)"
for python in python3 "${VENVS:-/nonexistent}"/*/bin/python; do
    "$python" -c 'import rocrate' 2> /dev/null || continue
    "$python" -c 'from rocrate.rocrate import ROCrate; assert len(ROCrate("results").data_entities) > 20' > said 2>&1 ||
        fails "the crate, read by rocrate: $(cat said)"
done
if [[ $multiqc == false ]]; then
    for row in "proteins: annotations.gaf" "proteins: features.csv" 'data-original-sn="proteins"' protsae-train; do
        grep -qF "$row" results/multiqc_report.html || fails "MultiQC shows no $row"
    done
fi

echo "== Snakemake's report"
run --config topk=32 skip_multiqc="$multiqc" --report report.html > said 2>&1 || fails "$(cat said)"
run --config topk=32 skip_multiqc="$multiqc" --report report.zip > said 2>&1 || fails "$(cat said)"
for word in "ranges of residues (gff3)" "terms of proteins (gaf)" "what labels lack" Annotations Reports Model; do
    grep -qF "$word" report.html || fails "the report does not show $word"
done
python3 -m zipfile -l report.zip > files
grep -qF report.html files || fails "$(cat files)"
echo "holds"
