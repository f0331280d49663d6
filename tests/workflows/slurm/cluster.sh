#!/usr/bin/env bash
# A SLURM cluster of one node on this machine, for tests: munged, slurmctld and slurmd, without systemd.
#   cluster.sh start DIR [cgroup|poll]    then: export SLURM_CONF=DIR/slurm.conf
#   cluster.sh stop DIR
# Needs root and Debian's slurmctld, slurmd, slurm-client and munge. Everything lies in DIR, which must be an absolute
# path of letters, digits, '/', '.', '_', '-' (slurm.conf has no quoting) that all users may enter (munge demands it);
# a machine's own SLURM and munge are not touched.
# There is no accounting database, so sacct says nothing; ended jobs stay in squeue and scontrol (MinJobAge).
# A job that exceeds its memory is killed in one of two ways (default: cgroup where it can be, else poll):
#   cgroup  by the kernel, at once, the process that asked for more alone; the job's script sees 137
#   poll    by slurmd, which looks every second and kills the whole job, its script included
set -euo pipefail

fail() { echo "cluster: $*" >&2; exit 1; }

[[ ${1:-} == start || ${1:-} == stop ]] || { sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=${2:-}
[[ $dir == /* && $dir != *[!A-Za-z0-9/._-]* ]] || fail "DIR must be an absolute path of letters, digits, / . _ - (got '$dir')"

cgroups=/sys/fs/cgroup

# whether jobs can be confined: cgroup v1 with a memory controller in which root may make groups
can_confine() {
    local trial=$cgroups/memory/protsae-trial-$$
    [[ -e $cgroups/memory/memory.limit_in_bytes && -d $cgroups/freezer ]] || return 1
    mkdir "$trial" 2>/dev/null && rmdir "$trial"
}

# pid NAME: of the daemon of that name, by its pid file; nothing of one that ended
pid() {
    local number
    number=$(cat "$dir/run/$1.pid" 2>/dev/null) && [[ $number ]] || return 0
    [[ $(ps -o stat= -p "$number") != [!Z]* ]] || echo "$number"
}
# within SECONDS COMMAND...: waits until the command succeeds
within() {
    local tries=$(($1 * 10))
    shift
    until "$@"; do
        ((tries-- > 0)) || return 1
        sleep 0.1
    done
}

no_jobs() { [[ -z $(squeue --noheader 2>/dev/null) ]]; }
idle() { [[ $(sinfo --noheader --format=%T 2>/dev/null) == idle ]]; }
dead() { [[ -z $(pid "$1") ]]; }

stop() {
    export SLURM_CONF=$dir/slurm.conf
    # a job outlives slurmd unless it is cancelled first
    if ! dead slurmctld; then
        squeue --noheader --format=%A | xargs --no-run-if-empty scancel || true
        within 10 no_jobs || echo "cluster: jobs are left after 10 s" >&2
    fi
    local daemon number node
    for daemon in slurmd slurmctld munged; do
        number=$(pid "$daemon")
        [[ $number ]] || continue
        kill "$number" || true
        within 10 dead "$daemon" || kill -KILL "$number" || true
    done
    node=$(sed -n 's/^NodeName=\([^ ]*\).*/\1/p' "$dir/slurm.conf" 2>/dev/null || true)
    [[ -z $node ]] || find "$cgroups"/*/"slurm_$node" -depth -type d -exec rmdir {} + 2>/dev/null || true
}

start() {
    local memory=${1:-} host ports kill_how
    [[ $EUID == 0 ]] || fail "needs root"
    local tool
    for tool in munged slurmctld slurmd sbatch; do
        command -v "$tool" >/dev/null || fail "$tool is not installed"
    done
    [[ -n $memory ]] || { can_confine && memory=cgroup || memory=poll; }
    case $memory in
        cgroup) kill_how=$'ProctrackType=proctrack/cgroup\nTaskPlugin=task/cgroup\nJobAcctGatherType=jobacct_gather/cgroup' ;;
        poll) kill_how=$'ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/linux\nJobAcctGatherParams=OverMemoryKill' ;;
        *) fail "memory is watched by 'cgroup' or 'poll', not '$memory'" ;;
    esac
    host=$(hostname)
    mapfile -t ports < <(python3 -c '
import socket
sockets = [socket.socket() for _ in range(2)]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets), sep="\n")')

    mkdir -p "$dir"/{state,spool,log,run}
    chmod 755 "$dir" "$dir"/{state,spool,log,run}
    # more CPUs and memory than there may be, so that jobs which ask for much run beside each other
    cat >"$dir/slurm.conf" <<END
ClusterName=protsae
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.socket
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
$kill_how
JobAcctGatherFrequency=task=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
AccountingStorageType=accounting_storage/none
MinJobAge=300
KillWait=2
JobRequeue=0
NodeName=protsae-${ports[1]} NodeHostname=$host NodeAddr=127.0.0.1 CPUs=16 RealMemory=64000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    printf '%s\n' ConstrainRAMSpace=yes ConstrainSwapSpace=yes AllowedSwapSpace=0 >"$dir/cgroup.conf"
    export SLURM_CONF=$dir/slurm.conf

    (umask 077 && head -c 1024 /dev/urandom >"$dir/munge.key")
    trap 'stop; echo "cluster: it did not start; logs in $dir/log" >&2; exit 1' ERR
    munged --key-file "$dir/munge.key" --socket "$dir/run/munge.socket" --pid-file "$dir/run/munged.pid" \
        --log-file "$dir/log/munged.log" --seed-file "$dir/run/munged.seed"
    slurmctld -c -f "$dir/slurm.conf"
    # what jobs start must find the cluster even where SLURM_CONF is taken from them (srun in Snakemake's jobs): to them
    # /etc/slurm is this folder
    unshare --mount bash -c 'mount --bind "$1" /etc/slurm && exec slurmd -c -f "$1/slurm.conf" -N "$2"' _ \
        "$dir" "protsae-${ports[1]}"
    within 20 idle
    trap - ERR
    echo "cluster: slurmctld $(slurmctld -V | cut -d' ' -f2) on 127.0.0.1:${ports[0]}, memory by $memory"
}

if [[ $1 == start ]]; then start "${3:-}"; else stop; fi
