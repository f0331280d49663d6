#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: features of residues"
doc: |
  Applies a trained autoencoder: activations in, features out. For several tables, scatter.
baseCommand: protsae-encode
arguments: [--threads, $(runtime.cores), --provenance, encode.$(inputs.output_name).provenance.json]
stderr: encode.$(inputs.output_name).log
successCodes: [0]
permanentFailCodes: [1, 2, 3, 101]
temporaryFailCodes: [137] # memory exhausted: with more it may be done
requirements:
  - $import: ../common/offline.yml
  - {class: ResourceRequirement, coresMin: 4, ramMin: 4000}
hints:
  - $import: ../common/container.yml
  - $import: ../common/software.yml

inputs:
  input: {type: File, streamable: true, doc: "Activation table", inputBinding: {prefix: --input}}
  model: {type: Directory, doc: "Model folder", inputBinding: {prefix: --model}}
  dictionary: {type: File?, format: "edam:format_3464", doc: "Dictionary by which probabilities of concepts are calibrated, for protsae-annotate to find ranges in: those of its usable concepts are listed, above each one's floor; and by which whole proteins are called to have concepts", inputBinding: {prefix: --dictionary}}
  neighbours: {type: File?, doc: "Training proteins (protsae-interpret --neighbours-out): of each call, those that are near and have the concept are told, in the protein table", inputBinding: {prefix: --neighbours}}
  output_name: {type: string, default: features.arrow, doc: "Feature table", inputBinding: {prefix: --output}}
  proteins_name: {type: string?, doc: "Also write one row a protein: means and maxima of concepts and latents: its name", inputBinding: {prefix: --proteins}}
  min_activation: {type: float?, doc: "Least activation of the latents that are listed for a residue [default: 0]", inputBinding: {prefix: --min-activation}}
  min_probability: {type: float?, doc: "Least probability of the concepts that are listed for a residue, as the model has it, without a dictionary [default: 0.5]", inputBinding: {prefix: --min-probability}}
  with_neighbours: {type: boolean?, doc: "Let the neighbours count in the calls, by the weights that the dictionary has of each concept; what they say is then no longer a second opinion of a call", inputBinding: {prefix: --with-neighbours}}
  compute: {type: ["null", {type: enum, symbols: [f32, bf16]}], doc: "What the products of rows with the encoder multiply; weights and all sums are f32 [default: f32]", inputBinding: {prefix: --compute}}
  check_fvu: {type: ["null", {type: enum, symbols: [warn, error, "off"]}], doc: "What happens where the model reconstructs the first rows of a table much worse than it did those that it was trained or checked on, as one of another layer does [default: warn]", inputBinding: {prefix: --check-fvu}}
  device: {type: string?, doc: "Where to compute: auto, cpu, cuda or cuda:N [default: auto]", inputBinding: {prefix: --device}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  features: {type: File, format: "iana:application/vnd.apache.arrow.file", streamable: true, doc: "Latents and concepts of every residue", outputBinding: {glob: $(inputs.output_name)}}
  proteins: {type: File?, format: "iana:application/vnd.apache.arrow.file", doc: "Means and maxima of proteins", outputBinding: {glob: $(inputs.proteins_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: encode.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
