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
    total = sum(map(len, records(path)))
    out, done = None, 0
    for name in outputs:
        open(name, "w").close()
    current = -1
    for record in records(path):
        target = min((2 * done + len(record)) * len(outputs) // (2 * total), len(outputs) - 1)
        done += len(record)
        if target != current:
            if out:
                out.close()
            current, out = target, open(outputs[target], "w")
        out.write(record)
    if out:
        out.close()


shard(snakemake.input[0], list(snakemake.output))  # noqa: F821
