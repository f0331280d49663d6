#!/usr/bin/env bash
# Nextflow and Snakemake scatter the embedded example over a SLURM cluster of one node: the results are the plain shell's
# bytes, though SLURM kills one job of each for its memory, which is then given twice as much.
#   ROOT=repository ALL=1 [PLAIN=results of the plain shell] [NEXTFLOW=launcher] [MEMORY=cgroup|poll] tests/workflows/slurm.sh
# MEMORY: how the cluster watches memory (slurm/cluster.sh; default: cgroup where the machine lets it).
set -euo pipefail

skip() { echo "$*"; exit 77; }
fails() { echo "FAILS: $*"; exit 1; }

[[ ${ALL:-} == 1 ]] || skip "slow: two minutes; ALL=1 runs it"
[[ $EUID == 0 ]] || skip "a cluster is started by root alone"
for daemon in munged slurmctld slurmd sbatch; do
    command -v "$daemon" >/dev/null || skip "$daemon is not installed (Debian: slurmctld slurmd slurm-client munge)"
done
command -v snakemake >/dev/null || skip "snakemake is not installed"
snakemake --help | grep -q -- --slurm-status-command || skip "snakemake-executor-plugin-slurm is not installed"
nextflow=${NEXTFLOW:-$(command -v nextflow || echo "$ROOT/tests/nextflow/nextflow")}
"$nextflow" -version >/dev/null 2>&1 || skip "nextflow is neither on PATH nor fetched by tests/run.sh"

