// FASTA and annotations in, a trained ProtSAE, its named features and GFF3 out.
// Proteins are scattered over shards for the protein language model and for encoding; training,
// interpretation and evaluation gather them. The number of shards changes no byte of the results.

// versions travel by topic channel; stable, and this switch without effect, from 25.04 on
nextflow.preview.topic = true

include { PROTSAE_CONCEPTS  } from './modules/protsae/concepts/main'
include { PROTSAE_SPLIT     } from './modules/protsae/split/main'
include { PROTSAE_EMBED     } from './modules/protsae/embed/main'
include { PROTSAE_TRAIN     } from './modules/protsae/train/main'
include { PROTSAE_ENCODE    } from './modules/protsae/encode/main'
include { PROTSAE_INTERPRET } from './modules/protsae/interpret/main'
include { PROTSAE_EVALUATE  } from './modules/protsae/evaluate/main'
include { PROTSAE_ANNOTATE  } from './modules/protsae/annotate/main'
include { PROTSAE_REPORT    } from './modules/protsae/report/main'

// The files of all shards, in the order of the shards, as one value under `meta`.
def gather(shards, meta) {
    shards
        .toSortedList { a, b -> a[0].shard <=> b[0].shard }
        .map { rows -> [meta, rows.collect { row -> row[1] }] }
}

workflow PROTSAE {
    take:
    proteins    // path: FASTA
    ontology    // path: OBO
    annotations // list of paths
    clusters    // path, or [] without groups
    plm         // path: folder of the protein language model

    main:
    def meta = [id: proteins.simpleName]
    def language_model = Channel.value([[id: plm.name], plm])

    PROTSAE_CONCEPTS([meta, ontology, annotations, proteins])
    PROTSAE_SPLIT(PROTSAE_CONCEPTS.out.arrow.map { m, labels -> [m, labels, clusters, proteins] })
    truth = PROTSAE_CONCEPTS.out.arrow
        .join(PROTSAE_CONCEPTS.out.json)
        .join(PROTSAE_SPLIT.out.tsv)
        .first() // a value, which every step reads again; `join` gives a queue

    shards = Channel.of(proteins)
        .splitFasta(by: params.shard_size, file: true)
        .map { file -> [[id: file.baseName, shard: file.baseName.tokenize('.').last() as int], file] }
    PROTSAE_EMBED(shards, language_model)

    activations = gather(PROTSAE_EMBED.out.arrow, meta)
    PROTSAE_TRAIN(activations, truth)
    model = PROTSAE_TRAIN.out.model

    PROTSAE_INTERPRET(activations, model, truth, clusters)
    PROTSAE_ENCODE(PROTSAE_EMBED.out.arrow, model.join(PROTSAE_INTERPRET.out.json).first())
    features = gather(PROTSAE_ENCODE.out.arrow, meta)

    PROTSAE_EVALUATE(activations, model, truth.map { m, labels, _concepts, split -> [m, labels, split] })
    // rules of the ontology are asked for by formats of terms alone
    formats = Channel.fromList(params.formats.tokenize(','))
        .multiMap { format ->
            ontology: format in ['gaf', 'gpad'] ? ontology : []
            format: format
        }
    PROTSAE_ANNOTATE(features, PROTSAE_INTERPRET.out.json.first(), formats.ontology, formats.format)

    found = PROTSAE_INTERPRET.out.json
        .join(PROTSAE_INTERPRET.out.missing)
        .join(PROTSAE_EVALUATE.out.json)
        .first()
    PROTSAE_REPORT(features, model, truth, found)

    emit:
    model       = PROTSAE_TRAIN.out.model
    features    = PROTSAE_ENCODE.out.arrow
    dictionary  = PROTSAE_INTERPRET.out.tsv
    metrics     = PROTSAE_EVALUATE.out.json
    annotations = PROTSAE_ANNOTATE.out.annotations
    report      = PROTSAE_REPORT.out.html
}

workflow {
    main:
    ['input', 'ontology', 'annotations', 'plm'].each { name ->
        if (!params[name]) {
            error("--${name} is missing (see nextflow_schema.json, or run with -profile test)")
        }
    }
    PROTSAE(
        file(params.input, checkIfExists: true),
        file(params.ontology, checkIfExists: true),
        params.annotations.tokenize(',').collect { path -> file(path, checkIfExists: true) },
        params.clusters ? file(params.clusters, checkIfExists: true) : [],
        file(params.plm, checkIfExists: true, type: 'dir'),
    )
    Channel.topic('versions')
        .map { process, tool, version -> "${process.tokenize(':').last()}:\n    ${tool}: ${version}" }
        .unique()
        .collectFile(name: 'versions.yml', storeDir: "${params.outdir}/pipeline_info", newLine: true, sort: true)
}
