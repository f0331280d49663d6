#!/usr/bin/env python3
"""The training step that `cargo bench --bench train_step` times, or encoding alone, as PyTorch is commonly written.

    train_step.py --batch 2048 --width 320 --latents 4096 --k 32 [--steps 7] [--threads 2] [--compute f32|bf16]
                  [--compile] [--encode-only]

Dense encoder, top K, dense decoder, autograd and Adam (fused), with the losses and weights of protsae-train's defaults;
bf16 is autocast over the model's products. Prints one JSON line: rows a second by the median over steps, peak memory.
"""
import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

WARM_UP, ATOMS, RELATIONS = 3, 12, 8
LAMBDA_ANNOT, LAMBDA_AXIOM, MARGIN, RADIUS_OFFSET = 10.0, 0.1, 0.1, 6.0

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
defaults = {"batch": 2048, "width": 320, "latents": 4096, "k": 32, "concepts": 200, "axioms": 2000, "zero": 500}
for option, default in (defaults | {"steps": 7, "threads": 2}).items():
    parser.add_argument(f"--{option}", type=int, default=default)
parser.add_argument("--compute", choices=["f32", "bf16"], default="f32")
parser.add_argument("--compile", action="store_true")
parser.add_argument("--encode-only", action="store_true")
args = parser.parse_args()
torch.set_num_threads(args.threads)
torch.manual_seed(0)
d, n, m, classes = args.width, args.latents, args.concepts, args.concepts + args.zero


class Autoencoder(torch.nn.Module):
    """Latents of concepts and unknown ones, a predictor of concepts, and the classes of an ontology as balls."""

    def __init__(self):
        super().__init__()
        rows = torch.randn(n, d) / d**0.5
        shapes = {"r": torch.zeros(m), "b_enc": torch.zeros(n), "b_dec": torch.zeros(d), "b_pred": torch.full((m,), -3.0),
                  "b_zero": torch.full((args.zero,), -3.0), "w_zero": torch.randn(args.zero, d) / d**0.5,
                  "relations": torch.randn(RELATIONS, d) / d**0.5, "w_pred": rows[:m].clone(), "w_unk": rows[m:].clone(),
                  "w_dec": rows.clone()}
        for name, start in shapes.items():
            setattr(self, name, torch.nn.Parameter(start))
        self.register_buffer("center", torch.zeros(d))

    def encode(self, x):
        centred = x - self.b_dec
        logits = F.linear(x - self.center, self.w_pred, self.b_pred)
        defined = F.linear(centred, self.w_pred.detach()) * self.r.exp()
        latents = torch.relu(torch.cat([defined, F.linear(centred, self.w_unk)], -1) + self.b_enc)
        values, places = torch.topk(latents, args.k, -1)
        sparse = torch.zeros_like(latents).scatter(-1, places, values)
        known, unknown = sparse[:, :m], sparse[:, m:]
        forced = (logits > 0) * torch.relu(unknown.mean(-1, keepdim=True) - known)
        return logits, torch.cat([known + forced, unknown], -1)

    def axiom_loss(self, nf1, nf4):
        centres = F.normalize(torch.cat([self.w_pred, self.w_zero]), dim=-1)
        radii = torch.relu(torch.cat([self.b_pred, self.b_zero]) + RADIUS_OFFSET)
        (c, e), (child, relation, other) = nf1.T, nf4.T
        apart = (centres[c] - centres[e]).norm(dim=-1) + radii[c] - radii[e]
        related = (centres[child] - centres[other] - self.relations[relation]).norm(dim=-1) - radii[child] - radii[other]
        return torch.relu(apart - MARGIN).mean() + torch.relu(related - MARGIN).mean()

    def forward(self, x, labels, nf1, nf4):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.compute == "bf16"):
            logits, latents = self.encode(x)
            reconstruction = latents @ self.w_dec + self.b_dec
        rec = ((reconstruction.float() - x) ** 2).sum(-1).mean()
        annot = F.binary_cross_entropy_with_logits(logits.float(), labels)
        return rec + LAMBDA_ANNOT * annot + LAMBDA_AXIOM * self.axiom_loss(nf1, nf4)


def rows(atoms):
    """A batch of a sparse mixture; its first atoms are the concepts."""
    code = torch.zeros(args.batch, 4 * d)
    code.scatter_(1, torch.randint(0, 4 * d, (args.batch, ATOMS)), torch.rand(args.batch, ATOMS))
    return code @ atoms, (code[:, :m] > 0).float()


model, atoms = Autoencoder(), torch.randn(4 * d, d)
data = [rows(atoms) for _ in range(4)]
del atoms
nf1 = torch.randint(0, classes, (args.axioms, 2))
nf4 = torch.stack([torch.randint(0, end, (args.axioms,)) for end in (classes, RELATIONS, classes)], 1)
adam = torch.optim.Adam(model.parameters(), lr=5e-4, fused=True)
loss = torch.compile(model) if args.compile else model
encode = torch.compile(model.encode) if args.compile else model.encode
times, losses = [], []
for step in range(WARM_UP + args.steps):
    x, labels = data[step % 4]
    start = time.perf_counter()
    if args.encode_only:
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.compute == "bf16"):
            encode(x)
    else:
        adam.zero_grad()
        value = loss(x, labels, nf1, nf4)
        value.backward()
        adam.step()
        losses.append(value.item())
    times.append(time.perf_counter() - start)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
print(json.dumps({
    "rate": args.batch / statistics.median(times[WARM_UP:]), "peak_mib": peak, "losses": losses[:1] + losses[-1:],
}))
