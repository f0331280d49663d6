#!/usr/bin/env bash
# protsae beside the engines that a user could install instead, on a CPU: one table in Markdown, with the CPU's name.
#
#   tests/bench/peers.sh [FASTA]
#
# Embedding: transformers (sdpa; f32, bf16), OpenVINO (f32, bf16), ONNX Runtime (f32), esm-cpp (f32, int8) and
# protsae-embed in each precision that it knows, over proteins of equal lengths and over the first ones of FASTA: residues
# a second, peak memory, relative error of the last hidden state beside transformers in f32. Training and encoding: the
# benchmark train_step beside PyTorch (f32, bf16 autocast; eager, compiled): rows a second, peak memory.
# Engines run in turns, each run a process of its own; one that cannot run is left out, with its reason below the table.
# The others are timed without start and loading, protsae-embed with them, and a second time without.
#
# Environment: TASKS ("embed train encode"), SIZES ("8M 35M 150M 650M"; esmc_300m, esmc_600m and prott5_xl too), SETS ("equal mixed"; mixed needs FASTA),
#   ENGINES (names or their beginnings: "protsae openvino-f32"; all), COMPUTE (precisions of ours: "f32 bf16x3 bf16"),
#   SHAPES ("2048,320,4096,32 1024,1280,10240,64": rows of a batch, width, latents, K), N (proteins; 120, 60 for 150M, 24
#   for 650M), THREADS (2), RUNS (3; embedding has one more before, which is not counted), STEPS (7), LIMIT (900 s a run),
#   MODELS (a folder with one a size, made with random weights where it is not there), OUT (target/bench/peers),
#   PROTSAE_BIN (a folder with protsae-embed, and deps/train_step-*, already built), VENV (target/venv-bench: set up by
#   this script, 6 GB).
# Lines of JSON, one a row, are left in OUT/NAME.jsonl, NAME being RESULTS (the time of the start): several runs, for
# example one a size, make one table by `VENV/bin/python tests/bench/peers/table.py OUT/*.jsonl`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
case ${1:-} in -h | --help) sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;; esac
fasta=${1:-} tasks=${TASKS:-embed train encode} sizes=${SIZES:-8M 35M 150M 650M} sets=${SETS:-equal mixed}
shapes=${SHAPES:-2048,320,4096,32 1024,1280,10240,64} threads=${THREADS:-2} runs=${RUNS:-3}
out=${OUT:-$root/target/bench/peers} venv=${VENV:-$root/target/venv-bench}
models=${MODELS:-$out/models} results=$out/${RESULTS:-$(date -u +%Y%m%dT%H%M%SZ)}.jsonl
common=(--compute "${COMPUTE:-f32 bf16x3 bf16}" --engines "${ENGINES:-}" --threads "$threads" --runs "$runs"
    --limit "${LIMIT:-900}" --results "$results")
if [[ " $tasks " == *" embed "* && " $sets " == *" mixed "* && ! -f $fasta ]]; then
    echo "peers: the mixed set needs a FASTA file (or SETS=equal; see --help)" >&2
    exit 2
fi
mkdir -p "$out"

if ! cmp -s "$venv/.fetched" "$here/peers/requirements.txt"; then
    echo "== Python environment in $venv" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/peers/requirements.txt"
    cp "$here/peers/requirements.txt" "$venv/.fetched"
fi
python=$venv/bin/python
# nothing is fetched while it runs, and no library takes more threads than it is given
export HF_HUB_OFFLINE=1 OMP_NUM_THREADS=$threads MKL_NUM_THREADS=$threads ESM_NUM_THREADS=$threads
export TORCHINDUCTOR_CACHE_DIR=$out/inductor PYTHONDONTWRITEBYTECODE=1

binaries=${PROTSAE_BIN:-}
if [[ -z $binaries ]]; then
    (
        cd "$root"
        [[ " $tasks " != *" embed "* ]] || cargo build --release --locked --quiet --bin protsae-embed
        [[ " $tasks " != *" train "* && " $tasks " != *" encode "* ]] ||
            cargo bench --locked --no-run --quiet --bench train_step
    )
    binaries=${CARGO_TARGET_DIR:-$root/target}/release
fi
# the newest of the benchmark's executables; cargo keeps older ones beside it
train_step=$(find "$binaries/deps" "$binaries" -maxdepth 1 -type f -perm -u+x -name 'train_step-*' -printf '%T@ %p\n' \
    2>/dev/null | sort -rn | sed -n '1s/^[^ ]* //p') || true

"$python" "$here/peers/table.py" --machine "$threads" "$runs" >"$results"
for task in $tasks; do
    case $task in
        embed)
            for size in $sizes; do
                case $size in 150M) proteins=60 ;; 650M | 3B | esmc_*) proteins=24 ;; prott5_*) proteins=6 ;; *) proteins=120 ;; esac
                if [[ ! -f $models/$size/model.safetensors ]]; then
                    case $size in
                        # in lower case: other families
                        [a-z]*) "$python" "$here/../plm/reference.py" --benchmark "$size" "$models/$size" 2>/dev/null ;;
                        *) "$python" "$here/random_esm2.py" "$size" "$models/$size" 2>/dev/null ;;
                    esac
                fi
                for set in $sets; do
                    "$python" "$here/peers/embedding.py" "$size" "$models/$size" "$set" --fasta "$fasta" \
                        --proteins "${N:-$proteins}" --scratch "$out" --embed "$binaries/protsae-embed" "${common[@]}"
                done
            done ;;
        train | encode)
            for shape in $shapes; do
                # shellcheck disable=SC2086 # four numbers
                "$python" "$here/peers/training.py" "$task" ${shape//,/ } --train-step "${train_step:-train_step}" \
                    --steps "${STEPS:-7}" "${common[@]}"
            done ;;
        *) echo "peers: unknown task $task (embed, train, encode)" >&2; exit 2 ;;
    esac
done
"$python" "$here/peers/table.py" "$results"
