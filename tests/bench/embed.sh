#!/usr/bin/env bash
# protsae-embed beside what a user would run today, in turns on one machine: residues per second, peak memory, ratio.
#
#   tests/bench/embed.sh PLM_DIR FASTA [PEER_SCRIPT [PYTHON]]
#
# PEER_SCRIPT embeds with Hugging Face transformers and prints one JSON line with residues, seconds (model loading apart)
# and peak_rss_mib: `PYTHON PEER_SCRIPT PLM_DIR FASTA OUT.npy --threads T`. Without it, only our numbers are printed; they
# include start and loading. With it, the machine's rate of matrix products by PYTHON's torch is printed too, and the
# model's own: 24 layers width^2 + 4 layers width length operations a token. random_esm2.py makes models of any size.
# Environment: THREADS (2), RUNS (3; medians, after a warm-up), LAYER (the last),
# DEVICE (cpu; or cuda, with a build that has it in CARGO_TARGET_DIR and FEATURES=cuda), COMPUTE (f32; bf16, f16).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ $# -ge 2 ]] || { sed -n '2,11p' "$0" >&2; exit 2; }
plm=$1 fasta=$2 peer=${3:-} python=${4:-python3}
threads=${THREADS:-2} runs=${RUNS:-3}
device=${DEVICE:-cpu} compute=${COMPUTE:-f32}
cargo build --release --quiet --bin protsae-embed ${FEATURES:+--features "$FEATURES"}
ours=${CARGO_TARGET_DIR:-$PWD/target}/release/protsae-embed
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
layer=()
[[ -z ${LAYER:-} ]] || layer=(--layer "$LAYER")

run_ours() {
  local start end
  start=$(date +%s.%N)
  "$ours" -q -i "$fasta" -m "$plm" -o "$tmp/o.arrow" -t "$threads" --device "$device" --compute "$compute" "${layer[@]}" --provenance "$tmp/p.json" --metrics "$tmp/m.json"
  end=$(date +%s.%N)
  python3 - "$tmp" "$start" "$end" <<'PY'
import json, sys
tmp, start, end = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
counts = json.load(open(tmp + "/m.json"))["counts"]
print(counts["residues"] / (end - start), json.load(open(tmp + "/p.json"))["peak_memory_bytes"] / 2**20)
PY
}

run_peer() {
  "$python" "$peer" "$plm" "$fasta" "$tmp/o.npy" --threads "$threads" --device "$device" --dtype "$compute" "${layer[@]}" 2> /dev/null | tail -1 |
    python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["residues_per_s"], d["peak_rss_mib"])'
}

for ((run = 0; run <= runs; run++)); do
  run_ours > "$tmp/line"; [[ $run == 0 ]] || cat "$tmp/line" >> "$tmp/ours"
  [[ -n $peer ]] || continue
  run_peer > "$tmp/line"; [[ $run == 0 ]] || cat "$tmp/line" >> "$tmp/peer"
  "$python" tests/bench/gemm_rate.py "$threads" "$device" "$compute" > "$tmp/line"; [[ $run == 0 ]] || cat "$tmp/line" >> "$tmp/gemm"
done

python3 - "$tmp" "$plm" "$fasta" "${LAYER:-}" <<'PY'
import gzip, json, os, statistics, sys
def medians(name):
    rows = [list(map(float, line.split())) for line in open(os.path.join(sys.argv[1], name))]
    return [statistics.median(column) for column in zip(*rows)]
rate, memory = medians("ours")
print(f"protsae-embed: {rate:.0f} residues/s, {memory:.0f} MiB")
if os.path.exists(os.path.join(sys.argv[1], "peer")):
    peer_rate, peer_memory = medians("peer")
    print(f"transformers:  {peer_rate:.0f} residues/s, {peer_memory:.0f} MiB")
    print(f"ratio:         {rate / peer_rate:.2f} x the residues/s, {memory / peer_memory:.2f} x the memory")
    config = json.load(open(os.path.join(sys.argv[2], "config.json")))
    layers, width = int(sys.argv[4] or config["num_hidden_layers"]), config["hidden_size"]
    with (gzip.open if sys.argv[3].endswith(".gz") else open)(sys.argv[3], "rt") as lines:
        lengths = [len("".join(record.split("\n")[1:])) for record in lines.read().split(">")[1:]]
    work = sum((n + 2) * (24 * layers * width**2 + 4 * layers * width * (n + 2)) for n in lengths)
    ours, machine = 1e-9 * work * rate / sum(lengths), medians("gemm")[0]
    weights = sum(e.stat().st_size for e in os.scandir(sys.argv[2]) if e.name.endswith((".safetensors", ".bin"))) / 2**20
    print(f"products:      {ours:.0f} GFLOP/s, {ours / machine:.2f} x torch.mm ({machine:.0f}); memory beyond the weights {memory - weights:.0f} MiB")
PY
