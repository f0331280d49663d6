#!/usr/bin/env bash
# CITATION.cff is what the Citation File Format says, becomes an entry of BibTeX, and names the version that is built.
# Needs cffconvert (tests/citation.txt).
set -euo pipefail

root=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
PATH=${VENVS:-$root/target}/venv-citation/bin:$PATH
command -v cffconvert >/dev/null || { echo "skipped: cffconvert is not installed (tests/citation.txt)"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "citation: $*" >&2; exit 1; }

cffconvert --infile "$root/CITATION.cff" --validate || fail "CITATION.cff is not valid"
echo "valid"

# authors of one family name are two only by their given names
sed '/given-names:/d' "$root/CITATION.cff" >"$work/family.cff"
if cffconvert --infile "$work/family.cff" --validate >/dev/null 2>&1; then
    fail "the validator takes an author who is listed twice"
fi
echo "a broken copy is refused"

cffconvert --infile "$root/CITATION.cff" --format bibtex | grep -q 'title = {ProtSAE}' || fail "BibTeX has no title"
cargo=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
cited=$(sed -n 's/^version: *//p' "$root/CITATION.cff")
[[ $cited == "$cargo" ]] || fail "CITATION.cff has version $cited, Cargo.toml $cargo"
if command -v protsae-embed >/dev/null; then
    [[ $(protsae-embed --version) == "protsae-embed $cited" ]] || fail "CITATION.cff has version $cited, $(protsae-embed --version)"
fi
echo "version $cited in Cargo.toml, CITATION.cff and the executables"
for doi in 10.48550/arXiv.2509.05309 10.1126/science.ade2574; do
    grep -q "doi: $doi\$" "$root/CITATION.cff" || fail "CITATION.cff lacks $doi"
done
echo "the method and the language model are among the references"
