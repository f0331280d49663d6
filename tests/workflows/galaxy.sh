#!/usr/bin/env bash
# Galaxy: planemo lint finds nothing; the tests of the wrappers hold, whose commands are filled in and run as Galaxy does,
# without Galaxy (galaxy_server.sh runs them in one); every option of the executables is in a wrapper, or named as left out.
# Takes executables from PATH, ROOT (the repository), VENVS (planemo in venv-galaxy), and PLAIN (results of
# workflows/quickstart.sh), which it makes if there are none.
set -euo pipefail

ROOT=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
VENVS=${VENVS:-$ROOT/target}
if [[ -d $VENVS/venv-galaxy/bin ]]; then PATH=$PATH:$VENVS/venv-galaxy/bin; fi
command -v planemo >/dev/null || { echo "planemo is not installed (tests/galaxy.txt)"; exit 77; }
python=$(dirname "$(command -v planemo)")/python
wrappers=$ROOT/workflows/galaxy
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "== planemo lint"
# its home is where it keeps a configuration
HOME=$work planemo lint --fail_level warn "$wrappers" >"$work/lint" 2>&1 || { grep -v INFO "$work/lint"; exit 1; }
linted=$(grep -c '^Linting tool' "$work/lint")
[[ $linted == $(ls "$wrappers"/protsae_*.xml | wc -l) ]] || { echo "FAILS: $linted wrappers were linted"; exit 1; }

echo "== the options of the executables"
"$python" "$ROOT/tests/workflows/galaxy/options.py" "$wrappers"

echo "== the wrappers' tests"
PROTSAE_RESULTS=${PLAIN-} "$wrappers/test-data.sh" "$work/data" >"$work/made" 2>&1 || { cat "$work/made"; exit 1; }
"$python" "$ROOT/tests/workflows/galaxy/wrappers.py" "$wrappers" "$work/data"

echo "Galaxy: all holds"
