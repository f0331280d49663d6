#!/usr/bin/env python3
"""Makes test_data/checkpoints: a small checkpoint of each family that protsae-convert reads, with what it computes.

    python3 test_data/make_checkpoints.py      (needs torch, numpy, safetensors)

Every case is a folder: the checkpoint as its family saves it (weights are random), its configuration where it has one,
and expected.json: activations, latents and reconstructions, computed here in float64 by plain numpy from the family's
formula alone, and the options that protsae-convert needs.
"""

import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file

D, F, ROWS = 12, 40, 9
ROOT = pathlib.Path(__file__).resolve().parent / "checkpoints"


def relu(v):
    return np.maximum(v, 0.0)


def topk(v, k):
    """The k largest of each row, the others 0; then ReLU."""
    out = np.zeros_like(v)
    for row, values in enumerate(v):
        for column in np.argsort(-values, kind="stable")[:k]:
            out[row, column] = values[column]
    return relu(out)


def layer_norm(x):
    mean = x.mean(1, keepdims=True)
    deviation = x.std(1, ddof=1, keepdims=True)
    return (x - mean) / (deviation + 1e-5), lambda y: y * deviation + mean


def layer_norm_biased(x):
    mean = x.mean(1, keepdims=True)
    deviation = np.sqrt(x.var(1, keepdims=True) + 1e-5)
    return (x - mean) / deviation, lambda y: y * deviation + mean


def unit_length(x):
    factor = np.sqrt(x.shape[1]) / np.linalg.norm(x, axis=1, keepdims=True)
    return x * factor, lambda y: y / factor


class Case:
    """Random weights, float32 as saved, float64 as computed with."""

    def __init__(self, name):
        self.name = name
        self.rng = np.random.default_rng(sum(i * b for i, b in enumerate(name.encode(), 1)))
        self.x = (self.rng.normal(size=(ROWS, D)) * 1.5 + self.rng.normal(size=D)).astype(np.float32).astype(np.float64)
        self.enc = self.draw(F, D) / np.sqrt(D)
        self.dec = self.draw(F, D) / np.sqrt(D)
        self.b_enc = self.draw(F) * 0.3
        self.b_dec = self.draw(D) * 0.5
        self.enc, self.dec, self.b_enc, self.b_dec = map(self.single, (self.enc, self.dec, self.b_enc, self.b_dec))

    def draw(self, *shape):
        return self.single(self.rng.normal(size=shape))

    def positive(self, *shape):
        return self.single(0.2 + self.rng.random(size=shape))

    @staticmethod
    def single(v):
        return np.asarray(v, dtype=np.float32).astype(np.float64)

    def save(self, weights, tensors, latents, reconstruction, options=(), config=None, wrap=None, folder=False):
        """weights: the file's name; wrap: what the tensors' dictionary lies in."""
        out = ROOT / self.name
        out.mkdir(parents=True, exist_ok=True)
        held = {}
        for key, value in tensors.items():
            if isinstance(value, torch.Tensor):
                held[key] = value
            else:
                held[key] = torch.tensor(np.asarray(value), dtype=torch.float32)
        if weights.endswith(".safetensors"):
            save_file({k: v.contiguous() for k, v in held.items()}, out / weights)
        else:
            torch.save(wrap(held) if wrap else held, out / weights)
        for name, content in (config or {}).items():
            text = content if isinstance(content, str) else json.dumps(content, indent=1) + "\n"
            (out / name).write_text(text)
        expected = {
            "weights": "" if folder else weights,
            "options": list(options),
            "width": D,
            "latents": F,
            "x": self.x.ravel().tolist(),
            "z": np.round(latents, 9).ravel().tolist(),
            "x_hat": np.round(reconstruction, 9).ravel().tolist(),
        }
        (out / "expected.json").write_text(json.dumps(expected) + "\n")


def linears(c, **more):
    return {"encoder.weight": c.enc, "encoder.bias": c.b_enc, "decoder.weight": torch.tensor(c.dec, dtype=torch.float32).T, **more}


