#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: whether files are what they claim to be"
doc: |
  Reads tables, models, dictionaries, metrics and annotation files to their end, and says what each is. A file that is
  not what it claims to be fails the step; the log names it.
baseCommand: [protsae-schema, check]
arguments: [--threads, $(runtime.cores)]
stdout: checked.tsv
stderr: schema.log
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
  files:
    type: {type: array, items: [File, Directory]}
    doc: >-
      Tables, model folders and what is in them, split.tsv, dictionaries, metrics, GFF3, BED, tables of ranges and of
      calls, reports, MultiQC tables, and configurations named after their executable
    inputBinding: {position: 1}

outputs:
  checked: {type: stdout, doc: "What each file is"}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
