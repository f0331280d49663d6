#!/usr/bin/env bash
# nf-core's lints of the modules and of the parameters' schema. NFCORE_MODULES: a clone of nf-core/modules, whose schemas they use.
set -euo pipefail

nfcore=$(command -v nf-core || true)
[[ -n $nfcore ]] || { echo "nf-core is not installed (PyPI: nf-core)"; exit 77; }
command -v nextflow >/dev/null || { echo "nf-core needs nextflow on PATH"; exit 77; }
[[ -n ${NFCORE_MODULES:-} ]] || { echo "NFCORE_MODULES names no clone of nf-core/modules"; exit 77; }

HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT
# the tools want an address: it is the clone
remote=https://modules.invalid/nf-core/modules.git
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=url.file://$NFCORE_MODULES.insteadOf GIT_CONFIG_VALUE_0=$remote

cd "$ROOT/workflows/nextflow"
nf-core --hide-progress pipelines schema lint .
nf-core --hide-progress modules --git-remote "$remote" lint --dir . --all --plain-text >"$HOME/lint.txt" 2>&1 || true
grep "LINT RESULTS SUMMARY" "$HOME/lint.txt" >/dev/null || { cat "$HOME/lint.txt"; exit 1; }
sed -n '/Module Tests Failed/,/Tests Passed/p' "$HOME/lint.txt" | grep -E '^[a-z/]+ [a-z_]+$' |
    awk '{print $2}' | sort | uniq -c | tee "$HOME/failed.txt"
# what a registry of images must answer
if grep -vE ' (docker_tag|singularity_tag|container_links)$' "$HOME/failed.txt"; then
    cat "$HOME/lint.txt"
    exit 1
fi
tail -n 4 "$HOME/lint.txt"