def interplm():
    c = Case("interplm_legacy")
    f = relu((c.x - c.b_dec) @ c.enc.T + c.b_enc)
    c.save("ae.pt", linears(c, bias=c.b_dec), f, f @ c.dec + c.b_dec)

    # the released normalised weights: rows over maxima, dead latents infinite and NaN
    c = Case("interplm_legacy_normalized")
    m = c.positive(F) * 4
    enc, b_enc, dec = c.single(c.enc / m[:, None]), c.single(c.b_enc / m), c.single(c.dec * m[:, None])
    saved = torch.tensor(enc, dtype=torch.float32)
    bias = torch.tensor(b_enc, dtype=torch.float32)
    for dead, value in [(3, float("inf")), (17, float("nan"))]:
        saved[dead], bias[dead] = value, float("nan")
        enc[dead], b_enc[dead], dec[dead] = 0.0, 0.0, 0.0
    f = relu((c.x - c.b_dec) @ enc.T + b_enc)
    tensors = {"bias": c.b_dec, "encoder.weight": saved, "encoder.bias": bias, "decoder.weight": torch.tensor(dec, dtype=torch.float32).T}
    c.save("ae_normalized.pt", tensors, f, f @ dec + c.b_dec)

    c = Case("interplm_v1_normalized")
    m = c.positive(F) * 4
    m[5] = 0.0
    z, back = unit_length(c.x)
    f = relu((z - c.b_dec) @ c.enc.T + c.b_enc)
    more = {"bias": c.b_dec, "activation_rescale_factor": m, "normalize_to_sqrt_d": torch.tensor(True)}
    c.save("ae_normalized.pt", linears(c, **more), f / np.where(m == 0, 1, m), back(f @ c.dec + c.b_dec))

    c = Case("interplm_v1_raw_latents")
    m = c.positive(F) * 4
    f = relu((c.x - c.b_dec) @ c.enc.T + c.b_enc)
    more = {"bias": c.b_dec, "activation_rescale_factor": m, "normalize_to_sqrt_d": torch.tensor(False)}
    c.save("ae_normalized.pt", linears(c, **more), f, f @ c.dec + c.b_dec, ["--normalize-latents", "false"])

    c = Case("interplm_tied")
    f = relu(c.x @ c.enc.T + c.b_enc)
    more = {"decoder.bias": c.b_dec, "activation_rescale_factor": torch.ones(F), "normalize_to_sqrt_d": torch.tensor(False)}
    c.save("ae.pt", linears(c, **more), f, f @ c.dec + c.b_dec)

    for name, threshold in [("topk", -1.0), ("batchtopk", 0.6)]:
        c = Case(f"interplm_{name}_normalized")
        m = c.positive(F) * 4
        h = relu((c.x - c.b_dec) @ c.enc.T + c.b_enc)
        f = topk(h, 6) if name == "topk" else h * (h > np.float32(threshold))
        more = {
            "b_dec": c.b_dec,
            "k": torch.tensor(6, dtype=torch.int32),
            "threshold": torch.tensor(threshold),
            "activation_rescale_factor": m,
            "normalize_to_sqrt_d": torch.tensor(False),
        }
        c.save("ae.pt", linears(c, **more), f / m, f @ c.dec + c.b_dec, ["--activation", name])

    c = Case("interplm_jumprelu")
    theta = c.draw(F) * 0.4
    p = c.x @ c.enc.T + c.b_enc
    f = relu(p * (p > theta))
    more = {"decoder.bias": c.b_dec, "threshold": theta, "activation_rescale_factor": torch.ones(F)}
    c.save("ae.pt", linears(c, **more), f, f @ c.dec + c.b_dec)

    # a run of training: python objects in the YAML
    c = Case("interplm_run")
    f = relu((c.x - c.b_dec) @ c.enc.T + c.b_enc)
    yaml = "!!python/object:interplm.train.Config\ntrainer_cfg: !!python/object:interplm.train.TrainerConfig\n  lr: 0.0001\n"
    c.save("ae.pt", linears(c, bias=c.b_dec), f, f @ c.dec + c.b_dec, config={"config.yaml": yaml}, folder=True)


