#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: autoencoders and activations of other programs"
doc: |
  Converts sparse autoencoders from and to other programs' checkpoints, and activations from and to .npy, HDF5 (only
  read), Parquet and Arrow. A pickle is read as data: nothing of it is executed.
baseCommand: protsae-convert
arguments: [--threads, $(runtime.cores), --provenance, convert.$(inputs.output_name).provenance.json]
stderr: convert.$(inputs.output_name).log
successCodes: [0]
permanentFailCodes: [1, 2, 3, 101]
temporaryFailCodes: [137] # memory exhausted: with more it may be done
requirements:
  - $import: ../common/offline.yml
  - {class: SchemaDefRequirement, types: [{$import: ../common/types.yml}]}
  - {class: ResourceRequirement, coresMin: 1, ramMin: 4000}
hints:
  - $import: ../common/container.yml
  - $import: ../common/software.yml

inputs:
  input: {type: [File, Directory], doc: "Checkpoint (.pt, .ckpt, .bin, .safetensors), a folder with one, or a model folder; or activations (.npy, .h5, .parquet, .arrow)", inputBinding: {prefix: --input}}
  sidecar: {type: File?, doc: "Configuration of the checkpoint [default: cfg.json, config.json or config.yaml in its folder]", inputBinding: {prefix: --sidecar}}
  plm: {type: Directory?, doc: "Folder of the PLM whose activations the input is, or is of", inputBinding: {prefix: --plm}}
  proteins: {type: File?, doc: "Proteins of a .npy in the order of its rows: a list (accession, length, residues; tab-separated, UniProt's tables too) or FASTA; of others it gives the residues that they lack", inputBinding: {prefix: --proteins}}
  check: {type: File?, doc: "Activation table to check the model on: its FVU and L0 are printed, it says which PLM unless --plm does, and it gives the largest activations of latents where the checkpoint has none", inputBinding: {prefix: --check}}
  output_name: {type: string, default: model, doc: "Folder to write, which appears whole; or a table of activations, where the name ends in .arrow, .parquet or .npy", inputBinding: {prefix: --output}}
  proteins_out_name: {type: string?, doc: "List of the proteins beside a .npy: accession, length and residues", inputBinding: {prefix: --proteins-out}}
  site: {type: string?, doc: "Its site: residual, attention, mlp or update [default: what the checkpoint says, or residual]", inputBinding: {prefix: --site}}
  convention: {type: ["null", {type: enum, symbols: [hidden-states, block-outputs]}], doc: "What the residual of the last layer is: hidden-states, after the final norm, or block-outputs, before it [default: hidden-states]", inputBinding: {prefix: --convention}}
  activation: {type: ["null", {type: enum, symbols: [relu, topk, batchtopk]}], doc: "How latents are chosen, where the tensors leave it open", inputBinding: {prefix: --activation}}
  any_plm: {type: boolean?, doc: "Say nothing of the PLM: tables of any are then taken by their width alone", inputBinding: {prefix: --any-plm}}
  apply_b_dec: {type: ["null", ../common/types.yml#truth], doc: "Whether the decoder's bias is subtracted before encoding, where the checkpoint does not say", inputBinding: {prefix: --apply-b-dec}}
  check_rows: {type: int?, doc: "Rows of the table to check on [default: 20000]", inputBinding: {prefix: --check-rows}}
  dtype: {type: ["null", {type: enum, symbols: [f16, f32]}], doc: "Type of the numbers to write [default: that of the input; f32 for f64]", inputBinding: {prefix: --dtype}}
  input_scale: {type: float?, doc: "What activations are multiplied by before the model sees them", inputBinding: {prefix: --input-scale}}
  input_transform: {type: ["null", {type: enum, symbols: [none, layer-norm, layer-norm-biased, unit-length, center]}], doc: "What is done to every row, in place of what the family does", inputBinding: {prefix: --input-transform}}
  k: {type: int?, doc: "Latents kept per residue, where the checkpoint does not say, or others", inputBinding: {prefix: --k}}
  layer: {type: int?, doc: "Its layer", inputBinding: {prefix: --layer}}
  normalize_latents: {type: ["null", ../common/types.yml#truth], doc: "Divide latents by the maxima that the checkpoint has [default: true for InterPLM, false for ESMC SAEs]", inputBinding: {prefix: --normalize-latents}}
  pool: {type: ["null", {type: enum, symbols: [mean]}], doc: "The input has one row a protein, made of its residues so; HDF5 and tables of protsae-embed say it themselves", inputBinding: {prefix: --pool}}
  raw_ids: {type: boolean?, doc: "Keep ids as they are instead of taking the accession out of 'sp|P12345|NAME'", inputBinding: {prefix: --raw-ids}}
  threshold: {type: float?, doc: "The one threshold of all latents (batchtopk), where it was never set", inputBinding: {prefix: --threshold}}
  to: {type: ["null", {type: enum, symbols: [protsae, saelens, sparsify, arrow, parquet, npy]}], doc: "What to write [default: protsae into a folder; of a table by its name]", inputBinding: {prefix: --to}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  converted: {type: [Directory, File], doc: "A model folder, or one that SAELens or sparsify loads; or a table of activations", outputBinding: {glob: $(inputs.output_name)}}
  listed: {type: File?, format: "edam:format_3475", doc: "The proteins of a .npy", outputBinding: {glob: $(inputs.proteins_out_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: convert.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
