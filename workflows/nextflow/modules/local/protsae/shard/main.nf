process PROTSAE_SHARD {
    tag "${meta.id}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(fasta)
    val size

    output:
    tuple val(meta), path("${prefix}.shards/*.fasta"), emit: fasta
    tuple val(meta), path("${prefix}.shard.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-shard'), eval("protsae-shard --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}.shards
    protsae-shard \\
        -i ${fasta} \\
        --size ${size} \\
        --threads ${task.cpus} \\
        ${args} \\
        --provenance ${prefix}.shard.provenance.json \\
        -o '${prefix}.shards/{shard}.fasta'
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}.shards
    for shard in 1 2 3; do echo ">\$shard" > ${prefix}.shards/\$shard.fasta; done
    touch ${prefix}.shard.provenance.json
    """
}
