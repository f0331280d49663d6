process PROTSAE_CONCEPTS {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(ontology), path(annotations), path(proteins)

    output:
    tuple val(meta), path("${prefix}.concepts.json"), emit: json
    tuple val(meta), path("${prefix}.labels.arrow"), emit: arrow
    tuple val(meta), path("${prefix}.concepts_mqc.json"), emit: multiqc
    tuple val("${task.process}"), val('protsae-concepts'), eval("protsae-concepts --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def files = [annotations].flatten().collect { file -> "--annotations ${file}" }.join(' ')
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-concepts \\
        --ontology ${ontology} \\
        ${files} \\
        --sequences ${proteins} \\
        ${args} \\
        --multiqc ${prefix}.concepts_mqc.json \\
        --concepts ${prefix}.concepts.json \\
        -o ${prefix}.labels.arrow
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.concepts.json ${prefix}.labels.arrow ${prefix}.concepts_mqc.json
    """
}
