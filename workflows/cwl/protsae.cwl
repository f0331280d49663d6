#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: Workflow
label: "ProtSAE: training and annotation"
doc: |
  FASTA and annotations in; a trained ProtSAE, its dictionary, metrics, annotation files and a report out. Proteins are
  scattered over shards for the language model and for encoding; all other steps gather them. The number of shards
  changes no byte of the results. What has no input here is set by a step's YAML file (its options by long names).
requirements:
  - class: ScatterFeatureRequirement
  - class: StepInputExpressionRequirement
  - class: MultipleInputFeatureRequirement

inputs:
  proteins: {type: File, format: "edam:format_1929", doc: "FASTA, plain, gzip, bgzip or zstd"}
  ontology: {type: File, format: ["edam:format_2549", "edam:format_3464"], doc: "Ontology in OBO format or as OBO Graphs JSON"}
  annotations: {type: "File[]", doc: "Annotations of any kind that is told from content: GAF, GPAD, UniProt, InterProScan, ..."}
  clusters: {type: "File[]?", doc: "Clusters of homologues, which stay together: MMseqs2's two columns or CD-HIT's .clstr"}
  plm: {type: Directory, doc: "The protein language model, in the layout of Hugging Face: config.json, vocab.txt, weights"}
  device: {type: string?, doc: "Where the language model and training compute: auto, cpu, cuda or cuda:N [default: auto]"}
  sample_name: {type: string?, doc: "Name of the run in tables for MultiQC"}
  seed: {type: int?, doc: "Seed of everything random [default: 0]"}
  shard_size: {type: int?, doc: "Proteins of a shard [default: 1000]"}
  min_count: {type: int?, doc: "Proteins that a concept needs [default: 10]"}
  fractions: {type: string?, doc: "Shares of train, valid and test [default: 0.8,0.1,0.1]"}
  layer: {type: int?, doc: "Layer of the language model [default: the last]"}
  site: {type: string?, doc: "Site in the layer: residual, attention, mlp or update [default: residual]"}
  latents: {type: int?, doc: "Latents, those of concepts among them [default: 4096, or twice the concepts if that is more]"}
  k: {type: int?, doc: "Latents kept per residue [default: 32]"}
  epochs: {type: int?, doc: "Passes over the training rows [default: 50]"}
  batch: {type: int?, doc: "Rows a step [default: 128]"}
  min_precision: {type: float?, doc: "Least probability that what is written is right [default: 0.8]"}
  annotation_names: {type: "string[]", default: [annotations.gff3, annotations.tsv], doc: "Names of the files of ranges to write; the suffix is the format: .gff3, .bed, .tsv, .json, .parquet, ..."}
  with_calls: {type: boolean, default: false, doc: "Also write terms of whole proteins as GAF, which needs taxon and date"}
  taxon: {type: int?, doc: "NCBI's number of the organism, for calls"}
  date: {type: string?, doc: "Date of the calls, YYYY-MM-DD: no clock is read"}
  concepts_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-concepts"}
  split_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-split"}
  embed_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-embed"}
  train_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-train"}
  interpret_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-interpret"}
  encode_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-encode"}
  evaluate_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-evaluate"}
  annotate_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-annotate, for ranges"}
  calls_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-annotate, for calls"}
  report_config: {type: File?, format: "edam:format_3750", doc: "Further options of protsae-report"}

