process MULTIQC {
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'multiqc/multiqc:v1.35'

    input:
    path files, stageAs: 'tables/*'

    output:
    path 'multiqc_report.html', emit: html
    path 'multiqc_data', emit: data
    // not into the topic of versions: this step reads it
    tuple val("${task.process}"), val('multiqc'), eval("multiqc --version | sed 's/.* //'"), emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    """
    multiqc --no-version-check ${args} --filename multiqc_report.html tables
    mv multiqc_report_data multiqc_data
    """

    stub:
    """
    mkdir multiqc_data
    touch multiqc_report.html
    """
}
