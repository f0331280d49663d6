#!/usr/bin/env bash
# Puts ProtSAE below a prefix: executables, man pages, completions, licences. Images, conda packages and wheels are made of this.
#   install.sh [--from DIR] [--profile NAME] [--features LIST] PREFIX
# --from DIR takes executables that are already built; else cargo builds them (--profile dist: smaller, slower to build).
# Needs cargo in either case: licences of the crates that are linked in are read from its registry.
set -euo pipefail

die() { echo "install.sh: $*" >&2; exit 1; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
from='' profile=dist features='' prefix=''
while (($#)); do
    case $1 in
        --from) from=${2:?--from needs a folder}; shift 2 ;;
        --profile) profile=${2:?--profile needs a name}; shift 2 ;;
        --features) features=${2?--features needs a list}; shift 2 ;;
        -h | --help) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        -*) echo "install.sh: unknown option $1 (see --help)" >&2; exit 2 ;;
        *) [[ -z $prefix ]] || { echo "install.sh: a second prefix, $1 (see --help)" >&2; exit 2; }; prefix=$1; shift ;;
    esac
done
[[ -n $prefix ]] || { echo "install.sh: which prefix? (see --help)" >&2; exit 2; }
command -v cargo >/dev/null || die "cargo is not installed"

cargo=(--locked --manifest-path "$root/Cargo.toml")
if [[ -n $features ]]; then cargo+=(--features "$features"); fi
if [[ -z $from ]]; then
    cargo build "${cargo[@]}" --bins --profile "$profile"
    from=${CARGO_TARGET_DIR:-$root/target}/$profile
fi

mkdir -p "$prefix"/bin "$prefix"/share/{man/man1,licenses/protsae,bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}
for source in "$root"/src/bin/*.rs; do
    name=$(basename "$source" .rs)
    [[ -x $from/$name ]] || die "$from has no executable $name"
    install -m 755 "$from/$name" "$prefix/bin/$name"
done

# With CUDA nothing starts without a driver. Where there is none, as in a build of an image, the toolkit's stub stands in:
# no page needs a GPU.
stub=${CUDA_HOME:-/usr/local/cuda}/lib64/stubs/libcuda.so
stubs=$(mktemp -d)
trap 'rm -rf "$stubs"' EXIT
if [[ ,$features, == *,cuda,* && -f $stub ]]; then ln -s "$stub" "$stubs/libcuda.so.1"; fi
schema() { LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$stubs "$prefix/bin/protsae-schema" "$@"; }
schema man "$prefix/share/man/man1"
schema completions bash "$prefix/share/bash-completion/completions"
schema completions zsh "$prefix/share/zsh/site-functions"
schema completions fish "$prefix/share/fish/vendor_completions.d"

install -m 644 "$root"/LICENSE-{MIT,APACHE} "$prefix/share/licenses/protsae/"

# Crates are linked into the executables, and their licences ask for a copy: each text once, under the names of its crates.
home=~ # also where HOME is not set, as in a build of a package
registry=${CARGO_HOME:-$home/.cargo}/registry/src
declare -A crates=() texts=()
table=$(cargo tree "${cargo[@]}" --edges normal --prefix none --format '{p} {l}' | sed 's/ (\*)$//; s/ (proc-macro)//' | LC_ALL=C sort -u)
while read -r name version licence; do
    [[ $name != protsae ]] || continue
    folder=$(compgen -G "$registry/*/$name-${version#v}" | head -n 1) || die "$registry has no sources of $name ${version#v}: cargo fetch"
    # ... one folder down there are those of C code that a crate brings
    for text in "$folder"/{,*/}{LICEN[CS]E,COPYING,COPYRIGHT,NOTICE,UNLICENSE,licen[cs]e}*; do
        [[ -f $text ]] || continue
        sum=$(sha256sum <"$text")
        sum=${sum%% *}
        crates[$sum]+="$name ${version#v}"$'\n'
        texts[$sum]=$text
    done
    printf '%s %s: %s\n' "$name" "${version#v}" "$licence"
done <<<"$table" >"$prefix/share/licenses/protsae/THIRD-PARTY"
for sum in "${!crates[@]}"; do printf '%s\t%s\n' "${crates[$sum]//$'\n'/, }" "$sum"; done | LC_ALL=C sort |
    while IFS=$'\t' read -r names sum; do
        printf '\n%s\n%s\n\n' "----------------------------------------" "${names%, }"
        cat "${texts[$sum]}"
    done >>"$prefix/share/licenses/protsae/THIRD-PARTY"