here=$ROOT/tests/workflows/slurm
real=$(command -v protsae-embed)
dir=$(mktemp -d)
chmod 755 "$dir" # munge wants its socket to be reachable by all
engines=()
cleanup() {
    ((${#engines[@]} == 0)) || kill "${engines[@]}" 2>/dev/null || true
    "$here/cluster.sh" stop "$dir/cluster" || true
    # Snakemake waits for jobs that no cluster tells of any more
    ((${#engines[@]} == 0)) || kill -KILL "${engines[@]}" 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$dir"

# what stands before protsae-embed takes 500 MB for one of the three shards; the jobs are given 400 MB, then 800
mkdir hungry
cat >hungry/protsae-embed <<END
#!/usr/bin/env bash
set -euo pipefail
for file; do
    [[ -f \$file ]] && grep -q X9SYN0P200 "\$file" || continue
    python3 -c 'import time; taken = b"1" * (500 << 20); time.sleep(3)'
done
exec '$real' "\$@"
END
chmod +x hungry/protsae-embed

plain=${PLAIN:-$dir/plain}
if [[ -z ${PLAIN:-} ]]; then
    echo "== the plain shell"
    PROTSAE_BIN=$(dirname "$real") "$ROOT/workflows/quickstart.sh" --outdir "$plain" >plain.log 2>&1 || fails "$(tail -n 20 plain.log)"
fi

echo "== a cluster"
"$here/cluster.sh" start "$dir/cluster" ${MEMORY:+"$MEMORY"} | tee start.log
export SLURM_CONF=$dir/cluster/slurm.conf
memory=$(sed -n 's/.*memory by //p' start.log)
configs=(-c "$here/nextflow.config")
if "$nextflow" -version | grep -E 'version 2[0-4]\.' >/dev/null; then
    configs+=(-c "$ROOT/workflows/nextflow/conf/nextflow_24.config")
fi
# a job that is killed whole has no exit status; one whose process the kernel killed ends with 137
lost=137 state=OUT_OF_MEMORY
if [[ $memory == poll ]]; then
    configs+=(-c "$here/poll.config")
    lost=- state=FAILED
fi

echo "== the pipe as an array of jobs, as SCALE.md has it"
mkdir array
(
    cd array
    ln -s "$ROOT/test_data/mini_esm2" esm2_t33_650M_UR50D
    ln -s "$plain/model" "$plain/dictionary.json" .
    gzip -c "$ROOT/test_data/example/proteins.fasta" >uniref50.fasta.gz
    # the first two blocks of the page, without the GPU, with smaller shards
    awk '/^```sh$/ {on = 1; next} /^```$/ {if (on && ++blocks == 2) exit; on = 0} on' "$ROOT/workflows/SCALE.md" |
        sed -e 's/--gres=gpu:1 //' -e 's/--device cuda --compute bf16//' -e 's/--size 500000/--size 150/' >lines
    if grep -q gpu lines || ! grep -q -- '--size 150' lines; then fails "SCALE.md has other lines now"; fi
    SBATCH_WAIT=1 bash -euo pipefail lines >log 2>&1 || fails "$(cat log logs/*)"
    cmp <(gzip -dc uniref50.gff3.gz) "$plain/annotations.gff3" || fails "other ranges"
    # the same lines again make what is missing, and nothing else
    rm gff3/2.gff3.gz uniref50.gff3.gz
    touch -d 2000-01-01 gff3/*
    SBATCH_WAIT=1 bash -euo pipefail lines >log 2>&1 || fails "$(cat log logs/*)"
    cmp <(gzip -dc uniref50.gff3.gz) "$plain/annotations.gff3" || fails "other ranges the second time"
    [[ $(find gff3 -newermt 2001-01-01) == $'gff3\ngff3/2.gff3.gz' ]] || fails "made again: $(ls -l gff3)"
)

echo "== Nextflow and Snakemake, both at once"
export PATH=$dir/hungry:$PATH
names=(concepts.json labels.arrow split.tsv model/model.safetensors dictionary.json dictionary.tsv metrics.json
    annotations.gff3 annotations.tsv calls.gaf missing.tsv report.html)
# what closes a run (versions, MultiQC, crate) is left out: each job of the plugin takes ten seconds
targets=()
for name in "${names[@]}"; do
    targets+=("results/proteins/${name%/model.safetensors}")
done
mkdir nextflow snakemake
ln -s "$ROOT/test_data" snakemake/test_data
(
    cd nextflow
    exec "$nextflow" -log nextflow.log run "$ROOT/workflows/nextflow" -profile test "${configs[@]}" \
        -with-trace trace.txt --skip_multiqc --outdir results >log 2>&1
) &
engines+=($!)
(
    cd snakemake
    export XDG_CACHE_HOME=$PWD/cache
    exec snakemake "${targets[@]}" --snakefile "$ROOT/workflows/snakemake/workflow/Snakefile" \
        --executor slurm --jobs 8 --slurm-status-command squeue --slurm-init-seconds-before-status-checks 1 \
        --slurm-no-account --default-resources slurm_partition=main \
        --set-resources 'embed:mem_mb=400*2**(attempt-1)' --latency-wait 10 >log 2>&1
) &
engines+=($!)
failed=
for engine in nextflow snakemake; do
    wait "${engines[0]}" || failed+=" $engine"
    engines=("${engines[@]:1}")
done
for engine in $failed; do
    echo "-- $engine"
    tail -n 60 "$engine/log"
done
[[ -z $failed ]] || fails "did not end well:$failed"

echo "== bytes"
for name in "${names[@]}"; do
    [[ -s $plain/$name ]] || fails "the plain shell has no $name"
    cmp "$plain/$name" "nextflow/results/proteins.${name/calls/annotations}" || fails "Nextflow's $name differs"
    cmp "$plain/$name" "snakemake/results/proteins/$name" || fails "Snakemake's $name differs"
done

echo "== what was killed for its memory ($memory) was tried again"
squeue --noheader --states=all --format='%T %m %j %k' >jobs.txt
# of each job: state, memory; names of Nextflow's jobs begin with nf-, the rule of Snakemake's stands in the comment
grep -E 'nf-.*EMBED' jobs.txt | awk '{print $1, $2}' | sort >embed.nextflow
grep -E 'rule_embed' jobs.txt | awk '{print $1, $2}' | sort >embed.snakemake
expected() { printf '%s\n' "COMPLETED 400M" "COMPLETED 400M" "COMPLETED 800M" "$1 400M" | sort; }
diff <(expected "$state") embed.nextflow || fails "Nextflow's jobs of embed"
# within a job of Snakemake a step is killed, which Snakemake itself reports as a failure
diff <(expected FAILED) <(sed 's/^OUT_OF_MEMORY/FAILED/' embed.snakemake) || fails "Snakemake's jobs of embed"
tab=$'\t'
grep -E "EMBED.*${tab}FAILED${tab}$lost$tab" nextflow/trace.txt >/dev/null ||
    fails "no exit status $lost in $(cat nextflow/trace.txt)"
[[ $(grep -c 'Trying to restart job' snakemake/log) == 1 ]] || fails "$(grep -n 'restart' snakemake/log)"
echo "Nextflow saw the exit status $lost, SLURM says $state; $(wc -l <jobs.txt) jobs"
echo "holds"
