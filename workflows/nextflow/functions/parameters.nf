// Parameters against nextflow_schema.json, without a plugin: names, types, ranges, patterns, files; every problem at
// once. Values arrive as text from the command line of newer versions, and typed from older ones and from files.

/** The parameters of the schema: name to property, in its order. */
def schemaProperties(schema) {
    def groups = new groovy.json.JsonSlurper().parseText(file(schema).text)['$defs'].values()
    return groups.inject([:]) { all, group -> all + group.properties }
}

/** Changes of one letter that make one word of the other (Levenshtein). */
def editDistance(first, second) {
    def start = (0..second.size()).toList()
    def rows = first.toList().withIndex().inject(start) { row, letter ->
        second.toList().withIndex().inject([letter[1] + 1]) { next, other ->
            def place = other[1]
            def cost = letter[0] == other[0] ? 0 : 1
            next + [[next[place] + 1, row[place + 1] + 1, row[place] + cost].min()]
        }
    }
    return rows.last()
}

/** The name that was probably meant. */
def nearestName(name, names) {
    def folded = name.toLowerCase().replace('-', '_')
    return names.min { candidate -> editDistance(folded, candidate) }
}

/** What is wrong with one value, or nothing. */
def valueProblem(name, value, property) {
    def text = "${value}".toString()
    def integer = text ==~ /-?\d+/
    def number = text ==~ /-?\d+(\.\d+)?([eE][-+]?\d+)?/
    if (property.type == 'boolean') {
        return text in ['true', 'false'] ? null : "--${name} is true or false, not '${text}'"
    }
    if (value instanceof Boolean) {
        return "--${name} needs a value"
    }
    if (property.type == 'integer' && !integer) {
        return "--${name} is a whole number, not '${text}'"
    }
    if (property.type == 'number' && !number) {
        return "--${name} is a number, not '${text}'"
    }
    if (property.minimum != null && (text as BigDecimal) < property.minimum) {
        return "--${name} is at least ${property.minimum}, not ${text}"
    }
    if (property['enum'] && !(text in property['enum'])) {
        return "--${name} is one of ${property['enum'].join(', ')}, not '${text}'"
    }
    if (property.pattern && !(text ==~ property.pattern)) {
        return "--${name} does not look as it should (${property.description}): '${text}'"
    }
    if (property.exists && !file(text, glob: false).exists()) {
        return "--${name}: there is no ${property.format == 'directory-path' ? 'folder' : 'file'} '${text}'"
    }
    return null
}

/** Parameters that are not in the schema. Nextflow adds `shardSize` to a `shard-size` that is given. */
def unknownNames(given, properties) {
    def added = given.keySet().findAll { name -> name.contains('-') }.collect { name ->
        def words = name.tokenize('-')
        words.head() + words.tail().collect { word -> word.capitalize() }.join('')
    }
    return given.keySet().findAll { name -> !properties.containsKey(name) && !(name in added) }
}

/** The value in the type that the schema gives it; a bad one stays as it is. */
def typedValue(name, value, property) {
    if (value == null || value instanceof List || valueProblem(name, value, property)) {
        return value
    }
    def text = "${value}".toString()
    if (property.type == 'integer') {
        return text as Long
    }
    if (property.type == 'boolean') {
        return text == 'true'
    }
    return property.type == 'number' ? text as BigDecimal : text
}

/** What is wrong with the parameters, by the schema. */
def parameterProblems(given, schema) {
    def properties = schemaProperties(schema)
    def unknown = unknownNames(given, properties).collect { name ->
        "--${name} is unknown: did you mean --${nearestName(name, properties.keySet())}?"
    }
    def bad = properties
        .findAll { name, _property -> given[name] != null && given[name] != '' && !(given[name] instanceof List) }
        .collect { name, property -> valueProblem(name, given[name], property) }
        .findAll { problem -> problem != null }
    return (unknown + bad).toList()
}

/** The parameters in their types; empty text is none. */
def typedParameters(given, schema) {
    return schemaProperties(schema).collectEntries { name, property ->
        [name, given[name] == '' ? null : typedValue(name, given[name], property)]
    }
}

/** Every parameter with its type, default and meaning. */
def helpText(schema) {
    def json = new groovy.json.JsonSlurper().parseText(file(schema).text)
    def groups = json['$defs'].values().collect { group ->
        def lines = group.properties
            .findAll { _name, property -> !property.hidden }
            .collect { name, property ->
                def values = property['enum'] ? " (${property['enum'].join(', ')})" : ''
                def preset = property.default == null || property.default == '' ? '' : " [default: ${property.default}]"
                "  ${"--${name}".padRight(20)} ${property.type.padRight(8)} ${property.description}${values}${preset}"
            }
        "${group.title}\n${lines.join('\n')}"
    }
    def usage = """\
        ${json.title}: ${json.description}

        nextflow run workflows/nextflow --input proteins.fasta --ontology go.obo --annotations goa.gaf,features.tsv --plm esm2/
        nextflow run workflows/nextflow --samples samples.csv --ontology go.obo --plm esm2/
        nextflow run workflows/nextflow --input proteins.fasta --model x.model --dictionary x.dictionary.json --plm esm2/
        """.stripIndent()
    return "${usage}\n${groups.join('\n\n')}\n"
}
