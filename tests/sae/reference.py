#!/usr/bin/env python3
"""Every variant of the autoencoder in PyTorch, in double precision: three steps of Adam by autograd.

    python reference.py variants.safetensors

writes the numbers that tests/sae/reference.rs compares with. Needs torch and safetensors; run it again
only where a variant's definition changes.
"""

import sys

import torch
from safetensors.torch import save_file

ROWS, WIDTH, LATENTS, CONCEPTS, ZERO, RELATIONS = 10, 6, 14, 3, 2, 1
K, LR, STEPS, LAMBDA, MARGIN = 3, 1e-2, 3, 0.3, 0.1
BANDWIDTH, AUX_K, AUX_WEIGHT, DEAD_AFTER = 0.5, 2, 0.25, 20
THRESHOLD_RATE, LAMBDA_IMPLICATION, RADIUS_SHIFT = 0.01, 3.0, 6.0
# child and parent
EDGES = [[0, 1], [0, 2], [1, 2]]
ANCESTORS = [[0, 1, 2], [1, 2], [2]]
# weights of positives, rows that no label speaks of, latents that are dead at first
POSITIVES = torch.tensor([1.0, 2.0, 3.5], dtype=torch.float64)
SILENT, DEAD = 5, [4, 8, 9, 12]
AXIOMS = {
    "nf1": [[0, 1], [2, 3]],
    "nf2": [[0, 2, 4]],
    "nf3": [[0, 1, 2]],
    "nf4": [[1, 0, 4], [0, 0, 2]],
    "disjoint": [[0, 2], [1, 3]],
}

torch.set_default_dtype(torch.float64)
random = torch.Generator().manual_seed(7)


def normal(*shape):
    return torch.randn(*shape, generator=random)


X = normal(ROWS, WIDTH)
Y = (torch.rand(ROWS, CONCEPTS, generator=random) < 0.4).double()
START = {
    "enc": normal(LATENTS, WIDTH) / WIDTH**0.5,
    "dec": normal(LATENTS, WIDTH) / WIDTH**0.5,
    "b_pred": 0.3 * normal(CONCEPTS),
    "r_pred": 0.2 * normal(CONCEPTS),
    "b_enc": 0.2 * normal(LATENTS),
    "b_dec": 0.1 * normal(WIDTH),
    "w_zero": normal(ZERO, WIDTH) / WIDTH**0.5,
    "b_zero": 0.3 * normal(ZERO),
    "relations": 0.3 * normal(RELATIONS, WIDTH),
    "threshold": 0.4 + 0.05 * normal(LATENTS),
    "b_mag": 0.2 * normal(LATENTS),
    "r_mag": 0.2 * normal(LATENTS),
}
# drawn last, so that the numbers above are those of before
CENTER = 0.3 * normal(WIDTH)


class Jump(torch.autograd.Function):
    """pre where it is above the threshold, else 0; the threshold feels a window (arXiv 2407.14435)."""

    @staticmethod
    def forward(ctx, pre, threshold):
        ctx.save_for_backward(pre, threshold)
        return pre * (pre > threshold)

    @staticmethod
    def backward(ctx, gradient):
        pre, threshold = ctx.saved_tensors
        window = ((pre - threshold).abs() < BANDWIDTH / 2).double()
        return gradient * (pre > threshold), -(threshold / BANDWIDTH * window * gradient).sum(0)


class Count(torch.autograd.Function):
    """1 where pre is above the threshold; the threshold feels the same window."""

    @staticmethod
    def forward(ctx, pre, threshold):
        ctx.save_for_backward(pre, threshold)
        return (pre > threshold).double()

    @staticmethod
    def backward(ctx, gradient):
        pre, threshold = ctx.saved_tensors
        window = ((pre - threshold).abs() < BANDWIDTH / 2).double()
        return None, -(window / BANDWIDTH * gradient).sum(0)


def top(values, k):
    """The k largest of each row, if positive; the others 0."""
    best, at = torch.topk(values.relu(), k, dim=-1)
    return torch.zeros_like(values).scatter(-1, at, best)


def squares(error):
    return (error**2).sum(-1).mean()


