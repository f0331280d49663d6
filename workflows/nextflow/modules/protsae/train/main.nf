process PROTSAE_TRAIN {
    tag "${meta.id}"
    label 'process_high'

    input:
    tuple val(meta), path(activations)
    tuple val(meta2), path(labels), path(concepts), path(split)

    output:
    tuple val(meta), path("${prefix}.model"), emit: model
    tuple val("${task.process}"), val('protsae-train'), eval("protsae-train --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def files = [activations].flatten().collect { file -> "-i ${file}" }.join(' ')
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    protsae-train \\
        ${files} \\
        --labels ${labels} \\
        --concepts ${concepts} \\
        --split ${split} \\
        --threads ${task.cpus} \\
        ${args} \\
        -o ${prefix}.model
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}.model
    touch ${prefix}.model/model.safetensors ${prefix}.model/config.yaml ${prefix}.model/concepts.json
    touch ${prefix}.model/summary.json ${prefix}.model/log.jsonl ${prefix}.model/curve.html
    """
}
