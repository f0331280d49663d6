#!/usr/bin/env bash
# A made protein2ipr.dat of some gigabytes through a pipe, restricted to the proteins asked for:
# seconds, megabytes a second, peak memory.
#   tests/bench/protein2ipr.sh [MILLIONS_OF_LINES]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
millions=${1:-30}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# a thousandth of the proteins is asked for
awk 'BEGIN { for (i = 0; i < 6000; i++) printf ">A0A%07d\n%s\n", i * 1000, "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKRQTLGQHDFSAGEGLYTHMKALRPDEDRLSPLHSVYVDQWDWERVMGDGERQFSTLKSTVEAIWAGIKATEAAVSEEFGLAPFLPDQIHFVHSQELLSRYPDLDAKGRERAIAKDLGAVFLVGIGGKLSDGHRHDVRAPDYDDWSTPSELGHAGLNGDILVWNPVLEDAFELSSMGIRVDADTLKHQLALTGDEDRLELEWHQALLRGEMPQTIGGGIGQSRLTMLLLQLPHIGQVQAGVWPAAVRESVPSLL" }' \
    >"$work/proteins.fasta"
awk -v lines=1000000 'BEGIN { for (i = 0; i < lines; i++) printf "A0A%07d\tIPR%06d\tA domain of a kind that has a name\tPF%05d\t%d\t%d\n", i / 5, i % 20000, i % 9000, 1 + i % 100, 150 + i % 100 }' \
    >"$work/million.tsv"
bytes=$(($(stat -c %s "$work/million.tsv") * millions))
start=$(date +%s.%N)
for ((i = 0; i < millions; i++)); do cat "$work/million.tsv"; done |
    target/release/protsae-concepts --annotations - --sequences "$work/proteins.fasta" --min-count 1 --threads 1 \
        --concepts "$work/concepts.json" -o "$work/labels.arrow" --provenance "$work/provenance.json" --quiet
seconds=$(echo "$(date +%s.%N) - $start" | bc)
peak=$(sed -n 's/.*"peak_memory_bytes": \([0-9]*\).*/\1/p' "$work/provenance.json")
printf '%s million lines, %s MB, %.1f s, %.0f MB/s, peak %s MB\n' "$millions" $((bytes / 1000000)) "$seconds" \
    "$(echo "$bytes / 1000000 / $seconds" | bc -l)" $((peak / 1000000))
