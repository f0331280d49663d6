#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: meanings of latents, and decoders of concepts"
doc: |
  Says what each latent means, and how ranges of each concept are read: calibrated, decoded, and how likely
  right.
baseCommand: protsae-interpret
arguments: [--threads, $(runtime.cores), --provenance, interpret.$(inputs.output_name).provenance.json]
stderr: interpret.$(inputs.output_name).log
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
  input: {type: {type: array, items: File, inputBinding: {prefix: --input}}, doc: "Activation table of whole proteins. Of a feature table, only names of latents are found", inputBinding: {}}
  model: {type: Directory, doc: "Model folder", inputBinding: {prefix: --model}}
  labels: {type: File, doc: "Label table", inputBinding: {prefix: --labels}}
  concepts: {type: File, format: "edam:format_3464", doc: "Vocabulary of the labels", inputBinding: {prefix: --concepts}}
  split: {type: File?, format: "edam:format_3475", doc: "Which proteins are for what: everything is chosen on valid, scores are of test; without it, both on all proteins", inputBinding: {prefix: --split}}
  clusters: {type: ["null", {type: array, items: File, inputBinding: {prefix: --clusters}}], doc: "Clusters of homologues, which stay whole where precision is estimated: MMseqs2's two columns or CD-HIT's .clstr. Proteins of one sequence are together in any case", inputBinding: {}}
  output_name: {type: string, default: dictionary.json, doc: "Dictionary", inputBinding: {prefix: --output}}
  table_name: {type: string?, doc: "Also write the dictionary as a table: its name", inputBinding: {prefix: --table}}
  missing_name: {type: string?, doc: "Also write what labels lack: ranges and calls that are likely right where the protein has no such label, likeliest first, with what corroborates them. Activations are read twice then, so they must be files: its name", inputBinding: {prefix: --missing}}
  neighbours_out_name: {type: string?, doc: "Also write the training proteins, with their mean activations and concepts, for protsae-encode --neighbours: its name", inputBinding: {prefix: --neighbours-out}}
  exclude_features: {type: string?, doc: "Keys of features that say nothing about function, of which no ranges are read; or none [default: CHAIN,CONFLICT,INIT_MET,MUTAGEN,NON_CONS,NON_TER,UNSURE,VARIANT,VAR_SEQ]", inputBinding: {prefix: --exclude-features}}
  fdr: {type: float?, doc: "Largest false discovery rate of the association that gives a latent a name [default: 0.05]", inputBinding: {prefix: --fdr}}
  min_f1: {type: float?, doc: "Least F1 on the proteins for choosing that gives a latent a name [default: 0.5]", inputBinding: {prefix: --min-f1}}
  min_precision: {type: float?, doc: "Least probability of being right of what --missing lists [default: 0.8]", inputBinding: {prefix: --min-precision}}
  on_bad: {type: ["null", ../common/types.yml#on_bad], doc: "What to do with a bad record: end with an error, or leave it out, count and list it [default: error]", inputBinding: {prefix: --on-bad}}
  top_proteins: {type: int?, doc: "Proteins that are shown for each latent [default: 10]", inputBinding: {prefix: --top-proteins}}
  compute: {type: ["null", {type: enum, symbols: [f32, bf16]}], doc: "What the products of rows with the encoder multiply; weights and all sums are f32 [default: f32]", inputBinding: {prefix: --compute}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  dictionary: {type: File, format: "edam:format_3464", doc: "What latents mean, how concepts are read, how right that is", outputBinding: {glob: $(inputs.output_name)}}
  table: {type: File?, format: "edam:format_3475", doc: "The same as a table", outputBinding: {glob: $(inputs.table_name)}}
  missing: {type: File?, format: "edam:format_3475", doc: "What labels lack", outputBinding: {glob: $(inputs.missing_name)}}
  neighbours: {type: File?, format: "iana:application/vnd.apache.arrow.file", doc: "Training proteins, for encode", outputBinding: {glob: $(inputs.neighbours_out_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: interpret.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
