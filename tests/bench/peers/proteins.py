"""Proteins as the engines take them: read, made, as tokens of a family of PLMs, in batches sorted by length."""

import dataclasses
import gzip
import random

import numpy as np

ESM = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <null_1> <mask>".split()
T5 = "<pad> </s> <unk> A L G V S R E D T I P K F Q N Y M H W C X B O U Z".split()
# residues that a PLM sees at once: all engines get proteins cut here, so that all do the same work
LONGEST = 1022
# tokens of a batch, padding among them
BATCH_TOKENS = 4096


@dataclasses.dataclass
class Alphabet:
    """Tokens by their ids, and which of them stand around a sequence."""

    tokens: list
    before: list
    behind: str
    pad: str

    def __post_init__(self):
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        self.unknown = self.ids["<unk>"]
        self.special = len(self.before) + 1

    def encoded(self, sequence):
        """A sequence's tokens, with those of its ends."""
        around = [self.ids[token] for token in self.before], [self.ids[self.behind]]
        return [*around[0], *(self.ids.get(residue, self.unknown) for residue in sequence), *around[1]]


# by model_type of config.json; ESM-C has the ids of ESM-2 for residues, and T5 encoders have none before them
ALPHABETS = {
    "esm": Alphabet(ESM, ["<cls>"], "<eos>", "<pad>"),
    "esmc": Alphabet(ESM, ["<cls>"], "<eos>", "<pad>"),
    "t5": Alphabet(T5, [], "</s>", "<pad>"),
}


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


def batches(sequences, alphabet):
    """Batches from the longest sequence to the shortest: numbers of the sequences, tokens, and a mask of padding."""
    order = sorted(range(len(sequences)), key=lambda number: -len(sequences[number]))
    while order:
        width = len(sequences[order[0]]) + alphabet.special
        count = max(1, BATCH_TOKENS // width)
        chosen, order = order[:count], order[count:]
        tokens = np.full((len(chosen), width), alphabet.ids[alphabet.pad], np.int64)
        mask = np.zeros_like(tokens)
        for row, number in enumerate(chosen):
            own = alphabet.encoded(sequences[number])
            tokens[row, : len(own)], mask[row, : len(own)] = own, 1
        yield chosen, tokens, mask
