"""Computes what protsae-evaluate says of a model anew, with scikit-learn and scipy, from the tables and the definitions:

    metrics.py FOLDER FEATURES MODEL CLUSTERS MIN_RESIDUES MIN_PROTEINS

FOLDER holds activations.arrow, labels.arrow, concepts.json and split.tsv. Prints JSON."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler

folder, features, model, clusters = map(Path, sys.argv[1:5])
min_residues, min_proteins = map(int, sys.argv[5:7])
THRESHOLDS = [0, 0.15, 0.5, 0.6, 0.8]
PENALTIES = [0.1, 0.01]
EXCLUDED = {"CONFLICT", "CHAIN", "VARIANT", "MUTAGEN", "VAR_SEQ", "NON_TER", "NON_CONS", "UNSURE", "INIT_MET"}


def table(path):
    with pa.memory_map(str(path)) as source:
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        return (pa.ipc.open_file if is_file else pa.ipc.open_stream)(source).read_all()


def tensors(path):
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    head = json.loads(data[8 : 8 + size])
    read = lambda d: np.frombuffer(data[8 + size :][slice(*d["data_offsets"])], np.float32).reshape(d["shape"])
    return {name: read(d) for name, d in head.items() if name != "__metadata__"}


split = dict(line.split("\t") for line in (folder / "split.tsv").read_text().splitlines()[1:])
concepts = json.loads((folder / "concepts.json").read_text())["concepts"]
index = {c["id"]: i for i, c in enumerate(concepts)}
on_residues = np.array([c["level"] == "residue" for c in concepts])
excluded = np.array([c["kind"] == "feature" and c["id"].split(":")[0] in EXCLUDED for c in concepts])
parents = [c["parents"] for c in concepts]
weights = tensors(model / "model.safetensors")
defined, latents = len(weights["w_pred"]), len(weights["w_dec"])


def ancestors(c):
    found, todo = {c}, [c]
    while todo:
        new = [p for p in parents[todo.pop()] if p not in found]
        found.update(new)
        todo.extend(new)
    return found


above = [ancestors(c) for c in range(len(concepts))]
related = lambda a, b: b in above[a] or a in above[b]

rows = table(features)
protein, position = np.array(rows["protein"].to_pylist()), np.array(rows["position"])
lists, values = rows["latent"].combine_chunks(), rows["activation"].combine_chunks()
z = sparse.csr_matrix(
    (np.asarray(values.flatten()), np.asarray(lists.flatten()), np.asarray(lists.offsets)), (len(rows), latents)
)
x = np.stack(table(folder / "activations.arrow")["activation"].to_numpy(zero_copy_only=False)).astype(np.float32)
labels = {}
for row in table(folder / "labels.arrow").select(["protein", "concept", "start", "end", "instance"]).to_pylist():
    labels.setdefault(row["protein"], []).append((index[row["concept"]], row["instance"], row["start"], row["end"]))


class Sheet:
    """Items of one part: which carry a concept, and which instances lie on them."""

    def __init__(self, part, residues):
        here = np.array([split[p] == part for p in protein])
        self.rows = np.flatnonzero(here)
        self.names = list(dict.fromkeys(protein[self.rows]))
        self.starts = np.flatnonzero(np.r_[True, protein[self.rows][1:] != protein[self.rows][:-1]])
        self.residues = residues
        members, of = {}, []
        for number, name in enumerate(self.names):
            first = self.starts[number]
            length = np.count_nonzero(protein[self.rows] == name)
            for c, instance, start, end in labels.get(name, []):
                if on_residues[c] == residues and (start is not None or not residues):
                    items = range(first + start - 1, first + end) if residues else [number]
                    assert not residues or end <= length
                    members.setdefault((c, name, instance if residues else 0), set()).update(items)
        self.items = len(self.rows) if residues else len(self.names)
        of = [key[0] for key in members]
        cells = [(i, item) for i, items in enumerate(members.values()) for item in items]
        i, j = np.array(cells).T if cells else (np.zeros(0, int), np.zeros(0, int))
        self.instances = sparse.csr_matrix((np.ones(len(i)), (i, j)), (len(members), self.items))
        self.of = sparse.csr_matrix((np.ones(len(of)), (of, range(len(of)))), (len(concepts), len(of)))
        self.carries = ((self.of @ self.instances) > 0).astype(float)
        self.positives = np.asarray(self.carries.sum(1)).ravel()

    def view(self, activations):
        """What ranks the items, and what is held against thresholds."""
        own = np.asarray(activations[self.rows].todense()) if sparse.issparse(activations) else activations[self.rows]
        if self.residues:
            return own, own
        counts = np.diff(np.r_[self.starts, len(self.rows)])[:, None]
        return np.add.reduceat(own.astype(np.float64), self.starts) / counts, np.maximum.reduceat(own, self.starts)


def f1s(sheet, peak, maxima):
    """F1 by concept, latent and threshold: precision of items, recall of instances; nan without predictions."""
    out = []
    for threshold in THRESHOLDS:
        marked = (peak > threshold * maxima.astype(np.float64)).astype(float)
        predicted = marked.sum(0)
        with np.errstate(all="ignore"):
            precision = (sheet.carries @ marked) / predicted
            recall = (sheet.of @ (sheet.instances @ marked > 0)) / np.asarray(sheet.of.sum(1))
            out.append(np.where(precision + recall > 0, 2 * precision * recall / (precision + recall), precision * 0))
    return np.stack(out, -1)


def aurocs(sheet, value):
    ranks = rankdata(value, axis=0)
    p = sheet.positives[:, None]
    with np.errstate(all="ignore"):
        return (sheet.carries @ ranks - p * (p + 1) / 2) / (p * (sheet.items - p))


def relevance(activations, maxima, residues):
    choosing, reporting = Sheet("valid", residues), Sheet("test", residues)
    if maxima is None:
        maxima = activations[choosing.rows].max(0)
    least = min_residues if residues else min_proteins
    counted = (on_residues == residues) & (reporting.positives >= least) & (reporting.positives < reporting.items)
    counted = np.flatnonzero(counted & ~excluded)
    (value_c, peak_c), (value_r, peak_r) = choosing.view(activations), reporting.view(activations)
    silent = ~(peak_c > 0).any(0)
    area_c, area_r = aurocs(choosing, value_c), aurocs(reporting, value_r)
    chosen, reported = np.nan_to_num(f1s(choosing, peak_c, maxima)), np.nan_to_num(f1s(reporting, peak_r, maxima))
    at = chosen.argmax(-1)
    chosen, reported = (np.take_along_axis(f, at[..., None], -1)[..., 0] for f in (chosen, reported))
    chosen[:, silent] = reported[:, silent] = 0
    area_c[:, silent] = np.nan
    best_area, best, ten_mean, ten_max = [], [], [], []
    for c in counted:
        has = ~np.isnan(area_c[c])
        best_area.append(area_r[c][np.nanargmax(area_c[c])] if has.any() else 0.5)
        order = [k for k in np.argsort(-chosen[c], kind="stable")[:10] if chosen[c, k] > 0]
        top = reported[c, order]
        best.append(top[0] if len(top) else 0)
        ten_mean.append(top.sum() / 10)
        ten_max.append(top.max(initial=0))
    strong = (chosen[counted] > 0.5) & (reported[counted] > 0.5)
    latents_of, others, alone = 0, 0, 0
    for k in range(chosen.shape[1]):
        of = [c for c in counted if chosen[c, k] > 0]
        first = max(of, key=lambda c: reported[c, k], default=None)
        if first is None or reported[first, k] < 0.2:
            continue
        near = sum(c != first and reported[c, k] >= reported[first, k] - 0.1 and not related(first, c) for c in of)
        latents_of, others, alone = latents_of + 1, others + near, alone + (near == 0)
    # an area by the library, for one of them
    if residues and len(counted):
        c, k = counted[0], int(np.nanargmax(area_r[counted[0]]))
        library = roc_auc_score(np.asarray(reporting.carries[c].todense()).ravel(), value_r[:, k])
        assert abs(library - area_r[c, k]) < 1e-9
    return {
        "means": {
            "concepts": len(counted),
            "auroc_best": np.mean(best_area),
            "f1_best": np.mean(best),
            "f1_mean_of_ten": np.mean(ten_mean),
            "f1_max_of_ten": np.mean(ten_max),
            "latents_above_half": int(strong.any(0).sum()),
            "concepts_above_half": int(strong.any(1).sum()),
        },
        "entanglement": {
            "latents": latents_of,
            "mean_others": others / latents_of,
            "alone": alone / latents_of,
        },
    }


def absorption():
    active = z[Sheet("test", True).rows].toarray() > 0
    children = absorbed = 0
    for child in range(defined):
        for parent in (p for p in parents[child] if p < defined):
            children += active[:, child].sum()
            absorbed += (active[:, child] & ~active[:, parent]).sum()
    return {"child_predictions": int(children), "violations": int(absorbed), "share": absorbed / children}


def cosines(matrix):
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    pairs = [(c, p) for c in range(defined) for p in parents[c] if p < defined]
    return {"pairs": len(pairs), "mean": np.mean([unit[c] @ unit[p] for c, p in pairs])}


def monosemanticity():
    sheet = Sheet("test", False)
    cluster = {}
    for line in clusters.read_text().splitlines():
        representative, member = line.split("\t")[:2]
        cluster[member] = representative
    kept, seen = [], set()
    for name in sorted(sheet.names):
        if cluster.get(name, name) not in seen:
            seen.add(cluster.get(name, name))
            kept.append(sheet.names.index(name))
    counts = np.diff(np.r_[sheet.starts, len(sheet.rows)])[:, None]
    means = np.add.reduceat(x[sheet.rows].astype(np.float64), sheet.starts) / counts
    means = means[kept] - means[kept].mean(0)
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    s = unit @ unit.T
    np.fill_diagonal(s, 0)
    value = sheet.view(z)[0][kept]
    scores = []
    for a in value.T[(value > 0).sum(0) >= 10]:
        w = np.outer(a, a)
        np.fill_diagonal(w, 0)
        scores.append((w * s).sum() / w.sum())
    n = len(kept)
    return {
        "proteins": n,
        "base": s.sum() / (n * (n - 1)),
        "latents": len(scores),
        "mean": np.mean(scores),
        "median": np.median(scores),
    }


def probes():
    sheets = {part: Sheet(part, False) for part in ("train", "valid", "test")}
    any_label = lambda sheet: np.array(
        [[c in {l[0] for l in labels.get(name, [])} for c in range(len(concepts))] for name in sheet.names]
    )
    truth = {part: any_label(sheet) for part, sheet in sheets.items()}
    enough = lambda part, least: (truth[part].sum(0) >= least) & (truth[part].sum(0) < len(truth[part]))
    counted = np.flatnonzero(enough("train", 10) & enough("test", max(min_proteins, 1)))
    result = {"concepts": [concepts[c]["id"] for c in counted]}
    features = {"latents": z, "plm": x}
    means = {f: {part: sheet.view(a)[0] for part, sheet in sheets.items()} for f, a in features.items()}
    for name, kind, few in (("latents", "latents", None), ("plm", "plm", None), ("latents-16", "latents", 16)):
        scaler = StandardScaler().fit(means[kind]["train"])
        scaled = {part: scaler.transform(values) for part, values in means[kind].items()}
        scores = []
        for c in counted:
            y = {part: truth[part][:, c] for part in truth}
            columns = slice(None)
            if few:
                apart = scaled["train"][y["train"]].mean(0) - scaled["train"][~y["train"]].mean(0)
                columns = np.argsort(-np.abs(apart), kind="stable")[:few]
            data = {part: values[:, columns] for part, values in scaled.items()}
            best = None
            for penalty in PENALTIES:
                fitted = LogisticRegression(C=1 / (len(y["train"]) * penalty), max_iter=2000).fit(data["train"], y["train"])
                loss = log_loss(y["valid"], fitted.predict_proba(data["valid"])[:, 1], labels=[False, True])
                if best is None or loss < best[0]:
                    best = loss, fitted
            test = best[1].decision_function(data["test"])
            scores.append((roc_auc_score(y["test"], test), average_precision_score(y["test"], test)))
        result[name] = dict(zip(("auroc", "average_precision"), np.mean(scores, 0)))
    return result


neurons = np.empty((len(x), 2 * x.shape[1]), np.float32)
neurons[:, 0::2], neurons[:, 1::2] = np.maximum(x, 0), np.maximum(-x, 0)
print(
    json.dumps(
        {
            "latents": {level: relevance(z, weights["latent_max"], level == "residue") for level in ("residue", "protein")},
            "neurons": {level: relevance(neurons, None, level == "residue") for level in ("residue", "protein")},
            "absorption": absorption(),
            "decoder": cosines(weights["w_dec"][:defined]),
            "predictor": cosines(weights["w_pred"]),
            "monosemanticity": monosemanticity(),
            "probing": probes(),
        },
        default=float,
    )
)
