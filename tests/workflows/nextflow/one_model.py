#!/usr/bin/env python3
"""One model over two proteomes: that of the plain shell on all proteins; each proteome is annotated with it."""

import subprocess

import common
from common import nextflow, same, tasks

with common.workspace() as folder:
    (folder / "two.csv").write_text(
        "id,fasta,annotations,clusters,taxon\n"
        f"a,{common.FIRST},my data+x/*/annot.txt,{common.CLUSTERS},9606\n"
        f'"b b",{common.SECOND},my data+x/*/annot.txt,{common.CLUSTERS},559292\n'
    )
    inputs = ["--samples", "two.csv", "--ontology", common.ONTOLOGY, "--plm", common.PLM]
    nextflow(folder, *inputs, "--one_model", "--outdir", "one", "--formats", "gff3,gaf", "--date", "2026-11-29")
    steps = [process for process, *_ in tasks(folder, "one")]
    counts = [steps.count(f"PROTSAE_{name}") for name in ["EMBED", "TRAIN", "ENCODE", "ANNOTATE", "REPORT"]]
    same("embed, train, encode, annotate, report", counts, [6, 1, 6, 4, 1])

    plain = f"""
        cat "{common.FIRST}" > all.fasta
        gzip -dc "{common.SECOND}" >> all.fasta
        protsae-concepts -q --ontology "{common.ONTOLOGY}" --annotations "{common.ANNOTATIONS[0]}" \\
            --annotations "{common.ANNOTATIONS[1]}" --sequences all.fasta --min-count 5 --concepts c.json -o l.arrow
        protsae-split -q --labels l.arrow --clusters "{common.CLUSTERS}" --sequences all.fasta \\
            --fractions 0.6,0.2,0.2 -o s.tsv
        protsae-embed -q -i all.fasta -m "{common.PLM}" --layer 3 -o a.arrow
        protsae-train -q -i a.arrow --labels l.arrow --concepts c.json --split s.tsv \\
            --latents 64 --k 8 --epochs 2 --batch 256 -o m
    """
    subprocess.run(["bash", "-euc", plain], cwd=folder, check=True)
    found = (folder / "one/all.model/model.safetensors").read_bytes()
    same("the model of the plain shell", found, (folder / "m/model.safetensors").read_bytes())
    for name, taxon in [("a", 9606), ("b_b", 559292)]:
        ranges = (folder / f"one/{name}.annotations.gff3").read_text()
        assert ranges.count("\tProtSAE\t") > 10, f"{name}: no ranges"
        calls = (folder / f"one/{name}.annotations.gaf").read_text().splitlines()
        taxa = {line.split("\t")[12] for line in calls if not line.startswith("!")}
        same(f"{name}: organism of the calls", taxa, {f"taxon:{taxon}"})
