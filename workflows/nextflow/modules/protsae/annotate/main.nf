process PROTSAE_ANNOTATE {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(features)
    tuple val(meta2), path(dictionary)
    path ontology
    val format

    output:
    tuple val(meta), path("${prefix}.annotations.${format}"), emit: annotations
    tuple val("${task.process}"), val('protsae-annotate'), eval("protsae-annotate --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def terms = ontology ? "--ontology ${ontology}" : ''
    def files = [features].flatten().collect { file -> "-i ${file}" }.join(' ')
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-annotate \\
        ${files} \\
        --dictionary ${dictionary} \\
        ${terms} \\
        --format ${format} \\
        ${args} \\
        -o ${prefix}.annotations.${format}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.annotations.${format}
    """
}
