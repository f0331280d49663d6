#!/usr/bin/env python3
"""InterPLM's counting of pairs of latent and concept, timed, beside the bench `scores` (cargo bench --bench scores).

    concept_f1.py INTERPLM [--chunks N]

INTERPLM is a checkout of InterPLM, whose counting is taken as it stands (analysis/concepts/compare_activations.py,
calc_metrics_sparse). 50,000 residues, 10,240 latents of which 64 are active on a residue, 100 concepts of 1,000 residues
in instances of 20, thresholds 0, .15, .5, .6, .8; InterPLM's own chunks of 512 latents. `--chunks` counts some of the
twenty alone, and the time is scaled. `--small` prints its counts on the case of the test in src/score/alignment.rs.
"""
import argparse
import ast
import pathlib
import time
from typing import List, Tuple, Union

import numpy as np
from scipy import sparse

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("interplm", type=pathlib.Path)
parser.add_argument("--chunks", type=int, default=20)
parser.add_argument("--small", action="store_true")
args = parser.parse_args()

# its module imports PyTorch and its own package, of which counting needs nothing
path = args.interplm / "interplm/analysis/concepts/compare_activations.py"
wanted = {"count_unique_nonzero_sparse", "calc_metrics_sparse"}
tree = ast.parse(path.read_text())
tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in wanted]
names = {"np": np, "sparse": sparse, "List": List, "Tuple": Tuple, "Union": Union}
exec(compile(tree, str(path), "exec"), names)
count = names["calc_metrics_sparse"]
THRESHOLDS = [0, 0.15, 0.5, 0.6, 0.8]

if args.small:
    # the same recurrence as in the test: residues x latents, and instances of concepts, numbered from 1 within each
    state, draws = 1, []
    for _ in range(60 * 5):
        state = (state * 1103515245 + 12345) % 2**31
        draws.append(state >> 16)
    z = np.array([d % 10 / 10 if d % 3 == 0 else 0 for d in draws]).reshape(60, 5).astype(np.float32)
    labels = np.zeros((60, 3), int)
    labels[3:9, 0], labels[20:31, 0], labels[40, 0] = 1, 2, 3
    labels[25:50, 1] = 1
    labels[5:7, 2], labels[50:60, 2] = 1, 2
    z /= z.max(0)
    tp, fp, touched = count(sparse.csr_matrix(z), sparse.csr_matrix(labels), THRESHOLDS, [False] * 3)
    for name, counts in (("tp", tp), ("fp", fp), ("touched", touched)):
        print(name, counts.astype(int).tolist())
else:
    rng = np.random.default_rng(0)
    residues, latents, concepts, active = 50_000, 10_240, 100, 64
    columns = np.concatenate([rng.choice(latents, active, replace=False) for _ in range(residues)])
    z = sparse.csr_matrix(
        (rng.random(residues * active, np.float32), columns, np.arange(0, residues * active + 1, active)),
        (residues, latents),
    )
    labels = sparse.lil_matrix((residues, concepts), dtype=int)
    for concept in range(concepts):
        for instance in range(50):
            start = rng.integers(residues - 20)
            labels[start : start + 20, concept] = instance + 1
    labels = labels.tocsr()
    chunks = np.array_split(range(latents), 20)[: args.chunks]
    began = time.perf_counter()
    for chunk in chunks:
        count(z[:, chunk], labels, THRESHOLDS, [False] * concepts)
    seconds = time.perf_counter() - began
    print(f"{seconds:.1f} s for {len(chunks)} of 20 chunks: {seconds * 20 / len(chunks):.0f} s for all")
