#!/usr/bin/env python3
"""Puts the results of yeast.sh into Markdown.

    summary.py OUTDIR yeast.fasta[.gz] > yeast.md

Every concept with at least 50 positive test residues, or 20 positive test proteins, has a line: the AUROC of its
predictor (pi) and of its defined latent (z) on held-out proteins, and of the best latent of the TopK autoencoder.
"""

import gzip
import json
import sys
from pathlib import Path


def number(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f}"


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def best_other(scores):
    return (scores["best_other"] or {}).get("auroc")


outdir, fasta = Path(sys.argv[1]), sys.argv[2]
models = {name: json.loads((outdir / f"{name}.metrics.json").read_text()) for name in ("protsae", "topk")}

with (gzip.open if fasta.endswith(".gz") else open)(fasta, "rt") as lines:
    proteins = residues = 0
    for line in lines:
        if line.startswith(">"):
            proteins += 1
        else:
            residues += len(line.strip())
plm = models["protsae"]["plm"]
test = models["protsae"]["test"]
print(f"{proteins} proteins, {residues} residues; {plm['name']}, {plm['site']} {plm['layer']}, width {plm['width']}; "
      f"scores on {test['proteins']} held-out proteins, {test['residues']} of their residues.\n")  # fmt: skip

steps = [line.split("\t") for line in (outdir / "steps.tsv").read_text().splitlines()[1:]]
table(["step", "seconds", "CPU seconds", "peak memory, MB"], steps)

table(
    ["model", "latents", "FVU", "L0", "dead", "dense (> 10 %)", "participation"],
    [
        [name, f["latents"], number(f["fvu"]), number(f["l0"], 1), f["dead"], f["dense_10"], number(f["participation"])]
        for name, f in ((name, metrics["fidelity"]) for name, metrics in models.items())
    ],
)

by_id = {scores["id"]: scores for scores in models["topk"]["alignment"]["concepts"]}
alignment = models["protsae"]["alignment"]
for level, least in (("residue", alignment["min_residues"]), ("protein", alignment["min_proteins"])):
    counted = [s for s in alignment["concepts"] if s["level"] == level and s["positives"] >= least]
    rows = [
        [s["id"], s["name"], s["positives"], s["auroc_pi"], s["auroc_z"], best_other(s), best_other(by_id[s["id"]])]
        for s in counted
    ]
    means = []
    for column in range(3, 7):
        values = [row[column] for row in rows if row[column] is not None]
        means.append(sum(values) / len(values) if values else None)
    print(f"{len(rows)} concepts of {level}s, with at least {least} positive test {level}s (mean, then each):\n")
    table(
        ["concept", "name", "positives", "pi", "z", "best other latent", "best latent of TopK"],
        [["mean", "", ""] + [number(m) for m in means]] + [row[:3] + [number(v) for v in row[3:]] for row in rows],
    )
