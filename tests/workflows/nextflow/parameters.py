#!/usr/bin/env python3
"""Parameters: help, and every problem at once, before any work."""

import json

import common
from common import ROOT, nextflow, same

with common.workspace() as folder:
    schema = json.loads((ROOT / "workflows/nextflow/nextflow_schema.json").read_text())
    properties = {}
    for group in schema["$defs"].values():
        properties |= group["properties"]
    said = nextflow(folder, "--help")
    shown = {name for name in properties if f"--{name} " in said}
    same("parameters in --help", shown, {name for name, value in properties.items() if not value.get("hidden")})

    said = nextflow(
        folder,
        *("--shard-sise", "5", "--latents", "many", "--site", "nowhere", "--formats", "gff9", "--epochs", "0"),
        *("--input", "missing.fasta", "--plm", "nodir", "--taxon"),
        status=1,
    )
    for problem in [
        "10 problems",
        "--shard-sise is unknown: did you mean --shard_size?",
        "--latents is a whole number, not 'many'",
        "--site is one of residual, attention, mlp, update, not 'nowhere'",
        "--formats does not look as it should",
        "--epochs is at least 1, not 0",
        "--input: there is no file 'missing.fasta'",
        "--plm: there is no folder 'nodir'",
        "--taxon needs a value",
        "--ontology is missing",
        "--annotations is missing",
    ]:
        assert problem in said, f"no {problem!r} in\n{said}"
    print("ten problems in one message: as expected")

    (folder / "two.csv").write_text(
        f"id,fasta,taxon\na b,{common.FIRST},\na_b,{common.FIRST},human\nc,none.fasta,\n,{common.FIRST},\n"
    )
    said = nextflow(
        folder,
        *("--samples", "two.csv", "--plm", common.PLM, "--ontology", common.ONTOLOGY),
        *("--annotations", "my data+x/*/annot.txt", "--formats", "gaf", "-profile", "docker"),
        status=1,
    )
    for problem in [
        "two.csv, line 3: taxon is a number of NCBI's, not 'human'",
        "two.csv, line 4: there is no file 'none.fasta'",
        "two.csv, line 5: no id",
        "results of two.csv, line 2 and two.csv, line 3 would have one name: 'a_b'",
        "--date is missing: gaf",
        "--container is missing: the image that docker is to run",
    ]:
        assert problem in said, f"no {problem!r} in\n{said}"
    print("problems of a sample sheet and of containers: as expected")

    (folder / "columns.csv").write_text("id,file\na,b\n")
    said = nextflow(folder, "--samples", "columns.csv", "--plm", common.PLM, "--dictionary", "two.csv", status=1)
    assert "columns.csv has the columns id, file; they are id, fasta, annotations, clusters, taxon" in said, said
    assert "--dictionary belongs to --model" in said, said
    assert not list(folder.glob("work/*/*/.command.sh")), "something was run"
    print("columns of a sample sheet: as expected")
