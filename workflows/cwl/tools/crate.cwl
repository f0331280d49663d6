#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: results and their steps as an RO-Crate"
doc: |
  Describes results, and the steps that made them, as the metadata of an RO-Crate 1.1: put it beside the results. Files
  are matched to steps by their content.
baseCommand: protsae-crate
arguments: [--threads, $(runtime.cores), --root, .]
stderr: .crate.log # hidden: no result
successCodes: [0]
permanentFailCodes: [1, 2, 3, 101]
temporaryFailCodes: [137] # memory exhausted: with more it may be done
requirements:
  - $import: ../common/offline.yml
  - {class: ResourceRequirement, coresMin: 1, ramMin: 1000}
  - {class: InitialWorkDirRequirement, listing: $(inputs.files)}
hints:
  - $import: ../common/container.yml
  - $import: ../common/software.yml

inputs:
  input: {type: {type: array, items: File, inputBinding: {prefix: --input}}, format: "edam:format_3464", doc: "What steps wrote by --provenance", inputBinding: {}}
  files: {type: {type: array, items: ["null", File, Directory]}, doc: "The results, under the names that they have in the end"}
  output_name: {type: string, default: ro-crate-metadata.json, doc: "The metadata", inputBinding: {prefix: --output}}
  name: {type: string?, doc: "Name of the crate [default: ProtSAE results]", inputBinding: {prefix: --name}}
  description: {type: string?, doc: "What the crate is", inputBinding: {prefix: --description}}
  license: {type: string?, doc: "Licence of the results: an address, an SPDX identifier (CC-BY-4.0), or words", inputBinding: {prefix: --license}}
  workflow: {type: File?, doc: "Main script of the workflow that ran the steps", inputBinding: {prefix: --workflow}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  crate: {type: File, format: "edam:format_3464", doc: "Metadata of the RO-Crate", outputBinding: {glob: $(inputs.output_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
