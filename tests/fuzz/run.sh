#!/usr/bin/env bash
# Fuzzes every parser on stable Rust.
#   tests/fuzz/run.sh [-j JOBS] [SECONDS_A_TARGET] [TARGET...]      default: one at a time, an hour each, all of them
# SEEDS=DIR adds the files of DIR/TARGET to the seeds (real files; what grows from them is not for the repository).
# What libFuzzer finds new goes to target/fuzz/corpus, inputs that break a parser to target/fuzz/artifacts;
# the seeds in tests/fuzz/corpus stay as they are. One line a target goes to target/fuzz/report.tsv.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export root
root=$(cd "$here/../.." && pwd)
jobs=1
if [[ ${1-} == -j ]]; then
    jobs=${2:?-j needs a number}
    shift 2
fi
export seconds=${1:-3600}
shift || true
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target/fuzz/build} SEEDS=${SEEDS:-}

command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is not installed: cargo install cargo-fuzz --locked" >&2; exit 1; }
cd "$here"
(($#)) || mapfile -t targets < <(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml | tail -n +2)
(($#)) && targets=("$@")

cargo fuzz build --fuzz-dir . --release --sanitizer none
export bin
bin=$CARGO_TARGET_DIR/$(rustc -vV | sed -n 's/^host: //p')/release
# a parser that takes ten seconds of a core, or a gigabyte, for at most 64 KiB is broken too
cores=$(getconf _NPROCESSORS_ONLN)
export timeout=$((10 * (jobs > cores ? (jobs + cores - 1) / cores : 1)))

fuzz() {
    local target=$1 found=$root/target/fuzz/corpus/$1 artifacts=$root/target/fuzz/artifacts/$1 log=$root/target/fuzz/$1.log
    local folders=("$found" "corpus/$target") status=0
    mkdir -p "$found" "$artifacts"
    [[ -z $SEEDS || ! -d $SEEDS/$target ]] || folders+=("$SEEDS/$target")
    TIMEFORMAT='cpu %U'
    { time "$bin/$target" "${folders[@]}" -max_total_time="$seconds" -timeout="$timeout" -rss_limit_mb=1024 -max_len=65536 \
        -artifact_prefix="$artifacts/" -print_final_stats=1; } >"$log" 2>&1 || status=$?
    local of
    of() { sed -n "s/^$1 *\\([0-9.]*\\).*/\\1/p" "$log" | tail -n 1; }
    printf '%s\t%s s\tcpu %s s\t%s runs\tcoverage %s\t%s MB\texit %s\n' "$target" "$seconds" "$(of cpu)" \
        "$(of stat::number_of_executed_units:)" "$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -c6-)" \
        "$(of stat::peak_rss_mb:)" "$status" | tee -a "$root/target/fuzz/report.tsv"
    return "$status"
}
export -f fuzz
mkdir -p "$root/target/fuzz"
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I {} nice -n 19 bash -c 'fuzz {}'
