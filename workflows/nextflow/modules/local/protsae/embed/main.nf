process PROTSAE_EMBED {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(fasta)
    tuple val(meta2), path(plm)
    tuple val(meta3), path(model)

    output:
    tuple val(meta), path("${prefix}.activations.arrow"), emit: arrow
    tuple val(meta), path("${prefix}.embed.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-embed'), eval("protsae-embed --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def place = model ? "--for ${model}" : ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-embed \\
        -i ${fasta} \\
        -m ${plm} \\
        ${place} \\
        --device ${device} \\
        --threads ${task.cpus} \\
        ${args} \\
        --provenance ${prefix}.embed.provenance.json \\
        -o ${prefix}.activations.arrow
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.activations.arrow ${prefix}.embed.provenance.json
    """
}
