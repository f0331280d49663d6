#!/usr/bin/env python3
"""Runs workflows/RECIPES.md and compares what it prints with what the page shows.

    ROOT=repository tests/workflows/recipes.py [--update]

Blocks marked sh, python and r run in order, in one temporary folder; a block of text behind one is its standard output.
Numbers with a decimal point may differ by 2 %; everything else is as it stands, where the example's model has the bytes
that the page names. Another kind of processor rounds otherwise, and trains another: then blocks need only run and print. A
comment `<!-- needs: ... -->` names programs, python:MODULE and R:PACKAGE without which a block is skipped. Blocks marked
bash name real data and are not run: options of ProtSAE in them are held against the executables by --print-config.
--update writes into the page what was printed (tests/workflows/recipes.py --update, then read what changed).
"""

import hashlib
import importlib.util
import math
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ["ROOT"]).resolve()
PAGE = ROOT / "workflows/RECIPES.md"
RUN = {
    "sh": lambda text: (["bash", "-euo", "pipefail", "-c", text], None),
    "python": lambda text: ([sys.executable, "-c", text], None),
    "r": lambda text: (["Rscript", "--vanilla", "-"], text),
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```\n", re.M | re.S)
MODEL = re.compile(r"<!-- model: ([0-9a-f]{16}) -->")
NEEDS = re.compile(r"<!-- needs: (.*?) -->\n\Z")


def missing(need, environment):
    """Whether a program, a Python module or a package of R is not there."""
    if need.startswith("python:"):
        return importlib.util.find_spec(need.removeprefix("python:")) is None
    if need.startswith("R:"):
        if shutil.which("Rscript", path=environment["PATH"]) is None:
            return True
        ask = f'quit(status = !requireNamespace("{need.removeprefix("R:")}", quietly = TRUE))'
        return subprocess.run(["Rscript", "-e", ask], env=environment, capture_output=True).returncode != 0
    return shutil.which(need, path=environment["PATH"]) is None


def same_token(shown, got):
    """Words as they stand; numbers with a decimal point within 2 %."""
    if shown == got:
        return True
    number = re.compile(r"([(\[]?)(-?\d+(?:\.\d+)?)([,)\]%]*)")
    one, other = number.fullmatch(shown), number.fullmatch(got)
    if not one or not other or one[1] != other[1] or one[3] != other[3] or "." not in one[2] + other[2]:
        return False
    return math.isclose(float(one[2]), float(other[2]), rel_tol=0.02, abs_tol=0.001)


def model_of(folder):
    """The first digits of the SHA-256 of the example's model, or nothing where it is not trained yet."""
    weights = pathlib.Path(folder) / "results/model/model.safetensors"
    return hashlib.sha256(weights.read_bytes()).hexdigest()[:16] if weights.is_file() else None


def difference(shown, got):
    """The first line that differs, or nothing."""
    shown, got = shown.splitlines(), got.splitlines()
    for number in range(max(len(shown), len(got))):
        left = shown[number] if number < len(shown) else None
        right = got[number] if number < len(got) else None
        if left is None or right is None or len(left.split()) != len(right.split()):
            return f"line {number + 1}: the page has {left!r}, now {right!r}"
        if not all(map(same_token, left.split(), right.split())):
            return f"line {number + 1}: the page has {left!r}, now {right!r}"
    return None


def commands(block):
    """The commands of ProtSAE in a block, each as its words."""
    joined = block.replace("\\\n", " ")
    for part in re.split(r"\n|\||&&", joined):
        words = shlex.split(part)
        if words and words[0].startswith("protsae-"):
            yield words


def options_exist(block, where, environment):
    """How many commands of ProtSAE a block has, and which of them are refused."""
    refused, count = [], 0
    for words in commands(block):
        said = subprocess.run([*words, "--print-config"], env=environment, capture_output=True, text=True)
        count += 1
        if said.returncode != 0:
            refused.append(f"{where}: {' '.join(words)}: {said.stderr.strip()}")
    return count, refused


def run(language, text, where, environment, folder):
    """What a block prints; one that fails ends the run."""
    command, source = RUN[language](text)
    given = {"input": source} if source else {"stdin": subprocess.DEVNULL}
    said = subprocess.run(command, **given, env=environment, cwd=folder, capture_output=True, text=True)
    if said.returncode != 0:
        print(said.stdout, said.stderr)
        sys.exit(f"FAILS: {where}: exit status {said.returncode}")
    return said.stdout


def main():
    update = sys.argv[1:] == ["--update"]
    if sys.argv[1:] and not update:
        sys.exit(__doc__)
    embed = shutil.which("protsae-embed")
    if embed is None:
        sys.exit("FAILS: protsae-embed is not on PATH")
    path = [os.path.dirname(sys.executable), os.environ["PATH"]]
    path += map(str, sorted(pathlib.Path(os.environ.get("VENVS") or "/nonexistent").glob("*/bin")))
    environment = {**os.environ, "ROOT": str(ROOT), "PROTSAE_BIN": os.path.dirname(embed), "PATH": ":".join(path)}

    page = PAGE.read_text(encoding="utf-8")
    blocks = list(FENCE.finditer(page))
    ends = [0] + [block.end() for block in blocks]
    written, failed = [], []
    ran = checked = skipped = others = 0
    with tempfile.TemporaryDirectory() as folder:
        shown_by_last = False
        for number, block in enumerate(blocks):
            before = page[ends[number] : block.start()]
            if shown_by_last:
                shown_by_last = False
                continue
            written += [before, block[0]]
            language, text = block[1], block[2]
            where = f"{PAGE.name}:{page[: block.start()].count(chr(10)) + 1}"
            if language == "bash":
                count, refused = options_exist(text, where, environment)
                checked += count
                failed += refused
            if language not in RUN:
                continue
            # its output is the block of text directly behind it
            behind = blocks[number + 1] if number + 1 < len(blocks) else None
            shown_by_last = bool(behind and behind[1] == "text" and not page[block.end() : behind.start()].strip())
            shown = behind[2] if shown_by_last else ""
            needs = NEEDS.search(before)
            absent = [need for need in (needs[1].split() if needs else []) if missing(need, environment)]
            if absent:
                print(f"skipped: {where}: {', '.join(absent)} not installed")
                skipped += 1
                printed = shown
            else:
                printed = run(language, text, where, environment, folder)
                ran += 1
                found = difference(shown, printed)
                if model_of(folder) == MODEL.search(page)[1]:
                    failed += [f"{where}: {found}"] if found and not update else []
                elif bool(shown) != bool(printed):
                    failed.append(f"{where}: the page shows {len(shown)} characters, now {len(printed)} are printed")
                elif found:
                    others += 1
            if printed:
                written.append(f"\n```text\n{printed}```\n")
        model = model_of(folder)
    if others and not update:
        print(f"skipped: {PAGE.name}: {others} blocks print other numbers: this processor trained another model ({model})")
    if update:
        text = "".join(written) + page[ends[-1] :]
        PAGE.write_text(MODEL.sub(f"<!-- model: {model} -->", text), encoding="utf-8")
        print(f"written: {PAGE}")
    for line in failed:
        print("FAILS:", line)
    print(f"{ran} blocks ran, {skipped} skipped; {checked} commands of real data were held against the executables")
    sys.exit(1 if failed or not ran or not checked else 0)


main()
