#!/usr/bin/env python3
"""A protein language model of a released ESM-2's shape with random weights, for speed alone.

    python random_esm2.py 8M|35M|150M|650M|3B OUT_DIR [--seed 0]

Needs torch and transformers. Writes config.json, vocab.txt and model.safetensors.
"""
import argparse
import pathlib

import torch
from transformers import EsmConfig, EsmForMaskedLM

# layers, width, heads of arXiv 2022.07.20.500902, table S1
SHAPES = {"8M": (6, 320, 20), "35M": (12, 480, 20), "150M": (30, 640, 20), "650M": (33, 1280, 20), "3B": (36, 2560, 40)}
VOCABULARY = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <null_1> <mask>".split()

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("shape", choices=SHAPES)
parser.add_argument("out", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
layers, width, heads = SHAPES[args.shape]
torch.manual_seed(args.seed)
config = EsmConfig(
    vocab_size=len(VOCABULARY), hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
    intermediate_size=4 * width, position_embedding_type="rotary", token_dropout=True, mask_token_id=32, pad_token_id=1,
    emb_layer_norm_before=False, max_position_embeddings=1026, layer_norm_eps=1e-5,
)
args.out.mkdir(parents=True, exist_ok=True)
EsmForMaskedLM(config).save_pretrained(args.out)
(args.out / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
