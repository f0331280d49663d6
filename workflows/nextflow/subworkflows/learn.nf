include { PROTSAE_CONCEPTS  } from '../modules/local/protsae/concepts/main'
include { PROTSAE_SPLIT     } from '../modules/local/protsae/split/main'
include { PROTSAE_TRAIN     } from '../modules/local/protsae/train/main'
include { PROTSAE_INTERPRET } from '../modules/local/protsae/interpret/main'
include { PROTSAE_EVALUATE  } from '../modules/local/protsae/evaluate/main'

// Annotations and activations to a model, its dictionary and its scores; for each set of proteins that trains one.
workflow LEARN {
    take:
    sets        // [meta, ontology, annotations, FASTAs, clusters]
    activations // [meta, tables]

    main:
    PROTSAE_CONCEPTS(sets.map { meta, ontology, annotations, fastas, _clusters -> [meta, ontology, annotations, fastas] })
    labelled = PROTSAE_CONCEPTS.out.arrow.join(sets)
    PROTSAE_SPLIT(labelled.map { meta, labels, _ontology, _annotations, fastas, clusters -> [meta, labels, clusters, fastas] })
    truth = PROTSAE_CONCEPTS.out.arrow.join(PROTSAE_CONCEPTS.out.json).join(PROTSAE_SPLIT.out.tsv)

    training = activations.join(truth).multiMap { meta, tables, labels, concepts, split ->
        activations: [meta, tables]
        truth: [meta, labels, concepts, split]
    }
    PROTSAE_TRAIN(training.activations, training.truth)

    trained = activations
        .join(PROTSAE_TRAIN.out.model)
        .join(truth)
        .join(sets.map { meta, _ontology, _annotations, _fastas, clusters -> [meta, clusters] })
        .multiMap { meta, tables, model, labels, concepts, split, clusters ->
            activations: [meta, tables]
            model: [meta, model]
            truth: [meta, labels, concepts, split]
            labels: [meta, labels, split]
            clusters: clusters
        }
    PROTSAE_INTERPRET(trained.activations, trained.model, trained.truth, trained.clusters)
    PROTSAE_EVALUATE(trained.activations, trained.model, trained.labels)

    emit:
    model      = PROTSAE_TRAIN.out.model                                                // [meta, folder]
    dictionary = PROTSAE_INTERPRET.out.json                                             // [meta, JSON]
    known      = truth.join(PROTSAE_INTERPRET.out.missing).join(PROTSAE_EVALUATE.out.json)  // [meta, labels, concepts, split, missing, metrics]
    multiqc    = PROTSAE_CONCEPTS.out.multiqc.mix(PROTSAE_EVALUATE.out.multiqc)
    files      = PROTSAE_CONCEPTS.out.json
        .mix(PROTSAE_CONCEPTS.out.arrow, PROTSAE_CONCEPTS.out.multiqc, PROTSAE_SPLIT.out.tsv, PROTSAE_TRAIN.out.model)
        .mix(PROTSAE_INTERPRET.out.json, PROTSAE_INTERPRET.out.tsv, PROTSAE_INTERPRET.out.missing)
        .mix(PROTSAE_EVALUATE.out.json, PROTSAE_EVALUATE.out.multiqc)
    provenance = PROTSAE_CONCEPTS.out.provenance
        .mix(PROTSAE_SPLIT.out.provenance, PROTSAE_TRAIN.out.provenance)
        .mix(PROTSAE_INTERPRET.out.provenance, PROTSAE_EVALUATE.out.provenance)
}