def axiom_loss(case, p):
    centre = torch.cat([p["enc"][:CONCEPTS], p["w_zero"]])
    radius = torch.cat([p["b_pred"], p["b_zero"]])
    radius = (radius + RADIUS_SHIFT).relu() if case.get("radius") == "signed" else radius.abs()
    if case.get("norm") == "unit":
        centre = centre / torch.linalg.vector_norm(centre, dim=-1, keepdim=True)
    relation, length, g = p["relations"], torch.linalg.vector_norm, MARGIN
    mean = lambda hinges: sum(h.relu() for h in hinges) / len(hinges)
    total = mean([length(centre[c] - centre[d]) + radius[c] - radius[d] - g for c, d in AXIOMS["nf1"]])
    for c, d, e in AXIOMS["nf2"]:
        total = total + (length(centre[c] - centre[d]) - radius[c] - radius[d] - g).relu()
        total = total + (length(centre[e] - centre[c]) - radius[c] - g).relu()
        total = total + (length(centre[e] - centre[d]) - radius[d] - g).relu()
    assert len(AXIOMS["nf2"]) == 1
    total = total + mean([length(centre[c] + relation[r] - centre[d]) + radius[c] - radius[d] - g for r, c, d in AXIOMS["nf3"]])
    total = total + mean([length(centre[c] - centre[d] - relation[r]) - radius[c] - radius[d] - g for c, r, d in AXIOMS["nf4"]])
    return total + mean([radius[c] + radius[d] - length(centre[c] - centre[d]) + g for c, d in AXIOMS["disjoint"]])


def annotation_loss(logit, y, spoken):
    p = torch.nn.functional.logsigmoid
    loss = -(POSITIVES * y * p(logit) + (1 - y) * p(-logit))
    return loss[spoken].mean()


def implication_loss(logit, spoken):
    """What children exceed their parents by, per row and concept."""
    q = torch.sigmoid(logit - POSITIVES.log())[spoken]
    return sum((q[:, c] - q[:, p]).relu().sum() for c, p in EDGES) / q.numel()


def forced(case, logit, z, m):
    """Predicted concepts, lifted to the mean of the unknown latents."""
    of_concepts, others = z[:, :m], z[:, m:]
    called = logit > 0
    if case.get("coherent"):
        above = torch.zeros(m, m, dtype=torch.bool)
        for c, ancestors in enumerate(ANCESTORS):
            above[c, ancestors] = True
        called = (called.double() @ above.double()) > 0
    lift = called * (others.mean(-1, keepdim=True) - of_concepts).relu()
    return torch.cat([of_concepts + lift, others], -1)


def loss_of(case, p, x, y, spoken, memory):
    """The loss of a batch, and the latents that it activates."""
    variant = case["variant"]
    ties = variant.startswith("protsae")
    variant = variant.removeprefix("protsae-")
    m = CONCEPTS if ties or variant == "linear-probe" else 0
    xc = x - p["b_dec"]
    raw = xc @ p["enc"].T
    if m:
        # the bias is that at the predictor's own centre
        centre = CENTER if case.get("centre") == "mean" else p["b_dec"]
        logit = (x - centre) @ p["enc"][:m].T + p["b_pred"]
        own = p["enc"][:m] if case.get("detach") is False else p["enc"][:m].detach()
        raw = torch.cat([(xc @ own.T) * p["r_pred"].exp(), raw[:, m:]], -1)
    pre = raw + p["b_enc"]
    lengths = p["dec"].norm(dim=-1).detach()
    extra = torch.zeros(())
    if variant == "linear-probe":
        z = torch.zeros_like(pre)
    elif variant == "batchtopk":
        values = pre.relu().flatten()
        best, at = torch.topk(values, K * len(x))
        z = torch.zeros_like(values).scatter(0, at, best).view_as(pre)
        followed, least = memory["threshold"], best[-1].item()
        memory["threshold"] = least if followed == 0 else followed + THRESHOLD_RATE * (least - followed)
    elif variant == "relu":
        z = pre.relu()
        extra = LAMBDA * (lengths * z).sum(-1).mean()
    elif variant == "gated":
        open_ = pre.relu()
        z = (pre > 0) * (raw * p["r_mag"].exp() + p["b_mag"]).relu()
        extra = LAMBDA * (lengths * open_).sum(-1).mean()
        extra = extra + squares(open_ @ p["dec"].detach() + p["b_dec"].detach() - x)
    elif variant == "jumprelu":
        z = Jump.apply(pre, p["threshold"])
        extra = LAMBDA * Count.apply(pre, p["threshold"]).sum(-1).mean()
    else:
        z = top(pre, K)
    if ties:
        z = forced(case, logit, z, m)
    ends = [*case.get("prefixes", []), pre.shape[1]]
    errors = [z[:, :end] @ p["dec"][:end] + p["b_dec"] - x for end in ends]
    loss = sum(map(squares, errors)) / len(errors) + extra
    dead = (memory["idle"] >= DEAD_AFTER) & (torch.arange(pre.shape[1]) >= m)
    if case.get("aux_k") and dead.any():
        rest = top(pre * dead, AUX_K) @ p["dec"]
        loss = loss + AUX_WEIGHT * squares(rest + errors[-1].detach())
    if m:
        loss = loss + 10 * annotation_loss(logit, y, spoken)
        if case.get("implication"):
            loss = loss + 10 * LAMBDA_IMPLICATION * implication_loss(logit, spoken)
    if ties:
        loss = loss + axiom_loss(case, p)
    return loss, (z > 0).any(0)


