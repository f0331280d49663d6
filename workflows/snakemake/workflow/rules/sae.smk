rule train:
    input:
        activations=gather.shards(f"{RESULTS}/activations/{{scatteritem}}.arrow"),
        labels=f"{RESULTS}/labels.arrow",
        concepts=f"{RESULTS}/concepts.json",
        split=f"{RESULTS}/split.tsv",
    output:
        directory(f"{RESULTS}/model"),
    log:
        f"{RESULTS}/logs/train.log",
    benchmark:
        f"{RESULTS}/benchmarks/train.tsv"
    retries: 1
    threads: 8
    resources:
        mem_mb=twice_the_memory(8000),
        runtime=1440,
    params:
        activations=lambda wildcards, input: repeated("-i", input.activations),
        latents=config["latents"],
        k=config["k"],
        epochs=config["epochs"],
        batch=config["batch"],
        extra=extra("train"),
    shell:
        "protsae-train {params.activations} --labels {input.labels:q} --concepts {input.concepts:q}"
        " --split {input.split:q} --latents {params.latents} --k {params.k} --epochs {params.epochs}"
        " --batch {params.batch} -t {threads} {params.extra} -o {output:q} 2> {log:q}"


rule encode:
    input:
        activations=f"{RESULTS}/activations/{{scatteritem}}.arrow",
        model=f"{RESULTS}/model",
        dictionary=f"{RESULTS}/dictionary.json",
    output:
        features=f"{RESULTS}/features/{{scatteritem}}.arrow",
        proteins=f"{RESULTS}/proteins/{{scatteritem}}.arrow",
    log:
        f"{RESULTS}/logs/encode.{{scatteritem}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/encode.{{scatteritem}}.tsv"
    retries: 1
    threads: 4
    resources:
        mem_mb=twice_the_memory(4000),
        runtime=240,
    params:
        extra=extra("encode"),
    shell:
        "protsae-encode -i {input.activations:q} -m {input.model:q} --dictionary {input.dictionary:q}"
        " -t {threads} {params.extra}"
        " -o {output.features:q} --proteins {output.proteins:q} 2> {log:q}"
