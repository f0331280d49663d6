process PROTSAE_INTERPRET {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(activations)
    tuple val(meta2), path(model)
    tuple val(meta3), path(labels), path(concepts), path(split)
    path clusters

    output:
    tuple val(meta), path("${prefix}.dictionary.json"), emit: json
    tuple val(meta), path("${prefix}.dictionary.tsv"), emit: tsv
    tuple val(meta), path("${prefix}.missing.tsv"), emit: missing
    tuple val("${task.process}"), val('protsae-interpret'), eval("protsae-interpret --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def groups = clusters ? "--clusters ${clusters}" : ''
    def files = [activations].flatten().collect { file -> "-i ${file}" }.join(' ')
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-interpret \\
        ${files} \\
        -m ${model} \\
        --labels ${labels} \\
        --concepts ${concepts} \\
        --split ${split} \\
        ${groups} \\
        --threads ${task.cpus} \\
        ${args} \\
        --table ${prefix}.dictionary.tsv \\
        --missing ${prefix}.missing.tsv \\
        -o ${prefix}.dictionary.json
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.dictionary.json ${prefix}.dictionary.tsv ${prefix}.missing.tsv
    """
}
