#!/usr/bin/env bash
# protsae-embed beside what a user would run today, in one run on one machine: residues per second, peak memory, ratio.
#
#   tests/bench/embed.sh PLM_DIR FASTA [PEER_SCRIPT [PYTHON]]
#
# PEER_SCRIPT embeds with Hugging Face transformers and prints one JSON line with residues, seconds (model loading apart)
# and peak_rss_mib: `PYTHON PEER_SCRIPT PLM_DIR FASTA OUT.npy --threads T`. Without it, only our numbers are printed.
# Environment: THREADS (2), RUNS (3; the median counts, after a warm-up), LAYER (the last).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ $# -ge 2 ]] || { sed -n '2,8p' "$0" >&2; exit 2; }
plm=$1 fasta=$2 peer=${3:-} python=${4:-python3}
threads=${THREADS:-2} runs=${RUNS:-3}
cargo build --release --quiet --bin protsae-embed
ours=$PWD/target/release/protsae-embed
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT

median() { sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

layer=()
[[ -z ${LAYER:-} ]] || layer=(--layer "$LAYER")
for ((run = 0; run <= runs; run++)); do
  "$ours" -q -i "$fasta" -m "$plm" -o "$tmp/o.arrow" -t "$threads" "${layer[@]}" --provenance "$tmp/p.json" --metrics "$tmp/m.json" &
  start=$(date +%s.%N); wait $!; end=$(date +%s.%N)
  [[ $run == 0 ]] && continue   # warm-up
  python3 - "$tmp" "$start" "$end" >> "$tmp/ours" <<'PY'
import json, sys
tmp, start, end = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
residues = json.load(open(tmp + "/m.json"))["counts"]["residues"]
print(residues / (end - start), json.load(open(tmp + "/p.json"))["peak_memory_bytes"] / 2**20)
PY
done
rate=$(cut -d' ' -f1 "$tmp/ours" | median) memory=$(cut -d' ' -f2 "$tmp/ours" | median)
printf 'protsae-embed: %.0f residues/s (start and loading included), %.0f MiB\n' "$rate" "$memory"
[[ -n $peer ]] || exit 0
for ((run = 0; run <= runs; run++)); do
  line=$("$python" "$peer" "$plm" "$fasta" "$tmp/o.npy" --threads "$threads" "${layer[@]}" 2> /dev/null | tail -1)
  [[ $run == 0 ]] || python3 -c 'import json, sys; d = json.loads(sys.argv[1]); print(d["residues_per_s"], d["peak_rss_mib"])' "$line" >> "$tmp/peer"
done
peer_rate=$(cut -d' ' -f1 "$tmp/peer" | median) peer_memory=$(cut -d' ' -f2 "$tmp/peer" | median)
printf 'transformers:  %.0f residues/s (loading excluded), %.0f MiB\n' "$peer_rate" "$peer_memory"
awk -v a="$rate" -v b="$peer_rate" -v c="$memory" -v d="$peer_memory" 'BEGIN { printf "ratio:         %.2f x the residues/s, %.2f x the memory\n", a / b, c / d }'
