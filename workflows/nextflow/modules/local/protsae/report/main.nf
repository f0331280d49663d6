process PROTSAE_REPORT {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(features)
    tuple val(meta2), path(model)
    tuple val(meta3), path(labels), path(concepts), path(split)
    tuple val(meta4), path(dictionary), path(missing), path(metrics)

    output:
    tuple val(meta), path("${prefix}.report.html"), emit: html
    tuple val(meta), path("${prefix}.report.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-report'), eval("protsae-report --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def files = [features].flatten().collect { file -> "-i ${file}" }.join(' ')
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-report \\
        ${files} \\
        -m ${model} \\
        --dictionary ${dictionary} \\
        --scores ${metrics} \\
        --labels ${labels} \\
        --concepts ${concepts} \\
        --split ${split} \\
        --missing ${missing} \\
        --threads ${task.cpus} \\
        ${args} \\
        --provenance ${prefix}.report.provenance.json \\
        -o ${prefix}.report.html
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.report.html ${prefix}.report.provenance.json
    """
}
