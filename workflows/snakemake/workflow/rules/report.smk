rule interpret:
    input:
        activations=gather.shards(f"{RESULTS}/activations/{{scatteritem}}.arrow"),
        clusters=config["clusters"] or [],
        model=f"{RESULTS}/model",
        labels=f"{RESULTS}/labels.arrow",
        concepts=f"{RESULTS}/concepts.json",
        split=f"{RESULTS}/split.tsv",
    output:
        dictionary=f"{RESULTS}/dictionary.json",
        table=f"{RESULTS}/dictionary.tsv",
        missing=f"{RESULTS}/missing.tsv",
    log:
        f"{RESULTS}/logs/interpret.log",
    benchmark:
        f"{RESULTS}/benchmarks/interpret.tsv"
    threads: 4
    resources:
        mem_mb=twice_the_memory(4000),
        runtime=120,
    params:
        activations=lambda wildcards, input: repeated("-i", input.activations),
        clusters=clusters_flag(),
        extra=extra("interpret"),
    shell:
        "protsae-interpret {params.activations} -m {input.model:q} --labels {input.labels:q}"
        " --concepts {input.concepts:q} --split {input.split:q} {params.clusters} -t {threads} {params.extra}"
        " -o {output.dictionary:q} --table {output.table:q}"
        " --missing {output.missing:q} 2> {log:q}"


rule evaluate:
    input:
        activations=gather.shards(f"{RESULTS}/activations/{{scatteritem}}.arrow"),
        model=f"{RESULTS}/model",
        labels=f"{RESULTS}/labels.arrow",
        split=f"{RESULTS}/split.tsv",
    output:
        metrics=f"{RESULTS}/metrics.json",
        multiqc=f"{RESULTS}/protsae_mqc.json",
    log:
        f"{RESULTS}/logs/evaluate.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate.tsv"
    threads: 4
    resources:
        mem_mb=twice_the_memory(4000),
        runtime=120,
    params:
        activations=lambda wildcards, input: repeated("-i", input.activations),
        sample=SAMPLE,
        extra=extra("evaluate"),
    shell:
        "protsae-evaluate {params.activations} -m {input.model:q} --labels {input.labels:q}"
        " --split {input.split:q} -t {threads} {params.extra}"
        " -o {output.metrics:q} --multiqc {output.multiqc:q} --sample-name {params.sample:q} 2> {log:q}"


rule annotate:
    input:
        features=gather.shards(f"{RESULTS}/features/{{scatteritem}}.arrow"),
        dictionary=f"{RESULTS}/dictionary.json",
    output:
        f"{RESULTS}/annotations.{{format}}",
    log:
        f"{RESULTS}/logs/annotate.{{format}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/annotate.{{format}}.tsv"
    wildcard_constraints:
        format="gff3|bed|tsv|parquet|json",
    resources:
        mem_mb=twice_the_memory(2000),
        runtime=60,
    params:
        features=lambda wildcards, input: repeated("-i", input.features),
        extra=extra("annotate"),
    shell:
        "protsae-annotate {params.features} --dictionary {input.dictionary:q}"
        " {params.extra} -o {output:q} 2> {log:q}"


# terms of whole proteins, where the configuration says of which organism and day
rule calls:
    input:
        features=gather.shards(f"{RESULTS}/features/{{scatteritem}}.arrow"),
        dictionary=f"{RESULTS}/dictionary.json",
        ontology=config["ontology"],
    output:
        f"{RESULTS}/calls.{{format}}",
    log:
        f"{RESULTS}/logs/calls.{{format}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/calls.{{format}}.tsv"
    wildcard_constraints:
        format="gaf|gpad",
    resources:
        mem_mb=twice_the_memory(2000),
        runtime=60,
    params:
        features=lambda wildcards, input: repeated("-i", input.features),
        taxon=config["taxon"],
        date=config["date"],
        extra=extra("calls"),
    shell:
        "protsae-annotate {params.features} --dictionary {input.dictionary:q} --ontology {input.ontology:q}"
        " --taxon {params.taxon} --date {params.date} {params.extra} -o {output:q} 2> {log:q}"


# all of it as one page
rule report:
    input:
        features=gather.shards(f"{RESULTS}/features/{{scatteritem}}.arrow"),
        model=f"{RESULTS}/model",
        dictionary=f"{RESULTS}/dictionary.json",
        metrics=f"{RESULTS}/metrics.json",
        missing=f"{RESULTS}/missing.tsv",
        labels=f"{RESULTS}/labels.arrow",
        concepts=f"{RESULTS}/concepts.json",
        split=f"{RESULTS}/split.tsv",
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/benchmarks/report.tsv"
    threads: 2
    resources:
        mem_mb=twice_the_memory(4000),
        runtime=60,
    params:
        features=lambda wildcards, input: repeated("-i", input.features),
        extra=extra("report"),
    shell:
        "protsae-report {params.features} -m {input.model:q} --dictionary {input.dictionary:q}"
        " --scores {input.metrics:q} --labels {input.labels:q} --concepts {input.concepts:q}"
        " --split {input.split:q} --missing {input.missing:q} -t {threads} {params.extra}"
        " -o {output:q} 2> {log:q}"
