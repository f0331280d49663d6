#!/usr/bin/env python3
"""Profiles switch software on: engines for containers and conda stand in here, and record how they are called."""

import os
import pathlib
import tempfile

import common
from common import nextflow, same, stand_in, training

# runs what follows the image on this machine
ENGINE = """\
shopt -s extglob
printf '%s ' "$@" >> '{folder}/{engine}.calls'; echo >> '{folder}/{engine}.calls'
[[ $1 == run || $1 == exec ]] || exit 0
while (($#)); do if [[ $1 == {image} ]]; then shift; exec "$@"; fi; shift; done
"""
CONDA = """\
echo "$@" >> '{folder}/conda.calls'
case " $* " in
    *' info '*) printf '{{\\n  "conda_prefix": "{base}"\\n}}\\n' ;;
    *' create '*) while (($#)); do if [[ $1 == --prefix ]]; then mkdir -p "$2"; fi; shift; done ;;
esac
"""


def calls_of(folder, engine):
    """The calls by which an engine ran tasks."""
    calls = (folder / f"{engine}.calls").read_text().splitlines()
    return [call for call in calls if call.startswith(("run ", "exec "))]


if not os.environ.get("ALL"):
    common.skip("two minutes: asked for with ALL=1")

with common.workspace() as folder:
    # engines mount folders by their names: no odd ones there
    image = folder / "image.sif"
    image.write_text("")
    multiqc = folder / "multiqc.sif"
    multiqc.write_text("")
    for engine, images, gpu in [
        ("docker", ["site/protsae:1", "site/multiqc:1"], "--gpus all"),
        ("podman", ["site/protsae:1", "site/multiqc:1"], "--device nvidia.com/gpu=all"),
        ("apptainer", [str(image), str(multiqc)], "--nv"),
        ("singularity", [str(image), str(multiqc)], "--nv"),
    ]:
        known = "|".join(f"*{pathlib.Path(name).name}" for name in images)
        text = ENGINE.format(folder=folder, engine=engine, image=f"@({known})")
        path = stand_in(folder, engine, text)
        nextflow(
            folder,
            *training(common.FIRST, engine),
            *("-profile", f"{engine},gpu", "-stub-run", "--gpus", "1"),
            *("--container", images[0], "--container_multiqc", images[1]),
            path=path,
        )
        calls = calls_of(folder, engine)
        same(f"{engine}: tasks in the image of the executables", len([c for c in calls if images[0] in c]), 16)
        same(f"{engine}: tasks in the image of MultiQC", len([c for c in calls if images[1] in c]), 1)
        # embed of three shards, and train
        same(f"{engine}: tasks with a GPU", len([c for c in calls if gpu in c]), 4)

    # conda itself lives where names are plain
    with tempfile.TemporaryDirectory() as base:
        (pathlib.Path(base) / "bin").mkdir()
        (pathlib.Path(base) / "bin/activate").write_text("")
        path = stand_in(folder, "conda", CONDA.format(folder=folder, base=base))
        nextflow(folder, *training(common.FIRST, "conda"), "-profile", "conda", "-stub-run", path=path)
    created = [call for call in (folder / "conda.calls").read_text().splitlines() if " create " in f" {call} "]
    # one environment for all steps, one for MultiQC: they are told apart by the content of environment.yml
    same("conda: environments", len(created), 2)
