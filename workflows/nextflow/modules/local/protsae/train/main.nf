process PROTSAE_TRAIN {
    tag "${meta.id}"
    label 'process_high'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'protsae:0.1.0'

    input:
    tuple val(meta), path(activations)
    tuple val(meta2), path(labels), path(concepts), path(split)

    output:
    tuple val(meta), path("${prefix}.model"), emit: model
    tuple val(meta), path("${prefix}.train.provenance.json"), emit: provenance
    tuple val("${task.process}"), val('protsae-train'), eval("protsae-train --version | sed 's/.* //'"), topic: versions, emit: versions_protsae

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def files = [activations].flatten().collect { file -> "-i ${file}" }.join(' ')
    def device = task.accelerator ? 'cuda' : 'cpu'
    // a killed training goes on where its inputs and options are the same; on file systems alone
    def stable = workflow.workDir.toUriString().startsWith('/')
    def checkpoints = stable ? "--checkpoint-dir '${workflow.workDir}/checkpoints/'\$run --resume" : ''
    def folder = stable ? "mkdir -p '${workflow.workDir}/checkpoints'" : ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    run=\$({ readlink -f -- ${activations} ${labels} ${concepts} ${split}; cat .command.sh; } | sha256sum | cut -c 1-32)
    ${folder}
    protsae-train \\
        ${files} \\
        --labels ${labels} \\
        --concepts ${concepts} \\
        --split ${split} \\
        --device ${device} \\
        --threads ${task.cpus} \\
        ${checkpoints} \\
        ${args} \\
        --provenance ${prefix}.train.provenance.json \\
        -o ${prefix}.model
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}.model
    touch ${prefix}.model/model.safetensors ${prefix}.model/config.yaml ${prefix}.model/concepts.json
    touch ${prefix}.model/summary.json ${prefix}.model/log.jsonl ${prefix}.model/curve.html
    touch ${prefix}.train.provenance.json
    """
}
