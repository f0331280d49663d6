include { PROTSAE_SHARD } from '../modules/local/protsae/shard/main'
include { PROTSAE_EMBED } from '../modules/local/protsae/embed/main'
include { stableShards  } from '../functions/shards'

// Proteins to activations of every residue, shard by shard.
workflow SCATTER {
    take:
    proteomes  // [meta, FASTA]
    plm        // value: [meta, folder of the protein language model]
    model      // value: [meta, model whose layer and site are taken, or []]
    shard_size // proteins in a shard
    trains     // whether there must be proteins

    main:
    def folder = workflow.workDir.resolve('shards')
    PROTSAE_SHARD(proteomes, shard_size)
    cut = PROTSAE_SHARD.out.fasta.join(proteomes).map { meta, files, fasta -> [meta, stableShards(files, folder, fasta, trains)] }
    shards = cut.flatMap { meta, files ->
        files.withIndex(1).collect { shard, number -> [[id: "${meta.id}.${number}", sample: meta.id, shard: number], shard] }
    }
    PROTSAE_EMBED(shards, plm, model)

    emit:
    activations = PROTSAE_EMBED.out.arrow                                             // [meta of a shard, table]
    counts      = cut.map { meta, files -> [meta.id, files.size()] }                    // [id of a proteome, shards]
    provenance  = PROTSAE_SHARD.out.provenance.mix(PROTSAE_EMBED.out.provenance)
}
