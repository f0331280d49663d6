#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: training, validation and test proteins"
doc: |
  Deals proteins out to training, validation and test. Clusters of homologues and proteins of one sequence stay
  together.
baseCommand: protsae-split
arguments: [--threads, $(runtime.cores), --provenance, split.$(inputs.output_name).provenance.json]
stderr: split.$(inputs.output_name).log
successCodes: [0]
permanentFailCodes: [1, 2, 3, 101]
temporaryFailCodes: [137] # memory exhausted: with more it may be done
requirements:
  - $import: ../common/offline.yml
  - {class: ResourceRequirement, coresMin: 1, ramMin: 1000}
hints:
  - $import: ../common/container.yml
  - $import: ../common/software.yml

inputs:
  labels: {type: {type: array, items: File, inputBinding: {prefix: --labels}}, doc: "Tables of labels, as protsae-concepts writes them", inputBinding: {}}
  clusters: {type: ["null", {type: array, items: File, inputBinding: {prefix: --clusters}}], doc: "Clusters of homologues: two columns as MMseqs2 writes them, or CD-HIT's .clstr", inputBinding: {}}
  sequences: {type: ["null", {type: array, items: File, inputBinding: {prefix: --sequences}}], format: "edam:format_1929", doc: "Proteins to deal out too if they have no label; those of one sequence stay together", inputBinding: {}}
  output_name: {type: string, default: split.tsv, doc: "Where the split goes", inputBinding: {prefix: --output}}
  fractions: {type: string?, doc: "Shares of train, valid and test [default: 0.8,0.1,0.1]", inputBinding: {prefix: --fractions}}
  raw_ids: {type: boolean?, doc: "Keep ids like sp|P12345|NAME as they are", inputBinding: {prefix: --raw-ids}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  split: {type: File, format: "edam:format_3475", doc: "Part of each protein: train, valid or test", outputBinding: {glob: $(inputs.output_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: split.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
