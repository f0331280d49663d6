// FASTA and annotations in; a trained ProtSAE, its named features, GFF3 and a report out; or a model that exists, and
// proteins. Proteins are scattered over shards for the protein language model and for encoding; training,
// interpretation and evaluation gather them. The number of shards changes no byte of the results.

include { SCATTER        } from './subworkflows/scatter'
include { LEARN          } from './subworkflows/learn'
include { DESCRIBE       } from './subworkflows/describe'
include { ACCOUNT        } from './subworkflows/account'
include { PROTSAE_REPORT } from './modules/local/protsae/report/main'
include { helpText ; parameterProblems ; typedParameters } from './functions/parameters'
include { proteomes ; trainingSets } from './functions/samples'
include { combinationProblems ; dictionaryOf ; formatProblems ; formatsOfTerms ; missingExecutables ; softwareProblems } from './functions/run'
include { gathered       } from './functions/shards'

workflow PROTSAE {
    take:
    samples  // list of proteomes: id, fasta, annotations, clusters, taxon
    settings // parameters in their types

    main:
    def proteins = channel.fromList(samples)
    def trains = !settings.model
    def plm = file(settings.plm, glob: false, type: 'dir')
    def ontology = settings.ontology ? file(settings.ontology, glob: false) : []
    def given = trains ? [] : file(settings.model, glob: false, type: 'dir')
    def given_dictionary = trains ? [] : dictionaryOf(settings)

    SCATTER(
        proteins.map { sample -> [[id: sample.id], sample.fasta] },
        channel.value([[id: plm.name], plm]),
        channel.value([[id: 'model'], given]),
        settings.shard_size,
        trains,
    )
    files = channel.empty()
    provenance = SCATTER.out.provenance
    multiqc = channel.empty()
    if (trains) {
        LEARN(
            channel.fromList(trainingSets(samples, ontology, settings.one_model)),
            gathered(SCATTER.out.activations, SCATTER.out.counts, settings.one_model),
        )
        files = files.mix(LEARN.out.files)
        provenance = provenance.mix(LEARN.out.provenance)
        multiqc = multiqc.mix(LEARN.out.multiqc)
        made = LEARN.out.model.join(LEARN.out.dictionary).map { meta, model, dictionary -> [meta.id, model, dictionary] }
        models = proteins
            .map { sample -> [settings.one_model ? 'all' : sample.id, sample.id] }
            .combine(made, by: 0)
            .map { _set, sample, model, dictionary -> [sample, model, dictionary] }
    }
    else {
        models = proteins.map { sample -> [sample.id, given, given_dictionary] }
    }

    formats = proteins.flatMap { sample ->
        settings.formats.tokenize(',').collect { format ->
            // rules of the ontology are asked for by formats of terms alone
            def of_terms = format in formatsOfTerms()
            [sample.id, format, of_terms ? ontology : [], of_terms ? sample.taxon : '', of_terms ? settings.date : '']
        }
    }
    DESCRIBE(SCATTER.out.activations, models, SCATTER.out.counts, formats)
    files = files.mix(DESCRIBE.out.annotations)
    provenance = provenance.mix(DESCRIBE.out.provenance)
    multiqc = multiqc.mix(DESCRIBE.out.multiqc)

    // a page of each set that trained; else of each proteome, of which nothing is known
    features = gathered(DESCRIBE.out.features, SCATTER.out.counts, trains && settings.one_model)
    described = trains
        ? features.join(LEARN.out.model).join(LEARN.out.dictionary).join(LEARN.out.known)
        : features.map { meta, found -> [meta, found, given, given_dictionary, [], [], [], [], []] }
    reporting = described.multiMap { meta, found, model, dictionary, labels, concepts, split, missing, metrics ->
        features: [meta, found]
        model: [meta, model, dictionary]
        known: [meta, labels, concepts, split, missing, metrics]
    }
    PROTSAE_REPORT(reporting.features, reporting.model, reporting.known)
    files = files.mix(PROTSAE_REPORT.out.html)
    provenance = provenance.mix(PROTSAE_REPORT.out.provenance)
    ACCOUNT(
        files,
        DESCRIBE.out.features.mix(DESCRIBE.out.proteins),
        provenance,
        multiqc,
        "${settings.outdir}/pipeline_info",
        !settings.skip_multiqc,
    )

    emit:
    annotations = DESCRIBE.out.annotations
    features    = DESCRIBE.out.features
    crate       = ACCOUNT.out.crate
}

workflow {
    main:
    def schema = "${projectDir}/nextflow_schema.json"
    if (params.help) {
        println(helpText(schema))
    }
    else {
        def settings = typedParameters(params, schema)
        def problems = parameterProblems(params, schema)
        def samples = proteomes(settings, problems)
        problems += combinationProblems(settings) + formatProblems(settings, samples) + softwareProblems(settings, workflow.containerEngine)
        if (problems) {
            error("${problems.size()} ${problems.size() == 1 ? 'problem' : 'problems'} with the parameters (see --help):\n  ${problems.join('\n  ')}")
        }
        if (!workflow.containerEngine && missingExecutables(settings)) {
            log.warn("not on PATH here: ${missingExecutables(settings).join(', ')}; tasks need them where they run, by -profile docker, conda, ..., or --skip_multiqc where it is multiqc alone")
        }
        PROTSAE(samples, settings)
    }
}
