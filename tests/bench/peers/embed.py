#!/usr/bin/env python3
"""One run of an engine that is not ours over a FASTA file: rate, peak memory, last hidden states.

    embed.py transformers|openvino|onnxruntime|esm-cpp MODEL FASTA OUT.npy [--threads 2] [--compute f32] [--rows f16]

MODEL is a folder for transformers, else what export.py wrote. The clock starts once the model is loaded and has seen the
first batch, and stops once all rows are written (esm-cpp's, which gives logits alone from batches: computed). Prints one
JSON line.
"""
import argparse
import itertools
import json
import os
import time

import numpy as np

from proteins import ALPHABETS, batches, read_fasta


def transformers(args):
    import torch
    import transformers

    torch.set_num_threads(args.threads)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[args.compute]
    of_family = {"esm": ("EsmModel", {"add_pooling_layer": False}), "esmc": ("EsmcModel", {}), "t5": ("T5EncoderModel", {})}
    name, extra = of_family[args.family]
    model = getattr(transformers, name).from_pretrained(args.model, attn_implementation="sdpa", dtype=dtype, **extra).eval()

    def run(tokens, mask):
        with torch.inference_mode():
            hidden = model(torch.from_numpy(tokens), attention_mask=torch.from_numpy(mask)).last_hidden_state
            return hidden.float().numpy()

    return run


def openvino(args):
    import openvino

    hints = {"INFERENCE_NUM_THREADS": args.threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": args.compute}
    request = openvino.Core().compile_model(args.model, "CPU", hints).create_infer_request()
    # the request's own memory, which its next run overwrites: rows are copied out of it before
    return lambda tokens, mask: request.infer([tokens, mask], share_inputs=True, share_outputs=True)[0]


def onnxruntime(args):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
    session = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    return lambda tokens, mask: session.run(None, {"ids": tokens, "mask": mask})[0]


def esm_cpp(args, sequences):
    """Seconds, peak memory, and the rows, which are computed one protein at a time after the clock has stopped."""
    # read when the first model is loaded
    os.environ["ESM_NUM_THREADS"] = str(args.threads)
    import esm_cpp

    model = esm_cpp.Model.load_from_gguf(args.model)
    tokens = [np.array(ALPHABETS["esm"].encoded(sequence), np.int32) for sequence in sequences]
    model.forward_scheduled(tokens[:8])
    start = time.perf_counter()
    model.forward_scheduled(tokens)
    seconds, peak = time.perf_counter() - start, peak_mib()
    if args.rows == "f32":
        rows = [model.forward_with_hidden_states(protein)[1][-1][1:-1] for protein in tokens]
        np.save(args.out, np.concatenate(rows))
    return seconds, peak


def in_batches(run, args, sequences):
    """Seconds and peak memory of all batches; rows in the order of the FASTA, without tokens that are no residues."""
    alphabet = ALPHABETS[args.family]
    first = len(alphabet.before)
    for _, tokens, mask in itertools.islice(batches(sequences, alphabet), 1):
        width = run(tokens, mask).shape[-1]
    ends = np.cumsum([len(sequence) for sequence in sequences])
    dtype = {"f16": np.float16, "f32": np.float32}[args.rows]
    start = time.perf_counter()
    out = np.lib.format.open_memmap(args.out, mode="w+", dtype=dtype, shape=(int(ends[-1]), width))
    for chosen, tokens, mask in batches(sequences, alphabet):
        hidden = run(tokens, mask)
        for row, number in enumerate(chosen):
            length = len(sequences[number])
            out[ends[number] - length : ends[number]] = hidden[row, first : first + length]
    out.flush()
    return time.perf_counter() - start, peak_mib()


def peak_mib():
    """Peak memory of this process."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name in ("engine", "model", "fasta", "out"):
    parser.add_argument(name)
parser.add_argument("--family", choices=list(ALPHABETS), default="esm", help="model_type of the model's config.json")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--compute", choices=["f32", "bf16", "int8"], default="f32")
parser.add_argument("--rows", choices=["f16", "f32"], default="f16", help="type of the numbers in OUT.npy")
args = parser.parse_args()
sequences = read_fasta(args.fasta)
if args.engine == "esm-cpp":
    seconds, peak = esm_cpp(args, sequences)
else:
    loaders = {"transformers": transformers, "openvino": openvino, "onnxruntime": onnxruntime}
    seconds, peak = in_batches(loaders[args.engine](args), args, sequences)
print(json.dumps({"rate": sum(map(len, sequences)) / seconds, "peak_mib": peak}))
