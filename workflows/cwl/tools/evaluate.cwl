#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: scores on held-out proteins"
doc: |
  Scores trained autoencoders, or predictions of function, on held-out proteins. Several models are put beside
  each other.
baseCommand: protsae-evaluate
arguments: [--threads, $(runtime.cores), --provenance, evaluate.$(inputs.output_name).provenance.json]
stderr: evaluate.$(inputs.output_name).log
successCodes: [0]
permanentFailCodes: [1, 2, 3, 101]
temporaryFailCodes: [137] # memory exhausted: with more it may be done
requirements:
  - $import: ../common/offline.yml
  - {class: SchemaDefRequirement, types: [{$import: ../common/types.yml}]}
  - {class: ResourceRequirement, coresMin: 4, ramMin: 4000}
hints:
  - $import: ../common/container.yml
  - $import: ../common/software.yml

inputs:
  input: {type: ["null", {type: array, items: File, inputBinding: {prefix: --input}}], doc: "Activation table", inputBinding: {}}
  model: {type: ["null", {type: array, items: Directory, inputBinding: {prefix: --model}}], doc: "Model folder, or that of a grid, which are put beside each other: those that differ by their seed alone are one row with an interval", inputBinding: {}}
  labels: {type: File?, doc: "Label table; needed for all suites but 'fidelity'", inputBinding: {prefix: --labels}}
  concepts: {type: File?, format: "edam:format_3464", doc: "Vocabulary of the labels [default: the model's own]", inputBinding: {prefix: --concepts}}
  split: {type: File?, format: "edam:format_3475", doc: "Which proteins are for what; without it, everything is chosen and reported on all proteins", inputBinding: {prefix: --split}}
  dictionary: {type: File?, format: "edam:format_3464", doc: "Dictionary whose ranges and calls are scored [default: ranges are read as is best on valid, as protsae-interpret does; no calls]", inputBinding: {prefix: --dictionary}}
  clusters: {type: ["null", {type: array, items: File, inputBinding: {prefix: --clusters}}], doc: "Clusters of homologues, which stay whole, also where intervals draw from proteins: MMseqs2's two columns or CD-HIT's .clstr. In the suite 'ranges' proteins of one sequence are together in any case", inputBinding: {}}
  plm: {type: Directory?, doc: "The PLM's folder, with its masked-LM head: also say how much of its skill is left where reconstructions stand in for its activations", inputBinding: {prefix: --plm}}
  predictions: {type: ["null", {type: array, items: File, inputBinding: {prefix: --predictions}}], doc: "Score these predictions in place of a model: lines of protein, term and score, or CAFA's submission layout; a method each, repeatable", inputBinding: {}}
  truth: {type: File?, doc: "What the proteins of --predictions have: lines of protein and term", inputBinding: {prefix: --truth}}
  ontology: {type: File?, format: ["edam:format_2549", "edam:format_3464"], doc: "Ontology of the terms, OBO or OBO Graphs [default for a model: the parents in its vocabulary]", inputBinding: {prefix: --ontology}}
  training: {type: ["null", {type: array, items: File, inputBinding: {prefix: --training}}], doc: "What training proteins have, for information content and the baseline 'naive' beside --predictions: lines of protein and term", inputBinding: {}}
  information_accretion: {type: File?, doc: "Weights of terms, for --evaluator cafa: lines of term and information accretion", inputBinding: {prefix: --information-accretion}}
  terms_of_interest: {type: File?, doc: "Terms that are scored, for --evaluator cafa: one a line", inputBinding: {prefix: --terms-of-interest}}
  known: {type: File?, doc: "What was known of proteins before, for --evaluator cafa: lines of protein and term, which are not scored; scores are given for proteins of no, limited and partial knowledge too", inputBinding: {prefix: --known}}
  output_name: {type: string, default: metrics.json, doc: "Scores", inputBinding: {prefix: --output}}
  table_name: {type: string?, doc: "Also write the main scores of all models as a Markdown table: its name", inputBinding: {prefix: --table}}
  multiqc_name: {type: string?, doc: "Also write a table for MultiQC: its name", inputBinding: {prefix: --multiqc}}
  curves_name: {type: string?, doc: "Also write the scores at each threshold: its name", inputBinding: {prefix: --curves}}
  suite: {type: "string[]?", doc: "What to compute; 'ranges' needs activations of whole proteins [default: fidelity,alignment]", inputBinding: {prefix: --suite, itemSeparator: ","}}
  controls: {type: "string[]?", doc: "What scores of the suites 'alignment' and 'ranges' stand beside; of these 'ranges' knows 'random-sae' [default: random-sae,shuffled-labels]", inputBinding: {prefix: --controls, itemSeparator: ","}}
  methods: {type: "string[]?", doc: "Methods beside each other, for a model [default: all that its inputs allow]", inputBinding: {prefix: --methods, itemSeparator: ","}}
  exclude_features: {type: string?, doc: "Keys of features that say nothing about function, which count neither in ranges nor among all latents; or none [default: CHAIN,CONFLICT,INIT_MET,MUTAGEN,NON_CONS,NON_TER,UNSURE,VARIANT,VAR_SEQ]", inputBinding: {prefix: --exclude-features}}
  sample_name: {type: string?, doc: "Name of the sample in the MultiQC table [default: the name of its file, without _mqc.json]", inputBinding: {prefix: --sample-name}}
  device: {type: string?, doc: "Where the PLM computes: auto, cpu, cuda or cuda:N [default: auto]", inputBinding: {prefix: --device}}
  bootstrap: {type: int?, doc: "Replicates of the bootstrap for 95 % intervals; 0: none [default: 1000]", inputBinding: {prefix: --bootstrap}}
  evaluator: {type: ["null", {type: enum, symbols: [deepgo, cafa]}], doc: "Whose conventions hold: those of DeepGO's family, or those of CAFA-evaluator [default: deepgo]", inputBinding: {prefix: --evaluator}}
  mask_fraction: {type: float?, doc: "Mask this share of the residues of each protein, chosen by seed and protein, and score these alone", inputBinding: {prefix: --mask-fraction}}
  min_precision: {type: float?, doc: "The probability of being right from which ranges are scored as protsae-annotate writes them [default: 0.8]", inputBinding: {prefix: --min-precision}}
  min_proteins: {type: int?, doc: "Positive test proteins from which a protein-level concept counts in the means [default: 20]", inputBinding: {prefix: --min-proteins}}
  min_residues: {type: int?, doc: "Positive test residues from which a residue-level concept counts in the means [default: 50]", inputBinding: {prefix: --min-residues}}
  neighbours: {type: int?, doc: "Neighbours that the baseline 'neighbours' asks [default: 5]", inputBinding: {prefix: --neighbours}}
  no_orphans: {type: boolean?, doc: "Leave out terms without parents, for --evaluator cafa; deepgo never scores them", inputBinding: {prefix: --no-orphans}}
  norm: {type: ["null", {type: enum, symbols: [cafa, pred, gt]}], doc: "What sums over proteins are divided by, for --evaluator cafa [default: cafa]", inputBinding: {prefix: --norm}}
  on_bad: {type: ["null", ../common/types.yml#on_bad], doc: "What to do with a bad record: end with an error, or leave it out, count and list it [default: error]", inputBinding: {prefix: --on-bad}}
  prop: {type: ["null", {type: enum, symbols: [max, fill]}], doc: "How scores rise to ancestors [default: max]", inputBinding: {prefix: --prop}}
  relations: {type: ["null", ../common/types.yml#relations], doc: "Relations along which terms propagate; all but all stay within a namespace [default: is_a+part_of]", inputBinding: {prefix: --relations}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  metrics: {type: File, format: "edam:format_3464", doc: "Scores, with their intervals", outputBinding: {glob: $(inputs.output_name)}}
  table: {type: File?, doc: "Main scores of all models", outputBinding: {glob: $(inputs.table_name)}}
  multiqc: {type: File?, format: "edam:format_3464", doc: "Scores for MultiQC", outputBinding: {glob: $(inputs.multiqc_name)}}
  curves: {type: File?, format: "edam:format_3475", doc: "Scores at each threshold", outputBinding: {glob: $(inputs.curves_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: evaluate.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
