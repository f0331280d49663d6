#!/usr/bin/env python3
"""Hidden states of small ESM-2-shaped models by Hugging Face transformers: the numbers of test_data/esm2_parity.

    python tests/plm/esm2_reference.py test_data/esm2_parity

Needs torch, transformers and safetensors. Sequences of 1 to 1,022 residues, all letters that ESM-2 knows, go through
transformers in one padded batch with its mask. OUT/<model>/ is a model folder whose weights are stored as bf16;
OUT/<model>.safetensors holds, for sequence i, the rows of its first, middle and last residue at every site and layer:
`s<i>.residual.<N>` (N = 0..L), `s<i>.attention.<N>`, `s<i>.mlp.<N>` (N = 1..L), `s<i>.logits`. `attention` is the
stream after the attention block, `mlp` the MLP's output before it is added. Its metadata holds the sequences.
"""
import json
import pathlib
import random
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import EsmConfig, EsmForMaskedLM

VOCABULARY = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <null_1> <mask>".split()
TOKEN = {token: i for i, token in enumerate(VOCABULARY)}
LENGTHS = [300, 1, 1022, 2, 15, 16, 17, 64, 100, 255, 256, 512, 777, 1021, 3]
# layers, width, heads
MODELS = {"2x32": (2, 32, 2), "3x60": (3, 60, 5), "2x96": (2, 96, 3)}


def sequences():
    letters = random.Random(20)
    texts = ["".join(letters.choices("LAGVSERTIDPKQNFYMHWC" * 4 + "XBUZO", k=length)) for length in LENGTHS]
    return texts


def random_model(layers, width, heads, seed):
    torch.manual_seed(seed)
    model = EsmForMaskedLM(EsmConfig(
        vocab_size=len(VOCABULARY), mask_token_id=32, pad_token_id=1, hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=heads, intermediate_size=4 * width, max_position_embeddings=1026,
        position_embedding_type="rotary", emb_layer_norm_before=False, token_dropout=True, layer_norm_eps=1e-5,
        attn_implementation="eager"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # far enough from the small start that a wrong formula shows
            if parameter.dim() > 1:
                parameter.mul_(4)
            elif "bias" in name:
                parameter.normal_(0, 0.1)
            else:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            parameter.copy_(parameter.bfloat16().float())
    return model.eval()


def hidden_states(model, texts):
    longest = max(map(len, texts)) + 2
    tokens = torch.ones(len(texts), longest, dtype=torch.long)
    for row, text in zip(tokens, texts):
        row[: len(text) + 2] = torch.tensor([0, *(TOKEN[letter] for letter in text), 2])
    seen = {}
    for n, layer in enumerate(model.esm.encoder.layer, 1):
        layer.attention.output.register_forward_hook(lambda _, __, out, n=n: seen.__setitem__(f"attention.{n}", out))
        layer.output.dense.register_forward_hook(lambda _, __, out, n=n: seen.__setitem__(f"mlp.{n}", out))
    with torch.inference_mode():
        out = model(tokens, attention_mask=(tokens != 1).long(), output_hidden_states=True)
    seen |= {f"residual.{n}": h for n, h in enumerate(out.hidden_states)}
    seen["logits"] = out.logits
    numbers = {}
    for i, text in enumerate(texts):
        rows = sorted({1, len(text) // 2 + 1, len(text)})
        numbers |= {f"s{i}.{site}": values[i, rows].clone() for site, values in seen.items()}
    return numbers


outdir = pathlib.Path(sys.argv[1])
outdir.mkdir(parents=True, exist_ok=True)
texts = sequences()
for seed, (name, shape) in enumerate(MODELS.items()):
    model = random_model(*shape, seed)
    numbers = hidden_states(model, texts)
    save_file(numbers, outdir / f"{name}.safetensors", metadata={"sequences": json.dumps(texts)})
    model.save_pretrained(outdir / name)
    weights = load_file(outdir / name / "model.safetensors")
    # the rotary frequencies are not weights: they stay as they are
    exact = {key: value if "inv_freq" in key else value.bfloat16() for key, value in weights.items()}
    save_file(exact, outdir / name / "model.safetensors", metadata={"format": "pt"})
    (outdir / name / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