def interprot():
    for name, file, wrap in [
        ("interprot_safetensors", "esm2_plm12_l4_sae40.safetensors", None),
        ("interprot_pt", "esm2_plm12_l4_sae40.pt", None),
        ("interprot_lightning", "esm2_plm12_l4_sae40.ckpt", "lightning"),
    ]:
        c = Case(name)
        z, back = layer_norm(c.x)
        f = topk((z - c.b_dec) @ c.enc.T + c.b_enc, 7)
        tensors = {
            "w_enc": torch.tensor(c.enc.T.copy(), dtype=torch.float32),
            "w_dec": c.dec,
            "b_enc": c.b_enc,
            "b_pre": c.b_dec,
            "stats_last_nonzero": torch.arange(F),
        }

        def lightning(held):
            state = {f"sae_model.{k}": v for k, v in held.items()}
            state["esm.embed_tokens.weight"] = torch.zeros(3, 4)
            return {
                "epoch": 3,
                "global_step": 10**12,
                "pytorch-lightning_version": "2.3.0",
                "state_dict": state,
                "hyper_parameters": {"lr": 1e-4, "path": pathlib.PurePosixPath("a/b"), "shape": torch.Size([1, 2])},
                "callbacks": {"ModelCheckpoint": {"best": torch.tensor(0.5), "seen": {1, 2}, "done": True, "none": None}},
                "numpy": np.float64(0.5),
            }

        c.save(file, tensors, f, back(f @ c.dec + c.b_dec), ["--k", "7"], wrap=lightning if wrap else None)


def esmc():
    for name, normalized in [("esmc", False), ("esmc_normalized", True)]:
        c = Case(name)
        m, idf = c.positive(F) * 3, c.positive(F)
        z, back = layer_norm(c.x)
        f = topk((z - c.b_dec) @ c.enc.T, 5)
        tensors = {"W_enc": c.enc.T.copy(), "W_dec": c.dec, "b_dec": c.b_dec, "idf": idf, "max": m}
        config = {"config.json": {"model_type": "esmc_sae", "d_model": D, "codebook_dim": F, "k": 5, "available_layers": [4]}}
        latents = f / m * idf if normalized else f
        options = ["--normalize-latents", "true"] if normalized else []
        c.save("layer_4.safetensors", tensors, latents, back(f @ c.dec + c.b_dec), options, config=config)

    # packs: a file for each layer, of which one is expected; without statistics max and idf are 1, and the first ones
    # published do not say what they are of
    flag = "use_residual_update_instead_of_states"
    for name, layers, expected, statistics, more, options in [
        ("esmc_pack", [0, 2, 6], 2, True, {flag: False}, ["--normalize-latents", "true"]),
        ("esmc_pack_bare", [0, 6], 6, False, {}, []),
        ("esmc_pack_updates", [0, 3], 3, True, {flag: True}, []),
    ]:
        config = {"model_type": "esmc_sae", "d_model": D, "codebook_dim": F, "k": 5, "available_layers": layers, **more}
        # the expected one last: the folder's expected.json is of it
        for layer in sorted(layers, key=lambda one: one == expected):
            c = Case(f"{name} {layer}")
            c.name = name
            m, idf = (c.positive(F) * 3, c.positive(F)) if statistics else (np.ones(F), np.ones(F))
            z, back = layer_norm(c.x)
            f = topk((z - c.b_dec) @ c.enc.T, 5)
            tensors = {"W_enc": c.enc.T.copy(), "W_dec": c.dec, "b_dec": c.b_dec, "idf": idf, "max": m}
            latents = f / m * idf if options else f
            c.save(f"layer_{layer}.safetensors", tensors, latents, back(f @ c.dec + c.b_dec), ["--layer", str(layer), *options],
                   config={"config.json": config}, folder=True)


