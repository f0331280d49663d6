#!/usr/bin/env python3
"""Holds the inputs of the CWL tools against the options of the executables: each option is an input, with the same
choices and with no default of its own, or it is named here with the reason.

    options.py TOOLS                 the folder of the tools
"""
import json
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

# Options that the arguments of every tool give, or that say what is printed.
GIVEN = {"threads", "provenance", "dry-run", "quiet", "verbose"}
CODES = {"successCodes": [0], "permanentFailCodes": [1, 2, 3, 101], "temporaryFailCodes": [137]}
LEFT = {
    "concepts": {"by-namespace"},  # the outputs would depend on it; scatter over `namespace` instead
    "train": {"checkpoint-dir", "checkpoint-every", "resume"},  # nothing of a failed step is left to go on from
    "crate": {"root", "seed"},  # the folder of the step; nothing is random
    "shard": {"output", "seed"},  # the names are those that the tool collects; nothing is random
}


def load(path):
    return YAML(typ="safe").load(path.read_text())


def enumerations(kind, types):
    """Choices of an input's type, or None."""
    for one in kind if isinstance(kind, list) else [kind]:
        if isinstance(one, dict) and one.get("type") == "enum":
            return one["symbols"]
        if isinstance(one, str) and "types.yml#" in one:
            return types[one.split("#")[1]]
    return None


def check(path, types):
    tool = load(path)
    codes = {key: tool[key] for key in CODES}
    if codes != CODES:
        return [f"{path.name}: exit statuses {codes}"]
    command = tool["baseCommand"]
    if not isinstance(command, str):  # a command of protsae-schema, whose options are those in common
        return []
    name = command.removeprefix("protsae-")
    shown = subprocess.run(["protsae-schema", "show", f"config-{name}"], capture_output=True, text=True)
    if shown.returncode != 0:
        return [f"{path.name}: {shown.stderr.strip()}"]
    schema = json.loads(shown.stdout)["properties"]
    wrong, seen = [], set()
    for key, entry in tool["inputs"].items():
        binding = entry.get("inputBinding")
        if binding is None:  # what is only staged
            continue
        kinds = entry["type"] if isinstance(entry["type"], list) else [entry["type"]]
        arrays = [kind for kind in kinds if isinstance(kind, dict) and kind.get("type") == "array"]
        prefix = binding.get("prefix") or arrays[0]["inputBinding"]["prefix"]
        option = prefix.removeprefix("--")
        seen.add(option)
        if key.replace("_", "-") not in (option, option + "-name"):
            wrong.append(f"{key} is {prefix}")
        if "default" in entry and not key.endswith("_name"):
            wrong.append(f"{key} has a default of its own")
        if not entry.get("doc"):
            wrong.append(f"{key} has no doc")
        if option == "config":
            continue
        if option not in schema:
            wrong.append(f"{prefix} is no option")
            continue
        choices = enumerations(entry["type"], types)
        if "enum" in schema[option] and sorted(choices or []) != sorted(schema[option]["enum"]):
            wrong.append(f"{key} has the choices {choices}")
    lacks = set(schema) - seen - GIVEN - LEFT.get(name, set())
    if lacks:
        wrong.append(f"no input for {sorted(lacks)}")
    return [f"{path.name}: {one}" for one in wrong]


def main():
    tools = Path(sys.argv[1])
    types = {one["name"]: one["symbols"] for one in load(tools.parent / "common" / "types.yml")}
    paths = sorted(tools.glob("*.cwl"))
    wrong = [one for path in paths for one in check(path, types)]
    print("\n".join(wrong) if wrong else f"   {len(paths)} tools have the options of their executables")
    sys.exit(1 if wrong or not paths else 0)


if __name__ == "__main__":
    main()
