#!/usr/bin/env python3
"""protsae-embed and the engines beside it over one PLM and one set of proteins.

Ours is timed as a user sees it, with start, loading, table and provenance, and once more over a single residue, so that
the time of loading can be taken away. All others are timed without start and loading (embed.py).
"""
import argparse
import json
import pathlib
import sys

import numpy as np
import pyarrow.ipc

import proteins
from turns import Refused, chosen, completed, in_turns, last_json

HERE = pathlib.Path(__file__).parent
PEERS = "transformers-f32 transformers-bf16 openvino-f32 openvino-bf16 onnxruntime-f32 esm-cpp-f32 esm-cpp-int8".split()
REFERENCE = "transformers-f32"
# what the other engines are given is made of ESM-2 alone
OF_ALL_FAMILIES = ["transformers"]

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("name", help="the model's, for the table")
parser.add_argument("model", type=pathlib.Path, help="its folder")
parser.add_argument("set", choices=["equal", "mixed"])
parser.add_argument("--fasta", help="the proteins of the mixed set")
parser.add_argument("--proteins", type=int, required=True, help="how many of them; at most 64 of equal lengths")
parser.add_argument("--scratch", type=pathlib.Path, required=True, help="folder for graphs and outputs")
parser.add_argument("--embed", required=True, help="protsae-embed")
parser.add_argument("--compute", default="f32", help="its precisions")
parser.add_argument("--engines", default="")
for option, default in {"threads": 2, "runs": 3, "limit": 900}.items():
    parser.add_argument(f"--{option}", type=int, default=default)
parser.add_argument("--results", required=True, help="file to append to")
args = parser.parse_args()

family = json.loads((args.model / "config.json").read_text())["model_type"]
args.scratch.mkdir(parents=True, exist_ok=True)
fasta, residue = args.scratch / f"{args.set}.fasta", args.scratch / "residue.fasta"
if args.set == "equal":
    sequences = proteins.equal_lengths(min(args.proteins, 64), 254)
    work = f"embedding, {args.name}, {len(sequences)} proteins of 254 residues"
else:
    sequences = proteins.read_fasta(args.fasta)[: args.proteins]
    work = f"embedding, {args.name}, {len(sequences)} proteins of mixed lengths"
proteins.write_fasta(fasta, sequences)
proteins.write_fasta(residue, ["M"])
reference_rows = args.scratch / f"{REFERENCE}.npy"
reference_rows.unlink(missing_ok=True)
residues = sum(min(len(sequence), proteins.LONGEST) for sequence in sequences)


def exported(library, compute):
    """The model as a library loads it, made where it is not there or older than the model."""
    if library == "transformers":
        return args.model
    names = {"openvino": "model.xml", "onnxruntime": "model.onnx", "esm-cpp": f"model-{compute}.gguf"}
    path = args.scratch / args.name / names[library]
    path.parent.mkdir(exist_ok=True)
    # tensors may lie in files beside it that it names, so it cannot be renamed once it is whole
    complete = path.with_name(path.name + ".complete")
    if not complete.exists() or complete.stat().st_mtime < (args.model / "model.safetensors").stat().st_mtime:
        command = [sys.executable, HERE / "export.py", library, args.model, path]
        completed(command + ([args.fasta or fasta] if compute == "int8" else []), args.limit)
        complete.touch()
    return path


def error(rows):
    """Relative error beside the reference: the norm of the difference over the norm, all residues; none without it."""
    if not reference_rows.exists():
        return None
    reference = np.load(reference_rows)
    return float(np.linalg.norm(rows - reference) / np.linalg.norm(reference))


def peer(engine):
    library, compute = engine.rsplit("-", 1)
    if family != "esm" and library not in OF_ALL_FAMILIES:
        def refuse(_):
            raise Refused(f"nothing is exported of model_type {family}")

        return refuse

    def measure(run):
        out = args.scratch / f"{engine}.npy"
        command = [sys.executable, HERE / "embed.py", library, exported(library, compute), fasta, out]
        command += ["--threads", args.threads, "--compute", compute, "--family", family, "--rows", "f16" if run else "f32"]
        measured = last_json(completed(command, args.limit)[0])
        return measured if run else {"error": error(np.load(out))}

    return measure


def ours(compute):
    def embed(source, rows):
        table, provenance = args.scratch / "protsae.arrow", args.scratch / "provenance.json"
        _, seconds = completed(
            [args.embed, "-q", "-i", source, "-m", args.model, "-o", table, "-t", args.threads, "--compute", compute,
             "--device", "cpu", "--dtype", rows, "--provenance", provenance], args.limit)
        return table, seconds, json.loads(provenance.read_text())["peak_memory_bytes"] / 2**20

    def measure(run):
        if run == 0:
            table, _, _ = embed(fasta, "f32")
            column = pyarrow.ipc.open_file(table).read_all()["activation"].combine_chunks()
            return {"error": error(column.flatten().to_numpy().reshape(len(column), -1))}
        _, loading, _ = embed(residue, "f16")
        _, seconds, peak = embed(fasta, "f16")
        return {"rate": residues / seconds, "rate_loaded": residues / (seconds - loading), "peak_mib": peak}

    return measure


engines = {name: peer(name) for name in PEERS} | {f"protsae-{name}": ours(name) for name in args.compute.split()}
engines = chosen(engines, args.engines)
if REFERENCE not in engines:
    try:
        peer(REFERENCE)(0)
    except Refused as reason:
        print(f"{work}: no relative errors, since {REFERENCE} could not run: {reason}", file=sys.stderr)
in_turns(work, engines, args.runs, args.results)
