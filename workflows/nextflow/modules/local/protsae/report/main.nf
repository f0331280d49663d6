process PROTSAE_REPORT {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(features)
    tuple val(meta2), path(model), path(dictionary)
    tuple val(meta3), path(labels), path(concepts), path(split), path(missing), path(metrics)

    output:
    tuple val(meta), path("${prefix}.report.html"), emit: html
    tuple val(meta), path("${prefix}.report.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-report'), eval("protsae-report --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def files = [features].flatten().collect { file -> "-i ${file}" }.join(' ')
    // what is known of the proteins, where the model was trained on them
    def known = labels ? "--scores ${metrics} --labels ${labels} --concepts ${concepts} --split ${split} --missing ${missing}" : ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-report \\
        ${files} \\
        -m ${model} \\
        --dictionary ${dictionary} \\
        ${known} \\
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
