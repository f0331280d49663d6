"""What the tests of the Nextflow pipeline share: odd names, small settings, runs and their traces."""

import contextlib
import csv
import gzip
import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ["ROOT"])
EXAMPLE = ROOT / "test_data/example"
# a run of seconds: what is learnt does not matter here
SMALL = """\
params {
    latents = 64
    k = 8
    epochs = 2
    batch = 256
    layer = 3
    shard_size = 80
    min_count = 5
    fractions = '0.6,0.2,0.2'
    memory_gb = 1
    evaluate_args = '--min-residues 5 --min-proteins 2'
}
"""
FIRST = "my data+x/x.v1.fasta"
SECOND = "my data+x/x.v2 (é) it's.fasta.gz"
ONTOLOGY = "my data+x/go mini.obo"
PLM = "my data+x/esm 2"
# two files of one name, in folders of which one is not ASCII
ANNOTATIONS = ["my data+x/a b/annot.txt", "my data+x/ü/annot.txt"]
CLUSTERS = "my data+x/cl us.tsv"


def skip(why):
    """Ends as a skipped test."""
    print(why)
    sys.exit(77)


def launcher():
    """The command of Nextflow, with the switch of topics where it is old."""
    if "NEXTFLOW" not in os.environ:
        skip("no Nextflow: tests/run.sh fetches it where Java and Maven are installed")
    command = shlex.split(os.environ["NEXTFLOW"])
    version = subprocess.run([*command, "-v"], capture_output=True, text=True, check=True).stdout
    old = "version 24." in version
    extra = ["-c", str(ROOT / "workflows/nextflow/conf/nextflow_24.config")] if old else []
    return [*command, "run", str(ROOT / "workflows/nextflow"), *extra, "-c", "small.config"]


@contextlib.contextmanager
def workspace():
    """A temporary folder with the example's proteins in two files, and every name odd."""
    with tempfile.TemporaryDirectory(prefix="protsae nf é+") as name:
        folder = pathlib.Path(name)
        records = [">" + record for record in (EXAMPLE / "proteins.fasta").read_text().split(">")[1:]]
        half = len(records) // 2
        for odd in ["my data+x/a b", "my data+x/ü"]:
            (folder / odd).mkdir(parents=True)
        (folder / FIRST).write_text("".join(records[:half]))
        with gzip.open(folder / SECOND, "wt") as file:
            file.write("".join(records[half:]))
        shutil.copy(EXAMPLE / "go_mini.obo", folder / ONTOLOGY)
        shutil.copy(EXAMPLE / "annotations.gaf", folder / ANNOTATIONS[0])
        shutil.copy(EXAMPLE / "features.csv", folder / ANNOTATIONS[1])
        shutil.copy(EXAMPLE / "clusters.tsv", folder / CLUSTERS)
        shutil.copytree(ROOT / "test_data/mini_esm2", folder / PLM)
        (folder / "small.config").write_text(SMALL)
        yield folder


def nextflow(folder, *arguments, status=0, path=None):
    """Runs the pipeline in a folder and demands an exit status; what it printed."""
    environment = dict(os.environ)
    if path:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    run = subprocess.run(
        [*launcher(), *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    said = run.stdout + run.stderr
    assert run.returncode == status, f"{arguments}: exit status {run.returncode} for {status}\n{said}"
    return said


def stand_in(folder, name, text):
    """An executable in a folder that is to come first on PATH; the folder."""
    path = folder / "stand-in"
    path.mkdir(exist_ok=True)
    script = path / name
    script.write_text("#!/usr/bin/env bash\n" + text)
    script.chmod(0o755)
    return path


def training(fasta, outdir):
    """Options of a run that trains on one FASTA."""
    return [
        *("--input", fasta, "--ontology", ONTOLOGY, "--annotations", ",".join(ANNOTATIONS)),
        *("--clusters", CLUSTERS, "--plm", PLM, "--outdir", outdir),
    ]


def tasks(folder, outdir):
    """The tasks of the last run: process, tag, status, exit status."""
    traces = sorted((folder / outdir / "pipeline_info").glob("trace_*.txt"))
    with traces[-1].open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = []
    for row in rows:
        process, _, tag = row["name"].rpartition(":")[2].partition(" ")
        found.append((process, tag.strip("()"), row["status"], row["exit"]))
    return sorted(found)


def digests(folder, prefix):
    """SHA-256 of every result of one proteome, without what tells times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name.removeprefix("features/").startswith(prefix + "."):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found, f"no results of {prefix} in {folder}"
    return found


def same(what, found, expected):
    """Demands equality, naming what differs."""
    if found != expected and isinstance(found, dict):
        differing = [key for key in sorted(found.keys() | expected.keys()) if found.get(key) != expected.get(key)]
        raise AssertionError(f"{what}: {differing}")
    assert found == expected, f"{what}: {found} for {expected}"
    print(f"{what}: as expected")
