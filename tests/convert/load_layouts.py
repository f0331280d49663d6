"""Loads folders with the libraries that they are made for, writes what these compute of given rows, and saves each
beside itself (FOLDER-saved) as the library does.

    load_layouts.py TASK.json RESULTS.json
"""

import json
import os
import sys
from pathlib import Path

import torch

# its Triton kernel needs a GPU; its own eager decoder does not
os.environ["SPARSIFY_DISABLE_TRITON"] = "1"


def sparse(z):
    """Places and values of what is not 0, row by row."""
    z = z.reshape(-1)
    places = z.nonzero().reshape(-1)
    return places.tolist(), [float(f"{v:.8g}") for v in z[places].tolist()]


def of_saelens(folder, x):
    from sae_lens import SAE

    sae = SAE.load_from_disk(folder, device="cpu")
    z = sae.encode(x)
    sae.save_model(folder + "-saved")
    return z, sae.decode(z)


def of_sparsify(folder, x):
    from sparsify import Sae

    sae = Sae.load_from_disk(folder, device="cpu")
    sae.save_to_disk(folder + "-saved")
    encoded = sae.encode(x)
    z = torch.zeros(x.shape[0], sae.num_latents)
    z.scatter_(1, encoded.top_indices, encoded.top_acts)
    return z, sae.decode(encoded.top_acts, encoded.top_indices)


def main():
    task = json.loads(Path(sys.argv[1]).read_text())
    x = torch.tensor(task["x"]).reshape(-1, task["width"])
    results = {}
    with torch.no_grad():
        for case in task["cases"]:
            load = of_saelens if case["layout"] == "saelens" else of_sparsify
            z, x_hat = load(case["folder"], x)
            places, values = sparse(z)
            flat = [float(f"{v:.8g}") for v in x_hat.reshape(-1).tolist()]
            results[case["name"]] = {"places": places, "values": values, "x_hat": flat}
    Path(sys.argv[2]).write_text(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
