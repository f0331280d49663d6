#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: "ProtSAE: training of a sparse autoencoder"
doc: |
  Trains a ProtSAE, or one of its rivals, on activations and labels. Shards in any order give the same model.
baseCommand: protsae-train
arguments: [--threads, $(runtime.cores), --provenance, train.$(inputs.output_name).provenance.json, --checkpoint-every, "0"] # of a failed step nothing is left to go on from
stderr: train.$(inputs.output_name).log
successCodes: [0]
permanentFailCodes: [1, 2, 3, 101]
temporaryFailCodes: [137] # memory exhausted: with more it may be done
requirements:
  - $import: ../common/offline.yml
  - {class: SchemaDefRequirement, types: [{$import: ../common/types.yml}]}
  - {class: ResourceRequirement, coresMin: 4, ramMin: 8000}
hints:
  - $import: ../common/container.yml
  - $import: ../common/software.yml

inputs:
  input: {type: {type: array, items: File, inputBinding: {prefix: --input}}, doc: "Activation table", inputBinding: {}}
  labels: {type: File, doc: "Label table", inputBinding: {prefix: --labels}}
  concepts: {type: File?, format: "edam:format_3464", doc: "Vocabulary of concepts with its axioms; without it, the labels' ids, sorted, no axioms", inputBinding: {prefix: --concepts}}
  split: {type: File?, format: "edam:format_3475", doc: "Which proteins are for training and which select the model; without it, all train", inputBinding: {prefix: --split}}
  init: {type: Directory?, doc: "Begin with the weights of a model of the same sizes and concepts", inputBinding: {prefix: --init}}
  output_name: {type: string, default: model, doc: "Model folder; it appears whole", inputBinding: {prefix: --output}}
  grid: {type: "string[]?", doc: "Train many models on one pass over the data: every combination of these values of k, seed, lr, lambda-annot, lambda-axiom, lambda-implication, lambda-sparsity, detach, forced-activation, rescale, predictor-center, axiom-radius, axiom-norm, forced-by or ablation (which leaves one part of the method out: none, detach, axioms, implication, forced-activation, rescale), each in a folder of its own", inputBinding: {prefix: --grid}}
  prefixes: {type: "int[]?", doc: "Matryoshka: numbers of first latents, those of concepts among them, that must reconstruct by themselves too", inputBinding: {prefix: --prefixes, itemSeparator: ","}}
  device: {type: string?, doc: "Where to train: auto (a GPU where there is one that can), cpu, cuda or cuda:N [default: auto]", inputBinding: {prefix: --device}}
  aligned: {type: ["null", ../common/types.yml#truth], doc: "Keep an inner product of 1 between each latent's encoder and decoder row [default: false]", inputBinding: {prefix: --aligned}}
  aux_k: {type: int?, doc: "Dead latents of no concept, per residue, that reconstruct what the others leave, which revives them (Aux-K)", inputBinding: {prefix: --aux-k}}
  aux_weight: {type: float?, doc: "Weight of that reconstruction's error [default: 0.03125]", inputBinding: {prefix: --aux-weight}}
  axiom_norm: {type: ["null", {type: enum, symbols: [none, batchnorm, unit]}], doc: "Normalisation of class centres inside the axiom loss [default: unit; with --init, the model's]", inputBinding: {prefix: --axiom-norm}}
  axiom_radius: {type: ["null", {type: enum, symbols: [signed, abs]}], doc: "What the radius of a class is: its bias plus 6, or (the paper's) the bias's absolute value [default: signed; with --init, the model's]", inputBinding: {prefix: --axiom-radius}}
  axioms_per_step: {type: int?, doc: "Axioms drawn per normal form and step, where a form has more; 0: all of them [default: 2048]", inputBinding: {prefix: --axioms-per-step}}
  balance: {type: ["null", {type: enum, symbols: [none, sqrt, inverse]}], doc: "Weight of a concept's positives: sqrt(negatives / positives), their ratio, or 1 [default: sqrt]", inputBinding: {prefix: --balance}}
  bandwidth: {type: float?, doc: "Width of the window in which a threshold learns (jumprelu) [default: 0.2]", inputBinding: {prefix: --bandwidth}}
  batch: {type: int?, doc: "Rows a step [default: 128]", inputBinding: {prefix: --batch}}
  center: {type: ["null", ../common/types.yml#truth], doc: "Begin with the decoder's bias at the activations' mean, or at 0, which leaves many latents dead on some models; the shares to expect are printed [default: true]", inputBinding: {prefix: --center}}
  clip: {type: float?, doc: "Shorten gradients, of all parameters taken together, to this length", inputBinding: {prefix: --clip}}
  compute: {type: ["null", {type: enum, symbols: [f32, bf16]}], doc: "What the products of rows with the encoder multiply; weights and all sums are f32 [default: f32 on a CPU, bf16 on a GPU]", inputBinding: {prefix: --compute}}
  dead_after: {type: int?, doc: "Rows without activation after which a latent is dead, for --aux-k [default: 131072]", inputBinding: {prefix: --dead-after}}
  detach: {type: ["null", ../common/types.yml#truth], doc: "Keep the reconstruction loss out of the predictor's weights [default: true]", inputBinding: {prefix: --detach}}
  epochs: {type: int?, doc: "Passes over the training rows [default: 50; from a pipe: 1]", inputBinding: {prefix: --epochs}}
  forced_activation: {type: ["null", ../common/types.yml#truth], doc: "Lift the latent of a predicted concept to the mean of the unknown latents [default: true]", inputBinding: {prefix: --forced-activation}}
  forced_by: {type: ["null", {type: enum, symbols: [own, coherent]}], doc: "Whose prediction lifts a concept's latent: its own, or that of any of its descendants too [default: own; with --init, the model's]", inputBinding: {prefix: --forced-by}}
  forced_mean: {type: ["null", {type: enum, symbols: [all, active]}], doc: "Which unknown latents that mean runs over [default: all]", inputBinding: {prefix: --forced-mean}}
  k: {type: int?, doc: "Latents kept per residue (protsae, topk, and both with batchtopk) [default: 32]", inputBinding: {prefix: --k}}
  label_level: {type: ["null", {type: enum, symbols: [residue, protein, auto]}], doc: "Which labels count: of residues, of proteins (all, broadcast), or the finest a concept has [default: auto]", inputBinding: {prefix: --label-level}}
  lambda_annot: {type: float?, doc: "Weight of the annotation loss [default: 10]", inputBinding: {prefix: --lambda-annot}}
  lambda_axiom: {type: float?, doc: "Weight of the axiom loss; 0 leaves it out [default: 0.1; with --init, the model's]", inputBinding: {prefix: --lambda-axiom}}
  lambda_implication: {type: float?, doc: "Weight of the implication loss beside the annotation loss, of children that are predicted more strongly than their parents; 0 leaves it out [default: 1; with --init, the model's]", inputBinding: {prefix: --lambda-implication}}
  lambda_sparsity: {type: float?, doc: "Weight of the penalty on active latents (relu, gated, jumprelu, splice) [default: 1]", inputBinding: {prefix: --lambda-sparsity}}
  latents: {type: int?, doc: "Latents, those of concepts among them [default: 4096, or twice the concepts if that is more]", inputBinding: {prefix: --latents}}
  log_every: {type: int?, doc: "Steps per line of log.jsonl; 0: a line per epoch only [default: 10]", inputBinding: {prefix: --log-every}}
  lr: {type: float?, doc: "Learning rate of Adam; larger batches bear a larger one (0.002 with 1024 rows) [default: 0.0005]", inputBinding: {prefix: --lr}}
  lr_epoch: {type: int?, doc: "Epoch after which the learning rate falls [default: 5]", inputBinding: {prefix: --lr-epoch}}
  lr_factor: {type: float?, doc: "What the learning rate is multiplied by after --lr-epoch, or comes down to (cosine) [default: 0.1]", inputBinding: {prefix: --lr-factor}}
  margin: {type: float?, doc: "Margin of the axioms' hinges [default: 0.1]", inputBinding: {prefix: --margin}}
  max_steps: {type: int?, doc: "End after so many steps, whatever the epoch", inputBinding: {prefix: --max-steps}}
  no_shuffle: {type: boolean?, doc: "Take rows in order of accession (from a pipe: of arrival)", inputBinding: {prefix: --no-shuffle}}
  normalize: {type: ["null", {type: enum, symbols: [scale, none]}], doc: "Scale activations to a mean square of 1 a column, centred [default: scale]", inputBinding: {prefix: --normalize}}
  on_bad: {type: ["null", ../common/types.yml#on_bad], doc: "What to do with a bad record: end with an error, or leave it out, count and list it [default: error]", inputBinding: {prefix: --on-bad}}
  patience: {type: int?, doc: "End after so many epochs without a better validation", inputBinding: {prefix: --patience}}
  predictor_bias: {type: float?, doc: "Initial bias of the concept predictor [default: -3]", inputBinding: {prefix: --predictor-bias}}
  predictor_center: {type: ["null", {type: enum, symbols: [mean, b-dec]}], doc: "What the concept predictor's input is centred by: the training rows' mean, or (the paper's) the decoder's bias, which moves [default: mean; with --init, the model's]", inputBinding: {prefix: --predictor-center}}
  rescale: {type: ["null", ../common/types.yml#truth], doc: "Learn a scale for each concept's encoder row [default: true]", inputBinding: {prefix: --rescale}}
  schedule: {type: ["null", {type: enum, symbols: [step, constant, cosine]}], doc: "How the learning rate goes on: one step down, constant, or along half a cosine [default: step]", inputBinding: {prefix: --schedule}}
  select_from: {type: int?, doc: "First epoch whose model validation may select [default: 1]", inputBinding: {prefix: --select-from}}
  tensorboard: {type: boolean?, doc: "Write the log as an event file too, in the folder tensorboard of the model", inputBinding: {prefix: --tensorboard}}
  unlabelled: {type: ["null", {type: enum, symbols: [negative, ignore, namespace]}], doc: "What a protein without any label says: that it carries no concept, or nothing; or nothing on the namespaces of which it has none [default: negative]", inputBinding: {prefix: --unlabelled}}
  variant: {type: ["null", {type: enum, symbols: [protsae, protsae-batchtopk, protsae-gated, protsae-jumprelu, topk, batchtopk, relu, gated, jumprelu, splice, linear-probe]}], doc: "Which autoencoder [default: protsae]", inputBinding: {prefix: --variant}}
  warmup: {type: int?, doc: "Steps over which the learning rate rises from 0 [default: 0]", inputBinding: {prefix: --warmup}}
  seed: {type: int?, doc: "Seed of everything random", inputBinding: {prefix: --seed}}
  config: {type: File?, format: "edam:format_3750", doc: "YAML file with further options by their long names; inputs given here win", inputBinding: {prefix: --config}}
  metrics_name: {type: string?, doc: "Name of a file: write the counts of this run", inputBinding: {prefix: --metrics}}

outputs:
  model: {type: Directory, doc: "The model; with a grid, one folder a model", outputBinding: {glob: $(inputs.output_name)}}
  counts: {type: File?, format: "edam:format_3464", doc: "Counts of this run", outputBinding: {glob: $(inputs.metrics_name)}}
  provenance: {type: File, format: "edam:format_3464", doc: "Who made what of what, and when", outputBinding: {glob: train.$(inputs.output_name).provenance.json}}
  log: {type: stderr, doc: "What the executable said"}

$namespaces: {edam: "http://edamontology.org/", iana: "https://www.iana.org/assignments/media-types/", s: "https://schema.org/"}
s:license: ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]
s:author: {$import: ../common/author.yml}
s:citation: https://doi.org/10.48550/arXiv.2509.05309
