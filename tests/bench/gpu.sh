#!/usr/bin/env bash
# Packs a check for a machine with an NVIDIA GPU, which need have nothing but a driver and the libraries of CUDA 13.
#
#     tests/bench/gpu.sh FOLDER           writes FOLDER/gpu-check.tar.gz
#
# There: tar xf gpu-check.tar.gz && gpu-check/run.sh. In the archive: executables, the embedded model and proteins, models of
# several variants, and what the CPU made of them here. The libraries do not come along: cuBLAS alone has 600 MB.
# Needs nvcc and CUDA's libraries to link, but no GPU. Environment: CARGO_TARGET_DIR (target/gpu-check, a folder of its own,
# since kernels that nothing calls are left out), JOBS (2), and PROTSAE_BIN, a folder of executables and the helper `gpu`
# that are already built with the feature cuda.
set -euo pipefail

[[ $# -eq 1 ]] || { sed -n '2,10p' "$0" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/gpu-check}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check=$work/gpu-check
mkdir -p "$check"/{bin,data,models,expected}

if [[ -z ${PROTSAE_BIN:-} ]]; then
    REAL_NVCC=${NVCC:-$(command -v nvcc)}
    export REAL_NVCC NVCC=$PWD/tests/bench/gpu/nvcc
    cargo build --release --locked -j "${JOBS:-2}" --features cuda --bins --bench gpu
    PROTSAE_BIN=$CARGO_TARGET_DIR/release
    helper=$(cargo build --release --locked --features cuda --bench gpu --message-format=json 2>/dev/null |
        sed -n 's/.*"executable":"\([^"]*\/gpu-[^"]*\)".*/\1/p' | tail -n 1)
else
    helper=$PROTSAE_BIN/gpu
fi
for name in embed train encode; do
    cp "$PROTSAE_BIN/protsae-$name" "$check/bin/"
done
cp "$helper" "$check/bin/gpu"
strip "$check"/bin/*

# the executables start without a driver where something of its name is there; on the CPU nothing of it is called
if ! ldconfig -p | grep -q 'libcuda\.so\.1 '; then
    for place in ${LIBRARY_PATH:+${LIBRARY_PATH//:/ }} ${CUDA_HOME:+"$CUDA_HOME/lib64/stubs"}; do
        [[ ! -e $place/libcuda.so ]] || ln -sf "$place/libcuda.so" "$work/libcuda.so.1"
    done
fi
export LD_LIBRARY_PATH=$work${LIBRARY_PATH:+:$LIBRARY_PATH}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PATH=$PROTSAE_BIN:$PATH

example=test_data/example data=$check/data
cp tests/bench/gpu/{run.sh,parity.sh,measure.sh} "$check/"
mkdir "$check/plm"
cp test_data/mini_esm2/{config.json,model.safetensors,vocab.txt} "$check/plm/"
cp "$example/proteins.fasta" "$data/"
# every tenth protein
awk '/^>/ { count++ } count % 10 == 1' "$example/proteins.fasta" >"$data/few.fasta"
protsae-concepts -q --ontology "$example/go_mini.obo" --annotations "$example/annotations.gaf" \
    --annotations "$example/features.csv" --sequences "$data/few.fasta" --min-count 2 \
    --concepts "$data/concepts.json" -o "$data/labels.arrow"
protsae-split -q --labels "$data/labels.arrow" --sequences "$data/few.fasta" --fractions 0.8,0.1,0.1 -o "$data/split.tsv"
protsae-embed -q -i "$data/few.fasta" -m "$check/plm" --dtype f32 --device cpu -o "$data/activations.arrow"

# few steps: what rounding changes in one grows in the next
steps=(--latents 512 --batch 256 --epochs 1 --max-steps 20 --log-every 1 --checkpoint-every 0)
echo "${steps[@]}" --k 32 >"$data/train.options"
for variant in protsae topk batchtopk gated protsae-jumprelu; do
    k=()
    case $variant in protsae | topk | batchtopk) k=(--k 32) ;; esac
    protsae-train -q -i "$data/activations.arrow" --labels "$data/labels.arrow" --concepts "$data/concepts.json" \
        --split "$data/split.tsv" "${steps[@]}" "${k[@]}" --variant "$variant" --device cpu -o "$check/models/$variant"
    protsae-encode -q -i "$data/activations.arrow" -m "$check/models/$variant" --device cpu \
        -o "$check/expected/$variant.arrow"
done

archive=$folder/gpu-check.tar.gz
tar -C "$work" -czf "$archive.tmp" gpu-check
mv "$archive.tmp" "$archive"
echo "$archive: $(($(stat -c %s "$archive") >> 20)) MiB"
