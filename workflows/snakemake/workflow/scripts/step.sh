# shellcheck shell=bash
# How the rules run their commands: functions of bash, which `eval "$PROTSAE_STEP"` defines. They
# travel in the environment, since a container sees no file of the workflow.
set -euo pipefail

# step ATTEMPT LOG COMMAND...
# Runs a command with its messages in the log. Of one that fails the last messages are shown too,
# and its status is kept. Snakemake tries every failed job again; only where memory was exhausted
# (137) does that mend anything, so that any other status is repeated without work.
step() {
    local attempt=$1 log=$2 status=0
    shift 2
    if [[ $attempt -gt 1 && -s $log.failed ]]; then
        cp "$log.failed" "$log"
        status=$(sed -n '$s/^exit status //p' "$log")
    else
        rm -f "$log.failed"
        "$@" 2> "$log" || status=$?
        [[ $status -ne 0 ]] || return 0
        echo "exit status $status" >> "$log"
        [[ $status -eq 137 ]] || cp "$log" "$log.failed"
    fi
    tail -n 20 "$log" >&2
    exit "$status"
}

# Within `step` no command ends the function that it fails in: each says `|| return`.

# cut_up SHARDS ORDER COMMAND...
# The command cuts a FASTA into SHARDS.new/1.fasta, 2.fasta, ... They are named by the SHA-256 of
# their content, in ORDER, and bear a time of long ago, so that what is the same as before is not
# embedded again. What belongs to shards that are no more is removed, lest it be taken for results.
cut_up() {
    local shards=$1 order=$2 here=${1%/*} number=1 status=0 name path
    shift 2
    rm -rf "$shards.new" && mkdir -p "$shards.new" "$shards" || return
    "$@" || status=$?
    [[ $status -eq 0 ]] || { rm -rf "$shards.new"; return "$status"; }
    : > "$order" || return
    while [[ -e $shards.new/$number.fasta ]]; do
        name=$(sha256sum < "$shards.new/$number.fasta") || return
        name=${name:0:16}
        touch -t 200001010000 "$shards.new/$number.fasta" || return
        mv "$shards.new/$number.fasta" "$shards/$name.fasta" || return
        echo "$name" >> "$order" || return
        number=$((number + 1))
    done
    rmdir "$shards.new" || return
    for path in "$here"/{activations,features,proteins}/*.arrow "$here"/provenance/{embed,encode}.*.json; do
        name=${path%.*} && name=${name##*[./]}
        [[ ! -e $path ]] || grep -qxF "$name" "$order" || rm "$path" || return
    done
}

# not_empty FASTA SHARDS COMMAND...
# What has no proteins can be annotated, and teaches nothing.
not_empty() {
    local fasta=$1 shards=$2
    shift 2
    "$@" || return
    [[ -z $(find "$shards" -name '*.fasta' -size +0 -print) ]] || return 0
    echo "$fasta: no proteins to train on" >&2
    return 1
}

# go_on CHECKPOINTS COMMAND...
# Training goes on from its checkpoints; those of other settings or data, which it refuses (3), are
# put aside until a model is whole.
go_on() {
    local checkpoints=$1 status=0
    shift
    "$@" || status=$?
    if [[ $status -eq 3 && -n $(ls -A "$checkpoints" 2> /dev/null) ]]; then
        echo "$checkpoints: of other settings or data, put aside as $checkpoints.old; training begins anew" >&2
        rm -rf "$checkpoints.old" && mv "$checkpoints" "$checkpoints.old" || return
        status=0
        "$@" || status=$?
    fi
    [[ $status -ne 0 ]] || rm -rf "$checkpoints" "$checkpoints.old" || return
    return "$status"
}

# versions FLAT GROUPED EXECUTABLE...
# Their versions, for a reader and for MultiQC.
versions() {
    local flat=$1 grouped=$2 tool line
    shift 2
    for tool; do
        line=$("$tool" --version) || return
        echo "${line%% *}: ${line##* }" || return
    done > "$flat"
    { echo "ProtSAE:" && sed 's/^/  /' "$flat"; } > "$grouped"
}
