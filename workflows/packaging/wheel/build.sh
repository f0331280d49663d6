#!/usr/bin/env bash
# A wheel of the executables with their man pages, completions and licences: `pip install` puts them into an environment.
#   build.sh [-o DIR] [ARGUMENTS OF maturin build]        default: target/wheels
# For older machines than this one, by the C compiler of Zig (pip install ziglang):
#   build.sh --zig --compatibility manylinux_2_28
# Needs maturin and cargo. `pip install workflows/packaging/wheel` also works, without pages and completions.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
out=$root/target/wheels
arguments=()
while (($#)); do
    case $1 in
        -o | --out) out=${2:?-o needs a folder}; shift 2 ;;
        -h | --help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) arguments+=("$1"); shift ;;
    esac
done
for tool in maturin cargo python3; do
    command -v "$tool" >/dev/null || { echo "build.sh: $tool is not installed" >&2; exit 1; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# pages come from an executable: a wheel of executables alone first, which costs no second compilation
(cd "$root/workflows/packaging/wheel" && maturin build --out "$work/bare" "${arguments[@]}")
python3 -m zipfile -e "$work"/bare/*.whl "$work/unpacked"
chmod +x "$work"/unpacked/*.data/scripts/*
"$root/workflows/packaging/install.sh" --from "$(echo "$work"/unpacked/*.data/scripts)" "$work/installed"

# the same project, but with data; its licences stand beside it, where wheels look for them
mkdir -p "$work/project/protsae.data/data"
mv "$work/installed/share" "$work/project/protsae.data/data/share"
cp "$root"/LICENSE-{MIT,APACHE} "$work/project"
cp "$work/project/protsae.data/data/share/licenses/protsae/THIRD-PARTY" "$work/project/LICENSE-THIRD-PARTY"
# TOML's basic strings: a backslash or a quote in the path would end it
escaped=$(printf '%s' "$root/Cargo.toml" | sed 's/[\\"]/\\&/g')
escaped=$escaped awk '
    /^manifest-path = / { print "manifest-path = \"" ENVIRON["escaped"] "\""; print "data = \"protsae.data\""; next }
    { print }' "$root/workflows/packaging/wheel/pyproject.toml" >"$work/project/pyproject.toml"
mkdir -p "$out"
out=$(cd "$out" && pwd)
(cd "$work/project" && maturin build --out "$out" "${arguments[@]}")
