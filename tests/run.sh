#!/usr/bin/env bash
# Sets up what the tests need and runs every one of them.
#   tests/run.sh [--peers] [--all] [ARGUMENTS OF cargo test]
# --peers also sets up the libraries that load what protsae-convert writes (tests/peers.txt: PyTorch, 6 GB, three minutes).
# --all also runs what takes long: every profile of the workflows, a cluster (SLURM, as root), Galaxy's linter and wrappers,
# packages and images, as far as what they need is installed.
# Under target/: a Python environment (tests/requirements.txt) and, where Java and Maven are
# installed, the jars of Nextflow (tests/nextflow/pom.xml). A second run fetches nothing. The closing lines say how many
# tests were skipped and why; PROTSAE_REQUIRE_SHARED=1 makes those fail that lack the reference data in ../shared.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

peers=
while [[ ${1-} == --peers || ${1-} == --all ]]; do
    if [[ $1 == --peers ]]; then peers=target/peers; else export ALL=1; fi
    shift
done

command -v cargo >/dev/null || { echo "tests: cargo is not installed; get Rust from https://rustup.rs" >&2; exit 1; }
command -v python3 >/dev/null || { echo "tests: python3 is not installed" >&2; exit 1; }

# fetched DIR FILE: whether DIR holds what FILE asks for
fetched() { [[ -f $1/.fetched ]] && cmp -s "$1/.fetched" "$2"; }

# environment DIR FILE: a Python environment in DIR with what FILE asks for
environment() {
    fetched "$1" "$2" && return
    echo "== Python environment in $1"
    rm -rf "$1"
    python3 -m venv "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check -r "$2"
    cp "$2" "$1/.fetched"
}
# jars DIR FILE: the jars that FILE (a pom.xml) names, in DIR/lib
jars() {
    fetched "$1" "$2" && return
    echo "== jars in $1"
    rm -rf "$1"
    mkdir -p "$1"
    mvn --batch-mode --quiet -Dstyle.color=never --file "$2" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$root/$1/lib"
    cp "$2" "$1/.fetched"
}
environment target/venv tests/requirements.txt
environment target/venv-citation tests/citation.txt
environment target/venv-cwl tests/cwl.txt
[[ -z ${ALL-} ]] || environment target/venv-galaxy tests/galaxy.txt
[[ -z ${ALL-} ]] || environment target/venv-packaging tests/packaging.txt
[[ -z $peers ]] || environment "$peers" tests/peers.txt

nextflow=target/nextflow
if command -v nextflow >/dev/null; then
    echo "== Nextflow: $(command -v nextflow)"
elif ! command -v java >/dev/null || ! command -v mvn >/dev/null; then
    echo "== Nextflow: skipped, since java or mvn is not installed (Debian: openjdk-17-jre-headless, maven)"
else
    jars "$nextflow" tests/nextflow/pom.xml
fi
if command -v java >/dev/null && command -v mvn >/dev/null; then
    jars target/nextflow-strict tests/nextflow/strict/pom.xml
fi

echo "== cargo test"
# tests that are skipped say why, which is shown of tests that pass only on request
log=target/tests.log
case " $* " in
    *" -- "*) shown=("$@" --show-output) ;;
    *) shown=("$@" -- --show-output) ;;
esac
status=0
cargo test --release --locked "${shown[@]}" 2>&1 | tee "$log" || status=$?

# each test once, by the heading above what it said
awk '
    /^     Running / || /^   Doc-tests / { binary = $0 }
    /^---- .* stdout ----$/ { test = $2 }
    /^skipped: / && !seen[binary, test, $0]++ {
        reasons = reasons "\n  " test ": " substr($0, 10)
        tests += !counted[binary, test]++
    }
    END {
        if (tests) printf "\n== %d test%s skipped, wholly or in part:%s\n", tests, tests == 1 ? " was" : "s were", reasons
        else print "\n== no test was skipped"
    }
' "$log"
exit "$status"
