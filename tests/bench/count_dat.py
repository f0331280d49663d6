#!/usr/bin/env python3
"""Counts what Biopython reads from UniProt flat files, as an independent check: `count_dat.py FILE...`

Prints for each file: entries, features, GO references, InterPro references, keywords.
"""
import gzip
import sys

from Bio import SwissProt

for path in sys.argv[1:]:
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    counts = [0] * 5
    with opened as file:
        try:
            for record in SwissProt.parse(file):
                counts[0] += 1
                counts[1] += len(record.features)
                counts[2] += sum(r[0] == "GO" for r in record.cross_references)
                counts[3] += sum(r[0] == "InterPro" for r in record.cross_references)
                counts[4] += len(record.keywords)
        except Exception as error:  # a file that is no flat file, or is cut off
            print(path, *counts, f"error: {error}", sep="\t")
            continue
    print(path, *counts, sep="\t")
