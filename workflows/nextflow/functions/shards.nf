// Shards that stay where they are: the cache of tasks knows files by their path, size and time.

/** The same bytes under a name that tells their content, in a folder that outlives the task that cut them. */
def stableShard(shard, folder) {
    def kept = folder.resolve("${shard.bytes.sha256()}.fasta")
    if (!kept.exists()) {
        folder.mkdirs()
        // it appears whole: the name promises the content
        def part = folder.resolve("${kept.name}.${java.util.UUID.randomUUID()}")
        shard.copyTo(part)
        part.renameTo(kept.toString())
    }
    return kept
}

/** The shards of a FASTA in their order, where they stay. */
def stableShards(shards, folder, fasta, trains) {
    def files = [shards].flatten().sort { shard -> shard.baseName as int }
    if (trains && files.every { shard -> shard.size() == 0 }) {
        error("${fasta}: no protein in it to train on")
    }
    return files.collect { shard -> stableShard(shard, folder) }
}

/** Files of all shards, of one proteome or several, in an order that does not depend on which came first. */
def inOrder(metas, files) {
    return [metas, files].transpose()
        .sort { first, second -> first[0].sample <=> second[0].sample ?: first[0].shard <=> second[0].shard }
        .collect { row -> row[1] }
}

/** Tables of shards gathered: [meta, tables] of each proteome once its shards are complete, or of all together. */
def gathered(tables, counts, together) {
    return tables
        .map { meta, table -> [meta.sample, meta, table] }
        .combine(counts, by: 0)
        .map { sample, meta, table, shards -> [together ? 'all' : groupKey(sample, shards), meta, table] }
        .groupTuple()
        .map { id, metas, found -> [[id: id.toString()], inOrder(metas, found)] }
}

/** The files of a channel of [meta, file], as one list in the order of their names. */
def sortedFiles(found) {
    return found.map { _meta, path -> path }.toSortedList { first, second -> first.name <=> second.name }
}
