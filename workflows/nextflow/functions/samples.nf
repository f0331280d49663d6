// Proteomes: from one FASTA (or several, by a glob), or from a sample sheet.

/** What a row of a sample sheet is, by its schema. */
def sheetRow() {
    return new groovy.json.JsonSlurper().parseText(file("${projectDir}/assets/schema_samples.json").text).items
}

/** Files of a path or glob; a name that exists is never taken for a glob. Nothing where there are none. */
def matchingFiles(pattern) {
    def literal = file(pattern, glob: false)
    if (literal.exists()) {
        return [literal]
    }
    return [file(pattern)].flatten().findAll { path -> path.exists() }.sort { path -> path.toString() }
}

/** Files of a list of paths and globs: a list, or text with a separator. What has none goes to `problems`. */
def listedFiles(list, separator, where, problems) {
    if (!list) {
        return []
    }
    // a comma may be part of a name
    def patterns = list instanceof List ? list : file(list, glob: false).exists() ? [list] : list.tokenize(separator)
    return patterns.collectMany { pattern ->
        def files = matchingFiles("${pattern}".trim())
        if (!files) {
            problems.add("${where}: there is no file '${"${pattern}".trim()}'".toString())
        }
        files
    }
}

/** Name of results: letters, digits and . _ + - alone, so that no shell and no sheet stumbles over it. */
def resultName(text) {
    return text.replaceAll(/[^\p{L}\p{M}\p{N}._+-]/, '_')
}

/** A FASTA's file name without what says that it is one. */
def nameWithoutSuffix(path) {
    return path.name.replaceFirst(/(?i)\.(gz|bgz|zst|bz2|xz)$/, '').replaceFirst(/(?i)\.(fasta|fa|faa|fas|fsa|pep)$/, '')
}

/** A row of a sample sheet as a proteome. */
def sheetProteome(row, line, settings, problems) {
    def where = "${settings.samples}, line ${line}"
    if (!row.id) {
        problems.add("${where}: no id".toString())
    }
    if (!row.fasta) {
        problems.add("${where}: no fasta".toString())
    }
    if (row.taxon && !(row.taxon ==~ sheetRow().properties.taxon.pattern)) {
        problems.add("${where}: taxon is a number of NCBI's, not '${row.taxon}'".toString())
    }
    if (!settings.model && !row.annotations && !settings.annotations) {
        problems.add("${where}: no annotations, which training needs".toString())
    }
    def fasta = listedFiles(row.fasta, ';', where, problems)
    if (fasta.size() > 1) {
        problems.add("${where}: '${row.fasta}' is ${fasta.size()} files; a proteome has one".toString())
    }
    return [
        id: resultName(row.id ?: ''),
        source: where.toString(),
        fasta: fasta ? fasta.first() : null,
        annotations: row.annotations
            ? listedFiles(row.annotations, ';', where, problems)
            : listedFiles(settings.annotations, ',', '--annotations', problems),
        clusters: listedFiles(row.clusters ?: settings.clusters, ';', where, problems),
        taxon: row.taxon ?: settings.taxon,
    ]
}

/** The proteomes of a sample sheet. */
def sheetProteomes(settings, problems) {
    def sheet = file(settings.samples, glob: false)
    def rows = sheet.splitCsv(header: true, strip: true, quote: '"')
    if (!rows) {
        problems.add("--samples: ${settings.samples} has no row".toString())
        return []
    }
    def columns = rows.first().keySet().collect { name -> "${name}".replace('\uFEFF', '').toString() }
    def known = sheetRow().properties.keySet().toList()
    def missing = sheetRow().required - columns
    def unknown = columns - known
    if (missing || unknown) {
        problems.add("--samples: ${settings.samples} has the columns ${columns.join(', ')}; they are ${known.join(', ')}".toString())
        return []
    }
    return rows.withIndex().collect { row, index -> sheetProteome(row, index + 2, settings, problems) }
}

/** The proteomes of --input. */
def inputProteomes(settings, problems) {
    def annotations = listedFiles(settings.annotations, ',', '--annotations', problems)
    def clusters = listedFiles(settings.clusters, ',', '--clusters', problems)
    return listedFiles([settings.input], ',', '--input', problems).collect { fasta ->
        [
            id: resultName(nameWithoutSuffix(fasta)),
            source: fasta.toString(),
            fasta: fasta,
            annotations: annotations,
            clusters: clusters,
            taxon: settings.taxon,
        ]
    }
}

/** The proteomes of a run; what is wrong with them goes to `problems`. */
def proteomes(settings, problems) {
    def has_sheet = settings.samples && file(settings.samples, glob: false).exists()
    def all = has_sheet
        ? sheetProteomes(settings, problems)
        : settings.input ? inputProteomes(settings, problems) : []
    all.groupBy { proteome -> proteome.id }.findAll { _id, same -> same.size() > 1 }.each { id, same ->
        problems.add("results of ${same.collect { proteome -> proteome.source }.join(' and ')} would have one name: '${id}'".toString())
    }
    return all
}

/** What trains a model: each proteome by itself, or all together as `all`. [meta, ontology, annotations, FASTAs, clusters] */
def trainingSets(all, ontology, together) {
    def sets = together ? [[id: 'all', members: all]] : all.collect { proteome -> [id: proteome.id, members: [proteome]] }
    return sets.collect { set ->
        [
            [id: set.id],
            ontology,
            set.members.collectMany { proteome -> proteome.annotations }.unique(),
            set.members.collect { proteome -> proteome.fasta },
            set.members.collectMany { proteome -> proteome.clusters }.unique(),
        ]
    }
}
