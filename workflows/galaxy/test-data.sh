#!/usr/bin/env bash
# Makes the data of the wrappers' tests in test-data/, from the embedded example, by the executables on PATH.
#   workflows/galaxy/test-data.sh [FOLDER]
# PROTSAE_RESULTS=DIR takes the results of workflows/quickstart.sh, where they are at hand, instead of making them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=${1:-$here/test-data}
command -v protsae-annotate >/dev/null || { echo "test-data: no protsae-annotate on PATH" >&2; exit 1; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [[ -n ${PROTSAE_RESULTS-} ]]; then
    cp -r "$PROTSAE_RESULTS"/. "$folder"
else
    PROTSAE_BIN=$(dirname "$(command -v protsae-annotate)") "$root/workflows/quickstart.sh" --outdir "$folder"
fi

# Galaxy's tests take any value that is a file's name for that file: none is called like the choice `model`
rm -rf "$folder/trained"
mv "$folder/model" "$folder/trained"

# what is read: the example, the language model, one checkpoint of another program
for name in annotations.gaf clusters.tsv features.csv go_mini.obo proteins.fasta; do
    cp "$root/test_data/example/$name" "$folder"
done
cp -r "$root/test_data/mini_esm2" "$folder"
cp "$root/test_data/checkpoints/saelens_topk_v5/"{sae_weights.safetensors,cfg.json} "$folder"
gzip -nkf "$folder/proteins.fasta"
awk '/^>/ { records++ } records <= 2' "$folder/proteins.fasta" > "$folder/two.fasta"

# a structure of the first protein, a helix of alpha carbons, and its accession
awk 'BEGIN { split("A ALA R ARG N ASN D ASP C CYS Q GLN E GLU G GLY H HIS I ILE L LEU K LYS M MET F PHE P PRO S SER T THR W TRP Y TYR V VAL", name)
             for (i = 1; i < 40; i += 2) three[name[i]] = name[i + 1] }
     /^>/  { next }
           { for (i = 1; i <= length($0); i++) {
                 n++
                 printf "ATOM  %5d  CA  %3s A%4d    %8.3f%8.3f%8.3f  1.00  0.00           C\n", n, three[substr($0, i, 1)], n,
                     2.3 * cos(1.745 * n), 2.3 * sin(1.745 * n), 1.5 * n } }
     END   { print "END" }' <(awk '/^>/ { records++ } records <= 1' "$folder/proteins.fasta") > "$folder/first.pdb"
head -n 1 "$folder/proteins.fasta" | cut -d '|' -f 2 > "$folder/listed.txt"

# predictions of function and their truth, as other programs write them
protsae-annotate --quiet -i "$folder/features.arrow" --dictionary "$folder/dictionary.json" \
    --ontology "$folder/go_mini.obo" --format cafa -o "$folder/calls.cafa"
awk -F '\t' '!/^!/ && $4 !~ /NOT/ { print $2 "\t" $5 }' "$folder/annotations.gaf" | sort -u > "$folder/truth_go.tsv"

# the table of language models, as an administrator fills it in
printf 'mini\tMini ESM-2\t%s\n' "$folder/mini_esm2" > "$folder/protsae_plm.loc"
