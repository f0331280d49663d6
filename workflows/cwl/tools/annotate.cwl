#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: annotation files"
doc: |
  Turns features into annotation files: ranges of residues (GFF3, BED, ...), or calls of whole proteins (GAF,
  GPAD, CAFA, ...). The suffix of the output decides, or the format.
baseCommand: protsae-annotate
arguments: [--threads, $(runtime.cores), --provenance, annotate.$(inputs.output_name).provenance.json]
stderr: annotate.$(inputs.output_name).log
successCodes: [0]
permanentFailCodes: [1, 2, 3, 101]
temporaryFailCodes: [137] # memory exhausted: with more it may be done
requirements:
  - $import: ../common/offline.yml
  - {class: ResourceRequirement, coresMin: 1, ramMin: 2000}
hints:
  - $import: ../common/container.yml
  - $import: ../common/software.yml

inputs:
  input: {type: ["null", {type: array, items: File, inputBinding: {prefix: --input}}], streamable: true, doc: "Feature table", inputBinding: {}}
  model: {type: Directory?, doc: "Model folder: names of concepts and maxima of latents", inputBinding: {prefix: --model}}
  dictionary: {type: File?, format: "edam:format_3464", doc: "Dictionary: how ranges of each concept are found, and how likely right; names, thresholds and maxima of latents", inputBinding: {prefix: --dictionary}}
  missing_from: {type: File?, doc: "Label table: only what these labels lack is written, ranges that share no residue with a label of their concept, and calls of concepts that the protein does not have", inputBinding: {prefix: --missing-from}}
  homologs: {type: File?, doc: "Homologues of the proteins: the twelve columns of DIAMOND or MMseqs2 (BLAST's outfmt 6)", inputBinding: {prefix: --homologs}}
  homolog_annotations: {type: ["null", {type: array, items: File, inputBinding: {prefix: --homolog-annotations}}], doc: "What the homologues have: annotations of any kind that protsae-concepts reads", inputBinding: {}}
  interpro2go: {type: File?, doc: "Mapping of InterPro entries to GO", inputBinding: {prefix: --interpro2go}}
  interpro_matches: {type: ["null", {type: array, items: File, inputBinding: {prefix: --interpro-matches}}], doc: "Matches of the proteins: InterProScan's TSV, JSON, GFF3 or XML, or protein2ipr.dat", inputBinding: {}}
  proteins: {type: ["null", {type: array, items: File, inputBinding: {prefix: --proteins}}], doc: "Protein table (protsae-encode --proteins), for formats of calls: gaf, gpad, cafa, ...", inputBinding: {}}
  ontology: {type: File?, format: ["edam:format_2549", "edam:format_3464"], doc: "Ontology whose rules of annotation hold for calls of its terms; needed for gaf and gpad", inputBinding: {prefix: --ontology}}
  output_name: {type: string, default: annotations.gff3, doc: "Annotation file", inputBinding: {prefix: --output}}
  multiqc_name: {type: string?, doc: "Also write a table for MultiQC: its name", inputBinding: {prefix: --multiqc}}
  exclude_features: {type: string?, doc: "Keys of features that say nothing about function, whose ranges are not written; or none [default: CHAIN,CONFLICT,INIT_MET,MUTAGEN,NON_CONS,NON_TER,UNSURE,VARIANT,VAR_SEQ]", inputBinding: {prefix: --exclude-features}}
  lineage: {type: "int[]?", doc: "Numbers of the taxa above the organism's, by which the ontology's constraints of taxa are told", inputBinding: {prefix: --lineage, itemSeparator: ","}}
  keywords: {type: "string[]?", doc: "Key words of a submission to CAFA [default: machine learning]", inputBinding: {prefix: --keywords, itemSeparator: ","}}
  sample_name: {type: string?, doc: "Name of the sample in the MultiQC table [default: the name of its file, without _mqc.json]", inputBinding: {prefix: --sample-name}}
  date: {type: string?, doc: "Date of the annotations, for gaf and gpad: no clock is read", inputBinding: {prefix: --date}}
  database: {type: string?, doc: "Database of the accessions [default: UniProtKB]", inputBinding: {prefix: --database}}
  reference: {type: string?, doc: "Reference of the model, DOI:... or PMID:... [default: DOI:10.48550/arXiv.2509.05309]", inputBinding: {prefix: --reference}}
  assigned_by: {type: string?, doc: "Who says so, for gaf and gpad [default: ProtSAE]", inputBinding: {prefix: --assigned-by}}
  model_number: {type: string?, doc: "Number of the model in a submission to CAFA [default: 1]", inputBinding: {prefix: --model-number}}
  author: {type: string?, doc: "Team of a submission to CAFA [default: ProtSAE]", inputBinding: {prefix: --author}}
  by: {type: ["null", {type: enum, symbols: [activation, probability]}], doc: "What makes a range: activations of latents, or probabilities of concepts [default: activation]", inputBinding: {prefix: --by}}
  corroborated_only: {type: boolean?, doc: "Only calls that something speaks for beside the model: a neighbour, a homologue or an InterPro entry", inputBinding: {prefix: --corroborated-only}}
  format: {type: ["null", {type: enum, symbols: [gff3, bed, tsv, json, parquet, bedgraph, gaf, gpad, cafa, cafa-submission, topgo]}], doc: "Format; without it the output's suffix decides", inputBinding: {prefix: --format}}
  latents: {type: ["null", {type: enum, symbols: [defined, named, all]}], doc: "Which latents: those given concepts of residues in training, also those that the dictionary names, or all [default: defined]", inputBinding: {prefix: --latents}}
  level: {type: ["null", {type: enum, symbols: [residues, proteins]}], doc: "What is annotated, where a format is of both: ranges of residues, or whole proteins [default: residues, unless --proteins alone is given]", inputBinding: {prefix: --level}}
  max_gap: {type: int?, doc: "Longest gap between runs of activations that is bridged, in residues [default: 0]", inputBinding: {prefix: --max-gap}}
  min_precision: {type: float?, doc: "Least probability that a range or a call is right; 0 writes all [default: 0.8; formats of scores, as cafa: 0]", inputBinding: {prefix: --min-precision}}
  min_run: {type: int?, doc: "Shortest run of activations that makes a range, in residues [default: 1]", inputBinding: {prefix: --min-run}}
  propagated: {type: boolean?, doc: "Write the ancestors of called terms too, not the most specific alone; cafa always has them, with their scores", inputBinding: {prefix: --propagated}}
  taxon: {type: int?, doc: "NCBI's number of the organism, for gaf and gpad; terms that it cannot have are not written", inputBinding: {prefix: --taxon}}
  threshold: {type: float?, doc: "Share of its maximum from which a latent counts (with --by probability: the probability) [default: the latent's own in the dictionary, else 0.15; probabilities 0.5]", inputBinding: {prefix: --threshold}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  annotations: {type: File, doc: "The annotation file", outputBinding: {glob: $(inputs.output_name)}}
  multiqc: {type: File?, format: "edam:format_3464", doc: "What was written, for MultiQC", outputBinding: {glob: $(inputs.multiqc_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: annotate.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
