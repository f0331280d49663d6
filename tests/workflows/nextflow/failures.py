#!/usr/bin/env python3
"""Failures: what is tried again and what not, bad files are named, a killed training goes on, one edited protein."""

import shutil

import common
from common import digests, nextflow, same, stand_in, tasks, training


def in_place_of(folder, tool, text):
    """A script in place of an executable, which is $real in it."""
    return stand_in(folder, tool, f"real='{shutil.which(tool)}'\ncase $1 in --version) exec $real --version;; esac\n{text}")


with common.workspace() as folder:
    count = folder / "count"
    # 137 twice, then done
    path = in_place_of(folder, "protsae-shard", f"echo >> '{count}'\nif (($(wc -l < '{count}') < 3)); then exit 137; fi\nexec $real \"$@\"\n")
    nextflow(folder, *training(common.FIRST, "first"), path=path)
    shards = [(status, code) for process, _, status, code in tasks(folder, "first") if process == "PROTSAE_SHARD"]
    same("memory exhausted is tried again", shards, [("COMPLETED", "0"), ("FAILED", "137"), ("FAILED", "137")])
    expected = digests(folder / "first", "x.v1")

    # one edited protein: one shard is embedded again
    fasta = folder / common.FIRST
    records = fasta.read_text().split(">")
    records[100] = records[100].replace("A", "V")
    edited = folder / "edited/x.v1.fasta"
    edited.parent.mkdir()
    edited.write_text(">".join(records))
    nextflow(folder, *training("edited/x.v1.fasta", "again"), "-resume")
    embedded = [(tag, status) for process, tag, status, _ in tasks(folder, "again") if process == "PROTSAE_EMBED"]
    same("one edited protein", embedded, [("x.v1.1", "CACHED"), ("x.v1.2", "COMPLETED"), ("x.v1.3", "CACHED")])

    # a training that is killed goes on from its checkpoint, to the same bytes; it is killed once there is a whole one
    path = in_place_of(
        folder,
        "protsae-train",
        'go() { "$real" "$@" --checkpoint-every 20; }\n'
        "go \"$@\" & while kill -0 $! 2>/dev/null; do\n"
        f"  if ls '{folder}'/tasks/checkpoints/*/step-* >/dev/null 2>&1; then pkill -9 -P $!; exit 1; fi; sleep 0.02\ndone\nexit 99\n",
    )
    killed = [*training(common.FIRST, "killed"), "-work-dir", "tasks", "--epochs", "40"]
    nextflow(folder, *killed, status=1, path=path)
    same("a failure is not tried again", [t[2:] for t in tasks(folder, "killed") if t[0] == "PROTSAE_TRAIN"], [("FAILED", "1")])
    (folder / "stand-in/protsae-train").unlink()
    nextflow(folder, *killed, "-resume")
    steps = [(status, code) for process, _, status, code in tasks(folder, "killed") if process == "PROTSAE_TRAIN"]
    same("a killed training goes on", steps, [("COMPLETED", "0")])
    said = [path.read_text() for path in (folder / "tasks").glob("??/*/.command.err")]
    assert any("going on from step" in text for text in said), said
    nextflow(folder, *training(common.FIRST, "whole"), "--epochs", "40")
    model = "x.v1.model/model.safetensors"
    same("to the same bytes", (folder / "killed" / model).read_bytes(), (folder / "whole" / model).read_bytes())

    # bad files are named
    (folder / "em pty.fasta").write_text("")
    said = nextflow(folder, *training("em pty.fasta", "empty"), status=1)
    assert "em pty.fasta: no protein in it to train on" in said, said
    (folder / "t r.fasta.gz").write_bytes((folder / common.SECOND).read_bytes()[:3000])
    said = nextflow(folder, *training("t r.fasta.gz", "truncated"), status=1)
    assert "t r.fasta.gz: incomplete deflate stream" in said, said
    print("bad files are named: as expected")
