# The autoencoder: trained, understood and scored. Training goes on where an earlier try ended, since
# its checkpoints are in a folder that Snakemake does not delete.
rule train:
    input:
        shards=activations,
        labels=f"{RESULTS}/{{id}}/labels.arrow",
        concepts=f"{RESULTS}/{{id}}/concepts.json",
        split=f"{RESULTS}/{{id}}/split.tsv",
    output:
        model=directory(f"{RESULTS}/{{id}}/model"),
        provenance=f"{RESULTS}/{{id}}/provenance/train.json",
    log:
        f"{RESULTS}/{{id}}/logs/train.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/train.tsv"
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    threads: 8
    resources:
        tried=tried,
        gpu=gpus(),
        mem_mb=doubling(4000),
        disk_mb=2000,
        runtime=1440,
    params:
        step=STEP,
        checkpoints=f"{RESULTS}/{{id}}/checkpoints",
        activations=input_flags,
        latents=config["latents"],
        topk=config["topk"],
        epochs=config["epochs"],
        batch=config["batch"],
        device=config["device"],
        extra=verbatim(extra("train")),
    shell:
        "{params.step} {resources.tried} {log:q} go_on {params.checkpoints:q}"
        " protsae-train {params.activations} --labels {input.labels:q}"
        " --concepts {input.concepts:q} --split {input.split:q} --latents {params.latents}"
        " --k {params.topk} --epochs {params.epochs} --batch {params.batch}"
        " --device {params.device} -t {threads} {params.extra}"
        " --checkpoint-dir {params.checkpoints:q} --resume"
        " -o {output.model:q} --provenance {output.provenance:q}"


rule interpret:
    input:
        shards=activations,
        clusters=clusters,
        model=f"{RESULTS}/{{id}}/model",
        labels=f"{RESULTS}/{{id}}/labels.arrow",
        concepts=f"{RESULTS}/{{id}}/concepts.json",
        split=f"{RESULTS}/{{id}}/split.tsv",
    output:
        dictionary=f"{RESULTS}/{{id}}/dictionary.json",
        table=report(
            f"{RESULTS}/{{id}}/dictionary.tsv",
            caption="../report/dictionary.rst",
            category="Model",
            labels={"of": "{id}", "what": "dictionary"},
        ),
        missing=report(
            f"{RESULTS}/{{id}}/missing.tsv",
            caption="../report/missing.rst",
            category="Model",
            labels={"of": "{id}", "what": "what labels lack"},
        ),
        provenance=f"{RESULTS}/{{id}}/provenance/interpret.json",
    log:
        f"{RESULTS}/{{id}}/logs/interpret.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/interpret.tsv"
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    threads: 4
    resources:
        tried=tried,
        gpu=0,
        mem_mb=doubling(4000),
        runtime=240,
    params:
        step=STEP,
        activations=input_flags,
        clusters=cluster_flags,
        extra=verbatim(extra("interpret")),
    shell:
        "{params.step} {resources.tried} {log:q}"
        " protsae-interpret {params.activations} -m {input.model:q} --labels {input.labels:q}"
        " --concepts {input.concepts:q} --split {input.split:q} {params.clusters}"
        " -t {threads} {params.extra} -o {output.dictionary:q} --table {output.table:q}"
        " --missing {output.missing:q} --provenance {output.provenance:q}"


rule evaluate:
    input:
        shards=activations,
        model=f"{RESULTS}/{{id}}/model",
        labels=f"{RESULTS}/{{id}}/labels.arrow",
        split=f"{RESULTS}/{{id}}/split.tsv",
    output:
        metrics=report(
            f"{RESULTS}/{{id}}/metrics.json",
            caption="../report/metrics.rst",
            category="Model",
            labels={"of": "{id}", "what": "scores"},
        ),
        multiqc=f"{RESULTS}/{{id}}/protsae_mqc.json",
        provenance=f"{RESULTS}/{{id}}/provenance/evaluate.json",
    log:
        f"{RESULTS}/{{id}}/logs/evaluate.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/evaluate.tsv"
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    threads: 4
    resources:
        tried=tried,
        gpu=0,
        mem_mb=doubling(4000),
        runtime=240,
    params:
        step=STEP,
        activations=input_flags,
        extra=verbatim(extra("evaluate")),
    shell:
        "{params.step} {resources.tried} {log:q}"
        " protsae-evaluate {params.activations} -m {input.model:q} --labels {input.labels:q}"
        " --split {input.split:q} -t {threads} {params.extra}"
        " -o {output.metrics:q} --multiqc {output.multiqc:q} --sample-name {wildcards.id:q}"
        " --provenance {output.provenance:q}"
