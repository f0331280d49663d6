#!/usr/bin/env bash
# Training steps and encoding beside an eager PyTorch implementation of the same step: same machine, same threads, same
# shapes, one run. Prints a line a shape: rows a second of both, their ratio, peak memory of both, its ratio.
#
#     [DEVICE=cuda] tests/bench/train.sh TRAIN_TORCH.py [PYTHON] [THREADS]
#
# DEVICE=cuda: the paper's shape on a GPU, beside PyTorch with bf16 autocast and fused Adam (--device cuda --amp --fused);
# needs a build with --features cuda.
# TRAIN_TORCH.py takes --batch --width --latents --k --steps --threads [--encode-only] and prints one JSON line with
# rows_per_s and peak_rss_mib; PYTHON is one that has torch.
set -euo pipefail

script=${1:?the PyTorch script}
python=${2:-python3}
threads=${3:-2}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
features=() on_gpu=() peer=() modes=(train encode)
shapes=("2048 320 4096 32" "4096 1280 10240 64")
if [[ ${DEVICE:-cpu} == cuda ]]; then
    features=(--features cuda) on_gpu=(--cuda) peer=(--device cuda --amp --fused) modes=(train)
    shapes=("128 5120 40000 1000" "2048 320 4096 32" "4096 1280 10240 64")
fi
cargo bench --no-run "${features[@]}" --bench train_step 2>/dev/null
ours=$(cargo bench --no-run "${features[@]}" --bench train_step --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*train_step[^"]*\)".*/\1/p' | tail -n 1)

grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'
for shape in "${shapes[@]}"; do
    read -r batch width latents k <<<"$shape"
    for mode in "${modes[@]}"; do
        options=(--batch "$batch" --width "$width" --latents "$latents" --k "$k" --threads "$threads" --steps 7)
        if [[ $mode == encode ]]; then
            options+=(--encode-only)
        fi
        theirs=$("$python" "$script" "${options[@]}" "${peer[@]}" | tail -n 1)
        mine=$("$ours" "${options[@]}" "${on_gpu[@]}" | tail -n 1)
        "$python" - "$mode" "$shape" "$mine" "$theirs" <<'END'
import json, sys
mode, shape, ours, theirs = sys.argv[1], sys.argv[2], *map(json.loads, sys.argv[3:5])
print(f"{mode} (B d n K) = ({shape}): {ours['rows_per_s']:.0f} rows/s, PyTorch {theirs['rows_per_s']:.0f}: "
      f"{ours['rows_per_s'] / theirs['rows_per_s']:.2f}x; {ours['peak_rss_mib']} MiB, PyTorch {theirs['peak_rss_mib']}: "
      f"{ours['peak_rss_mib'] / theirs['peak_rss_mib']:.2f}x")
if ours.get("copy_floor_share"):
    print(f"  Adam at the card's rate of copies would take {100 * ours['copy_floor_share']:.0f} % of our step")
END
    done
done
