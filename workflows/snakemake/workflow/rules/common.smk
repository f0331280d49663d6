import shlex
from pathlib import Path

RESULTS = config["results"]
# tells this run's rows apart from others' in one MultiQC report
SAMPLE = Path(config["proteins"]).name.split(".")[0]


def extra(step):
    """Further options of an executable, from the configuration."""
    return config["extra"].get(step, "")


def repeated(flag, paths):
    """The same flag once for every path: shards are never concatenated."""
    return " ".join(f"{flag} {shlex.quote(str(path))}" for path in paths)


def clusters_flag():
    """The option for groups, where there are some."""
    return repeated("--clusters", [config["clusters"]] if config["clusters"] else [])


def gpus():
    """GPUs of a job; honoured with `--resources gpu=N`, which Snakemake needs to count them."""
    return 1 if config["device"].startswith("cuda") else 0


def twice_the_memory(base):
    """More memory for a job that is tried again."""
    return lambda wildcards, attempt: base * attempt
