#!/usr/bin/env bash
# The verdict of run.sh where results are those of the CPU, where they are not, and where nothing can be checked: with
# stand-ins for executables, for there is no GPU.
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/check/{bin,data,models/protsae,models/topk,expected,plm} "$work"/{tools,libraries}
cp "$source"/{run.sh,parity.sh,measure.sh} "$work/check/"
printf '>sp|P1|A\nMKV\n>sp|P2|B\nMKVLA\n' | tee "$work/check/data/proteins.fasta" >"$work/check/data/few.fasta"
echo --k 2 >"$work/check/data/train.options"

cat >"$work/check/bin/gpu" <<'END'
#!/usr/bin/env bash
case $1 in
    card) [[ -z ${NO_CARD:-} ]] || exit 1; printf '%s\n' 'free_mib 1000' 'gemm_f32 50' 'gemm_bf16 700' 'copy_gb 4000' ;;
    compare) printf '%s\n' "distance ${DISTANCE-1e-07}" "other_names 0" "loss ${DIFFERENCE-0}" ;;
    hold) MEMORY=$2 exec "${@:3}" ;;
    encode) echo "rows_per_s 1000" ;;
esac
END
cat >"$work/check/bin/protsae-embed" <<'END'
#!/usr/bin/env bash
case ${MEMORY:-} in
    "") exit "${ALWAYS:-0}" ;;
    1024) exit "${EXHAUSTED:-137}" ;;
    *) exit "${SHORT:-0}" ;;
esac
END
printf '#!/bin/sh\nexit 0\n' | tee "$work/check/bin/protsae-train" >"$work/check/bin/protsae-encode"
# as the dynamic linker sees it: a library is found in the folders of LD_LIBRARY_PATH
cat >"$work/tools/ldd" <<'END'
#!/usr/bin/env bash
for name in ${LINKED:-}; do
    found="not found"
    for folder in ${LD_LIBRARY_PATH//:/ }; do [[ ! -e $folder/$name ]] || found=$folder/$name; done
    echo "	$name => $found"
done
END
chmod +x "$work"/check/bin/* "$work/tools/ldd"
touch "$work/libraries/libcublas.so.0"

# expect STATUS WORDS [NAME=VALUE...]: what run.sh ends with, and a pattern of what it prints
expect() {
    local want=$1 words=$2 status=0 said
    shift 2
    said=$(env PATH="$work/tools:$PATH" LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}" "$@" "$work/check/run.sh" 2>&1) || status=$?
    if [[ $status != "$want" || $said != *$words* ]]; then
        printf '%s: exit status %s, expected %s and "%s"\n%s\n' "$*" "$status" "$want" "$words" "$said"
        exit 1
    fi
}

expect 0 "verdict: all 13 checks hold"
expect 0 "skipped" SECONDS_LEFT=-1
expect 1 "verdict: FAILED: 4 of 13 checks hold" DISTANCE=0.5 DIFFERENCE=0.5
expect 1 "NaN" DISTANCE=NaN
expect 1 "nothing" DISTANCE=
expect 1 "train, f32: difference of the loss" DIFFERENCE=inf
expect 1 "embed, f32: distance of activations * nothing" ALWAYS=1
expect 1 "memory for half a batch: halved" SHORT=139
expect 1 "memory for no model: exhausted" EXHAUSTED=134
expect 1 "verdict: FAILED: 0 of 13 checks hold: no GPU that opens" NO_CARD=1
expect 1 "no NVIDIA driver; not found: libcuda.so.1" LINKED="libcuda.so.1"
expect 1 "no CUDA 13; not found: libcublas.so.0" LINKED="libcublas.so.0"
expect 0 "verdict: all 13 checks hold" LINKED="libcublas.so.0" CUDA_LIBS="$work/libraries"
echo "run.sh gives the right verdict in 13 cases"
