"""The numbers of test_data/plm_parity/esmc against the package esm, and its reading of the weights' other names.

esm 3.4 (Python 3.12): `EsmcForMaskedLM.from_pretrained` reads `esmc` and `esmc_native`; its hidden_states are
transformers' (0 embeddings, the last behind the final norm). esm 3.0 to 3.2: `ESMC` loads `esmc_pth` strictly; its
hidden_states are the outputs of the blocks, not normed: entry N - 1 is layer N. Raises where a number differs by more
than 1e-4 of the largest of its row.
"""
import json

import torch
from safetensors.torch import safe_open

TOLERANCE = 1e-4


def saved(folder):
    with safe_open(folder / "esmc.safetensors", "pt") as file:
        numbers = {key: file.get_tensor(key) for key in file.keys()}
        return numbers, json.loads(file.metadata()["tokens"])


def compare(name, numbers, tokens, sites):
    """`sites`: values at every position of the padded batch, under the saved numbers' names."""
    worst = 0.0
    for i, line in enumerate(tokens):
        length = len(line) - 2
        rows = sorted({1, 1 + length // 2, length})
        for site, values in sites.items():
            expected = numbers[f"s{i}.{site}"]
            largest = expected.abs().amax(-1, keepdim=True)
            difference = ((values[i, rows] - expected).abs() / largest).max().item()
            if difference > TOLERANCE:
                raise SystemExit(f"{name}: s{i}.{site} differs by {difference:.2g} of the largest number")
            worst = max(worst, difference)
    print(f"{name}: {len(sites)} sites of {len(tokens)} sequences, at most {worst:.2g} of the largest number of a row")


def run(folder):
    numbers, tokens = saved(folder)
    config = json.loads((folder / "esmc" / "config.json").read_text())
    depth = config["num_hidden_layers"]
    ids = torch.ones(len(tokens), max(map(len, tokens)), dtype=torch.long)
    for row, line in zip(ids, tokens):
        row[: len(line)] = torch.tensor(line)
    with torch.inference_mode():
        try:
            from esm.models.esmc.model import EsmcForMaskedLM
        except ImportError:
            outdated(folder, config, numbers, tokens, ids)
            return
        for name in ("esmc", "esmc_native"):
            model = EsmcForMaskedLM.from_pretrained(folder / name, device="cpu", dtype=torch.float32).eval()
            out = model(input_ids=ids, attention_mask=ids != 1, output_hidden_states=True)
            sites = {f"residual.{n}": out.hidden_states[n] for n in range(depth + 1)}
            sites |= {f"unnormed.{depth}": out.last_hidden_state_prenorm, "logits": out.logits}
            compare(name, numbers, tokens, sites)


def outdated(folder, config, numbers, tokens, ids):
    from types import SimpleNamespace

    from esm.models.esmc import ESMC
    model = ESMC(config["hidden_size"], config["num_attention_heads"], config["num_hidden_layers"],
                 SimpleNamespace(pad_token_id=1)).eval()
    weights = torch.load(folder / "esmc_pth" / "data" / "weights" / "esmc_300m_2024_12_v0.pth", weights_only=True)
    model.load_state_dict(weights, strict=True)
    out = model.float()(ids)
    depth = len(out.hidden_states)
    sites = {f"residual.{n}": out.hidden_states[n - 1] for n in range(1, depth)}
    sites |= {f"unnormed.{depth}": out.hidden_states[-1], f"residual.{depth}": out.embeddings,
              "logits": out.sequence_logits}
    compare("esmc_pth", numbers, tokens, sites)
