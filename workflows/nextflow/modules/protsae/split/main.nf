process PROTSAE_SPLIT {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(labels), path(clusters), path(proteins)

    output:
    tuple val(meta), path("${prefix}.split.tsv"), emit: tsv
    tuple val("${task.process}"), val('protsae-split'), eval("protsae-split --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def groups = clusters ? "--clusters ${clusters}" : ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-split \\
        --labels ${labels} \\
        ${groups} \\
        --sequences ${proteins} \\
        ${args} \\
        -o ${prefix}.split.tsv
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.split.tsv
    """
}
