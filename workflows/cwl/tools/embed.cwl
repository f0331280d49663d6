#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: activations of a protein language model"
doc: |
  Runs proteins through a protein language model: FASTA in, a table of activations out. For several files or layers, scatter.
baseCommand: protsae-embed
arguments: [--threads, $(runtime.cores), --provenance, embed.$(inputs.output_name).provenance.json]
stderr: embed.$(inputs.output_name).log
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
  input: {type: File, streamable: true, format: "edam:format_1929", doc: "FASTA file, plain, gzip, bgzip or zstd", inputBinding: {prefix: --input}}
  model: {type: Directory, doc: "PLM's folder in Hugging Face layout: config.json, vocabulary, weights; of ESM-2, ESM-C, ProtT5, ProstT5, Ankh, ESM-1b, ESM-1v, AMPLIFY or SaProt", inputBinding: {prefix: --model}}
  for: {type: Directory?, doc: "Take layer and site from this SAE's folder, and demand its PLM", inputBinding: {prefix: --for}}
  output_name: {type: string, default: activations.arrow, doc: "Activation table; with several layers, {layer} stands for each", inputBinding: {prefix: --output}}
  layer: {type: int?, doc: "Layers, separated by commas: 1 is the first block, 0 the embeddings; default: the last", inputBinding: {prefix: --layer}}
  site: {type: string?, doc: "Site in the block: residual (after it), attention (before its MLP), mlp (its output) or update (what the block adds) [default: residual]", inputBinding: {prefix: --site}}
  convention: {type: ["null", {type: enum, symbols: [hidden-states, block-outputs]}], doc: "What the residual of the last layer is: hidden-states, after the final norm, or block-outputs, before it [default: hidden-states]", inputBinding: {prefix: --convention}}
  structure_letters: {type: File?, format: "edam:format_1929", doc: "FASTA file of structures, a 3Di letter a residue as Foldseek writes it, for models that see them (SaProt); '#' where it is unknown", inputBinding: {prefix: --structure-letters}}
  compute: {type: string?, doc: "What the PLM's products multiply: f32; bf16, in half the memory and fastest on processors that have units for it; bf16x3, exact to 2e-5 and faster than f32 on AMX; f16, in half the memory [default: f32]", inputBinding: {prefix: --compute}}
  device: {type: string?, doc: "Where to compute: auto, cpu, cuda or cuda:N [default: auto]", inputBinding: {prefix: --device}}
  batch_tokens: {type: int?, doc: "Tokens computed together: memory grows with it, results do not depend on it; 0: by threads [default: 0]", inputBinding: {prefix: --batch-tokens}}
  dtype: {type: ["null", {type: enum, symbols: [f16, f32]}], doc: "Type of the numbers in the table [default: f16]", inputBinding: {prefix: --dtype}}
  max_length: {type: int?, doc: "Residues that the PLM sees at once; longer proteins are cut into windows [default: 1022]", inputBinding: {prefix: --max-length}}
  on_bad: {type: ["null", ../common/types.yml#on_bad], doc: "What to do with a bad record: end with an error, or leave it out, count and list it [default: error]", inputBinding: {prefix: --on-bad}}
  overlap: {type: int?, doc: "Residues that two windows share, where they are blended [default: 256]", inputBinding: {prefix: --overlap}}
  pool: {type: ["null", {type: enum, symbols: [mean]}], doc: "One row a protein instead of one a residue", inputBinding: {prefix: --pool}}
  raw_ids: {type: boolean?, doc: "Keep ids as they are instead of taking the accession out of 'sp|P12345|NAME'", inputBinding: {prefix: --raw-ids}}
  sample: {type: int?, doc: "Keep only so many residues of each protein, chosen by seed and the protein's id", inputBinding: {prefix: --sample}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  activations: {type: File, format: "iana:application/vnd.apache.arrow.file", streamable: true, doc: "One row a residue (or a protein), in the order of the FASTA", outputBinding: {glob: $(inputs.output_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: embed.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
