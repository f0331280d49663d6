#!/usr/bin/env python3
"""Proteins for the experiment of steer.sh, and what its tables say.

    steer.py pick FASTA SPLIT.tsv N LONGEST      the first N test proteins of up to LONGEST residues, as FASTA
    steer.py summary LABELS.arrow TABLE.tsv ...  tables in Markdown

The summary leaves out proteins that have the concept. Values are means over proteins (of all samples, seeds and, in the
first table, concepts); intervals are percentiles of 2,000 bootstrap draws of whole proteins. A motif is gained where
the original has none and the generated sequence has one; proteins whose original has one are left out there.
"""

import csv
import gzip
import random
import sys
from collections import defaultdict

DRAWS = 2000
CONTROLS = ["unsteered", "plain", "random", "unrelated"]


def records(path):
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    with opened as text:
        for record in text.read().split(">")[1:]:
            header, *lines = record.splitlines()
            word = header.split()[0]
            parts = word.split("|")
            yield parts[1] if len(parts) > 2 else word, "".join(lines).rstrip("*")


def pick(fasta, split, count, longest):
    with open(split) as text:
        test = {line.split("\t")[0] for line in text if line.rstrip().endswith("\ttest")}
    left = int(count)
    for accession, sequence in records(fasta):
        if left and accession in test and len(sequence) <= int(longest):
            print(f">{accession}\n{sequence}")
            left -= 1


def carriers(path):
    """Proteins of each concept."""
    from pyarrow import ipc

    with open(path, "rb") as file:
        table = ipc.open_file(file).read_all()
    of = defaultdict(set)
    for protein, concept in zip(table["protein"].to_pylist(), table["concept"].to_pylist()):
        of[concept].add(protein)
    return of


MEASURES = {
    "score": lambda r: float(r["score_after"]) - float(r["score_before"]),
    "risen": lambda r: float(float(r["score_after"]) > float(r["score_before"])),
    "likelihood": lambda r: float(r["log_likelihood_after"]) - float(r["log_likelihood_before"]),
    "identity": lambda r: float(r["identity"]),
    "motif": lambda r: None if r["motif_before"] != "0" else float(r["motif_after"] != "0"),
}


def read(labels, paths):
    """Values by measure, (concept, arm, scale), and (protein, sample, seed, concept)."""
    of, values = carriers(labels), {name: defaultdict(dict) for name in MEASURES}
    for path in paths:
        with open(path, newline="") as text:
            for row in csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row["protein"] in of[row["concept"]]:
                    continue
                key = (row["concept"], row["arm"], row["scale"])
                item = (row["protein"], row["sample"], row["seed"], row["concept"])
                for name, measure in MEASURES.items():
                    value = measure(row)
                    if value is not None:
                        values[name][key][item] = value
    return values


def mean_by_protein(values):
    """Sum and count of each protein's values."""
    sums = defaultdict(lambda: [0.0, 0])
    for (protein, *_), value in values.items():
        sums[protein][0] += value
        sums[protein][1] += 1
    return sums


def interval(values):
    """The mean of values by item, and its interval over proteins."""
    sums = list(mean_by_protein(values).values())
    if not sums:
        return None
    rng, means = random.Random(0), []
    for _ in range(DRAWS):
        drawn = rng.choices(sums, k=len(sums))
        means.append(sum(s for s, _ in drawn) / sum(c for _, c in drawn))
    means.sort()
    all_values = sum(s for s, _ in sums) / sum(c for _, c in sums)
    return all_values, means[int(DRAWS * 0.025)], means[int(DRAWS * 0.975) - 1]


def difference(one, other):
    """Values of one less those of another, of the same items."""
    return {item: value - other[item] for item, value in one.items() if item in other}


def show(found, digits=3):
    if found is None:
        return "-"
    value, low, high = found
    bold = "**" if low > 0 or high < 0 else ""
    return f"{bold}{value:+.{digits}f}{bold} [{low:+.{digits}f}, {high:+.{digits}f}]"


def summary(labels, paths):
    values = read(labels, paths)
    keys = values["score"].keys()
    concepts = list(dict.fromkeys(concept for concept, _, _ in keys))
    scales = sorted({scale for _, arm, scale in keys if arm == "steered"}, key=float)
    pooled = {
        name: {
            (arm, scale): {i: v for c in concepts for i, v in table.get((c, arm, scale), {}).items()}
            for arm in ["steered", *CONTROLS]
            for scale in [*scales, ""]
        }
        for name, table in values.items()
    }

    def mean(of):
        return "-" if not of else f"{sum(of.values()) / len(of):.3f}"

    count = len({protein for items in values["score"].values() for protein, *_ in items})
    print(f"{len(concepts)} concepts, {count} proteins\n")
    print("| arm | scale | sequences | score rises | change of score | of log-likelihood | identity | motif gained |")
    print("|---|---|---|---|---|---|---|---|")
    for arm in ["steered", *CONTROLS]:
        for scale in [*scales, ""]:
            got = {name: table[arm, scale] for name, table in pooled.items()}
            if got["score"]:
                cells = [mean(got[name]) for name in ("risen", "score", "likelihood", "identity", "motif")]
                print("|", " | ".join([arm, scale or "-", str(len(got["score"])), *cells]), "|")
    print("\nSteered less each control, the mean over all concepts with its 95 % interval:\n")
    print("| scale | of | " + " | ".join(CONTROLS) + " |")
    print("|---|---|" + "---|" * len(CONTROLS))
    for scale in scales:
        for name, title in [("score", "score"), ("motif", "motif gained"), ("likelihood", "log-likelihood")]:
            steered, cells = pooled[name]["steered", scale], []
            for arm in CONTROLS:
                other = pooled[name][arm, scale] or pooled[name][arm, ""]
                cells.append(show(interval(difference(steered, other))))
            print("|", " | ".join([scale, title, *cells]), "|")
    print("\nOf each concept, at the largest scale; differences are to the control that comes nearest:\n")
    print("| concept | score: steered | less the best control | motif gained: steered | best control | difference |")
    print("|---|---|---|---|---|---|")
    for concept in concepts:
        cells = [concept]
        for name in ("score", "motif"):
            table = values[name]
            steered = table.get((concept, "steered", scales[-1]), {})
            others = [table.get((concept, a, scales[-1])) or table.get((concept, a, ""), {}) for a in CONTROLS]
            least = min((d for d in (difference(steered, o) for o in others) if d), key=lambda d: sum(d.values()), default={})
            best = max((o for o in others if o), key=lambda o: sum(o.values()) / len(o), default={})
            cells += [mean(steered)] + ([mean(best)] if name == "motif" else []) + [show(interval(least))]
        print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    {"pick": pick, "summary": lambda labels, *paths: summary(labels, paths)}[sys.argv[1]](*sys.argv[2:])
