// What a run needs beside single parameters: which go together, the model that is used, the software.

/** Formats of terms of whole proteins: they name an ontology, an organism and a day. */
def formatsOfTerms() {
    return ['gaf', 'gpad']
}

/** The dictionary of a model: the one that is named, else the one that lies beside it. */
def dictionaryOf(settings) {
    if (settings.dictionary) {
        return file(settings.dictionary, glob: false)
    }
    def model = file(settings.model, glob: false)
    def id = model.name.replaceFirst(/\.model$/, '')
    return [model.resolveSibling("${id}.dictionary.json"), model.resolveSibling('dictionary.json')].find { path -> path.exists() }
}

/** What is wrong with parameters together. */
def combinationProblems(settings) {
    def problems = []
    if (!settings.input && !settings.samples) {
        problems.add('--input or --samples is missing: the proteins')
    }
    if (settings.input && settings.samples) {
        problems.add('--input and --samples exclude each other')
    }
    if (!settings.plm) {
        problems.add('--plm is missing: the folder of the protein language model')
    }
    if (settings.model) {
        if (settings.one_model) {
            problems.add('--one_model trains a model, --model uses one that exists: they exclude each other')
        }
        if (file(settings.model, glob: false).exists() && !dictionaryOf(settings)) {
            problems.add("--dictionary is missing: there is none beside '${settings.model}'".toString())
        }
    }
    else {
        if (settings.dictionary) {
            problems.add('--dictionary belongs to --model: training makes its own')
        }
        if (!settings.ontology) {
            problems.add('--ontology is missing: training needs it')
        }
        if (settings.input && !settings.annotations) {
            problems.add('--annotations is missing: training needs them')
        }
    }
    return problems
}

/** What is wrong with the formats that are asked for. */
def formatProblems(settings, proteomes) {
    def terms = settings.formats.tokenize(',').findAll { format -> format in formatsOfTerms() }
    if (!terms) {
        return []
    }
    def problems = []
    if (!settings.date) {
        problems.add("--date is missing: ${terms.join(' and ')} name the day".toString())
    }
    if (!settings.ontology) {
        problems.add("--ontology is missing: ${terms.join(' and ')} name its terms".toString())
    }
    def without = proteomes.findAll { proteome -> !proteome.taxon }
    if (without) {
        problems.add("--taxon is missing: ${terms.join(' and ')} name the organism of ${without.collect { proteome -> proteome.id }.join(', ')}".toString())
    }
    return problems
}

/** What is wrong with the software that the run would use: an engine for containers without an image is an error. */
def softwareProblems(settings, engine) {
    if (!engine) {
        return []
    }
    return settings.container ? [] : ["--container is missing: the image that ${engine} is to run".toString()]
}

/** Executables that a run without containers and environments does not find on this machine's PATH. */
def missingExecutables(settings) {
    def folders = "${System.getenv('PATH')}".tokenize(':')
    def names = ['protsae-embed'] + (settings.skip_multiqc ? [] : ['multiqc'])
    return names.findAll { name -> !folders.any { folder -> new File(folder, name).exists() } }
}
