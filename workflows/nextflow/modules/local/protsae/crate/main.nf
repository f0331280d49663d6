process PROTSAE_CRATE {
    tag "${meta.id}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(files, stageAs: 'crate/*'), path(features, stageAs: 'crate/features/*'), path(provenance, stageAs: 'crate/pipeline_info/provenance/*')

    output:
    tuple val(meta), path("${prefix}.json"), emit: json
    tuple val("${task.process}"), val('protsae-crate'), eval("protsae-crate --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def steps = [provenance].flatten().collect { file -> "-i ${file}" }.join(' ')
    prefix = task.ext.prefix ?: "ro-crate-metadata"
    """
    protsae-crate \\
        ${steps} \\
        --root crate \\
        --threads ${task.cpus} \\
        ${args} \\
        -o ${prefix}.json
    """

    stub:
    prefix = task.ext.prefix ?: "ro-crate-metadata"
    """
    touch ${prefix}.json
    """
}