steps:
  concepts:
    run: tools/concepts.cwl
    in:
      ontology: ontology
      annotations: annotations
      sequences: {source: [proteins], linkMerge: merge_nested}
      min_count: min_count
      concepts_name: {default: concepts.json}
      multiqc_name: {default: concepts_mqc.json}
      sample_name: sample_name
      seed: seed
      config: concepts_config
    out: [concepts, labels, multiqc, provenance, log]
  split:
    run: tools/split.cwl
    in:
      labels: {source: [concepts/labels], linkMerge: merge_nested}
      clusters: clusters
      sequences: {source: [proteins], linkMerge: merge_nested}
      fractions: fractions
      seed: seed
      config: split_config
    out: [split, provenance, log]
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
      layer: layer
      site: site
      device: device
      seed: seed
      output_name: {valueFrom: $(inputs.input.nameroot).arrow}
      config: embed_config
    out: [activations, provenance, log]
  train:
    run: tools/train.cwl
    in:
      input: embed/activations
      labels: concepts/labels
      concepts: concepts/concepts
      split: split/split
      latents: latents
      k: k
      epochs: epochs
      batch: batch
      device: device
      seed: seed
      config: train_config
    out: [model, provenance, log]
  interpret:
    run: tools/interpret.cwl
    in:
      input: embed/activations
      model: train/model
      labels: concepts/labels
      concepts: concepts/concepts
      split: split/split
      clusters: clusters
      min_precision: min_precision
      table_name: {default: dictionary.tsv}
      missing_name: {default: missing.tsv}
      seed: seed
      config: interpret_config
    out: [dictionary, table, missing, provenance, log]
  encode:
    run: tools/encode.cwl
    scatter: input
    in:
      input: embed/activations
      model: train/model
      dictionary: interpret/dictionary
      output_name: {valueFrom: $(inputs.input.nameroot).features.arrow}
      proteins_name: {valueFrom: $(inputs.input.nameroot).proteins.arrow}
      config: encode_config
    out: [features, proteins, provenance, log]
  evaluate:
    run: tools/evaluate.cwl
    in:
      input: embed/activations
      model: {source: [train/model], linkMerge: merge_nested}
      labels: concepts/labels
      split: split/split
      multiqc_name: {default: protsae_mqc.json}
      sample_name: sample_name
      seed: seed
      config: evaluate_config
    out: [metrics, multiqc, provenance, log]
  annotate:
    run: tools/annotate.cwl
    scatter: output_name
    in:
      input: encode/features
      dictionary: interpret/dictionary
      min_precision: min_precision
      output_name: annotation_names
      config: annotate_config
    out: [annotations, provenance, log]
  calls:
    run: tools/annotate.cwl
    when: $(inputs.wanted)
    in:
      wanted: with_calls
      input: encode/features
      dictionary: interpret/dictionary
      ontology: ontology
      taxon: taxon
      date: date
      min_precision: min_precision
      output_name: {default: calls.gaf}
      config: calls_config
    out: [annotations, provenance, log]
  report:
    run: tools/report.cwl
    in:
      input: encode/features
      model: train/model
      dictionary: interpret/dictionary
      scores: {source: [evaluate/metrics], linkMerge: merge_nested}
      labels: concepts/labels
      concepts: concepts/concepts
      split: split/split
      missing: interpret/missing
      min_precision: min_precision
      seed: seed
      config: report_config
    out: [report, provenance, log]
  crate:
    run: tools/crate.cwl
    in:
      input:
        source: [concepts/provenance, split/provenance, shard/provenance, embed/provenance, train/provenance, interpret/provenance, encode/provenance, evaluate/provenance, annotate/provenance, calls/provenance, report/provenance]
        linkMerge: merge_flattened
        pickValue: all_non_null
      files:
        source: [concepts/concepts, concepts/labels, concepts/multiqc, split/split, train/model, interpret/dictionary, interpret/table, interpret/missing, encode/features, encode/proteins, evaluate/metrics, evaluate/multiqc, annotate/annotations, calls/annotations, report/report]
        linkMerge: merge_flattened
        pickValue: all_non_null
    out: [crate]

outputs:
  concepts_json: {type: File, outputSource: concepts/concepts, doc: "Vocabulary of concepts and axioms"}
  labels: {type: File, outputSource: concepts/labels, doc: "Labels of proteins and residues"}
  split_tsv: {type: File, outputSource: split/split, doc: "Training, validation and test proteins"}
  model: {type: Directory, outputSource: train/model, doc: "The autoencoder"}
  dictionary: {type: File, outputSource: interpret/dictionary, doc: "What latents mean, how concepts are read, how right that is"}
  dictionary_table: {type: File?, outputSource: interpret/table, doc: "The same as a table"}
  missing: {type: File?, outputSource: interpret/missing, doc: "What labels lack"}
  features: {type: "File[]", outputSource: encode/features, doc: "Latents and concepts of every residue, a table a shard"}
  protein_tables: {type: ["null", {type: array, items: ["null", File]}], outputSource: encode/proteins, doc: "Means and maxima of proteins, a table a shard"}
  metrics: {type: File, outputSource: evaluate/metrics, doc: "Scores on held-out proteins"}
  concepts_mqc: {type: File?, outputSource: concepts/multiqc, doc: "What was read and dropped, for MultiQC"}
  protsae_mqc: {type: File?, outputSource: evaluate/multiqc, doc: "Scores, for MultiQC"}
  ranges: {type: "File[]", outputSource: annotate/annotations, doc: "Ranges of residues"}
  calls_gaf: {type: File?, outputSource: calls/annotations, doc: "Terms of whole proteins"}
  report_html: {type: File, outputSource: report/report, doc: "All of it as one page"}
  ro_crate: {type: File, outputSource: crate/crate, doc: "All of it, and the steps that made it, as an RO-Crate"}
  provenance:
    type: File[]
    outputSource: [concepts/provenance, split/provenance, shard/provenance, embed/provenance, train/provenance, interpret/provenance, encode/provenance, evaluate/provenance, annotate/provenance, calls/provenance, report/provenance]
    linkMerge: merge_flattened
    pickValue: all_non_null
    doc: Who made what of what, and when
  logs:
    type: File[]
    outputSource: [concepts/log, split/log, shard/log, embed/log, train/log, interpret/log, encode/log, evaluate/log, annotate/log, calls/log, report/log]
    linkMerge: merge_flattened
    pickValue: all_non_null
    doc: What the executables said

$namespaces: {edam: "http://edamontology.org/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
