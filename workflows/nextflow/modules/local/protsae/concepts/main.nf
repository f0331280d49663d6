process PROTSAE_CONCEPTS {
    tag "${meta.id}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(ontology), path(annotations, stageAs: 'annotations?/*'), path(proteins, stageAs: 'proteins?/*')

    output:
    tuple val(meta), path("${prefix}.concepts.json"), emit: json
    tuple val(meta), path("${prefix}.labels.arrow"), emit: arrow
    tuple val(meta), path("${prefix}.concepts_mqc.json"), emit: multiqc
    tuple val(meta), path("${prefix}.concepts.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-concepts'), eval("protsae-concepts --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def files = [annotations].flatten().collect { file -> "--annotations ${file}" }.join(' ')
    def sequences = [proteins].flatten().collect { file -> "--sequences ${file}" }.join(' ')
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-concepts \\
        --ontology ${ontology} \\
        ${files} \\
        ${sequences} \\
        --threads ${task.cpus} \\
        ${args} \\
        --multiqc ${prefix}.concepts_mqc.json \\
        --sample-name '${meta.id}' \\
        --concepts ${prefix}.concepts.json \\
        --provenance ${prefix}.concepts.provenance.json \\
        -o ${prefix}.labels.arrow
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.concepts.json ${prefix}.labels.arrow ${prefix}.concepts_mqc.json ${prefix}.concepts.provenance.json
    """
}
