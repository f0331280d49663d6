# What is known of the proteins, and which of them are for training, choosing and testing.
rule concepts:
    input:
        ontology=given("ontology"),
        annotations=annotations,
        proteins=fastas,
    output:
        concepts=f"{RESULTS}/{{id}}/concepts.json",
        labels=f"{RESULTS}/{{id}}/labels.arrow",
        multiqc=f"{RESULTS}/{{id}}/concepts_mqc.json",
        provenance=f"{RESULTS}/{{id}}/provenance/concepts.json",
    log:
        f"{RESULTS}/{{id}}/logs/concepts.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/concepts.tsv"
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    threads: 2
    resources:
        tried=tried,
        gpu=0,
        mem_mb=doubling(2000),
        runtime=60,
    params:
        step=STEP,
        annotations=annotation_flags,
        sequences=sequence_flags,
        min_count=config["min_count"],
        extra=verbatim(extra("concepts")),
    shell:
        "{params.step} {resources.tried} {log:q}"
        " protsae-concepts --ontology {input.ontology:q} {params.annotations} {params.sequences}"
        " --min-count {params.min_count} -t {threads} {params.extra} --multiqc {output.multiqc:q}"
        " --sample-name {wildcards.id:q}"
        " --concepts {output.concepts:q} -o {output.labels:q} --provenance {output.provenance:q}"


rule split:
    input:
        labels=f"{RESULTS}/{{id}}/labels.arrow",
        clusters=clusters,
        proteins=fastas,
    output:
        table=f"{RESULTS}/{{id}}/split.tsv",
        provenance=f"{RESULTS}/{{id}}/provenance/split.json",
    log:
        f"{RESULTS}/{{id}}/logs/split.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/split.tsv"
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    resources:
        tried=tried,
        gpu=0,
        mem_mb=doubling(1000),
        runtime=60,
    params:
        step=STEP,
        clusters=cluster_flags,
        sequences=sequence_flags,
        fractions=config["fractions"],
        extra=verbatim(extra("split")),
    shell:
        "{params.step} {resources.tried} {log:q}"
        " protsae-split --labels {input.labels:q} {params.clusters} {params.sequences}"
        " --fractions {params.fractions} -t {threads} {params.extra}"
        " -o {output.table:q} --provenance {output.provenance:q}"
