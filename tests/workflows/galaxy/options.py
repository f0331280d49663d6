#!/usr/bin/env python3
"""Holds the parameters of the Galaxy wrappers against the options of the executables: every option is in a wrapper, or is
named here with the reason, and the defaults that forms show are the executables'.

    options.py WRAPPERS
"""
import json
import re
import subprocess
import sys
from pathlib import Path

from galaxy.tool_util.parser.factory import get_tool_source

# Options that no wrapper has: Galaxy says them; and a file of options could name files of other users.
ENGINE = {"threads", "quiet", "verbose", "dry-run", "metrics", "provenance", "config", "output"}
# Options of one executable that none of its wrappers has, and why.
LEFT = {
    "concepts": {"annotation-format", "by-namespace", "clusters", "fractions", "seed", "split"},  # protsae_split deals out
    "embed": {"device"},  # the destination of the job decides
    # a job is one model, from its beginning, and leaves nothing behind if it fails
    "train": {"device", "init", "grid", "tensorboard", "log-every", "checkpoint-dir", "resume"},
    "encode": {"device", "seed"},  # as of embed; and nothing there is random
    "evaluate": {"device"},
    "annotate": {"seed"},
    "report": {"structures-out"},  # files for other programs, not for a history
    "steer": {"device"},
    "convert": {"seed"},
}
# Options of which a wrapper offers less than the executable, with a default of its own.
FREE = {"--to", "--format"}


def check_options(path, tree, template):
    """The wrapper names every option of its executable, and its defaults are the executable's."""
    tool = re.search(r"protsae-([a-z]+)", tree.find("version_command").text).group(1)
    shown = subprocess.run(["protsae-schema", "show", f"config-{tool}"], capture_output=True, text=True, check=True)
    schema = json.loads(shown.stdout)["properties"]
    for param in tree.find("inputs").iter("param"):
        argument = param.get("argument")
        if not argument:
            continue
        option = argument.lstrip("-")
        assert option in schema, f"{path.name}: {argument} is no option of protsae-{tool}"
        assert re.search(rf"--{option}\b", template) or param.get("truevalue") == argument, f"{path.name}: {argument} is not passed on"
        default = schema[option].get("default")
        stated = param.get("value") or param.get("checked")
        if param.get("type") == "select":
            stated = ",".join(one.get("value") for one in param.findall("option") if one.get("selected") == "true")
        if default is not None and stated and param.get("argument") not in FREE:
            assert stated == str(default), f"{path.name}: {argument} is {stated}, not {default}"
    named = set(re.findall(r"--([a-z0-9-]+)", template)) | {p.get("argument", "").lstrip("-") for p in tree.find("inputs").iter("param")}
    return tool, set(schema) - named


def main():
    wrappers = sorted(Path(sys.argv[1]).resolve().glob("protsae_*.xml"))
    missing, failed = {}, not wrappers
    for path in wrappers:
        source = get_tool_source(str(path))
        tool, lacks = check_options(path, source.xml_tree.getroot(), source.parse_command())
        # one executable may have several wrappers
        missing[tool] = missing.get(tool, lacks) & lacks
    for tool, lacks in missing.items():
        lacks = lacks - ENGINE - LEFT.get(tool, set())
        if lacks:
            failed = True
            print(f"   protsae-{tool} has options that no wrapper has: {sorted(lacks)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
