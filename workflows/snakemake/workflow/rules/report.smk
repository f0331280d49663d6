# Files for others: ranges, terms of whole proteins, and all of it as a page.
rule annotate:
    input:
        shards=features,
        dictionary=dictionary,
    output:
        table=report(
            f"{RESULTS}/{{id}}/annotations.{{format}}",
            caption="../report/annotations.rst",
            category="Annotations",
            labels={"of": "{id}", "what": "ranges of residues ({format})"},
        ),
        multiqc=f"{RESULTS}/{{id}}/annotations_{{format}}_mqc.json",
        provenance=f"{RESULTS}/{{id}}/provenance/annotate.{{format}}.json",
    log:
        f"{RESULTS}/{{id}}/logs/annotate.{{format}}.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/annotate.{{format}}.tsv"
    wildcard_constraints:
        format="gff3|bed|tsv|parquet|json",
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    resources:
        tried=tried,
        gpu=0,
        mem_mb=doubling(2000),
        runtime=60,
    params:
        step=STEP,
        features=input_flags,
        extra=verbatim(extra("annotate")),
    shell:
        "{params.step} {resources.tried} {log:q}"
        " protsae-annotate {params.features} --dictionary {input.dictionary:q} -t {threads}"
        " --multiqc {output.multiqc:q} --sample-name {wildcards.id:q}"
        " {params.extra} -o {output.table:q} --provenance {output.provenance:q}"


# where the configuration says of which organism and day
rule calls:
    input:
        shards=features,
        dictionary=dictionary,
        ontology=given("ontology"),
    output:
        table=report(
            f"{RESULTS}/{{id}}/calls.{{format}}",
            caption="../report/calls.rst",
            category="Annotations",
            labels={"of": "{id}", "what": "terms of proteins ({format})"},
        ),
        provenance=f"{RESULTS}/{{id}}/provenance/calls.{{format}}.json",
    log:
        f"{RESULTS}/{{id}}/logs/calls.{{format}}.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/calls.{{format}}.tsv"
    wildcard_constraints:
        format="gaf|gpad",
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    resources:
        tried=tried,
        gpu=0,
        mem_mb=doubling(2000),
        runtime=60,
    params:
        step=STEP,
        features=input_flags,
        taxon=taxon,
        date=config["date"],
        extra=verbatim(extra("calls")),
    shell:
        "{params.step} {resources.tried} {log:q}"
        " protsae-annotate {params.features} --dictionary {input.dictionary:q}"
        " --ontology {input.ontology:q} --taxon {params.taxon} --date {params.date} -t {threads}"
        " {params.extra} -o {output.table:q} --provenance {output.provenance:q}"


rule page:
    input:
        unpack(known_of_the_page),
        shards=features,
        model=model,
        dictionary=dictionary,
    output:
        page=report(
            f"{RESULTS}/{{id}}/report.html",
            caption="../report/page.rst",
            category="Reports",
            labels={"of": "{id}", "what": "ProtSAE"},
        ),
        provenance=f"{RESULTS}/{{id}}/provenance/report.json",
    log:
        f"{RESULTS}/{{id}}/logs/report.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/report.tsv"
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    threads: 2
    resources:
        tried=tried,
        gpu=0,
        mem_mb=doubling(4000),
        runtime=60,
    params:
        step=STEP,
        features=input_flags,
        known=flags_of_the_page,
        extra=verbatim(extra("report")),
    shell:
        "{params.step} {resources.tried} {log:q}"
        " protsae-report {params.features} -m {input.model:q} --dictionary {input.dictionary:q}"
        " {params.known} -t {threads} {params.extra} -o {output.page:q}"
        " --provenance {output.provenance:q}"
