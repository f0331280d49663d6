#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: Workflow
label: "ProtSAE: annotation of proteins by a model that exists"
doc: |
  FASTA, a model and its dictionary in, annotation files out: what
  `protsae-embed --for MODEL | protsae-encode | protsae-annotate` writes, byte for byte. Proteins are scattered over
  shards, whose number changes nothing.
requirements:
  - class: ScatterFeatureRequirement
  - class: StepInputExpressionRequirement
  - class: MultipleInputFeatureRequirement

inputs:
  proteins: {type: File, format: "edam:format_1929", doc: "FASTA, plain, gzip, bgzip or zstd"}
  plm: {type: Directory, doc: "The protein language model, in the layout of Hugging Face: config.json, vocab.txt, weights"}
  model: {type: Directory, doc: "The autoencoder, as protsae-train or protsae-convert writes it"}
  dictionary: {type: File, format: "edam:format_3464", doc: "Its dictionary, as protsae-interpret writes it"}
  annotation_names: {type: "string[]", default: [annotations.gff3], doc: "Names of the files to write; the suffix is the format: .gff3, .bed, .tsv, .json, .parquet, ..."}
  min_precision: {type: float?, doc: "Least probability that a range is right [default: 0.8]"}
  shard_size: {type: int?, doc: "Proteins of a shard [default: 1000]"}
  device: {type: string?, doc: "Where the language model computes: auto, cpu, cuda or cuda:N [default: auto]"}
  embed_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-embed as YAML"}
  annotate_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-annotate as YAML"}

steps:
  shard:
    run: tools/shard.cwl
    in:
      input: {source: [proteins], linkMerge: merge_nested}
      size: shard_size
    out: [shards, provenance, log]
  embed:
    run: tools/embed.cwl
    scatter: input
    in:
      input: shard/shards
      model: plm
      for: model
      device: device
      output_name: {valueFrom: $(inputs.input.nameroot).arrow}
      config: embed_config
    out: [activations, provenance, log]
  encode:
    run: tools/encode.cwl
    scatter: input
    in:
      input: embed/activations
      model: model
      dictionary: dictionary
      output_name: {valueFrom: $(inputs.input.nameroot).features.arrow}
    out: [features, provenance, log]
  annotate:
    run: tools/annotate.cwl
    scatter: output_name
    in:
      input: encode/features
      dictionary: dictionary
      min_precision: min_precision
      output_name: annotation_names
      config: annotate_config
    out: [annotations, provenance, log]

outputs:
  annotations: {type: "File[]", outputSource: annotate/annotations, doc: "Ranges of residues"}
  provenance:
    type: File[]
    format: "edam:format_3464"
    outputSource: [shard/provenance, embed/provenance, encode/provenance, annotate/provenance]
    linkMerge: merge_flattened
    doc: Who made what of what, and when
  logs:
    type: File[]
    outputSource: [shard/log, embed/log, encode/log, annotate/log]
    linkMerge: merge_flattened
    doc: What the executables said

$namespaces: {edam: "http://edamontology.org/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
