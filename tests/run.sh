#!/usr/bin/env bash
# Sets up what the tests need and runs every one of them.
#   tests/run.sh [--peers] [ARGUMENTS OF cargo test]
# --peers also sets up the libraries that load what protsae-convert writes (tests/peers.txt: PyTorch, 6 GB, three minutes).
# Under target/: a Python environment (tests/requirements.txt) and, where Java and Maven are
# installed, the jars of Nextflow (tests/nextflow/pom.xml). A second run fetches nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

peers=
if [[ ${1-} == --peers ]]; then
    peers=target/peers
    shift
fi

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
environment target/venv tests/requirements.txt
[[ -z $peers ]] || environment "$peers" tests/peers.txt

nextflow=target/nextflow
if command -v nextflow >/dev/null; then
    echo "== Nextflow: $(command -v nextflow)"
elif ! command -v java >/dev/null || ! command -v mvn >/dev/null; then
    echo "== Nextflow: skipped, since java or mvn is not installed (Debian: openjdk-17-jre-headless, maven)"
elif ! fetched "$nextflow" tests/nextflow/pom.xml; then
    echo "== jars of Nextflow in $nextflow"
    rm -rf "$nextflow"
    mkdir -p "$nextflow"
    mvn --batch-mode --quiet -Dstyle.color=never --file tests/nextflow/pom.xml dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$root/$nextflow/lib"
    cp tests/nextflow/pom.xml "$nextflow/.fetched"
fi

echo "== cargo test"
# without arguments, tests that are skipped say why
(($#)) || set -- -- --show-output
exec cargo test --release --locked "$@"