CORRECTED = dict(centre="mean", radius="signed", norm="unit", implication=True)
CASES = {
    "protsae": dict(variant="protsae"),
    "protsae-attached": dict(variant="protsae", detach=False),
    "protsae-prefixes": dict(variant="protsae", prefixes=[2, 8]),
    "protsae-aux": dict(variant="protsae", aux_k=AUX_K),
    "topk": dict(variant="topk"),
    "topk-aux": dict(variant="topk", aux_k=AUX_K),
    "topk-prefixes": dict(variant="topk", prefixes=[4, 9]),
    "batchtopk": dict(variant="batchtopk"),
    "batchtopk-aux": dict(variant="batchtopk", aux_k=AUX_K),
    "relu": dict(variant="relu"),
    "gated": dict(variant="gated"),
    "gated-clipped": dict(variant="gated", clip=0.5),
    "jumprelu": dict(variant="jumprelu"),
    "linear-probe": dict(variant="linear-probe"),
    "corrected": dict(variant="protsae", **CORRECTED),
    "corrected-attached": dict(variant="protsae", detach=False, coherent=True, **CORRECTED),
    "corrected-clipped": dict(variant="protsae", clip=0.5, **CORRECTED),
    "corrected-prefixes": dict(variant="protsae", prefixes=[2, 8], **CORRECTED),
    "corrected-probe": dict(variant="linear-probe", centre="mean", implication=True),
    "protsae-batchtopk": dict(variant="protsae-batchtopk", **CORRECTED),
    "protsae-gated": dict(variant="protsae-gated", **CORRECTED),
    "protsae-jumprelu": dict(variant="protsae-jumprelu", coherent=True, **CORRECTED),
}


def train(case):
    p = {name: value.clone() for name, value in START.items()}
    if case["variant"] == "linear-probe":
        for name in ("enc", "dec", "b_enc"):
            p[name] = p[name][:CONCEPTS].clone()
    for value in p.values():
        value.requires_grad_(True)
    idle = torch.zeros(p["enc"].shape[0], dtype=torch.int64)
    if case.get("aux_k"):
        idle[DEAD] = DEAD_AFTER
    memory = dict(idle=idle, threshold=0.0)
    adam = torch.optim.Adam(p.values(), lr=LR)
    losses = []
    for step in range(STEPS):
        turn = lambda t: t.roll(step, 0)
        spoken = torch.ones(ROWS, dtype=torch.bool)
        spoken[SILENT] = False
        adam.zero_grad()
        loss, active = loss_of(case, p, turn(X), turn(Y), turn(spoken), memory)
        loss.backward()
        if "clip" in case:
            gradients = [v.grad for v in p.values() if v.grad is not None]
            length = torch.cat([g.flatten() for g in gradients]).norm()
            for g in gradients:
                g.mul_((case["clip"] / length).clamp(max=1))
        adam.step()
        with torch.no_grad():
            p["threshold"].clamp_(min=0)
        memory["idle"] = torch.where(active, 0, (memory["idle"] + ROWS).clamp(max=DEAD_AFTER))
        losses.append(loss.item())
    out = {name: value.detach() for name, value in p.items() if value.grad is not None}
    if case["variant"].endswith("batchtopk"):
        out["threshold"] = torch.full((LATENTS,), memory["threshold"])
    out["losses"] = torch.tensor(losses)
    return out


def codes():
    """Non-negative codes over unit rows by projected gradient, run until nothing moves."""
    rows = START["dec"] / START["dec"].norm(dim=-1, keepdim=True)
    target = X - START["b_dec"]
    gram, z = rows @ rows.T, torch.zeros(ROWS, LATENTS)
    size = 1 / torch.linalg.eigvalsh(gram)[-1]
    for _ in range(200_000):
        z = (z - size * (z @ gram - target @ rows.T + LAMBDA / 2)).relu()
    return {"dec": rows, "z": z}


def main():
    out = {"x": X, "y": Y, "center": CENTER} | {f"start.{name}": value for name, value in START.items()}
    for name, case in CASES.items():
        out |= {f"{name}.{tensor}": value for tensor, value in train(case).items()}
    out |= {f"splice.{name}": value for name, value in codes().items()}
    save_file({name: value.contiguous() for name, value in out.items()}, sys.argv[1])


if __name__ == "__main__":
    main()
