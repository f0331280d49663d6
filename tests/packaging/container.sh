#!/usr/bin/env bash
# The image: built by the Dockerfile from executables that are ready, run as any user on a read-only root without a network.
# Its bytes are those of the executables themselves. Where Apptainer (or Singularity) is installed, the same of its image.
# Needs root, podman with crun or runc, and cargo. No registry is asked: the base holds bash, coreutils, ps and the C library of this machine.
# PLAIN: a folder of workflows/quickstart.sh with model/ and dictionary.json (else a small model is trained here).
set -euo pipefail

root=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
packaging=$root/workflows/packaging
skip() { echo "skipped: $*"; exit 77; }
fail() { echo "container: $*" >&2; exit 1; }
for tool in podman cargo protsae-embed ldd; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done

[[ $(id -u) == 0 ]] || skip "only root gives its containers any user that is asked for"

work=$(mktemp -d)
work=$(cd "$work" && pwd -P)
# a storage of its own: images of the machine are neither seen nor changed; `vfs` works on every file system
store=(--root "$work/store" --runroot "$work/run" --storage-driver vfs --cgroup-manager cgroupfs
    --log-level error)
pod() { podman "${store[@]}" "$@"; }
trap 'podman "${store[@]}" rm --all --force >/dev/null 2>&1 || true; chmod -R u+w "$work" 2>/dev/null || true; rm -rf "$work"' EXIT

echo "== a base of this machine's bash, coreutils, ps and C library"
base=$work/base
mkdir -p "$base"/{bin,usr/bin,tmp,etc,proc,dev,sys}
chmod 1777 "$base/tmp"
# libraries FILE: those that it asks for, under their own names; a static executable asks for none
libraries() {
    local library
    { ldd "$1" 2>/dev/null || true; } | { grep -o '/[^ ]*' || true; } | while read -r library; do
        mkdir -p "$base$(dirname "$library")"
        [[ -e $base$library ]] || cp -L "$library" "$base$library"
    done
}
for command in bash ps id cat ls touch env sha256sum; do
    path=$(type -P "$command")
    cp -L "$path" "$base/bin/$command"
    libraries "$path"
