"""Engines measured in turns: each run is a process of its own, and none runs beside another."""

import json
import pathlib
import signal
import statistics
import subprocess
import sys
import time


class Refused(Exception):
    """An engine could not run; the message says why."""


def completed(command, limit):
    """What a command printed on standard output, and its seconds from start to end."""
    start = time.perf_counter()
    try:
        process = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=limit)
    except FileNotFoundError as error:
        raise Refused(f"{error.filename} is not there") from error
    except subprocess.TimeoutExpired as error:
        raise Refused(f"took longer than {limit} s") from error
    seconds = time.perf_counter() - start
    if process.returncode < 0:
        raise Refused(f"ended by {signal.Signals(-process.returncode).name}")
    if process.returncode:
        lines = [line.strip() for line in process.stderr.splitlines() if line.strip()] or ["no message"]
        # Python says last what went wrong, other programs first
        raise Refused(lines[-1] if any(line.startswith("Traceback") for line in lines) else lines[0])
    return process.stdout, seconds


def last_json(text):
    """The JSON object on the last line of what a command printed."""
    try:
        return json.loads(text.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise Refused("printed no JSON") from error


def in_turns(work, engines, runs, out, warm_up=True):
    """Measures engines (name -> function of the run's number that returns numbers by name) and appends a line of JSON
    for each to the file `out`: the medians, and every run's. With `warm_up`, a run 0 comes first: what it measures is
    not counted, but for what the other runs do not measure."""
    first, values, reasons = {}, {name: [] for name in engines}, {}
    for run in range(0 if warm_up else 1, runs + 1):
        for name, measure in engines.items():
            if name in reasons:
                continue
            print(f"{work}: {name}, run {run} of {runs}", file=sys.stderr, flush=True)
            try:
                measured = measure(run)
            except Refused as reason:
                reasons[name] = str(reason)
                print(f"{work}: {name} is left out: {reason}", file=sys.stderr, flush=True)
                continue
            if run:
                values[name].append(measured)
            else:
                first[name] = measured
    with open(out, "a") as lines:
        for name in engines:
            line = {"work": work, "engine": name}
            if name in reasons:
                line["reason"] = reasons[name]
            else:
                line |= first.get(name, {})
                line |= {key: statistics.median(run[key] for run in values[name]) for key in values[name][0]}
                line["runs"] = values[name]
            lines.write(json.dumps(line) + "\n")


def chosen(engines, wanted):
    """The engines whose name is wanted, or begins with a name that is; all where nothing is."""
    names = wanted.split()
    return {e: f for e, f in engines.items() if not names or any(e == n or e.startswith(n + "-") for n in names)}


def processor():
    """The CPU's name, and which of the instruction sets that multiply bf16 it has."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    pairs = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    flags = fields.get("flags", "").split()
    name, family, model = (fields.get(key, "unknown") for key in ("model name", "cpu family", "model"))
    return {
        # virtual machines name few processors exactly
        "cpu": f"{name} (family {family}, model {model})",
        **{name: name in flags for name in ("amx_bf16", "avx512_bf16")},
    }
