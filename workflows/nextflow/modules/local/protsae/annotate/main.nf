process PROTSAE_ANNOTATE {
    tag "${meta.id}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(features)
    tuple val(meta2), path(dictionary)
    tuple val(format), path(ontology), val(taxon), val(date)

    output:
    tuple val(meta), path("${prefix}.annotations.${format}"), emit: annotations
    tuple val(meta), path("${prefix}.annotations_${format}_mqc.json"), emit: multiqc, optional: true
    tuple val(meta), path("${prefix}.annotate.${format}.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-annotate'), eval("protsae-annotate --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def files = [features].flatten().collect { file -> "-i ${file}" }.join(' ')
    prefix = task.ext.prefix ?: "${meta.id}"
    def terms = ontology ? "--ontology ${ontology} --taxon ${taxon} --date ${date}" : ''
    def table = ontology ? '' : "--sample-name '${meta.id}' --multiqc ${task.ext.prefix ?: meta.id}.annotations_${format}_mqc.json"
    """
    protsae-annotate \\
        ${files} \\
        --dictionary ${dictionary} \\
        ${terms} \\
        --format ${format} \\
        --threads ${task.cpus} \\
        ${table} \\
        ${args} \\
        --provenance ${prefix}.annotate.${format}.provenance.json \\
        -o ${prefix}.annotations.${format}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.annotations.${format} ${prefix}.annotate.${format}.provenance.json
    """
}
