#!/usr/bin/env python3
"""Several proteomes of odd names in one run; a model that exists; the reports and the crate of a run."""

import subprocess
import urllib.parse

import common
from common import digests, nextflow, same, tasks, training

with common.workspace() as folder:
    (folder / "sam ples.csv").write_text(
        "taxon,id,fasta,annotations,clusters\n"
        f'559292,x.v1,{common.FIRST},"{";".join(common.ANNOTATIONS)}",{common.CLUSTERS}\n'
        f'9606,"é, it\'s +2","{common.SECOND}",my data+x/*/annot.txt,{common.CLUSTERS}\n'
    )
    sheet = ["--samples", "sam ples.csv", "--ontology", common.ONTOLOGY, "--plm", common.PLM]
    nextflow(folder, *sheet, "--outdir", "both", "--formats", "gff3,tsv,gaf", "--date", "2026-11-29")
    ids = ["x.v1", "é__it_s_+2"]
    nextflow(
        folder, *training(common.FIRST, "single"), "--formats", "gff3,tsv,gaf", "--date", "2026-11-29", "--taxon", "559292"
    )
    same("one proteome alone and in a sheet", digests(folder / "single", ids[0]), digests(folder / "both", ids[0]))

    report = (folder / "both/multiqc_report.html").read_text()
    table = (folder / "both/multiqc_data/multiqc_protsae_evaluate_table.txt").read_text()
    same("proteomes in MultiQC", [line.split("\t")[0] for line in table.splitlines()[1:]], ids)
    assert "ProtSAE annotations" in report and "protsae-train" in report, "a section is missing"

    from rocrate.rocrate import ROCrate

    crate = ROCrate(folder / "both")
    actions = [entity for entity in crate.get_entities() if entity.type == "CreateAction"]
    # shard, concepts, split, train, interpret, evaluate, report, three of annotate; embed and encode of three shards
    same("steps in the crate", len(actions), 2 * (10 + 2 * 3))
    for name in ids:
        gff3 = crate.get(urllib.parse.quote(f"{name}.annotations.gff3"))
        assert gff3 is not None, f"{name}.annotations.gff3 is not in the crate"

    # a model that exists, on both proteomes by a glob: the bytes of the pipe
    nextflow(
        folder,
        *("--input", "my data+x/x.v*", "--plm", common.PLM, "--model", f"both/{ids[0]}.model", "--outdir", "annotated"),
    )
    names = ["x.v1", "x.v2__é__it_s"]
    same("no training", {name for name, *_ in tasks(folder, "annotated")} & {"PROTSAE_TRAIN", "PROTSAE_CONCEPTS"}, set())
    model, dictionary = f"both/{ids[0]}.model", f"both/{ids[0]}.dictionary.json"
    for fasta, name in zip([common.FIRST, common.SECOND], names, strict=True):
        pipe = (
            f'protsae-embed -q -i "{fasta}" -m "{common.PLM}" --for {model} -o - '
            f"| protsae-encode -q -i - -m {model} --dictionary {dictionary} -o - "
            f"| protsae-annotate -q -i - --dictionary {dictionary} -o pipe.gff3"
        )
        subprocess.run(["bash", "-o", "pipefail", "-c", pipe], cwd=folder, check=True)
        expected = (folder / "pipe.gff3").read_bytes()
        assert expected.count(b"\n") > 10, "the pipe wrote nothing"
        same(f"{name}: the bytes of the pipe", (folder / f"annotated/{name}.annotations.gff3").read_bytes(), expected)
