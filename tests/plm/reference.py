#!/usr/bin/env python3
"""Hidden states of small random protein language models of other families than ESM-2: test_data/plm_parity.

    python tests/plm/reference.py test_data/plm_parity
    python tests/plm/reference.py --esm test_data/plm_parity
    python tests/plm/reference.py --benchmark esmc_300m DIR [--layers N]

Needs torch, transformers (5.24 or newer), safetensors, sentencepiece and protobuf. `--esm` compares what is there with
EvolutionaryScale's and Biohub's own package: `esm` 3.4 (Python 3.12) reads `esmc` and `esmc_native`, `esm` 3.0 to 3.2
reads `esmc_pth`. `--benchmark` writes a random model of a released model's shape in bf16 instead.

Sequences of 1 to 1,022 residues go through the reference in one padded batch with its mask. OUT/<model>/ is a model
folder in the layout of the released ones; OUT/<model>.safetensors holds, for sequence i, the rows of its first, middle
and last residue at every site and layer:
`s<i>.residual.<N>`   N = 0..L as in transformers' hidden_states: 0 embeddings, L behind the final norm
`s<i>.unnormed.<L>`   the stream before the final norm
`s<i>.attention.<N>`  N = 1..L, the stream after the attention was added
`s<i>.mlp.<N>`        N = 1..L, what the MLP adds to the stream (ESM-C: already divided by the residual scale)
`s<i>.logits`         where the model has a masked-LM head
The middle residue of n is number n / 2 + 1, rounded down, counted from 1; a residue that is two of these is there once.
Metadata, JSON: `sequences`, `tokens` (a list of ids for each sequence, special tokens included) and, for SaProt,
`structures` (3Di, one lower-case letter or # a residue). AMPLIFY is computed by amplify_reference.py, all else by
transformers. Parameters are rounded to what the folder stores before the reference runs.
"""
import argparse
import json
import pathlib
import random
import re

import amplify_reference
import benchmark_models
import esmc_layouts
import t5_tokenizers
import torch
from safetensors.torch import save, save_file
from transformers import (EsmcConfig, EsmcForMaskedLM, EsmConfig, EsmcTokenizer, EsmForMaskedLM, EsmTokenizer, T5Config,
                          T5EncoderModel, T5ForConditionalGeneration)

AMINO_ACIDS = "LAGVSERTIDPKQNFYMHWC"
LENGTHS = [300, 1, 1022, 2, 15, 16, 17, 64, 777, 3]
ESM_VOCABULARY = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <null_1> <mask>".split()
# SaProt's vocabulary: each amino acid, then #, with each 3Di state, then #
SAPROT_RESIDUES, STATES = "ACDEFGHIKLMNPQRSTVWY#", "pynwrqhgdlvtmfsaeikc#"
SAPROT_VOCABULARY = "<cls> <pad> <eos> <unk> <mask>".split() + [a + s for a in SAPROT_RESIDUES for s in STATES]


def sequences():
    letters = random.Random(20)
    # J is a letter of FASTA that no vocabulary has
    return ["".join(letters.choices(AMINO_ACIDS * 4 + "XBUZOJ", k=length)) for length in LENGTHS]


