#!/usr/bin/env python3
"""Counts what Biopython reads from GAF and GPA files, as an independent check: `count_gaf.py FILE...`

Prints for each file: rows, rows with NOT, distinct gene products, distinct terms, rows of experimental evidence.
"""
import gzip
import sys

from Bio.UniProt import GOA

EXPERIMENTAL = set("EXP IDA IPI IMP IGI IEP HTP HDA HMP HGI HEP TAS IC".split())

for path in sys.argv[1:]:
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    read = GOA.gpa_iterator if ".gpa" in path else GOA.gafiterator
    with opened as file:
        try:
            rows = list(read(file))
        except Exception as error:  # a version that Biopython does not know
            print(path, f"error: {error}", sep="\t")
            continue
    print(
        path,
        len(rows),
        sum("NOT" in row["Qualifier"] for row in rows),
        len({row["DB_Object_ID"] for row in rows}),
        len({row["GO_ID"] for row in rows}),
        sum(row.get("Evidence") in EXPERIMENTAL for row in rows),
        sep="\t",
    )
