# What the rules share: where results are, which proteomes a model is of, and how a step is run.
import json
import os
import re

RESULTS = str(Path(config["results"]))
EXECUTABLES = (
    "annotate concepts crate embed encode evaluate interpret report shard split train"
).split()
CONTAINER = config["container"] or None


wildcard_constraints:
    id="|".join(map(re.escape, [*PROTEOMES, "all"])),
    shard="[0-9a-f]{16}",


# functions of bash, which travel in the environment, and the first of them, which every rule calls
with open(workflow.source_path("../scripts/step.sh")) as file:
    os.environ.update(PROTSAE_STEP=file.read())
STEP = 'eval "$PROTSAE_STEP"; step'


def verbatim(text):
    """Text whose braces are no wildcards."""

    def value(wildcards):
        return text

    return value


def given(key):
    """A file or folder of the configuration, where it names one; its braces are no wildcards."""
    return verbatim(config[key] or [])


def extra(step):
    """Further options of an executable, from the configuration."""
    try:
        return shlex.join(shlex.split(config["extra"].get(step, "")))
    except ValueError as error:
        refuse(f"'extra', '{step}': {error}")


def repeated(flag, paths):
    """The same flag once for every path: shards are never concatenated."""
    return " ".join(f"{flag} {shlex.quote(str(path))}" for path in paths)


def model_id(proteome):
    """The id of the model that a proteome is annotated with."""
    return "all" if config["one_model"] else proteome


def model_ids():
    """The ids of all models that are trained."""
    return [] if config["model"] else list(dict.fromkeys(map(model_id, PROTEOMES)))


def members(name):
    """The proteomes that a model, its labels and its pages are of."""
    if name == "all" and config["one_model"]:
        return list(PROTEOMES.values())
    return [PROTEOMES[name]] if name in PROTEOMES else []


def fastas(wildcards):
    return [one.fasta for one in members(wildcards.id)]


def annotations(wildcards):
    return list(
        dict.fromkeys(path for one in members(wildcards.id) for path in one.annotations)
    )


def clusters(wildcards):
    return list(
        dict.fromkeys(one.clusters for one in members(wildcards.id) if one.clusters)
    )


def shard_names(proteome):
    """The shards of a proteome in the order of its FASTA, once it is cut."""
    with open(checkpoints.shards.get(id=proteome).output.order) as file:
        return file.read().split()


def of_shards(pattern, proteomes):
    """A file of every shard of these proteomes."""
    return [
        f"{RESULTS}/{one.id}/{pattern.format(shard)}"
        for one in proteomes
        for shard in shard_names(one.id)
    ]


def activations(wildcards):
    return of_shards("activations/{}.arrow", members(wildcards.id))


def features(wildcards):
    return of_shards("features/{}.arrow", members(wildcards.id))


def model(wildcards):
    return config["model"] or f"{RESULTS}/{model_id(wildcards.id)}/model"


def dictionary(wildcards):
    return config["dictionary"] or f"{RESULTS}/{model_id(wildcards.id)}/dictionary.json"


def input_flags(wildcards, input):
    """The shards that a step gathers, as options."""
    return repeated("-i", input.shards)


def cluster_flags(wildcards, input):
    return repeated("--clusters", input.clusters)


def annotation_flags(wildcards, input):
    return repeated("--annotations", input.annotations)


def sequence_flags(wildcards, input):
    return repeated("--sequences", input.proteins)


def not_empty(wildcards, input, output):
    """Refuses a FASTA without proteins where a model is trained on it."""
    if config["model"]:
        return ""
    return f"not_empty {shlex.quote(input[0])} {shlex.quote(output.shards)}"


def top_folder(wildcards, output):
    """The folder of all results."""
    return str(Path(output[0]).parent)


def taxon(wildcards):
    return PROTEOMES[wildcards.id].taxon


def tried(wildcards, attempt):
    """How often the job has been tried, with this time."""
    return attempt


def doubling(base):
    """Memory in MB, twice as much whenever the job is tried again."""

    def mem_mb(wildcards, attempt):
        return base * 2 ** (attempt - 1)

    return mem_mb


def weights_mb():
    """Size of the language model's weights, which are in memory while proteins are embedded."""
    sizes = {".safetensors": 0, ".bin": 0}
    for path in Path(config["plm"]).glob("*"):
        if path.suffix in sizes:
            sizes[path.suffix] += path.stat().st_size
    return max(sizes.values()) // 1_000_000


def activations_mb(paths):
    """Space that activations of these FASTA take at most: four bytes a number."""
    try:
        with open(Path(config["plm"]) / "config.json") as file:
            width = json.load(file)["hidden_size"]
        size = sum(Path(path).stat().st_size for path in paths)
    except (OSError, ValueError, KeyError):
        return 1000
    return 100 + size * width * 4 // 1_000_000


def embed_mb(wildcards, attempt):
    return (1000 + weights_mb() * 11 // 10) * 2 ** (attempt - 1)


def embed_disk_mb(wildcards, input):
    return activations_mb([input.proteins])


def gpus():
    """GPUs of a job; honoured with `--resources gpu=N`, which Snakemake needs to count them."""
    return 1 if config["device"].startswith("cuda") else 0


def kept_on_request(path):
    """Activations are large: they are deleted when nothing needs them any more."""
    return path if config["keep_activations"] else temp(path)


def place():
    """Where in the language model: as the model has it, or as the configuration says."""
    if config["model"]:
        return f"--for {shlex.quote(config['model'])}"
    layer = f"--layer {config['layer']} " if "layer" in config else ""
    return f"{layer}--site {config['site']}"
