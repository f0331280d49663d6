#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: concepts and labels from ontologies and annotations"
doc: |
  Reads an ontology and annotations; writes a vocabulary of concepts and a table of labels. GO annotations
  propagate to the ancestors of their terms.
baseCommand: protsae-concepts
arguments: [--threads, $(runtime.cores), --provenance, concepts.$(inputs.output_name).provenance.json]
stderr: concepts.$(inputs.output_name).log
successCodes: [0]
permanentFailCodes: [1, 2, 3, 101]
temporaryFailCodes: [137] # memory exhausted: with more it may be done
requirements:
  - $import: ../common/offline.yml
  - {class: SchemaDefRequirement, types: [{$import: ../common/types.yml}]}
  - {class: ResourceRequirement, coresMin: 1, ramMin: 1000}
hints:
  - $import: ../common/container.yml
  - $import: ../common/software.yml

inputs:
  ontology: {type: File?, format: ["edam:format_2549", "edam:format_3464"], doc: "Ontology in OBO format (1.2 or 1.4) or as OBO Graphs JSON; needed where GO annotations are read", inputBinding: {prefix: --ontology}}
  annotations: {type: ["null", {type: array, items: File, inputBinding: {prefix: --annotations}}], doc: "Annotations of any kind that is told from content", inputBinding: {}}
  sequences: {type: ["null", {type: array, items: File, inputBinding: {prefix: --sequences}}], format: "edam:format_1929", doc: "Proteins to restrict to; labels must lie within them", inputBinding: {}}
  interpro2go: {type: ["null", {type: array, items: File, inputBinding: {prefix: --interpro2go}}], doc: "Mapping of InterPro entries or Pfam families to GO (interpro2go, pfam2go)", inputBinding: {}}
  interpro_entries: {type: File?, doc: "InterPro's entry.list: types and names of entries", inputBinding: {prefix: --interpro-entries}}
  interpro_tree: {type: File?, doc: "InterPro's ParentChildTreeFile.txt: matches propagate along it, and it gives axioms", inputBinding: {prefix: --interpro-tree}}
  keyword_list: {type: File?, doc: "UniProt's keywlist.txt: accessions of keywords that files give by name", inputBinding: {prefix: --keyword-list}}
  eco_mapping: {type: File?, doc: "ECO's gaf-eco-mapping-derived.txt: GO codes of ECO ids that --evidence does not know by itself", inputBinding: {prefix: --eco-mapping}}
  normal_forms: {type: File?, doc: "Axioms in normal form (go.norm of the DeepGO family) in place of the ontology's own", inputBinding: {prefix: --normal-forms}}
  clusters: {type: ["null", {type: array, items: File, inputBinding: {prefix: --clusters}}], doc: "Clusters of homologues, which the split keeps whole: MMseqs2's two columns or CD-HIT's .clstr", inputBinding: {}}
  output_name: {type: string, default: labels.arrow, doc: "Where the labels go", inputBinding: {prefix: --output}}
  concepts_name: {type: string, default: concepts.json, doc: "Where the vocabulary goes", inputBinding: {prefix: --concepts}}
  multiqc_name: {type: string?, doc: "Also write a table of what was read and dropped for MultiQC: its name", inputBinding: {prefix: --multiqc}}
  sample_name: {type: string?, doc: "Name that stands before the files' in that table, where several runs share one report", inputBinding: {prefix: --sample-name}}
  split_name: {type: string?, doc: "Also deal the labelled proteins out to train, valid and test, as protsae-split does: proteins of one sequence, by --sequences or by annotations that hold sequences or their checksums, stay together: its name", inputBinding: {prefix: --split}}
  write_sequences_name: {type: string?, doc: "Also write the sequences of the labelled proteins, from --sequences or from annotations that hold them: its name", inputBinding: {prefix: --write-sequences}}
  annotation_format: {type: ["null", {type: array, items: string, inputBinding: {prefix: --annotation-format}}], doc: "Format of the annotations: once for all files, or once for each (default: told from content)", inputBinding: {}}
  kinds: {type: "string[]?", doc: "Kinds of concepts [default: go,interpro,feature,keyword]", inputBinding: {prefix: --kinds, itemSeparator: ","}}
  namespace: {type: "string[]?", doc: "Namespaces of the ontology: bp, mf, cc or full names (default: all)", inputBinding: {prefix: --namespace, itemSeparator: ","}}
  evidence: {type: string?, doc: "Evidence to take: any, experimental, curated, or a list of GO codes and ECO ids; features, matches and keywords that have none are taken too, and counted. A curator's inference (IC) is experimental for GO alone [default: any]", inputBinding: {prefix: --evidence}}
  fractions: {type: string?, doc: "Shares of train, valid and test [default: 0.8,0.1,0.1]", inputBinding: {prefix: --fractions}}
  partial_features: {type: string?, doc: "Keys of features that are given only where there is a structure, so that absence elsewhere says nothing; or none [default: HELIX,STRAND,TURN]", inputBinding: {prefix: --partial-features}}
  axioms: {type: ["null", {type: enum, symbols: [all, module, none]}], doc: "Axioms to write: all of the ontology, those that say something about a concept, or none [default: all]", inputBinding: {prefix: --axioms}}
  min_count: {type: int?, doc: "Proteins that a concept needs, after propagation [default: 10]", inputBinding: {prefix: --min-count}}
  on_bad: {type: ["null", ../common/types.yml#on_bad], doc: "What to do with a bad record: end with an error, or leave it out, count and list it [default: error]", inputBinding: {prefix: --on-bad}}
  raw_ids: {type: boolean?, doc: "Keep ids like sp|P12345|NAME as they are", inputBinding: {prefix: --raw-ids}}
  relations: {type: ["null", ../common/types.yml#relations], doc: "Relations along which annotations propagate; all but all stay within a namespace [default: is_a+part_of]", inputBinding: {prefix: --relations}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  concepts: {type: File, format: "edam:format_3464", doc: "Vocabulary of concepts and axioms", outputBinding: {glob: $(inputs.concepts_name)}}
  labels: {type: File, format: "iana:application/vnd.apache.arrow.file", doc: "Labels of proteins and residues", outputBinding: {glob: $(inputs.output_name)}}
  split: {type: File?, format: "edam:format_3475", doc: "Part of each labelled protein", outputBinding: {glob: $(inputs.split_name)}}
  sequences_of_labelled: {type: File?, format: "edam:format_1929", doc: "Sequences of the labelled proteins", outputBinding: {glob: $(inputs.write_sequences_name)}}
  multiqc: {type: File?, format: "edam:format_3464", doc: "What was read and dropped, for MultiQC", outputBinding: {glob: $(inputs.multiqc_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: concepts.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
