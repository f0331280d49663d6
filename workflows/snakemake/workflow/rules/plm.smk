rule shard:
    input:
        config["proteins"],
    output:
        scatter.shards(f"{RESULTS}/shards/{{scatteritem}}.fasta"),
    log:
        f"{RESULTS}/logs/shard.log",
    resources:
        mem_mb=twice_the_memory(500),
        runtime=30,
    script:
        "../scripts/shard.py"


rule embed:
    input:
        proteins=f"{RESULTS}/shards/{{scatteritem}}.fasta",
        plm=config["plm"],
    output:
        temp(f"{RESULTS}/activations/{{scatteritem}}.arrow"),
    log:
        f"{RESULTS}/logs/embed.{{scatteritem}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/embed.{{scatteritem}}.tsv"
    retries: 1
    threads: 4
    resources:
        gpu=gpus(),
        mem_mb=twice_the_memory(4000),
        runtime=480,
    params:
        layer=config["layer"],
        site=config["site"],
        device=config["device"],
        extra=extra("embed"),
    shell:
        "protsae-embed -i {input.proteins:q} -m {input.plm:q} --layer {params.layer} --site {params.site}"
        " --device {params.device} -t {threads} {params.extra} -o {output:q} 2> {log:q}"
