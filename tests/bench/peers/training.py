#!/usr/bin/env python3
"""Training steps, or encoding alone, of one shape: ours (`train_step`, the benchmark) and PyTorch's (train_step.py).

All are timed step by step within a process, start apart, by the median; the runs' medians are what is counted.
"""
import argparse
import pathlib
import sys

from turns import Refused, chosen, completed, in_turns, last_json

HERE = pathlib.Path(__file__).parent
PYTORCH = {
    "pytorch-f32": [],
    "pytorch-bf16": ["--compute", "bf16"],
    "pytorch-compile-f32": ["--compile"],
    "pytorch-compile-bf16": ["--compile", "--compute", "bf16"],
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("mode", choices=["train", "encode"])
parser.add_argument("shape", type=int, nargs=4, metavar="N", help="rows of a batch, width, latents, K")
parser.add_argument("--train-step", required=True, help="the benchmark's executable")
parser.add_argument("--compute", default="f32", help="its precisions")
parser.add_argument("--engines", default="")
for option, default in {"threads": 2, "runs": 3, "steps": 7, "limit": 900}.items():
    parser.add_argument(f"--{option}", type=int, default=default)
parser.add_argument("--results", required=True, help="file to append to")
args = parser.parse_args()

shape = dict(zip(("batch", "width", "latents", "k"), args.shape))
options = [text for name, value in shape.items() for text in (f"--{name}", value)]
options += ["--threads", args.threads, "--steps", args.steps] + ["--encode-only"] * (args.mode == "encode")


def ours(compute):
    def measure(_):
        line = last_json(completed([args.train_step, *options, "--compute", compute], args.limit)[0])
        # one that does not know the option passes over it in silence, and computes in f32
        if line.get("compute", "f32") != compute:
            raise Refused("train_step has no option --compute")
        return {"rate": line["rows_per_s"], "peak_mib": line["peak_rss_mib"]}

    return measure


def pytorch(extra):
    def measure(_):
        line = last_json(completed([sys.executable, HERE / "train_step.py", *options, *extra], args.limit)[0])
        return {"rate": line["rate"], "peak_mib": line["peak_mib"]}

    return measure


engines = {name: pytorch(extra) for name, extra in PYTORCH.items()}
engines |= {f"protsae-{compute}": ours(compute) for compute in args.compute.split()}
what = "training" if args.mode == "train" else "encoding"
work = f"{what}, (B, d, n, K) = ({', '.join(map(str, args.shape))})"
# each process takes steps before its clock starts
in_turns(work, chosen(engines, args.engines), args.runs, args.results, warm_up=False)
