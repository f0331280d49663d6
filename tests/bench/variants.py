#!/usr/bin/env python3
"""ProtSAE beside its rivals and without its parts, on tables that yeast.sh left: many models, their means and intervals.

    variants.py YEAST_OUTDIR [--bin DIR] [--threads N] [--seeds 3] [--k 16,32,64] [--only objective,parts,ties,rivals]
                [--relu 1.7,2.3,3.2] [--gated 2.8,3.9,5.2] [--table sample.arrow] [--split split.tsv] [--name variants]

For each of `--seeds` seeds: `objective`: the terms that say what the ontology knows, one by one, and the switches of the paper
(`default` is what protsae-train does by itself, and what the other groups start from); `parts`: the method without one part
each (detach, forced activation, rescale); `ties`: latents tied to concepts under other selections, with revived latents, with
aligned rows; `rivals`: protsae and topk at every K, relu and gated at every weight of their sparsity penalty, a linear probe.
Rows, latents, epochs and rate as in yeast.sh. Results go to YEAST_OUTDIR/NAME/: a model that is there is not trained again, so a
run that ended goes on. Prints Markdown: mean and half-width of the 95 % interval (Student's t over seeds).
"""
import argparse
import json
import math
import pathlib
import statistics
import subprocess

# two-sided 95 % quantiles of Student's t
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}
PAPER = ["--predictor-center", "b-dec", "--axiom-radius", "abs", "--axiom-norm", "none", "--lambda-implication", "0"]
OBJECTIVE = {
    "of the paper": [*PAPER, "--lambda-axiom", "1"],
    "of the paper, no axioms": [*PAPER, "--lambda-axiom", "0"],
    "fixed centre, no axioms": ["--lambda-axiom", "0", "--lambda-implication", "0"],
    "fixed centre, axioms": ["--lambda-axiom", "0.1", "--lambda-implication", "0"],
    "fixed centre, implication": ["--lambda-axiom", "0", "--lambda-implication", "1"],
    "fixed centre, implication of 3": ["--lambda-axiom", "0", "--lambda-implication", "3"],
    "default": [],
    "implication of 3": ["--lambda-implication", "3"],
    "implication of 3, coherent": ["--lambda-implication", "3", "--forced-by", "coherent"],
}  # fmt: skip
PARTS = {
    "no detach": ["--detach", "false"],
    "no forced activation": ["--forced-activation", "false"],
    "no rescale": ["--rescale", "false"],
}
TIES = {
    "batchtopk": ["--variant", "protsae-batchtopk"],
    "gated, sparsity 3.9": ["--variant", "protsae-gated", "--lambda-sparsity", "3.9"],
    "jumprelu, sparsity 0.5": ["--variant", "protsae-jumprelu", "--lambda-sparsity", "0.5"],
    "aux-k 64": ["--aux-k", "64"],
    "aligned": ["--aligned", "true"],
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("outdir", type=pathlib.Path)
parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("target/release"))
parser.add_argument("--threads", default="0")
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--k", default="16,32,64")
# weights at which about 64, 32 and 16 latents are active, on ESM-2 8M; on mini_esm2: 0.45,0.75,1.2 and 0.8,1.2,1.8
parser.add_argument("--relu", default="1.7,2.3,3.2")
parser.add_argument("--gated", default="2.8,3.9,5.2")
parser.add_argument("--only", default="objective,parts,ties,rivals")
parser.add_argument("--table", default="sample.arrow")
parser.add_argument("--split", default="split.tsv", help="of the proteins to train on; scores are of split.tsv")
parser.add_argument("--name", default="variants")
parser.add_argument("--latents", default="2048")
parser.add_argument("--epochs", default="3")
args = parser.parse_args()

