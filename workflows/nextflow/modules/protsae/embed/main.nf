process PROTSAE_EMBED {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'

    input:
    tuple val(meta), path(fasta)
    tuple val(meta2), path(plm)

    output:
    tuple val(meta), path("${prefix}.activations.arrow"), emit: arrow
    tuple val("${task.process}"), val('protsae-embed'), eval("protsae-embed --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-embed \\
        -i ${fasta} \\
        -m ${plm} \\
        --device ${device} \\
        --threads ${task.cpus} \\
        ${args} \\
        -o ${prefix}.activations.arrow
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.activations.arrow
    """
}