def randomize(model, seed, dtype=torch.bfloat16, factors=()):
    """Parameters far enough from the small start that a wrong formula shows, rounded to `dtype`."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            factor = next((factor for pattern, factor in factors if re.search(pattern, name)), 4)
            if parameter.dim() > 1:
                parameter.mul_(factor)
            elif "bias" in name:
                parameter.normal_(0, 0.1)
            else:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            parameter.copy_(parameter.to(dtype).float())
    return model.eval()


def numbers_of(model, tokens, pad, first, taps, logits=True):
    """The rows to save. `first` is the position of residue 1; `taps` maps (site, N) to (module, "in" or "out",
    divisor)."""
    ids = torch.full((len(tokens), max(map(len, tokens))), pad)
    for row, line in zip(ids, tokens):
        row[: len(line)] = torch.tensor(line)
    seen = {}
    for (site, n), (module, end, divisor) in taps.items():
        def hook(_, args, out, key=f"{site}.{n}", end=end, divisor=divisor):
            value = args[0] if end == "in" else out
            seen[key] = (value[0] if isinstance(value, tuple) else value) / divisor
        module.register_forward_hook(hook)
    mask = torch.zeros_like(ids)
    for row, line in zip(mask, tokens):
        row[: len(line)] = 1
    with torch.inference_mode():
        out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    seen |= {f"residual.{n}": h for n, h in enumerate(out.hidden_states)}
    depth = len(out.hidden_states) - 1
    for n in range(1, depth + 1):
        stream = seen[f"residual.{n}" if n < depth else f"unnormed.{n}"]
        torch.testing.assert_close(seen[f"attention.{n}"] + seen[f"mlp.{n}"], stream, rtol=1e-4, atol=1e-4)
    if logits:
        seen["logits"] = out.logits
    numbers = {}
    for i, line in enumerate(tokens):
        # one special token stands behind the last residue in every family
        length = len(line) - first - 1
        rows = sorted({first, first + length // 2, first + length - 1})
        numbers |= {f"s{i}.{site}": values[i, rows].float().clone() for site, values in seen.items()}
    assert all(values.isfinite().all() for values in numbers.values())
    return numbers


def save_numbers(outdir, name, numbers, texts, tokens, **more):
    metadata = {"sequences": texts, "tokens": tokens, **more}
    content = save(numbers, {key: json.dumps(value) for key, value in metadata.items()})
    # safetensors writes metadata in any order; here the same numbers are the same bytes
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8: 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    (outdir / f"{name}.safetensors").write_bytes(content[:8] + text.ljust(length) + content[8 + length:])


def save_weights(folder, state, dtype=torch.bfloat16):
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.to(dtype).contiguous() for key, value in state.items()}, folder / "model.safetensors",
              metadata={"format": "pt"})


def esmc_taps(model):
    taps = {("unnormed", len(model.layers)): (model.norm, "in", 1)}
    for n, layer in enumerate(model.layers, 1):
        taps["attention", n] = (layer.post_attention_layernorm, "in", 1)
        taps["mlp", n] = (layer.mlp, "out", layer.scaling_factor)
    return taps


def esmc(outdir, texts):
    """ESM-C: with its head; an encoder alone; the first in the layouts of esm 3.4 (native) and of esm 3.0 to 3.2."""
    tokenizer = EsmcTokenizer()
    tokens = tokenizer(texts)["input_ids"]
    for name, layers, width, heads, seed in [("esmc", 3, 40, 4, 0), ("esmc_bare", 2, 48, 2, 1)]:
        torch.manual_seed(seed)
        model = randomize(EsmcForMaskedLM(EsmcConfig(
            hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=256,
            attn_implementation="eager")), seed)
        bare = name == "esmc_bare"
        numbers = numbers_of(model, tokens, 1, 1, esmc_taps(model.esmc), not bare)
        save_numbers(outdir, name, numbers, texts, tokens)
        model = model.esmc if bare else model
        tokenizer.save_pretrained(outdir / name)
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(outdir / name)
        save_weights(outdir / name, model.state_dict())
        if not bare:
            esmc_layouts.write(outdir, model, tokenizer)


def t5_taps(encoder):
    taps = {("unnormed", len(encoder.block)): (encoder.final_layer_norm, "in", 1)}
    for n, block in enumerate(encoder.block, 1):
        taps["attention", n] = (block.layer[0], "out", 1)
        taps["mlp", n] = (block.layer[-1].DenseReluDense, "out", 1)
    return taps


def t5(outdir, texts):
    """T5 encoders as ProtT5 (its half-precision folder), ProstT5, Ankh and Ankh2 have them."""
    cases = [
        # name, layers, feed-forward, buckets, vocabulary, prefix, tokenizer files, stored as
        ("prott5", 3, "relu", 32, 128, None, t5_tokenizers.sentencepiece, torch.float16),
        ("prostt5", 2, "relu", 32, 150, "<AA2fold>", t5_tokenizers.prostt5, torch.bfloat16),
        ("ankh", 3, "gated-gelu", 64, 144, None, t5_tokenizers.ankh, torch.bfloat16),
        ("ankh2", 2, "gated-silu", 64, 144, None, t5_tokenizers.ankh, torch.bfloat16),
    ]
    # T5 starts with larger weights, and does not scale the products of queries and keys
    factors = [("shared|embed_tokens", 1), ("relative_attention_bias", 8), (r"\.(q|k)\.", 1.5), ("", 2)]
    for seed, (name, layers, act, buckets, vocabulary, prefix, files, dtype) in enumerate(cases):
        torch.manual_seed(seed)
        # ProstT5's folder has a decoder as well
        kind = T5EncoderModel if prefix is None else T5ForConditionalGeneration
        model = randomize(kind(T5Config(
            d_model=48, d_kv=16, d_ff=96, num_layers=layers, num_decoder_layers=1, num_heads=4, feed_forward_proj=act,
            vocab_size=vocabulary, relative_attention_num_buckets=buckets, attn_implementation="eager",
            is_encoder_decoder=prefix is not None, decoder_start_token_id=0)), seed, dtype, factors)
        model.config.architectures = [kind.__name__]
        model.config.save_pretrained(outdir / name)
        tokenize = files(outdir / name, vocabulary)
        tokens = [tokenize(re.sub("[UZOB]", "X", text), prefix) for text in texts]
        first = 0 if prefix is None else 1
        assert [len(line) for line in tokens] == [len(text) + first + 1 for text in texts]
        numbers = numbers_of(model.encoder, tokens, 0, first, t5_taps(model.encoder), False)
        save_numbers(outdir, name, numbers, texts, tokens)
        state = model.state_dict()
        if dtype == torch.float16:
            # both names of the embeddings, as the released folder has them
            half = {key: value.half() for key, value in state.items() if key != "encoder.embed_tokens.weight"}
            half["encoder.embed_tokens.weight"] = half["shared.weight"]
            torch.save(half, outdir / name / "pytorch_model.bin")
        else:
            tied = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")
            save_weights(outdir / name, {key: value for key, value in state.items() if key not in tied}, dtype)


def esm_taps(esm):
    taps = {("unnormed", len(esm.encoder.layer)): (esm.encoder.emb_layer_norm_after, "in", 1)}
    for n, layer in enumerate(esm.encoder.layer, 1):
        taps["attention", n] = (layer.attention.output, "out", 1)
        taps["mlp", n] = (layer.output.dense, "out", 1)
    return taps


def esm(outdir, texts):
    """ESM-1b, ESM-1v and SaProt, all of transformers' class for ESM."""
    generator = random.Random(21)
    structures = ["".join(generator.choices(STATES[:-1] * 2 + "#", k=len(text))) for text in texts]
    absolute, rotary = {"position_embedding_type": "absolute"}, {"position_embedding_type": "rotary"}
    cases = [
        ("esm1b", ESM_VOCABULARY, 32, absolute | {"emb_layer_norm_before": True}),
        ("esm1v", ESM_VOCABULARY, 32, absolute | {"emb_layer_norm_before": False}),
        ("saprot", SAPROT_VOCABULARY, 4, rotary | {"emb_layer_norm_before": False}),
    ]
    for seed, (name, vocabulary, mask, more) in enumerate(cases):
        torch.manual_seed(seed)
        model = randomize(EsmForMaskedLM(EsmConfig(
            vocab_size=len(vocabulary), mask_token_id=mask, pad_token_id=1, hidden_size=32, num_hidden_layers=2,
            num_attention_heads=2, intermediate_size=128, max_position_embeddings=1026, token_dropout=True,
            layer_norm_eps=1e-5, attn_implementation="eager", **more)), seed)
        folder = outdir / name
        model.config.architectures = ["EsmForMaskedLM"]
        model.config.save_pretrained(folder)
        (folder / "vocab.txt").write_text("\n".join(vocabulary))
        tokenizer = EsmTokenizer(str(folder / "vocab.txt"))
        saprot = {"structures": structures} if name == "saprot" else {}
        # residue by residue: of two unknown ones side by side the tokenizer makes one token
        words = [[a + s for a, s in zip(text, line)] if saprot else list(text) for text, line in zip(texts, structures)]
        known = {word: tokenizer(word, add_special_tokens=False)["input_ids"] for line in words for word in line}
        tokens = [[0, *(known[word][0] for word in line), 2] for line in words]
        assert all(len(ids) == 1 for ids in known.values())
        save_numbers(outdir, name, numbers_of(model, tokens, 1, 1, esm_taps(model.esm)), texts, tokens, **saprot)
        state = {key: value for key, value in model.state_dict().items() if "rotary" not in key}
        head = [key for key in state if key.startswith("lm_head.decoder.")]
        if saprot:
            # what transformers of 2023 stored beside the weights: the head's matrix is the embeddings', one storage
            for key in head:
                state[key] = state["lm_head.bias" if "bias" in key else "esm.embeddings.word_embeddings.weight"]
            state["esm.embeddings.position_ids"] = torch.arange(1026)[None]
            for n in range(2):
                rotary = 1e4 ** (-torch.arange(0, 16, 2) / 16)
                state[f"esm.encoder.layer.{n}.attention.self.rotary_embeddings.inv_freq"] = rotary
            torch.save(state, folder / "pytorch_model.bin")
        else:
            save_weights(folder, {key: value for key, value in state.items() if key not in head})


def amplify(outdir, texts):
    torch.manual_seed(0)
    model = randomize(amplify_reference.Amplify(layers=2, width=40, heads=4), 0, factors=[("encoder.weight", 1)])
    tokenize = amplify_reference.write_files(outdir / "amplify", model)
    tokens = [tokenize(text) for text in texts]
    save_numbers(outdir, "amplify", numbers_of(model, tokens, 0, 1, model.taps()), texts, tokens)
    save_weights(outdir / "amplify", model.state_dict())


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--esm", action="store_true", help="compare FOLDER with the package esm")
parser.add_argument("--benchmark", choices=benchmark_models.SHAPES, help="write one large random model into FOLDER")
parser.add_argument("--layers", type=int, help="with --benchmark: as many layers, not the released model's")
arguments = parser.parse_args()
if arguments.esm:
    import esm_check
    esm_check.run(arguments.folder)
elif arguments.benchmark:
    benchmark_models.write(arguments.benchmark, arguments.folder, arguments.layers)
else:
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for family in (esmc, t5, esm, amplify):
        family(arguments.folder, sequences())