ks = args.k.split(",")
middle = ks[len(ks) // 2]
only = args.only.split(",")
models = {}
for group, options in (("objective", OBJECTIVE), ("parts", PARTS), ("ties", TIES)):
    if group in only:
        has_k = lambda more: not {"protsae-gated", "protsae-jumprelu"} & set(more)
        models |= {
            f"protsae, {name}": [*(["--k", middle] if has_k(more) else []), *more] for name, more in options.items()
        }
if "rivals" in only:
    models |= {f"protsae, K {k}": ["--k", k] for k in ks}
    models |= {f"topk, K {k}": ["--variant", "topk", "--k", k] for k in ks}
    for variant, weights in (("relu", args.relu), ("gated", args.gated)):
        for weight in weights.split(","):
            models[f"{variant}, sparsity {weight}"] = ["--variant", variant, "--lambda-sparsity", weight]
    models["linear probe"] = ["--variant", "linear-probe"]

table = args.outdir / args.table
truth = ["--labels", args.outdir / "labels.arrow", "--concepts", args.outdir / "concepts.json"]
folder = args.outdir / args.name
folder.mkdir(exist_ok=True)


def measured(name, options, seed):
    """Scores of one model on held-out proteins."""
    stem = folder / f"{name.replace(', ', '_').replace(' ', '-')}_{seed}"
    scores = stem.with_name(stem.name + ".json")
    if not scores.exists():
        common = ["-q", "-t", args.threads]
        if not stem.exists():
            # a split of fewer proteins leaves some out
            fewer = ["--on-bad", "skip"] if args.split != "split.tsv" else []
            subprocess.run(
                [args.bin / "protsae-train", "-i", table, *truth, "--split", args.outdir / args.split, *fewer,
                 "--latents", args.latents, "--epochs", args.epochs, "--batch", "1024", "--lr", "0.004", "--schedule", "cosine",
                 "--seed", str(seed), *options, *common, "-o", stem], check=True)  # fmt: skip
        subprocess.run([args.bin / "protsae-evaluate", "-i", table, "-m", stem, *truth,
                        "--split", args.outdir / "split.tsv", *common, "-o", scores], check=True)  # fmt: skip
    return json.loads(scores.read_text())


def column(metrics, level, key):
    """Mean over concepts with enough positives."""
    return metrics["alignment"][f"{level}_level"][key]


def interval(values, digits=3):
    values = [v for v in values if v is not None]
    if not values:
        return "-"
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:.{digits}f}"
    half = T95[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


columns = [
    ("pi", "residue", "auroc_pi"), ("z", "residue", "auroc_z"), ("best other", "residue", "auroc_best_other"),
    ("F1 of z", "residue", "f1_z"), ("F1 of best other", "residue", "f1_best_other"),
    ("pi, proteins", "protein", "auroc_pi"), ("z, proteins", "protein", "auroc_z"),
    ("best other, proteins", "protein", "auroc_best_other"),
]  # fmt: skip
concepts = json.loads((args.outdir / "concepts.json").read_text())["concepts"]
rare = {c["id"] for c in concepts if c["level"] == "protein" and 10 <= c["proteins"] <= 50}


def of_rare(metrics):
    """Mean AUROC of pi over terms of few proteins, however few of them are for testing."""
    scores = [c["auroc_pi"] for c in metrics["alignment"]["concepts"] if c["id"] in rare]
    scores = [score for score in scores if score is not None]
    return statistics.fmean(scores) if scores else None


readers = {name: (lambda m, level=level, key=key: column(m, level, key)) for name, level, key in columns}
readers["pi, proteins, rare terms"] = of_rare
for level in ("residues", "proteins"):
    readers[f"violations, {level}"] = lambda m, level=level: (m["consistency"] or {}).get(level, {}).get("share")
readers["FVU"] = lambda m: m["fidelity"]["fvu"]
readers["participation"] = lambda m: m["fidelity"]["participation"]
print("| model | L0 | dead | " + " | ".join(readers) + " |")
print("|---" * (3 + len(readers)) + "|")
for name, options in models.items():
    runs = [measured(name, options, seed) for seed in range(args.seeds)]
    cells = [interval([read(m) for m in runs]) for read in readers.values()]
    l0 = statistics.fmean(m["fidelity"]["l0"] for m in runs)
    dead = statistics.fmean(m["fidelity"]["dead"] for m in runs)
    print(f"| {name} | {l0:.1f} | {dead:.0f} | " + " | ".join(cells) + " |", flush=True)
