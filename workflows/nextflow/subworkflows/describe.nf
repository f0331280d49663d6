include { PROTSAE_ENCODE   } from '../modules/local/protsae/encode/main'
include { PROTSAE_ANNOTATE } from '../modules/local/protsae/annotate/main'
include { gathered         } from '../functions/shards'

// Activations and a model to features and to standard annotation files, for each proteome.
workflow DESCRIBE {
    take:
    activations // [meta of a shard, table]
    models      // [id of the proteome, model, dictionary]
    counts      // [id of the proteome, shards]
    formats     // [id of the proteome, format, ontology or [], taxon, date]

    main:
    encoding = activations
        .map { meta, table -> [meta.sample, meta, table] }
        .combine(models, by: 0)
        .multiMap { _sample, meta, table, model, dictionary ->
            activations: [meta, table]
            model: [[id: model.name], model, dictionary]
        }
    PROTSAE_ENCODE(encoding.activations, encoding.model)

    features = gathered(PROTSAE_ENCODE.out.arrow, counts, false).map { meta, tables -> [meta.id, tables] }
    annotating = features
        .combine(models.map { sample, _model, dictionary -> [sample, dictionary] }, by: 0)
        .combine(formats, by: 0)
        .multiMap { sample, tables, dictionary, format, ontology, taxon, date ->
            features: [[id: sample], tables]
            dictionary: [[id: sample], dictionary]
            format: [format, ontology, taxon, date]
        }
    PROTSAE_ANNOTATE(annotating.features, annotating.dictionary, annotating.format)

    emit:
    features    = PROTSAE_ENCODE.out.arrow                                            // [meta of a shard, table]
    proteins    = PROTSAE_ENCODE.out.proteins
    annotations = PROTSAE_ANNOTATE.out.annotations
    multiqc     = PROTSAE_ANNOTATE.out.multiqc
    provenance  = PROTSAE_ENCODE.out.provenance.mix(PROTSAE_ANNOTATE.out.provenance)
}
