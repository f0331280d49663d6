rule concepts:
    input:
        ontology=config["ontology"],
        annotations=config["annotations"],
        proteins=config["proteins"],
    output:
        concepts=f"{RESULTS}/concepts.json",
        labels=f"{RESULTS}/labels.arrow",
        multiqc=f"{RESULTS}/concepts_mqc.json",
    log:
        f"{RESULTS}/logs/concepts.log",
    benchmark:
        f"{RESULTS}/benchmarks/concepts.tsv"
    resources:
        mem_mb=twice_the_memory(1000),
        runtime=30,
    params:
        annotations=repeated("--annotations", config["annotations"]),
        min_count=config["min_count"],
        extra=extra("concepts"),
    shell:
        "protsae-concepts --ontology {input.ontology:q} {params.annotations} --sequences {input.proteins:q}"
        " --min-count {params.min_count} {params.extra}"
        " --multiqc {output.multiqc:q}"
        " --concepts {output.concepts:q} -o {output.labels:q} 2> {log:q}"


rule split:
    input:
        labels=f"{RESULTS}/labels.arrow",
        clusters=config["clusters"] or [],
        proteins=config["proteins"],
    output:
        f"{RESULTS}/split.tsv",
    log:
        f"{RESULTS}/logs/split.log",
    benchmark:
        f"{RESULTS}/benchmarks/split.tsv"
    resources:
        mem_mb=twice_the_memory(1000),
        runtime=30,
    params:
        clusters=clusters_flag(),
        fractions=config["fractions"],
        extra=extra("split"),
    shell:
        "protsae-split --labels {input.labels:q} {params.clusters} --sequences {input.proteins:q}"
        " --fractions {params.fractions} {params.extra} -o {output:q} 2> {log:q}"
