#!/usr/bin/env bash
# Checks the executables beside this script on the first NVIDIA GPU, and measures them, in less than four minutes.
#
#     ./run.sh [FOLDER]      results go into FOLDER, else into a temporary one that is removed
#
# Needs a driver, and the libraries of CUDA 13 that the executables link; those of a toolkit, of Python wheels or in lib/
# beside this script are found. Ends with a table and a verdict: exit status 0 where all results are those of the CPU, else 1.
# Environment: SECONDS_LEFT (230), at which whatever runs is ended; CUDA_LIBS, a folder of libraries.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$here/bin
deadline=${SECONDS_LEFT:-230}
if [[ $# -gt 0 ]]; then
    mkdir -p "$1" || exit 1
    out=$(cd "$1" && pwd)
else
    out=$(mktemp -d) && trap 'rm -rf "$out"' EXIT
fi
results=$out/results.tsv log=$out/log.txt
: >"$results" >"$log"

# row NAME VALUE UNIT LIMIT VERDICT: a line of the table
row() { printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$results"; }

# parity NAME VALUE LIMIT: a number that must not be above a limit; what is no number is above it
parity() {
    local verdict
    verdict=$(awk -v value="$2" -v limit="$3" 'BEGIN { print (value ~ /^[0-9.]+(e[-+]?[0-9]+)?$/ && value + 0 <= limit + 0) ? "ok" : "FAILED" }')
    row "$1" "${2:-nothing}" "" "$3" "$verdict"
}

# status NAME EXPECTED FOUND: an exit status that must be one of others
status() {
    if [[ " $2 " == *" $3 "* ]]; then row "$1" "$3" status "$2" ok; else row "$1" "$3" status "$2" FAILED; fi
}

# within SECONDS COMMAND...: runs a command for so long at most, and no longer than there is time left
within() {
    local left=$((deadline - SECONDS))
    timeout -k 5 $((left < 1 ? 1 : left < $1 ? left : $1)) "${@:2}"
}

# run COMMAND...: runs a command; what it says goes to the log
run() {
    local status=0
    echo "\$ $*" >>"$log"
    within 60 "$@" >>"$log" 2>&1 || { status=$? && echo "exit status $status" >>"$log"; }
    return $status
}

# field NAME: the number of a line of two words
field() { awk -v name="$1" '$1 == name { print $2 }'; }

# share PART WHOLE: in per cent
share() { awk -v part="${1:-0}" -v whole="${2:-0}" 'BEGIN { if (part > 0 && whole > 0) printf "%.0f", 100 * part / whole; else print "-" }'; }

# ends: the table, the verdict and the exit status
ends() {
    echo
    awk -F'\t' 'BEGIN { printf "%-44s %12s %-12s %10s  %s\n", "what", "value", "unit", "limit", "verdict" }
        { printf "%-44s %12s %-12s %10s  %s\n", $1, $2, $3, $4, $5 }' "$results"
    echo
    # what did not take place does not hold either
    local held failed
    held=$(awk -F'\t' '$5 == "ok"' "$results" | wc -l)
    failed=$(awk -F'\t' '$5 == "FAILED"' "$results" | wc -l)
    if [[ $failed == 0 && $held -ge ${checks:-1} ]]; then
        echo "verdict: all $held checks hold on ${card:-the GPU}"
        exit 0
    fi
    echo "verdict: FAILED: $held of ${checks:-1} checks hold${1:+: $1}"
    # the commands that failed, with their last words
    grep -B 3 '^exit status' "$log" | tail -n 40
    exit 1
}

# unfound: the libraries that an executable links and the system does not find
unfound() { ldd "$bin/protsae-embed" 2>/dev/null | awk '/not found/ { print $1 }' | sort -u; }

# find_libraries: puts the folders of libraries that the system does not find into LD_LIBRARY_PATH
find_libraries() {
    local name folder folders=()
    for folder in "$here/lib" ${CUDA_LIBS:+"$CUDA_LIBS"} ${CUDA_HOME:+"$CUDA_HOME/lib64"} ${CONDA_PREFIX:+"$CONDA_PREFIX/lib"} \
        /usr/local/nvidia/lib64 /usr/local/nvidia/lib /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/lib/wsl/lib \
        /usr/local/cuda*/lib64 /usr/local/cuda*/targets/x86_64-linux/lib /opt/cuda*/lib64 \
        $(python3 -c 'import nvidia; print(*(path + "/*/lib" for path in nvidia.__path__))' 2>/dev/null) \
        {/opt,/usr,/usr/local,"$HOME",/opt/*,"$HOME"/*}/{.venv,venv,.local,.}/lib/python3*/{site,dist}-packages/nvidia/*/lib; do
        [[ ! -d $folder ]] || folders+=("$folder")
    done
    for name in $(unfound); do
        for folder in "${folders[@]}"; do
            if [[ -e $folder/$name ]]; then
                case ":${LD_LIBRARY_PATH:-}:" in
                    *":$folder:"*) ;;
                    *) export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} ;;
                esac
                break
            fi
        done
    done
}

. "$here/parity.sh"
. "$here/measure.sh"

find_libraries
missing=$(unfound | paste -sd ' ' -)
case " $missing " in
    *" libcuda.so.1 "*) ends "no NVIDIA driver; not found: $missing" ;;
    "  ") ;;
    *) ends "no CUDA 13; not found: $missing; CUDA_LIBS names their folder" ;;
esac
if ! rates=$(within 60 "$bin/gpu" card 2>>"$log"); then
    ends "no GPU that opens"
fi
card=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
for name in free_mib:MiB gemm_f32:TFLOP/s gemm_bf16:TFLOP/s copy_gb:GB/s upload_gb:GB/s download_gb:GB/s; do
    row "card: ${name%%:*}" "$(field "${name%%:*}" <<<"$rates")" "${name#*:}" "" ""
done
check_parity
check_memory
measure
ends
