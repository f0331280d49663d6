process PROTSAE_INTERPRET {
    tag "${meta.id}"
    label 'process_high'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(activations)
    tuple val(meta2), path(model)
    tuple val(meta3), path(labels), path(concepts), path(split)
    path clusters, stageAs: 'clusters?/*'

    output:
    tuple val(meta), path("${prefix}.dictionary.json"), emit: json
    tuple val(meta), path("${prefix}.dictionary.tsv"), emit: tsv
    tuple val(meta), path("${prefix}.missing.tsv"), emit: missing
    tuple val(meta), path("${prefix}.interpret.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-interpret'), eval("protsae-interpret --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def files = [activations].flatten().collect { file -> "-i ${file}" }.join(' ')
    def groups = [clusters].flatten().collect { file -> "--clusters ${file}" }.join(' ')
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
        --provenance ${prefix}.interpret.provenance.json \\
        -o ${prefix}.dictionary.json
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.dictionary.json ${prefix}.dictionary.tsv ${prefix}.missing.tsv ${prefix}.interpret.provenance.json
    """
}