done
ln -s bash "$base/bin/sh"
if [[ -d /usr/lib/locale/C.utf8 ]]; then mkdir -p "$base/usr/lib/locale" && cp -r /usr/lib/locale/C.utf8 "$base/usr/lib/locale/"; fi
for name in "$root"/src/bin/*.rs; do
    libraries "$(type -P "$(basename "$name" .rs)")"
done
tar -C "$base" -c . | pod import - localhost/base:1 >/dev/null 2>"$work/said" || { cat "$work/said"; skip "podman cannot store images here"; }

# crun and runc know different kernels
limits=(--ulimit nofile=1024:1024 --ulimit nproc=4096:4096)
for runtime in crun runc none; do
    if [[ $runtime != none ]] && type -P "$runtime" >/dev/null &&
        pod --runtime "$runtime" run --rm --network none "${limits[@]}" localhost/base:1 /bin/bash -c : 2>>"$work/said"; then break; fi
done
[[ $runtime != none ]] || { cat "$work/said"; skip "podman cannot run a container here"; }
# run ARGUMENTS: as a user that no image knows, nothing to write but what is mounted, no network
run() { pod --runtime "$runtime" run --rm --read-only --read-only-tmpfs=false --user 12345:12345 --network none "${limits[@]}" "$@"; }

echo "== the image"
bin=$(dirname "$(type -P protsae-embed)")
mkdir "$work/context"
"$packaging/install.sh" --from "$bin" "$work/context/installed"
pod build --isolation chroot --pull-never -f "$packaging/Dockerfile" --target ready --build-arg BASE=localhost/base:1 \
    -t localhost/protsae:test "$work/context" >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log" >&2; fail "the image is not built"; }
image=localhost/protsae:test

version=$(protsae-embed --version)
label=$(pod image inspect --format '{{index .Labels "org.opencontainers.image.version"}}' "$image")
[[ "protsae-embed $label" == "$version" ]] || fail "the label says version $label, the executable $version"
grep -qx "    Version $label" "$packaging/apptainer.def" || fail "apptainer.def has another version than $label"
user=$(pod image inspect --format '{{.User}}' "$image")
[[ $user == 65534:65534 ]] || fail "the image runs as '$user'"

mapfile -t tools < <(for name in "$root"/src/bin/*.rs; do basename "$name" .rs; done)
# shellcheck disable=SC2016 # the container expands it
run "$image" bash -c '
    version=$1; shift
    cd /usr/local
    [[ $(echo bin/*) == "$(printf "bin/%s " "$@" | { read -r line; echo $line; })" ]] || { echo "bin has $(echo bin/*)"; exit 1; }
    for name; do
        [[ $("$name" --version) == "$name $version" ]] || { echo "$name does not start"; exit 1; }
        ls share/man/man1/$name.1 share/bash-completion/completions/$name.bash share/zsh/site-functions/_$name \
            share/fish/vendor_completions.d/$name.fish >/dev/null || exit 1
    done
    ls share/licenses/protsae/{LICENSE-MIT,LICENSE-APACHE,THIRD-PARTY} >/dev/null || exit 1
    # what a task of Nextflow does: bash, and ps for its trace
    ps -o pid= -p $$ >/dev/null || exit 1
    [[ $(id -u) == 12345 ]] || { echo "user $(id -u)"; exit 1; }
    for place in /x /tmp/x /usr/local/bin/x; do
        if touch $place 2>/dev/null; then echo "$place could be written"; exit 1; fi
    done' bash "$label" "${tools[@]}" || fail "the image is not what it should be"
echo "${#tools[@]} executables start as user 12345 on a read-only root; pages, completions and licences are there"

echo "== the embedded example through a pipe"
# names as people give them
data="$work/my data.v1+é"
mkdir "$data"
chmod 755 "$work"
chmod 777 "$data"
cp "$root/test_data/example/proteins.fasta" "$data/my proteins+1.fasta"
cp -r "$root/test_data/mini_esm2" "$data/mini esm2"
if [[ -n ${PLAIN:-} ]]; then
    cp -r "$PLAIN/model" "$PLAIN/dictionary.json" "$data"
else
    example=$root/test_data/example
    (
        cd "$work"
        protsae-concepts -q --ontology "$example/go_mini.obo" --annotations "$example/annotations.gaf" \
            --annotations "$example/features.csv" --sequences "$example/proteins.fasta" --min-count 10 \
            --concepts concepts.json -o labels.arrow
        protsae-split -q --labels labels.arrow --clusters "$example/clusters.tsv" --sequences "$example/proteins.fasta" -o split.tsv
        protsae-embed -q -i "$example/proteins.fasta" -m "$root/test_data/mini_esm2" --layer 6 --dtype f16 -o act.arrow
        protsae-train -q -i act.arrow --labels labels.arrow --concepts concepts.json --split split.tsv --latents 256 --k 16 \
            --epochs 2 --batch 128 -o "$data/model"
        protsae-interpret -q -i act.arrow -m "$data/model" --labels labels.arrow --concepts concepts.json --split split.tsv \
            -o "$data/dictionary.json"
    )
fi
chmod -R a+rX "$data"
cat >"$data/pipe.sh" <<'PIPE'
set -euo pipefail
protsae-embed -q -i - -m "mini esm2" --for model -o - |
    protsae-encode -q -i - -m model --dictionary dictionary.json -o - |
    protsae-annotate -q -i - --dictionary dictionary.json --format gff3 -o -
PIPE
(cd "$data" && bash pipe.sh <"my proteins+1.fasta") >"$work/expected.gff3"
grep -q ProtSAE "$work/expected.gff3" || fail "the pipe finds no range: nothing could differ"
run -i -v "$data:/data" -w /data "$image" bash pipe.sh <"$data/my proteins+1.fasta" >"$work/container.gff3"
cmp "$work/expected.gff3" "$work/container.gff3" || fail "the container gives other bytes"
echo "$(grep -vc '^#' "$work/container.gff3") ranges, the same bytes as without a container"

run -v "$data:/data" -w /data "$image" protsae-embed -q -i "my proteins+1.fasta" -m "mini esm2" --for model -o "out 1.arrow"
[[ $(stat -c %u "$data/out 1.arrow") == 12345 ]] || fail "the output is not the user's"
status=0
run -v "$data:/data" -w /data "$image" protsae-embed -q -i "my proteins+1.fasta" -m "mini esm2" --for model -o /x.arrow 2>"$work/said" || status=$?
if ((status != 1)) || ! grep -q /x.arrow "$work/said"; then
    cat "$work/said" >&2
    fail "an output on the read-only root: status $status"
fi
echo "outputs are the user's; one that cannot be written is named"

engine=$(type -P apptainer || type -P singularity) || { echo "== neither Apptainer nor SingularityCE is installed: its image is not built"; exit 0; }
[[ ${ALL:-} == 1 ]] || { echo "== the image of $(basename "$engine") is built with ALL=1"; exit 0; }
echo "== $("$engine" --version)"
# as an ordinary user, which is what it is for: root asks for capabilities that a container of its own may lack
as=()
if [[ $(id -u) == 0 ]]; then as=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
mkdir -m 777 "$work/home"
user() { "${as[@]}" env HOME="$work/home" TMPDIR="$work/home" "$engine" "$@"; }
pod save -q --format docker-archive -o "$work/my archive+1.tar" "$image"
"$engine" build --notest --build-arg "archive=$work/my archive+1.tar" "$work/protsae.sif" "$packaging/apptainer.def" >"$work/sif.log" 2>&1 ||
    { tail -n 20 "$work/sif.log" >&2; fail "the image of $engine is not built"; }
tests=$(user test "$work/protsae.sif" 2>"$work/said" | grep -c "^protsae-.* $label\$") || { cat "$work/said" >&2; fail "the test of the image"; }
((tests == ${#tools[@]})) || fail "the test of the image runs $tests executables of ${#tools[@]}"
user exec --containall --no-home --bind "$data:/data" --pwd /data "$work/protsae.sif" bash pipe.sh \
    <"$data/my proteins+1.fasta" >"$work/apptainer.gff3" 2>"$work/said" || { cat "$work/said" >&2; fail "the pipe does not run"; }
cmp "$work/expected.gff3" "$work/apptainer.gff3" || fail "its container gives other bytes"
[[ $(user run --containall "$work/protsae.sif" protsae-annotate --version 2>/dev/null) == "protsae-annotate $label" ]] || fail "apptainer run"
user run-help "$work/protsae.sif" | grep -q 'protsae-embed --help' || fail "apptainer run-help"
echo "$tests executables pass its test; the same bytes through the pipe"
