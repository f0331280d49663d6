"""Cuts a FASTA into shards of consecutive records, as even in residues as their order allows.

Whole records only, in the order of the input; a shard may be empty where there are more shards
than records.
"""

import gzip


def records(path):
    """The text of each record; gzip is recognised by its first bytes."""
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    record = []
    with (gzip.open if compressed else open)(path, "rt") as lines:
        for line in lines:
            if line.startswith(">") and record:
                yield "".join(record)
                record = []
            record.append(line)
    if record:
        yield "".join(record)


def shard(path, outputs):
    """Writes each record to the shard in which the middle of its text falls."""
    sizes = [len(record) for record in records(path)]
    total, done, current = sum(sizes), 0, 0
    out = open(outputs[0], "w")
    try:
        for record in records(path):
            target = min((2 * done + len(record)) * len(outputs) // (2 * total), len(outputs) - 1)
            done += len(record)
            while current < target:
                out.close()
                current += 1
                out = open(outputs[current], "w")
            out.write(record)
    finally:
        out.close()
    for path in outputs[current + 1 :]:
        open(path, "w").close()


shard(snakemake.input[0], list(snakemake.output))  # noqa: F821
