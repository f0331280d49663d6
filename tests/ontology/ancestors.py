#!/usr/bin/env python3
"""Ancestors of every current term as pronto reads the ontology: `ancestors.py FILE.obo.gz`

Prints for each term its id, and for is_a alone and for is_a with part_of inside a namespace (the term
itself among them) how many they are and the sum of their numbers.
"""
import gzip
import sys
import warnings

import pronto

warnings.simplefilter("ignore")
with gzip.open(sys.argv[1]) as file:
    ontology = pronto.Ontology(file)

terms = {term.id: term for term in ontology.terms() if not term.obsolete}
is_a = {}
part_of = {}
for id, term in terms.items():
    is_a[id] = {p.id for p in term.superclasses(distance=1, with_self=False) if p.id in terms}
    part_of[id] = set(is_a[id])
    for relation, targets in term.relationships.items():
        if relation.id == "part_of":
            part_of[id] |= {t.id for t in targets if t.id in terms and t.namespace == term.namespace}


def closures(parents):
    known = {}
    for start in parents:
        stack = [start]
        while stack:
            term = stack[-1]
            waiting = [p for p in parents[term] if p not in known]
            if waiting:
                stack.extend(waiting)
            else:
                known.setdefault(term, {term}.union(*(known[p] for p in parents[term])))
                stack.pop()
    return known


sets = [closures(is_a), closures(part_of)]
for id in sorted(terms):
    numbers = [[int(a.split(":")[1]) for a in ancestors[id]] for ancestors in sets]
    print(id, *(text for n in numbers for text in (len(n), sum(n))), sep="\t")
