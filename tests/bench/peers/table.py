#!/usr/bin/env python3
"""A table in Markdown of what peers.sh measured on one machine.

    table.py RESULTS.jsonl...      # of several runs, for example one a size
    table.py --machine THREADS RUNS  # the line of JSON that a file begins with
"""
import datetime
import json
import sys

from turns import processor

BASELINES = ("transformers-f32", "pytorch-f32")


def number(value, form):
    return "-" if value is None else format(value, form)


def heading(machine):
    """What all numbers below it have in common."""
    bf16 = [name for name in ("amx_bf16", "avx512_bf16") if machine[name]]
    return (f"{machine['date']}, {machine['cpu']}, {' and '.join(bf16) or 'neither amx_bf16 nor avx512_bf16'}, "
            f"{machine['threads']} threads; engines in turns, medians of {machine['runs']}; protsae-embed is compared with "
            "start and loading, the others without; relative errors of the last hidden state.")


if sys.argv[1] == "--machine":
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    print(json.dumps({"date": today, "threads": int(sys.argv[2]), "runs": int(sys.argv[3]), **processor()}))
    sys.exit()

lines = [json.loads(line) for path in sys.argv[1:] for line in open(path)]
machines = list(dict.fromkeys(heading(line) for line in lines if "cpu" in line))
measured = [line for line in lines if "rate" in line]
baseline = {line["work"]: line["rate"] for line in measured if line["engine"] in BASELINES}

print(*machines, sep="\n")
print("""
| work | engine | residues or rows a second | the same, loading apart | beside f32 of transformers or PyTorch | peak memory, MiB | relative error |
|---|---|---|---|---|---|---|""")
for line in measured:
    ratio = line["rate"] / baseline[line["work"]] if line["work"] in baseline else None
    apart = line.get("rate_loaded", line["rate"])
    # ours in embedding is the only rate with start and loading
    whole = None if line["work"].startswith("embedding") and "rate_loaded" not in line else line["rate"]
    print(f"| {line['work']} | {line['engine']} | {number(whole, ',.0f')} | {number(apart, ',.0f')} | {number(ratio, '.2f')} "
          f"| {number(line['peak_mib'], ',.0f')} | {number(line.get('error'), '.1e')} |")
left_out = [line for line in lines if "reason" in line]
if left_out:
    print("\nLeft out:")
    for line in left_out:
        print(f"- {line['work']}, {line['engine']}: {line['reason']}")
