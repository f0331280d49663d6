# Proteins through the language model, shard by shard. A shard is named by its content: what is the
# same as before is embedded already.
checkpoint shards:
    input:
        fastas,
    output:
        shards=directory(f"{RESULTS}/{{id}}/shards"),
        order=f"{RESULTS}/{{id}}/shards.txt",
        provenance=f"{RESULTS}/{{id}}/provenance/shard.json",
    log:
        f"{RESULTS}/{{id}}/logs/shard.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/shard.tsv"
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
        trained_on=not_empty,
        size=config["shard_size"],
        extra=verbatim(extra("shard")),
    shell:
        "{params.step} {resources.tried} {log:q} {params.trained_on}"
        " cut_up {output.shards:q} {output.order:q}"
        " protsae-shard -i {input:q} --size {params.size} -t {threads} {params.extra}"
        " -o {output.shards:q}.new/'{{shard}}.fasta' --provenance {output.provenance:q}"


rule embed:
    input:
        proteins=f"{RESULTS}/{{id}}/shards/{{shard}}.fasta",
        plm=given("plm"),
        model=given("model"),
    output:
        table=kept_on_request(f"{RESULTS}/{{id}}/activations/{{shard}}.arrow"),
        provenance=f"{RESULTS}/{{id}}/provenance/embed.{{shard}}.json",
    log:
        f"{RESULTS}/{{id}}/logs/embed.{{shard}}.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/embed.{{shard}}.tsv"
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    threads: 4
    resources:
        tried=tried,
        gpu=gpus(),
        mem_mb=embed_mb,
        disk_mb=embed_disk_mb,
        runtime=480,
    params:
        step=STEP,
        place=verbatim(place()),
        device=config["device"],
        extra=verbatim(extra("embed")),
    shell:
        "{params.step} {resources.tried} {log:q}"
        " protsae-embed -i {input.proteins:q} -m {input.plm:q} {params.place} --device {params.device}"
        " -t {threads} {params.extra} -o {output.table:q} --provenance {output.provenance:q}"


rule encode:
    input:
        activations=f"{RESULTS}/{{id}}/activations/{{shard}}.arrow",
        model=model,
        dictionary=dictionary,
    output:
        features=f"{RESULTS}/{{id}}/features/{{shard}}.arrow",
        proteins=f"{RESULTS}/{{id}}/proteins/{{shard}}.arrow",
        provenance=f"{RESULTS}/{{id}}/provenance/encode.{{shard}}.json",
    log:
        f"{RESULTS}/{{id}}/logs/encode.{{shard}}.log",
    benchmark:
        f"{RESULTS}/{{id}}/benchmarks/encode.{{shard}}.tsv"
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
        disk_mb=2000,
        runtime=240,
    params:
        step=STEP,
        extra=verbatim(extra("encode")),
    shell:
        "{params.step} {resources.tried} {log:q}"
        " protsae-encode -i {input.activations:q} -m {input.model:q}"
        " --dictionary {input.dictionary:q} --device cpu -t {threads} {params.extra}"
        " -o {output.features:q} --proteins {output.proteins:q} --provenance {output.provenance:q}"
