#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: steered sequences"
doc: |
  Steers a language model towards concepts: proteins in, sequences out in which masked residues were filled in.
baseCommand: protsae-steer
arguments: [--threads, $(runtime.cores), --provenance, steer.$(inputs.output_name).provenance.json]
stderr: steer.$(inputs.output_name).log
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
  input: {type: {type: array, items: File, inputBinding: {prefix: --input}}, format: "edam:format_1929", doc: "FASTA file, plain, gzip, bgzip or zstd", inputBinding: {}}
  model: {type: Directory, doc: "PLM's folder in Hugging Face layout, with its masked-language-modelling head", inputBinding: {prefix: --model}}
  sae: {type: Directory, doc: "Folder of the SAE that is inserted into the PLM, at the layer and site that it was trained on", inputBinding: {prefix: --sae}}
  scores: {type: File?, doc: "What a structure predictor says of generated sequences: a TSV with the columns id, tm_score and plddt", inputBinding: {prefix: --scores}}
  output_name: {type: string, default: steered.fasta, doc: "FASTA of the generated sequences", inputBinding: {prefix: --output}}
  table_name: {type: string?, doc: "Name of a file: table of the generated sequences: what was changed, how it is read before and after, and controls", inputBinding: {prefix: --table}}
  concept: {type: ["null", {type: array, items: string, inputBinding: {prefix: --concept}}], doc: "Concept to steer towards, by its id; repeat for others, each of which is steered by itself", inputBinding: {}}
  latent: {type: ["null", {type: array, items: int, inputBinding: {prefix: --latent}}], doc: "Latent to steer, by its number from 0; repeat for others, each of which is steered by itself", inputBinding: {}}
  control: {type: "string[]?", doc: "Controls to generate over the same masked residues, separated by commas", inputBinding: {prefix: --control, itemSeparator: ","}}
  scale: {type: "float[]?", doc: "Scales that are added to the latents at every residue, separated by commas; each makes sequences of its own [default: 0.2]", inputBinding: {prefix: --scale, itemSeparator: ","}}
  positions: {type: string?, doc: "Residues to mask: random, low-activation (those whose activations at the site are shortest), or a file with protein, start and end, 1-based and tab-separated [default: random]", inputBinding: {prefix: --positions}}
  motif: {type: string?, doc: "Motif in PROSITE's syntax whose matches are counted before and after, such as '[AG]-x(4)-G-K-[ST]'", inputBinding: {prefix: --motif}}
  compute: {type: string?, doc: "What the PLM's products multiply: f32; bf16, in half the memory and fastest on processors that have units for it; bf16x3, exact to 2e-5 and faster than f32 on AMX; f16, in half the memory [default: f32]", inputBinding: {prefix: --compute}}
  device: {type: string?, doc: "Where to compute: auto, cpu, cuda or cuda:N [default: auto]", inputBinding: {prefix: --device}}
  ablate: {type: boolean?, doc: "Set the latents to 0 instead: the opposite of steering", inputBinding: {prefix: --ablate}}
  batch_tokens: {type: int?, doc: "Tokens computed together: memory grows with it, results do not depend on it; 0: by threads [default: 0]", inputBinding: {prefix: --batch-tokens}}
  decode: {type: ["null", {type: enum, symbols: [argmax, sample]}], doc: "How a masked residue is filled in, always with one of the twenty amino acids [default: argmax]", inputBinding: {prefix: --decode}}
  mask_ratio: {type: float?, doc: "Share of a protein's residues that are masked in a round; a file of positions says it by itself [default: 0.3]", inputBinding: {prefix: --mask-ratio}}
  max_length: {type: int?, doc: "Residues that the PLM sees at once; longer proteins are cut into windows [default: 1022]", inputBinding: {prefix: --max-length}}
  mode: {type: ["null", {type: enum, symbols: [absolute, relative-token, relative-dataset]}], doc: "What a scale is measured in [default: absolute]", inputBinding: {prefix: --mode}}
  no_ancestors: {type: boolean?, doc: "Change a concept's own latent alone, not those of its ancestors too", inputBinding: {prefix: --no-ancestors}}
  on_bad: {type: ["null", ../common/types.yml#on_bad], doc: "What to do with a bad record: end with an error, or leave it out, count and list it [default: error]", inputBinding: {prefix: --on-bad}}
  overlap: {type: int?, doc: "Residues that two windows share [default: 256]", inputBinding: {prefix: --overlap}}
  raw_ids: {type: boolean?, doc: "Keep ids as they are instead of taking the accession out of 'sp|P12345|NAME'", inputBinding: {prefix: --raw-ids}}
  rounds: {type: int?, doc: "Rounds: each masks anew, on what the round before made [default: 1]", inputBinding: {prefix: --rounds}}
  samples: {type: int?, doc: "Sequences of a protein, for each concept, arm and scale [default: 1]", inputBinding: {prefix: --samples}}
  temperature: {type: float?, doc: "Temperature of --decode sample [default: 1]", inputBinding: {prefix: --temperature}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  sequences: {type: File, format: "edam:format_1929", doc: "Generated sequences", outputBinding: {glob: $(inputs.output_name)}}
  table: {type: File?, format: "edam:format_3475", doc: "What was changed, and how it is read before and after", outputBinding: {glob: $(inputs.table_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: steer.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
