#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: one page about a model and its annotations"
doc: |
  Makes one HTML file about a model and its annotations, for a person. Everything but the model is optional.
baseCommand: protsae-report
arguments: [--threads, $(runtime.cores), --provenance, report.$(inputs.output_name).provenance.json]
stderr: report.$(inputs.output_name).log
successCodes: [0]
permanentFailCodes: [1, 2, 3, 101]
temporaryFailCodes: [137] # memory exhausted: with more it may be done
requirements:
  - $import: ../common/offline.yml
  - {class: ResourceRequirement, coresMin: 2, ramMin: 4000}
hints:
  - $import: ../common/container.yml
  - $import: ../common/software.yml

inputs:
  input: {type: ["null", {type: array, items: File, inputBinding: {prefix: --input}}], doc: "Feature table, or activation table, which goes through the model and the dictionary", inputBinding: {}}
  model: {type: Directory, doc: "Model folder", inputBinding: {prefix: --model}}
  dictionary: {type: File?, format: "edam:format_3464", doc: "Dictionary: how concepts are read, how right they are, and what latents are called", inputBinding: {prefix: --dictionary}}
  scores: {type: ["null", {type: array, items: File, inputBinding: {prefix: --scores}}], format: "edam:format_3464", doc: "Scores of the model, as protsae-evaluate writes them suites", inputBinding: {}}
  labels: {type: File?, doc: "Label table", inputBinding: {prefix: --labels}}
  concepts: {type: File?, format: "edam:format_3464", doc: "Vocabulary of the labels [default: the model's]", inputBinding: {prefix: --concepts}}
  split: {type: File?, format: "edam:format_3475", doc: "Which proteins are for what: examples and what is right are of test proteins then", inputBinding: {prefix: --split}}
  proteins: {type: ["null", {type: array, items: File, inputBinding: {prefix: --proteins}}], doc: "Protein table (protsae-encode --proteins --neighbours), for the neighbours that corroborate calls", inputBinding: {}}
  missing: {type: File?, format: "edam:format_3475", doc: "What labels lack, as protsae-interpret --missing writes it", inputBinding: {prefix: --missing}}
  proteins_listed: {type: File?, doc: "Accessions of proteins that are shown in any case, one a line", inputBinding: {prefix: --proteins-listed}}
  structures: {type: Directory?, doc: "Folder of structures, PDB or mmCIF, named after accessions (P12345.pdb) or as AlphaFold does it (AF-P12345-F1-model_v4.cif.gz): the chains of the proteins that are shown are drawn", inputBinding: {prefix: --structures}}
  output_name: {type: string, default: report.html, doc: "Page", inputBinding: {prefix: --output}}
  structures_out_name: {type: string?, doc: "Also write those structures into a folder, with the values of each concept that is written of them as B-factors, and as views for Mol* (MolViewSpec): its name", inputBinding: {prefix: --structures-out}}
  examples: {type: int?, doc: "Examples of each kind for each concept [default: 3]", inputBinding: {prefix: --examples}}
  max_mb: {type: float?, doc: "Size that the page should keep to: it shows fewer examples where they would make it larger [default: 5]", inputBinding: {prefix: --max-mb}}
  min_precision: {type: float?, doc: "Least probability that what is written is right [default: 0.8]", inputBinding: {prefix: --min-precision}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  report: {type: File, format: "edam:format_2331", doc: "The report; it needs nothing else and reaches nothing", outputBinding: {glob: $(inputs.output_name)}}
  views: {type: Directory?, doc: "Structures with values as B-factors, and views for Mol*", outputBinding: {glob: $(inputs.structures_out_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: report.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
