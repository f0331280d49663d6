"""AMPLIFY (120M and 350M) in plain torch, written from its public description, and the files of a folder of it.

Pre-norm blocks with RMSNorm and no biases; SwiGLU whose first half is the gate; rotary positions on neighbouring pairs
of a head's numbers (2i, 2i + 1), counted from 0 at <bos>; the attention mask is added to the products and shuts out
padding as a key only (<bos> and <eos> are seen); padding stands behind <eos>. `hidden_states` follows transformers:
the embeddings first, the last behind `layer_norm_2`. AMPLIFY's own list has no embeddings, and its last is not normed.
"""
import json
import types

import torch
from torch import nn
from transformers import PreTrainedTokenizerFast

VOCABULARY = "<pad> <unk> <mask> <bos> <eos> | L A G V S E R T I D P K Q N F Y M H W C B".split()


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


class SwiGLU(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.w12 = nn.Linear(width, 2 * inner, bias=False)
        self.w3 = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        gate, linear = self.w12(x).chunk(2, dim=-1)
        return self.w3(nn.functional.silu(gate) * linear)


def rotated(x, theta=1e4):
    """x: [batch, heads, positions, numbers of a head]; pairs of neighbours turn by position * theta^(-2i/d)."""
    length, d = x.shape[-2:]
    angles = torch.arange(length)[:, None] * theta ** (-torch.arange(0, d, 2) / d)
    even, odd, cos, sin = x[..., 0::2], x[..., 1::2], angles.cos(), angles.sin()
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Block(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.wo = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.attention_norm, self.ffn_norm = RMSNorm(width), RMSNorm(width)
        self.ffn = SwiGLU(width, inner)

    def forward(self, x, mask):
        y = self.attention_norm(x)
        q, k, v = (part(y).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        products = rotated(q) @ rotated(k).transpose(-1, -2) / q.shape[-1] ** 0.5
        x = x + self.wo(((products + mask).softmax(-1) @ v).transpose(1, 2).flatten(2))
        return x + self.ffn(self.ffn_norm(x))


class Amplify(nn.Module):
    def __init__(self, layers, width, heads):
        super().__init__()
        # two thirds of four times the width, up to a multiple of 8
        inner = -(int(2 * 4 * width / 3) // -8) * 8
        self.shape = layers, width, heads
        self.encoder = nn.Embedding(len(VOCABULARY), width, padding_idx=0)
        self.transformer_encoder = nn.ModuleList(Block(width, heads, inner) for _ in range(layers))
        self.layer_norm_2 = RMSNorm(width)
        self.decoder = nn.Linear(width, len(VOCABULARY))

    def forward(self, input_ids, attention_mask, output_hidden_states):
        mask = torch.zeros(attention_mask.shape).masked_fill(attention_mask == 0, -torch.inf)[:, None, None]
        states = [self.encoder(input_ids)]
        for block in self.transformer_encoder:
            states.append(block(states[-1], mask))
        states[-1] = self.layer_norm_2(states[-1])
        return types.SimpleNamespace(hidden_states=states, logits=self.decoder(states[-1]))

    def taps(self):
        taps = {("unnormed", len(self.transformer_encoder)): (self.layer_norm_2, "in", 1)}
        for n, block in enumerate(self.transformer_encoder, 1):
            taps["attention", n] = (block.ffn_norm, "in", 1)
            taps["mlp", n] = (block.ffn, "out", 1)
        return taps


def write_files(folder, model):
    """config.json and tokenizer.json; returns tokenize(text) -> ids."""
    layers, width, heads = model.shape
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["AMPLIFY"], "att_bias": False,
        "auto_map": {"AutoConfig": "amplify.AMPLIFYConfig", "AutoModel": "amplify.AMPLIFY"},
        "bos_token_id": 3, "decoder_init_range": 0.02, "dropout_prob": 0, "embedding_init_range": 0.02,
        "eos_token_id": 4, "ffn_bias": False, "hidden_act": "SwiGLU", "hidden_size": width,
        "intermediate_size": 4 * width, "layer_norm_after_embedding": False, "layer_norm_before_last_layer": True,
        "mask_token_id": 2, "max_length": 2048, "model_type": "AMPLIFY", "norm_eps": 1e-05,
        "num_attention_heads": heads, "num_hidden_layers": layers, "pad_token_id": 0, "rms_norm": True,
        "torch_dtype": "float32", "unk_token_id": 1, "vocab_size": len(VOCABULARY)}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    begin, end = ({"SpecialToken": {"id": token, "type_id": 0}} for token in ("<bos>", "<eos>"))
    first, second = ({"Sequence": {"id": name, "type_id": i}} for i, name in enumerate("AB"))
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": token} | flags for i, token in enumerate(VOCABULARY[:5])],
        "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"String": ""}, "behavior": "Removed", "invert": False},
        "post_processor": {
            "type": "TemplateProcessing", "single": [begin, first, end], "pair": [first, second],
            "special_tokens": {token: {"id": token, "ids": [VOCABULARY.index(token)], "tokens": [token]}
                               for token in ("<bos>", "<eos>")}},
        "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {token: i for i, token in enumerate(VOCABULARY)}}}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, indent=2) + "\n")
    fast = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))

    def tokenize(text):
        ids = fast(text)["input_ids"]
        assert len(ids) == len(text) + 2
        return ids
    return tokenize
