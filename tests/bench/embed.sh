#!/usr/bin/env bash
# protsae-embed beside what a user would run today, in turns on one machine: residues per second, peak memory, ratio.
#
#   tests/bench/embed.sh PLM_DIR FASTA [PEER_SCRIPT [PYTHON]]
#
# PEER_SCRIPT embeds with Hugging Face transformers and prints one JSON line with residues, seconds (model loading apart)
# and peak_rss_mib: `PYTHON PEER_SCRIPT PLM_DIR FASTA OUT.npy --threads T`. Without it, only our numbers are printed; they
# include start and loading. Environment: THREADS (2), RUNS (3; medians, after a warm-up), LAYER (the last).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ $# -ge 2 ]] || { sed -n '2,8p' "$0" >&2; exit 2; }
plm=$1 fasta=$2 peer=${3:-} python=${4:-python3}
threads=${THREADS:-2} runs=${RUNS:-3}
cargo build --release --quiet --bin protsae-embed
ours=$PWD/target/release/protsae-embed
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
layer=()
[[ -z ${LAYER:-} ]] || layer=(--layer "$LAYER")

run_ours() {
  local start end
  start=$(date +%s.%N)
  "$ours" -q -i "$fasta" -m "$plm" -o "$tmp/o.arrow" -t "$threads" "${layer[@]}" --provenance "$tmp/p.json" --metrics "$tmp/m.json"
  end=$(date +%s.%N)
  python3 - "$tmp" "$start" "$end" <<'PY'
import json, sys
tmp, start, end = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
counts = json.load(open(tmp + "/m.json"))["counts"]
print(counts["residues"] / (end - start), json.load(open(tmp + "/p.json"))["peak_memory_bytes"] / 2**20)
PY
}

run_peer() {
  "$python" "$peer" "$plm" "$fasta" "$tmp/o.npy" --threads "$threads" "${layer[@]}" 2> /dev/null | tail -1 |
    python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["residues_per_s"], d["peak_rss_mib"])'
}

for ((run = 0; run <= runs; run++)); do
  run_ours > "$tmp/line"; [[ $run == 0 ]] || cat "$tmp/line" >> "$tmp/ours"
  [[ -n $peer ]] || continue
  run_peer > "$tmp/line"; [[ $run == 0 ]] || cat "$tmp/line" >> "$tmp/peer"
done

python3 - "$tmp" <<'PY'
import os, statistics, sys
def medians(name):
    rows = [list(map(float, line.split())) for line in open(os.path.join(sys.argv[1], name))]
    return [statistics.median(column) for column in zip(*rows)]
rate, memory = medians("ours")
print(f"protsae-embed: {rate:.0f} residues/s, {memory:.0f} MiB")
if os.path.exists(os.path.join(sys.argv[1], "peer")):
    peer_rate, peer_memory = medians("peer")
    print(f"transformers:  {peer_rate:.0f} residues/s, {peer_memory:.0f} MiB")
    print(f"ratio:         {rate / peer_rate:.2f} x the residues/s, {memory / peer_memory:.2f} x the memory")
PY
