#!/usr/bin/env python3
"""Turns SGD's table of GO slim annotations into a GAF whose ids are the accessions of a FASTA file.

    sgd_to_gaf.py go_slim_mapping.tab[.gz] yeast.fasta[.gz] > yeast.gaf

Columns of the table: ORF, gene, SGD id, aspect (C, F, P), name of the slim term, GO id, type of the feature.
A row belongs to the protein whose GN= name is its gene or its ORF; rows without one keep the ORF as their id.
The table gives no evidence: slim annotations are computed from others, hence IEA.
"""
import gzip
import re
import sys

RELATION = {"C": "located_in", "F": "enables", "P": "involved_in"}


def lines(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as file:
        yield from file


def accessions(path):
    """Accession by GN= name; of several proteins of one gene the first in the file."""
    found = {}
    for line in lines(path):
        gene = re.search(r" GN=(\S+)", line) if line.startswith(">") else None
        if gene:
            word = line[1:].split()[0]
            accession = word.split("|")[1] if word.count("|") == 2 else word
            found.setdefault(gene.group(1), accession)
    return found


def main(table, fasta):
    accession = accessions(fasta)
    out = sys.stdout
    out.write("!gaf-version: 2.2\n!generated-by: sgd_to_gaf.py\n")
    for line in lines(table):
        columns = line.rstrip("\n").split("\t")
        if len(columns) != 7 or not columns[5].startswith("GO:"):
            continue
        orf, gene, _, aspect, _, term, kind = columns
        protein = accession.get(gene) or accession.get(orf)
        database, identifier = ("UniProtKB", protein) if protein else ("SGD", orf)
        out.write("\t".join([
            database, identifier, gene or orf, RELATION[aspect], term, "GO_REF:0000000", "IEA", "", aspect, "",
            orf, "protein" if protein else kind.split("|")[0], "taxon:559292", "20150126", "SGD", "", "",
        ]) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