def saelens():
    def cfg(**more):
        base = {"d_in": D, "d_sae": F, "dtype": "float32", "device": "cpu", "reshape_activations": "none", "metadata": {"sae_lens_version": "6.1.0"}}
        return {"cfg.json": {**base, **more}}

    def tensors(c, **more):
        return {"W_enc": c.enc.T.copy(), "W_dec": c.dec, "b_enc": c.b_enc, "b_dec": c.b_dec, **more}

    c = Case("saelens_standard")
    z, back = unit_length(c.x)
    f = relu(z @ c.enc.T + c.b_enc)
    config = cfg(architecture="standard", apply_b_dec_to_input=False, normalize_activations="constant_norm_rescale")
    c.save("sae_weights.safetensors", tensors(c), f, back(f @ c.dec + c.b_dec), config=config, folder=True)

    c = Case("saelens_average")
    f = relu((c.x * 0.25 - c.b_dec) @ c.enc.T + c.b_enc)
    config = cfg(architecture="standard", apply_b_dec_to_input=True, normalize_activations="expected_average_only_in")
    c.save("sae_weights.safetensors", tensors(c), f, (f @ c.dec + c.b_dec) / 0.25, ["--input-scale", "0.25"], config=config, folder=True)

    for name, shifted in [("saelens_gated", True), ("saelens_gated_unshifted", False)]:
        c = Case(name)
        b_mag, r_mag = c.draw(F) * 0.3, c.draw(F) * 0.3
        raw = (c.x - shifted * c.b_dec) @ c.enc.T
        f = (raw + c.b_enc > 0) * relu(raw * np.exp(r_mag) + b_mag)
        held = {"W_enc": c.enc.T.copy(), "W_dec": c.dec, "b_gate": c.b_enc, "b_mag": b_mag, "r_mag": r_mag, "b_dec": c.b_dec}
        config = cfg(architecture="gated", apply_b_dec_to_input=shifted, normalize_activations="none")
        c.save("sae_weights.safetensors", held, f, f @ c.dec + c.b_dec, config=config, folder=True)

    c = Case("saelens_jumprelu")
    theta = c.positive(F) * 0.5
    z, back = layer_norm(c.x)
    p = (z - c.b_dec) @ c.enc.T + c.b_enc
    f = relu(p) * (p > theta)
    config = cfg(architecture="jumprelu", apply_b_dec_to_input=True, normalize_activations="layer_norm")
    c.save("sae_weights.safetensors", tensors(c, threshold=theta), f, back(f @ c.dec + c.b_dec), config=config, folder=True)

    # version 5: flat keys, TopK as an activation function
    c = Case("saelens_topk_v5")
    f = topk((c.x - c.b_dec) @ c.enc.T + c.b_enc, 6)
    config = {"cfg.json": {"d_in": D, "d_sae": F, "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 6}, "hook_name": "blocks.3.hook_resid_post", "normalize_activations": None}}
    c.save("sae_weights.safetensors", tensors(c), f, f @ c.dec + c.b_dec, config=config, folder=True)

    c = Case("saelens_topk_rescaled")
    norm = np.linalg.norm(c.dec, axis=1)
    f = topk(((c.x - c.b_dec) @ c.enc.T + c.b_enc) * norm, 6)
    config = cfg(architecture="topk", k=6, rescale_acts_by_decoder_norm=True, apply_b_dec_to_input=True, normalize_activations="none")
    c.save("sae_weights.safetensors", tensors(c), f, (f / norm) @ c.dec + c.b_dec, config=config, folder=True)

    # a checkpoint of training, not the inference folder
    c = Case("saelens_batchtopk_training")
    norm = np.linalg.norm(c.dec, axis=1)
    h = relu(((c.x - c.b_dec) @ c.enc.T + c.b_enc) * norm)
    f = h * (h > 0.5)
    config = cfg(architecture="batchtopk", k=5.5, rescale_acts_by_decoder_norm=True, apply_b_dec_to_input=True, normalize_activations="none")
    c.save("sae_weights.safetensors", tensors(c, topk_threshold=torch.tensor(0.5, dtype=torch.float64)), f, (f / norm) @ c.dec + c.b_dec, config=config, folder=True)


def sparsify():
    c = Case("sparsify")
    f = topk(relu((c.x - c.b_dec) @ c.enc.T + c.b_enc), 4)
    tensors = {"encoder.weight": c.enc, "encoder.bias": c.b_enc, "W_dec": c.dec, "b_dec": c.b_dec}
    config = {"cfg.json": {"activation": "topk", "expansion_factor": 32, "normalize_decoder": True, "num_latents": 0, "k": 4, "multi_topk": False, "skip_connection": False, "transcode": False, "d_in": D}}
    c.save("sae.safetensors", tensors, f, f @ c.dec + c.b_dec, config=config, folder=True)


def dictionary_learning():
    def trainer(name, **more):
        return {"config.json": {"trainer": {"dict_class": name, "activation_dim": D, "dict_size": F, **more}, "buffer": {"d_submodule": D}}}

    c = Case("dictionary_learning_relu")
    f = relu((c.x - c.b_dec) @ c.enc.T + c.b_enc)
    c.save("ae.pt", linears(c, bias=c.b_dec), f, f @ c.dec + c.b_dec, config=trainer("AutoEncoder"), folder=True)

    c = Case("dictionary_learning_gated")
    b_mag, r_mag = c.draw(F) * 0.3, c.draw(F) * 0.3
    raw = (c.x - c.b_dec) @ c.enc.T
    f = (raw + c.b_enc > 0) * relu(np.exp(r_mag) * raw + b_mag)
    held = {"decoder_bias": c.b_dec, "r_mag": r_mag, "gate_bias": c.b_enc, "mag_bias": b_mag, "encoder.weight": c.enc, "decoder.weight": torch.tensor(c.dec, dtype=torch.float32).T}
    c.save("ae.pt", held, f, f @ c.dec + c.b_dec, config=trainer("GatedAutoEncoder"), folder=True)

    c = Case("dictionary_learning_jumprelu")
    theta = c.positive(F) * 0.5
    p = c.x @ c.enc.T + c.b_enc
    f = relu(p * (p > theta))
    held = {"W_enc": c.enc.T.copy(), "W_dec": c.dec, "b_enc": c.b_enc, "b_dec": c.b_dec, "threshold": theta}
    c.save("ae.pt", held, f, f @ c.dec + c.b_dec, config=trainer("JumpReluAutoEncoder"), folder=True)

    for name, threshold in [("AutoEncoderTopK", 0.4), ("BatchTopKSAE", 0.7)]:
        c = Case(f"dictionary_learning_{name.lower()}")
        h = relu((c.x - c.b_dec) @ c.enc.T + c.b_enc)
        f = topk(h, 5) if name == "AutoEncoderTopK" else h * (h > np.float32(threshold))
        held = linears(c, b_dec=c.b_dec, k=torch.tensor(5, dtype=torch.int32), threshold=torch.tensor(threshold))
        c.save("ae.pt", held, f, f @ c.dec + c.b_dec, config=trainer(name, k=5), folder=True)

    c = Case("dictionary_learning_matryoshka")
    h = relu((c.x - c.b_dec) @ c.enc.T + c.b_enc)
    f = h * (h > 0.5)
    held = {"W_enc": c.enc.T.copy(), "W_dec": c.dec, "b_enc": c.b_enc, "b_dec": c.b_dec, "k": torch.tensor(5), "threshold": torch.tensor(0.5), "group_sizes": torch.tensor([8, 12, 20])}
    c.save("ae.pt", held, f, f @ c.dec + c.b_dec, config=trainer("MatryoshkaBatchTopKSAE", k=5), folder=True)

    # SAEFold: activations over norm_factor, centred per residue; biases as trained
    c = Case("saefold")
    factor = 2.5
    y = c.x / factor
    y = y - y.mean(1, keepdims=True)
    h = relu((y - c.b_dec) @ c.enc.T + c.b_enc)
    f = h * (h > 0.25)
    back = (f @ c.dec + c.b_dec) * factor + c.x.mean(1, keepdims=True)
    held = {"W_enc": c.enc.T.copy(), "W_dec": c.dec, "b_enc": c.b_enc, "b_dec": c.b_dec, "k": torch.tensor(5), "threshold": torch.tensor(0.25), "group_sizes": torch.tensor([8, 12, 20])}
    c.save("3b-l36-matry-k-5.ckpt", held, f, back, ["--input-scale", "0.4", "--input-transform", "center"],
           wrap=lambda held: {"state_dict": {f"sae.{k}": v for k, v in held.items()}})


def others():
    c = Case("rep_saes")
    z, back = layer_norm_biased(c.x)
    f = topk((z - c.b_dec) @ c.enc.T + c.b_enc, 6)
    held = {"model.weights.0": c.enc.T.copy(), "model.weights.1": c.dec, "model.weights.2": c.b_enc, "model.weights.3": c.b_dec, "model.neuron_idle_counts": torch.zeros(F)}
    c.save("last.ckpt", held, f, back(f @ c.dec + c.b_dec), ["--k", "6"], wrap=lambda held: {"state_dict": held, "epoch": 1})

    # bare weights, a hub mixin's file; stored transposed and in half precision
    c = Case("bare")
    c.enc = c.enc.astype(np.float16).astype(np.float64)
    f = relu((c.x - c.b_dec) @ c.enc.T + c.b_enc)
    held = {"W_enc": torch.tensor(c.enc, dtype=torch.float16).T, "W_dec": c.dec, "b_enc": c.b_enc, "b_dec": c.b_dec}
    c.save("weights.pt", held, f, f @ c.dec + c.b_dec, ["--activation", "relu", "--apply-b-dec", "true"])


if __name__ == "__main__":
    for family in (interplm, interprot, esmc, saelens, sparsify, dictionary_learning, others):
        family()
    total = sum(p.stat().st_size for p in ROOT.rglob("*") if p.is_file())
    print(f"{len(list(ROOT.iterdir()))} checkpoints, {total >> 10} KiB in {ROOT}", file=sys.stderr)
