include { PROTSAE_CRATE } from '../modules/local/protsae/crate/main'
include { MULTIQC       } from '../modules/local/multiqc/main'
include { sortedFiles   } from '../functions/shards'

// What the run used and made: versions, one RO-Crate, one MultiQC report.
workflow ACCOUNT {
    take:
    files       // [meta, file or folder] of the results
    features    // [meta, table] of the folder of features
    provenance  // [meta, JSON]
    multiqc     // [meta, table of MultiQC]
    info_folder // where the versions go
    with_report // whether MultiQC runs

    main:
    crate = sortedFiles(files)
        .concat(sortedFiles(features), sortedFiles(provenance))
        .toList()
        .filter { found -> found.size() == 3 } // fewer where a step failed
        .map { found -> [[id: 'run']] + found }
    PROTSAE_CRATE(crate)

    versions = channel.topic('versions')
        .map { process, tool, version -> "${process.tokenize(':').last()}:\n    ${tool}: ${version}" }
        .unique()
        .collectFile(name: 'versions.yml', storeDir: info_folder, newLine: true, sort: true)
    // MultiQC takes versions from files of this name
    tables = multiqc
        .map { _meta, path -> path }
        .mix(versions.map { path -> path.copyTo(workflow.workDir.resolve("versions/${workflow.sessionId}/protsae_mqc_versions.yml")) })
        .toSortedList { a, b -> a.name <=> b.name }
    MULTIQC(tables.filter { with_report })

    emit:
    crate    = PROTSAE_CRATE.out.json
    report   = MULTIQC.out.html
    versions = versions
}
