#!/usr/bin/env bash
# Fuzzes every parser, one after the other, on stable Rust.
#   tests/fuzz/run.sh [SECONDS_A_TARGET] [TARGET...]
# What libFuzzer finds new goes to target/fuzz/corpus, inputs that break a parser to target/fuzz/artifacts;
# the seeds in tests/fuzz/corpus stay as they are. One line a target goes to target/fuzz/report.tsv.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
seconds=${1:-3600}
shift || true
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target/fuzz/build}

command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is not installed: cargo install cargo-fuzz --locked" >&2; exit 1; }
fuzz=(cargo fuzz)
cd "$here"
(($#)) || mapfile -t targets < <(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml | tail -n +2)
(($#)) && targets=("$@")

"${fuzz[@]}" build --fuzz-dir . --release --sanitizer none
host=$(rustc -vV | sed -n 's/^host: //p')
report=$root/target/fuzz/report.tsv
failed=0
for target in "${targets[@]}"; do
    found=$root/target/fuzz/corpus/$target
    artifacts=$root/target/fuzz/artifacts/$target
    mkdir -p "$found" "$artifacts"
    log=$root/target/fuzz/$target.log
    status=0
    # a parser that takes ten seconds, or two gigabytes, for at most 64 KiB is broken too
    "$CARGO_TARGET_DIR/$host/release/$target" "$found" "corpus/$target" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -max_len=65536 -artifact_prefix="$artifacts/" -print_final_stats=1 >"$log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%s\t%s s\t%s runs\texit %s\n' "$target" "$seconds" "${runs:-?}" "$status" | tee -a "$report"
    ((status == 0)) || failed=1
done
exit $failed
