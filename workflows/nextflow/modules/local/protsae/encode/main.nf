process PROTSAE_ENCODE {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(activations)
    tuple val(meta2), path(model), path(dictionary)

    output:
    tuple val(meta), path("${prefix}.features.arrow"), emit: arrow
    tuple val(meta), path("${prefix}.proteins.arrow"), emit: proteins
    tuple val(meta), path("${prefix}.encode.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-encode'), eval("protsae-encode --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-encode \\
        -i ${activations} \\
        -m ${model} \\
        --dictionary ${dictionary} \\
        --device ${device} \\
        --threads ${task.cpus} \\
        ${args} \\
        --proteins ${prefix}.proteins.arrow \\
        --provenance ${prefix}.encode.provenance.json \\
        -o ${prefix}.features.arrow
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.features.arrow ${prefix}.proteins.arrow ${prefix}.encode.provenance.json
    """
}
