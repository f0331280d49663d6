"""Proteins as the engines take them: read, made, as tokens of ESM-2, in batches sorted by length."""

import gzip
import random

import numpy as np

VOCABULARY = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <null_1> <mask>".split()
TOKENS = {token: number for number, token in enumerate(VOCABULARY)}
CLS, PAD, EOS, UNK = range(4)
# residues that ESM-2 sees at once: all engines get proteins cut here, so that all do the same work
LONGEST = 1022
# tokens of a batch, padding among them
BATCH_TOKENS = 4096


def read_fasta(path):
    """The sequences of a FASTA file, plain or gzip."""
    sequences = []
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rt") as lines:
        for line in lines:
            if line.startswith(">"):
                sequences.append("")
            elif sequences:
                sequences[-1] += line.strip()
    return sequences


def write_fasta(path, sequences):
    """A FASTA file of sequences, cut at LONGEST, with their numbers as names."""
    with open(path, "w") as out:
        for number, sequence in enumerate(sequences):
            out.write(f">protein{number}\n{sequence[:LONGEST]}\n")


def equal_lengths(count, length):
    """Random sequences of one length, the same ones in each run."""
    rng = random.Random(0)
    return ["".join(rng.choices("ACDEFGHIKLMNPQRSTVWY", k=length)) for _ in range(count)]


def encoded(sequence):
    """A sequence's tokens, with those of its ends."""
    return [CLS, *(TOKENS.get(residue, UNK) for residue in sequence), EOS]


def batches(sequences):
    """Batches from the longest sequence to the shortest: numbers of the sequences, tokens, and a mask of padding."""
    order = sorted(range(len(sequences)), key=lambda number: -len(sequences[number]))
    while order:
        width = len(sequences[order[0]]) + 2
        count = max(1, BATCH_TOKENS // width)
        chosen, order = order[:count], order[count:]
        tokens = np.full((len(chosen), width), PAD, np.int64)
        for row, number in enumerate(chosen):
            tokens[row, : len(sequences[number]) + 2] = encoded(sequences[number])
        yield chosen, tokens, (tokens != PAD).astype(np.int64)
