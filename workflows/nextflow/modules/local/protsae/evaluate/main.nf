process PROTSAE_EVALUATE {
    tag "${meta.id}"
    label 'process_high'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(activations)
    tuple val(meta2), path(model)
    tuple val(meta3), path(labels), path(split)

    output:
    tuple val(meta), path("${prefix}.metrics.json"), emit: json
    tuple val(meta), path("${prefix}.protsae_mqc.json"), emit: multiqc
    tuple val(meta), path("${prefix}.evaluate.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-evaluate'), eval("protsae-evaluate --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def files = [activations].flatten().collect { file -> "-i ${file}" }.join(' ')
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-evaluate \\
        ${files} \\
        -m ${model} \\
        --labels ${labels} \\
        --split ${split} \\
        --threads ${task.cpus} \\
        ${args} \\
        --multiqc ${prefix}.protsae_mqc.json \\
        --sample-name '${meta.id}' \\
        --provenance ${prefix}.evaluate.provenance.json \\
        -o ${prefix}.metrics.json
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.metrics.json ${prefix}.protsae_mqc.json ${prefix}.evaluate.provenance.json
    """
}
