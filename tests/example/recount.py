"""Counts the ranges of a GFF3 on test proteins, and those that are right: recount.py GFF3 LABELS SPLIT CONCEPTS.

Right is what overlaps a labelled instance of its concept by an intersection over union of one half, one to one. Of
features that are known where there is a structure (`partial`), what shares no residue with the stretch between the
first and the last of them in its protein is left out."""

import json
import sys
from collections import defaultdict
from urllib.parse import unquote

import pyarrow as pa

gff3, labels, split, concepts = sys.argv[1:5]
test = {line.split("\t")[0] for line in open(split) if line.rstrip().endswith("\ttest")}
partial = {c["id"] for c in json.load(open(concepts))["concepts"] if c.get("partial")}
truths, known, ranges = defaultdict(set), {}, defaultdict(set)
with pa.memory_map(labels) as source:
    is_file = source.read(6) == b"ARROW1"
    source.seek(0)
    table = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(source).read_all()
for row in table.select(["protein", "concept", "start", "end"]).to_pylist():
    protein, concept, start, end = row.values()
    if protein in test and start is not None:
        truths[protein, concept].add((start, end))
        if concept in partial:
            first, last = known.get(protein, (start, end))
            known[protein] = (min(first, start), max(last, end))
for line in open(gff3):
    if not line.startswith("#"):
        protein, _, _, start, end, *_, attributes = line.rstrip("\n").split("\t")
        concept = unquote(dict(a.split("=", 1) for a in attributes.split(";"))["concept"])
        start, end = int(start), int(end)
        first, last = known.get(protein, (1, 0)) if concept in partial else (1, end)
        if protein in test and start <= last and end >= first:
            ranges[protein, concept].add((start, end))
counts = defaultdict(lambda: [0, 0])
for (protein, concept), found in ranges.items():
    pairs = []
    for a in found:
        for b in truths[protein, concept]:
            shared = min(a[1], b[1]) - max(a[0], b[0]) + 1
            if shared > 0:
                pairs.append((-shared / (max(a[1], b[1]) - min(a[0], b[0]) + 1), a, b))
    used, right = set(), 0
    for overlap, a, b in sorted(pairs):
        if ("range", a) not in used and ("truth", b) not in used:
            used |= {("range", a), ("truth", b)}
            right += overlap <= -0.5
    counts[concept][0] += len(found)
    counts[concept][1] += right
json.dump(counts, sys.stdout)
