#!/usr/bin/env bash
# The wheel: built, installed by pip into a fresh environment without an index, run from there, taken away again.
# Needs maturin (tests/packaging.txt) and cargo, and ALL=1: it builds every executable.
# A wheel that is there already is tried instead of a new one: WHEEL=FILE.
set -euo pipefail

root=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
skip() { echo "skipped: $*"; exit 77; }
fail() { echo "wheel: $*" >&2; exit 1; }
[[ ${ALL:-} == 1 || -n ${WHEEL:-} ]] || skip "it builds every executable; ALL=1 runs it"
PATH=$PATH:${VENVS:-$root/target}/venv-packaging/bin
for tool in maturin cargo python3 protsae-embed; do
    command -v "$tool" >/dev/null || skip "$tool is not installed (tests/packaging.txt)"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wheel=${WHEEL:-}
if [[ -z $wheel ]]; then
    echo "== build"
    # the profile that the tests have built already
    "$root/workflows/packaging/wheel/build.sh" -o "$work/my wheels.v1+é" --profile release \
        --target-dir "${CARGO_TARGET_DIR:-$root/target}" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "there is no wheel"; }
    wheel=$(echo "$work"/my\ wheels*/*.whl)
fi
version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
name=$(basename "$wheel")
[[ $name == protsae-"$version"-py3-none-manylinux_2_*_*.whl ]] || fail "its name is $name"
echo "$name, $(($(stat -c %s "$wheel") >> 20)) MiB"

echo "== install"
env="$work/my env.v1+é"
python3 -m venv "$env"
"$env/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$wheel"
tools=0
for source in "$root"/src/bin/*.rs; do
    tool=$(basename "$source" .rs)
    [[ $(PATH=$env/bin:/usr/bin:/bin "$tool" --version) == "$tool $version" ]] || fail "$tool does not start"
    for file in "man/man1/$tool.1" "bash-completion/completions/$tool.bash" "zsh/site-functions/_$tool" \
        "fish/vendor_completions.d/$tool.fish"; do
        [[ -s $env/share/$file ]] || fail "there is no share/$file"
    done
    tools=$((tools + 1))
done
installed=$(find "$env/bin" -name 'protsae*' | wc -l)
((installed == tools)) || fail "$installed executables are installed, the sources have $tools"
for licence in LICENSE-MIT LICENSE-APACHE LICENSE-THIRD-PARTY; do
    find "$env" -path "*dist-info*" -name "$licence" | grep -q . || fail "there is no $licence"
done
if command -v man >/dev/null; then
    # as a reader of pages finds them: beside an executable of PATH
    [[ $(env -u MANPATH "PATH=$env/bin:/usr/bin:/bin" man -w protsae-embed 2>/dev/null) == "$env/share/man/man1/protsae-embed.1" ]] ||
        fail "man does not find protsae-embed"
fi
echo "$tools executables start; pages, completions and licences are there"

echo "== run"
awk '/^>/ { records++ } records <= 5' "$root/test_data/example/proteins.fasta" >"$work/five.fasta"
for bin in "$env/bin" "$(dirname "$(type -P protsae-embed)")"; do
    "$bin/protsae-embed" -q -i "$work/five.fasta" -m "$root/test_data/mini_esm2" --layer 6 -o - | sha256sum
done | uniq | wc -l | grep -qx 1 || fail "the executables of the wheel give other bytes"
echo "five of the embedded proteins: the same bytes as from the executables under test"

"$env/bin/python" -m pip uninstall --quiet --disable-pip-version-check --yes protsae
left=$(find "$env" -name '*protsae*')
[[ -z $left ]] || fail "after pip uninstall there is still $left"
echo "taken away whole"
