#!/usr/bin/env bash
# The tests of the Galaxy wrappers in a Galaxy of its own, which listens on this machine alone: with ALL=1, since each job
# of Galaxy takes its time. Takes executables from PATH, ROOT (the repository), VENVS (Galaxy in venv-galaxy-server), PLAIN
# (results of workflows/quickstart.sh), PORT (8765), and the names of wrappers as arguments (default: all).
set -euo pipefail

ROOT=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
bin=${VENVS:-$ROOT/target}/venv-galaxy-server/bin
[[ -n ${ALL-} ]] || { echo "a Galaxy server takes many minutes: ALL=1 runs it"; exit 77; }
[[ -x $bin/gunicorn ]] || { echo "no Galaxy server is installed (tests/galaxy-server.txt)"; exit 77; }
export PATH=$PATH:$bin
wrappers=$ROOT/workflows/galaxy
address=http://127.0.0.1:${PORT:-8765}
work=$(mktemp -d)
server=
stop() {
    if [[ -n $server ]]; then kill "$server" && wait "$server" || true; fi
    rm -rf "$work"
}
trap stop EXIT
fail() {
    echo "FAILS: $*"
    tail -n 40 "$work/server.log"
    exit 1
}

echo "== the wrappers and their data, in a folder of the server's"
mkdir "$work/tools"
cp -r "$wrappers"/{*.xml,tool_data_table_conf.xml.test} "$work/tools"
PROTSAE_RESULTS=${PLAIN-} "$wrappers/test-data.sh" "$work/tools/test-data" >"$work/made" 2>&1 || { cat "$work/made"; exit 1; }
{
    echo '<toolbox>'
    for wrapper in "$work"/tools/protsae_*.xml; do echo "<tool file=\"$wrapper\"/>"; done
    echo '</toolbox>'
} >"$work/tool_conf.xml"
cat >"$work/job_conf.yml" <<'END'
runners:
  local: {load: "galaxy.jobs.runners.local:LocalJobRunner", workers: 2}
execution:
  default: local
  environments:
    local: {runner: local, local_slots: 2}
END
cat >"$work/galaxy.yml" <<END
galaxy:
  data_dir: $work/data
  database_connection: sqlite:///$work/galaxy.sqlite?isolation_level=IMMEDIATE&timeout=300
  file_path: $work/data/objects
  new_file_path: $work/data/new
  job_working_directory: $work/data/jobs
  tool_config_file: $work/tool_conf.xml
  job_config_file: $work/job_conf.yml
  tool_data_table_config_path: $work/tools/tool_data_table_conf.xml.test
  bootstrap_admin_api_key: bootstrap
  admin_users: tester@example.org
  conda_auto_init: false
  container_resolvers: [{type: explicit}]
  enable_celery_tasks: false
END

echo "== the server"
cd "$work"
GALAXY_CONFIG_FILE=$work/galaxy.yml gunicorn 'galaxy.webapps.galaxy.fast_factory:factory()' --timeout 600 \
    -k galaxy.webapps.galaxy.workers.Worker -b "${address#http://}" >"$work/server.log" 2>&1 &
server=$!
ask() { curl --silent --fail --max-time 60 -H 'x-api-key: bootstrap' -H 'content-type: application/json' "$@"; }
# it answers once it has read its tools
curl --silent --fail --retry 60 --retry-delay 5 --retry-connrefused --retry-all-errors --max-time 600 "$address/api/version" >"$work/version" ||
    fail "the server does not answer"
user=$(ask -X POST -d '{"username": "tester", "email": "tester@example.org", "password": "of this test alone"}' \
    "$address/api/users" | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])') || fail "no user"
key=$(ask -X POST "$address/api/users/$user/api_key" | tr -d '"') || fail "no key"

echo "== the wrappers' tests"
if (($# == 0)); then
    set -- $(cd "$wrappers" && ls protsae_*.xml)
fi
failed=0
for wrapper in "$@"; do
    tool=${wrapper%.xml}
    galaxy-tool-test -u "$address" -k "$key" -a "$key" -t "$tool" --with-reference-data --parallel-tests 2 \
        --test-data "$work/tools/test-data" -j "$work/$tool.json" >"$work/said" 2>&1 || true
    python3 - "$work/$tool.json" <<'END' || { tail -n 20 "$work/said"; failed=1; }
import json, sys
tests = json.load(open(sys.argv[1]))["tests"]
for test in tests:
    data = test["data"]
    print(f"   {test['id']}: {data['status']}")
    for problem in data.get("output_problems") or [data.get("execution_problem") or data["status"]]:
        if problem and data["status"] != "success":
            print("     ", problem)
sys.exit(0 if tests and all(test["data"]["status"] == "success" for test in tests) else 1)
END
done
[[ $failed == 0 ]] || { echo "FAILS: tests of wrappers"; exit 1; }
echo "Galaxy $(python3 -c 'import json, sys; v = json.load(open(sys.argv[1])); print(v["version_major"], v["version_minor"])' "$work/version"): all holds"
