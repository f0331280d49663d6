# The configuration: what its keys may be, and the proteomes that it names.
import csv
import datetime
import difflib
import glob
import shlex
import unicodedata
from pathlib import Path
from typing import NamedTuple

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake_interface_executor_plugins.settings import DeploymentMethod

RENAMED = {
    "k": "topk",
    "scatter": "shard_size (proteins of a shard, in place of the number of shards)",
}
OF_ONE_PROTEOME = ("proteins", "annotations", "clusters", "taxon")
OF_TRAINING = (
    *("annotations", "clusters", "one_model", "min_count", "fractions"),
    *("layer", "site", "latents", "topk", "epochs", "batch"),
)
# folders and files of the results that are no proteome's
RESERVED = (
    *("", ".", "..", "all", "logs", "multiqc_report.html", "protsae_mqc_versions.yml"),
    *("ro-crate-metadata.json", "versions.yml"),
)


def refuse(message):
    """Ends with an error about the configuration, before any work."""
    raise WorkflowError(f"configuration: {message}")


def refuse_unknown(names, known, of):
    """Names that nothing reads are errors, which name the nearest that is read."""
    for name in names:
        if name in known:
            continue
        if name in RENAMED and of == "key":
            refuse(f"the key '{name}' is now {RENAMED[name]}")
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
        refuse(f"unknown {of} '{name}'; {hint}")


def typed(value, kind):
    """A value as its key's type, where it arrived as another that says the same."""
    if kind == "string" and isinstance(value, datetime.date):
        return value.isoformat()
    if kind == "string" and isinstance(value, (int, float)):
        return str(value)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == "integer" and isinstance(value, str) and value.isdecimal():
        return int(value)
    if kind == "boolean" and str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    if kind == "array" and isinstance(value, (str, int, float)):
        return [part.strip() for part in str(value).split(";") if part.strip()]
    return value


def checked(config):
    """The configuration with the types and defaults of its schema."""
    with open(workflow.source_path("../schemas/config.schema.yaml")) as file:
        keys = yaml.safe_load(file)["properties"]
    refuse_unknown(config, list(keys), "key")
    given = {}
    for key, value in config.items():
        if value is not None:
            given[key] = typed(value, keys[key]["type"])
    if isinstance(given.get("extra"), dict):
        steps = list(keys["extra"]["properties"])
        refuse_unknown(given["extra"], steps, "step in 'extra'")
        given["extra"] = {step: text or "" for step, text in given["extra"].items()}
    return given


def refuse_contradictions(config):
    """Keys that do not go together."""
    if bool(config["samples"]) == bool(config["proteins"]):
        refuse(
            "needs either 'proteins' (one FASTA) or 'samples' (a table of proteomes)"
        )
    for key in OF_ONE_PROTEOME:
        if config["samples"] and config[key]:
            refuse(
                f"'{key}' stands in the table, {config['samples']}, not beside 'samples'"
            )
    if bool(config["model"]) != bool(config["dictionary"]):
        refuse(
            "'model' and 'dictionary' go together: the folder and the file made for it"
        )
    if config["model"] and config["one_model"]:
        refuse("'one_model' trains a model; with 'model' none is trained")
    if not config["model"] and not config["ontology"]:
        refuse("'ontology' is needed for training")
    if "{" in config["results"] or "}" in config["results"]:
        refuse(f"'results' has a brace: {config['results']}")
    methods = workflow.deployment_settings.deployment_method
    if DeploymentMethod.APPTAINER in methods and not config["container"]:
        refuse(
            "containers are asked for, and 'container' names no image with the executables"
        )


def id_of(name):
    """An id as files and folders bear it."""
    kept = [
        (
            c
            if c in "._+-"
            or unicodedata.category(c) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")
            else "_"
        )
        for c in name
    ]
    return "".join(kept)


def stem(path):
    """The name of a FASTA without its suffixes."""
    name = Path(path).name
    for suffixes in (
        (".gz", ".bgz", ".zst", ".bz2"),
        (".fasta", ".fa", ".faa", ".fas", ".pep"),
    ):
        for suffix in suffixes:
            if name.endswith(suffix):
                name = name[: -len(suffix)]
                break
    return name


class Proteome(NamedTuple):
    """Proteins, and what is known of them."""

    id: str
    fasta: str
    annotations: tuple
    clusters: str
    taxon: int
    where: str


def matched(patterns, where):
    """Files by their names, or by patterns that match some, sorted."""
    files = []
    for pattern in patterns:
        found = (
            [pattern]
            if Path(pattern).exists()
            else sorted(glob.glob(pattern, recursive=True))
        )
        if not found:
            refuse(f"{where}: there is no {pattern}")
        files += [path for path in found if path not in files]
    return tuple(files)


def proteome(name, row, where):
    """A proteome from its row, or from the keys of the configuration."""
    if not config["model"] and not row["annotations"]:
        refuse(f"{where}: no annotations to train on")
    known = [] if config["model"] else row["annotations"]
    clusters = "" if config["model"] else row["clusters"]
    return Proteome(
        id_of(name), row["fasta"], matched(known, where), clusters, row["taxon"], where
    )


def rows(path):
    """The proteomes of a table (CSV of RFC 4180)."""
    with open(workflow.source_path("../schemas/samples.schema.yaml")) as file:
        columns = yaml.safe_load(file)["properties"]
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.reader(file, strict=True)
            header = [name.strip() for name in next(table, [])]
            lines = [(table.line_num, line) for line in table if any(line)]
    except OSError as error:
        refuse(f"{path}: {error.strerror}")
    except (UnicodeDecodeError, csv.Error) as error:
        refuse(f"{path}: {error}")
    refuse_unknown(header, list(columns), f"column of {path}")
    if len(set(header)) < len(header):
        refuse(f"{path}: a column twice: {', '.join(header)}")
    for number, line in lines:
        where = f"{path}, line {number}"
        if len(line) != len(header):
            refuse(f"{where}: {len(line)} fields under {len(header)} columns")
        row = {
            key: typed(value.strip(), columns[key]["type"])
            for key, value in zip(header, line)
            if value.strip()
        }
        try:
            validate(row, "../schemas/samples.schema.yaml")
        except WorkflowError as error:
            refuse(f"{where}: {error}")
        yield proteome(row["id"], row, where)


def proteomes(config):
    """All proteomes of this run, by their ids."""
    if config["samples"]:
        found = list(rows(config["samples"]))
    else:
        row = {**config, "fasta": config["proteins"]}
        found = [proteome(stem(config["proteins"]), row, config["proteins"])]
    if not found:
        refuse(f"{config['samples']}: no rows")
    by_id = {}
    for one in found:
        if one.id in RESERVED:
            refuse(f"{one.where}: '{one.id}' cannot be the id of a proteome")
        if one.id in by_id:
            refuse(f"the id '{one.id}' twice: {by_id[one.id].where}, and {one.where}")
        by_id[one.id] = one
    return by_id


GIVEN = checked(config)
config.clear()
config.update(GIVEN)
validate(config, "../schemas/config.schema.yaml")
refuse_contradictions(config)
PROTEOMES = proteomes(config)

if config["model"] and workflow.is_main_process:
    unused = [key for key in OF_TRAINING if key in GIVEN]
    if unused:
        logger.warning(
            f"with 'model' nothing is trained: {', '.join(unused)} change nothing"
        )
