process PROTSAE_SPLIT {
    tag "${meta.id}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(labels), path(clusters, stageAs: 'clusters?/*'), path(proteins, stageAs: 'proteins?/*')

    output:
    tuple val(meta), path("${prefix}.split.tsv"), emit: tsv
    tuple val(meta), path("${prefix}.split.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-split'), eval("protsae-split --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def groups = [clusters].flatten().collect { file -> "--clusters ${file}" }.join(' ')
    def sequences = [proteins].flatten().collect { file -> "--sequences ${file}" }.join(' ')
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-split \\
        --labels ${labels} \\
        ${groups} \\
        ${sequences} \\
        --threads ${task.cpus} \\
        ${args} \\
        --provenance ${prefix}.split.provenance.json \\
        -o ${prefix}.split.tsv
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.split.tsv ${prefix}.split.provenance.json
    """
}
