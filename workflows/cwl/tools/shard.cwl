#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: shards of a FASTA file"
doc: |
  Cuts FASTA into shards that are worked on side by side. Records stay whole and in order; shards come in the order of
  the FASTA, so that what is made of them, one after the other, is what is made of the whole.
baseCommand: protsae-shard
arguments: [--threads, $(runtime.cores), --output, "{shard}.fasta", --provenance, shard.provenance.json]
stderr: shard.log
successCodes: [0]
permanentFailCodes: [1, 2, 3, 101]
temporaryFailCodes: [137] # memory exhausted: with more it may be done
requirements:
  - $import: ../common/offline.yml
  - {class: SchemaDefRequirement, types: [{$import: ../common/types.yml}]}
  - {class: ResourceRequirement, coresMin: 1, ramMin: 500}
hints:
  - $import: ../common/container.yml
  - $import: ../common/software.yml

inputs:
  input: {type: {type: array, items: File, inputBinding: {prefix: --input}}, format: "edam:format_1929", doc: "FASTA file, plain, gzip, bgzip or zstd", inputBinding: {}}
  size: {type: int?, doc: "Proteins of a shard; the last may have fewer [default: 1000]", inputBinding: {prefix: --size}}
  count: {type: int?, doc: "In place of a size: shards, as even in residues as the order of the proteins allows; some may be empty", inputBinding: {prefix: --count}}
  table_name: {type: string?, doc: "Name of a table of the shards: number, file name, proteins, residues", inputBinding: {prefix: --table}}
  raw_ids: {type: boolean?, doc: "Keep ids as they are instead of taking the accession out of 'sp|P12345|NAME', when they are checked", inputBinding: {prefix: --raw-ids}}
  on_bad: {type: ["null", ../common/types.yml#on_bad], doc: "What to do with a bad record: end with an error, or leave it out, count and list it [default: error]", inputBinding: {prefix: --on-bad}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  shards:
    type: File[]
    format: "edam:format_1929"
    doc: Shards in the order of their numbers
    # one pattern for each number of digits: a single one would give 1, 10, 2
    outputBinding:
      glob:
        - "[1-9].fasta"
        - "[1-9][0-9].fasta"
        - "[1-9][0-9][0-9].fasta"
        - "[1-9][0-9][0-9][0-9].fasta"
        - "[1-9][0-9][0-9][0-9][0-9].fasta"
        - "[1-9][0-9][0-9][0-9][0-9][0-9].fasta"
        - "1000000.fasta"
  table: {type: File?, format: "edam:format_3475", doc: "The shards as a table", outputBinding: {glob: $(inputs.table_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: shard.provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
