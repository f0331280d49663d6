# What a run gives, and who made it of what.

# what the page shows beside model and dictionary, by the option for it; there is none of it
# where nothing is trained
PAGE = {
    "--scores": "metrics.json",
    "--labels": "labels.arrow",
    "--concepts": "concepts.json",
    "--split": "split.tsv",
    "--missing": "missing.tsv",
}


def known_of_the_page(wildcards):
    names = [] if config["model"] else PAGE.values()
    return {Path(name).stem: f"{RESULTS}/{wildcards.id}/{name}" for name in names}


def flags_of_the_page(wildcards, input):
    names = [] if config["model"] else PAGE.items()
    return " ".join(repeated(flag, [input[Path(name).stem]]) for flag, name in names)


def annotation_files(one):
    """The names of the files that are made of a proteome's annotations."""
    if one.taxon and config["date"]:
        if not config["ontology"]:
            refuse("'taxon' and 'date' ask for a GAF of terms, which needs 'ontology'")
        return ["annotations.gff3", "annotations.tsv", "calls.gaf"]
    return ["annotations.gff3", "annotations.tsv"]


def multiqc_tables():
    return [
        f"{RESULTS}/{name}/{table}"
        for name in model_ids()
        for table in ("concepts_mqc.json", "protsae_mqc.json")
    ] + [f"{RESULTS}/{name}/annotations_gff3_mqc.json" for name in PROTEOMES]


def pages():
    """The ids that have a page: of each model, or of each proteome where none is trained."""
    return model_ids() or list(PROTEOMES)


MULTIQC_REPORT = [] if config["skip_multiqc"] else ["multiqc_report.html"]
RESULTS_OF_ALL = [
    *(f"{RESULTS}/{name}/dictionary.json" for name in model_ids()),
    *(f"{RESULTS}/{name}/metrics.json" for name in model_ids()),
    *(f"{RESULTS}/{name}/report.html" for name in pages()),
    *(
        f"{RESULTS}/{one.id}/{file}"
        for one in PROTEOMES.values()
        for file in annotation_files(one)
    ),
    *(f"{RESULTS}/{file}" for file in ["versions.yml", *MULTIQC_REPORT]),
]


def provenance(wildcards):
    """Who made what of what, of every step of this run."""
    steps = ["concepts", "split", "train", "interpret", "evaluate"]
    found = [
        f"{RESULTS}/{name}/provenance/{step}.json"
        for name in model_ids()
        for step in steps
    ]
    found += [f"{RESULTS}/{name}/provenance/report.json" for name in pages()]
    for one in PROTEOMES.values():
        for file in annotation_files(one):
            made = file.replace("annotations.", "annotate.")
            found.append(f"{RESULTS}/{one.id}/provenance/{made}.json")
        found.append(f"{RESULTS}/{one.id}/provenance/shard.json")
    everyone = PROTEOMES.values()
    for step in ("embed", "encode"):
        found += of_shards(f"provenance/{step}.{{}}.json", everyone)
    return found


def provenance_flags(wildcards, input):
    return repeated("-i", input.provenance)
