//! The options of `protsae-train`.

use crate::{
    cli::{
        CommonArgs, SharedFolder, Source, TargetFolder, Tool,
        args::{DeviceChoice, OnBadArgs},
    },
    sae::{
        config::{
            AxiomNorm, AxiomRadius, Balance, ForcedBy, ForcedMean, Objective, PredictorCenter,
            Variant,
        },
        settings::{LabelLevel, Normalize, Operand, Schedule, Training, Unlabelled},
    },
};
use std::path::PathBuf;

/// Default of `--axioms-per-step`: an ontology's tens of thousands would cost more than all else.
const DEFAULT_AXIOMS_PER_STEP: usize = 2048;
/// Default of `--log-every`.
const DEFAULT_LOG_EVERY: u64 = 10;
/// Default of `--checkpoint-every`.
const DEFAULT_CHECKPOINT_EVERY: u64 = 1000;
/// Default of `--epochs` from a pipe, which can be read once.
const PIPE_EPOCHS: u32 = 1;

/// What ends the name of a folder of checkpoints, unless `--checkpoint-dir` names one.
pub(in crate::commands) const CHECKPOINTS: &str = ".checkpoints";

const METHOD: &str = "Method";
const TRAINING: &str = "Training";
const RUN: &str = "Run";

/// Train a ProtSAE, or one of its rivals, on activations and labels
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-train -i activations.arrow --labels labels.arrow --concepts concepts.json \\
                --split split.tsv --latents 2048 --k 32 --batch 1024 --epochs 3 -o model/")]
pub struct Args {
    /// Activation table; repeat for several, in any order; '-' for standard input, in one pass
    #[arg(short, long, required = true, value_name = "TABLE")]
    pub(super) input: Vec<Source>,

    /// Label table
    #[arg(long, value_name = "TABLE")]
    pub(super) labels: Source,

    /// Vocabulary of concepts with its axioms; without it, the labels' ids, sorted, no axioms
    #[arg(long, value_name = "FILE.json")]
    pub(super) concepts: Option<PathBuf>,

    /// Which proteins are for training and which select the model; without it, all train
    #[arg(long, value_name = "FILE.tsv")]
    pub(super) split: Option<Source>,

    /// Model folder; it appears whole
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: TargetFolder,

    #[command(flatten)]
    pub(super) on_bad: OnBadArgs,

    #[command(flatten)]
    pub(super) method: MethodArgs,

    #[command(flatten)]
    pub(super) training: TrainingArgs,

    #[command(flatten)]
    pub(super) run: RunArgs,

    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// The model and its loss.
#[derive(clap::Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct MethodArgs {
    /// Which autoencoder
    #[arg(long, value_enum, default_value = "protsae", value_name = "NAME", help_heading = METHOD)]
    pub(super) variant: Variant,

    /// Latents, those of concepts among them [default: 4096, or twice the concepts if that is more]
    #[arg(long, value_name = "N", help_heading = METHOD)]
    pub(super) latents: Option<usize>,

    /// Latents kept per residue (protsae, topk, and both with batchtopk) [default: 32]
    #[arg(long, value_name = "K", help_heading = METHOD)]
    pub(super) k: Option<usize>,

    /// Weight of the annotation loss
    #[arg(long, default_value_t = Objective::default().lambda_annot, value_name = "X", help_heading = METHOD)]
    pub(super) lambda_annot: f64,

    /// What the concept predictor's input is centred by: the training rows' mean, or (the paper's) the
    /// decoder's bias, which moves [default: mean; with --init, the model's]
    #[arg(long, value_enum, value_name = "NAME", help_heading = METHOD)]
    pub(super) predictor_center: Option<PredictorCenter>,

    /// Weight of the implication loss beside the annotation loss, of children that are predicted more
    /// strongly than their parents; 0 leaves it out [default: 1; with --init, the model's]
    #[arg(long, value_name = "X", help_heading = METHOD)]
    pub(super) lambda_implication: Option<f64>,

    /// Weight of the axiom loss; 0 leaves it out [default: 0.1; with --init, the model's]
    #[arg(long, value_name = "X", help_heading = METHOD)]
    pub(super) lambda_axiom: Option<f64>,

    /// Margin of the axioms' hinges
    #[arg(long, default_value_t = Objective::default().margin, allow_negative_numbers = true, value_name = "X", help_heading = METHOD)]
    pub(super) margin: f64,

    /// Axioms drawn per normal form and step, where a form has more; 0: all of them
    #[arg(long, default_value_t = DEFAULT_AXIOMS_PER_STEP, value_name = "N", help_heading = METHOD)]
    pub(super) axioms_per_step: usize,

    /// Normalisation of class centres inside the axiom loss [default: unit; with --init, the model's]
    #[arg(long, value_enum, value_name = "NAME", help_heading = METHOD)]
    pub(super) axiom_norm: Option<AxiomNorm>,

    /// What the radius of a class is: its bias plus 6, or (the paper's) the bias's absolute value
    /// [default: signed; with --init, the model's]
    #[arg(long, value_enum, value_name = "NAME", help_heading = METHOD)]
    pub(super) axiom_radius: Option<AxiomRadius>,

    /// Lift the latent of a predicted concept to the mean of the unknown latents
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false", help_heading = METHOD)]
    pub(super) forced_activation: bool,

    /// Which unknown latents that mean runs over
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = METHOD)]
    pub(super) forced_mean: ForcedMean,

    /// Whose prediction lifts a concept's latent: its own, or that of any of its descendants too
    /// [default: own; with --init, the model's]
    #[arg(long, value_enum, value_name = "NAME", help_heading = METHOD)]
    pub(super) forced_by: Option<ForcedBy>,

    /// Keep the reconstruction loss out of the predictor's weights
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false", help_heading = METHOD)]
    pub(super) detach: bool,

    /// Weight of the penalty on active latents (relu, gated, jumprelu, splice) [default: 1]
    #[arg(long, value_name = "X", help_heading = METHOD)]
    pub(super) lambda_sparsity: Option<f64>,

    /// Width of the window in which a threshold learns (jumprelu) [default: 0.2]
    #[arg(long, value_name = "X", help_heading = METHOD)]
    pub(super) bandwidth: Option<f64>,

    /// Keep an inner product of 1 between each latent's encoder and decoder row
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, value_name = "true|false", help_heading = METHOD)]
    pub(super) aligned: bool,

    /// Dead latents of no concept, per residue, that reconstruct what the others leave, which revives them (Aux-K)
    #[arg(long, value_name = "N", help_heading = METHOD)]
    pub(super) aux_k: Option<usize>,

    /// Weight of that reconstruction's error
    #[arg(long, default_value_t = Objective::default().aux_weight, value_name = "X", help_heading = METHOD)]
    pub(super) aux_weight: f64,

    /// Rows without activation after which a latent is dead, for --aux-k
    #[arg(long, default_value_t = Objective::default().dead_after, value_name = "N", help_heading = METHOD)]
    pub(super) dead_after: u32,

    /// Matryoshka: numbers of first latents, those of concepts among them, that must reconstruct by themselves too
    #[arg(long, value_delimiter = ',', value_name = "N,...", help_heading = METHOD)]
    pub(super) prefixes: Vec<usize>,

    /// Learn a scale for each concept's encoder row
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false", help_heading = METHOD)]
    pub(super) rescale: bool,
}

/// How it is trained.
#[derive(clap::Args, Debug)]
pub(super) struct TrainingArgs {
    /// Rows a step
    #[arg(long, default_value_t = Training::default().batch, value_name = "N", help_heading = TRAINING)]
    pub(super) batch: usize,

    /// Passes over the training rows [default: 50; from a pipe: 1]
    #[arg(long, value_name = "N", help_heading = TRAINING)]
    pub(super) epochs: Option<u32>,

    /// End after so many steps, whatever the epoch
    #[arg(long, value_name = "N", help_heading = TRAINING)]
    pub(super) max_steps: Option<u64>,

    /// Learning rate of Adam; larger batches bear a larger one (0.002 with 1024 rows)
    #[arg(long, default_value_t = Training::default().lr, value_name = "X", help_heading = TRAINING)]
    pub(super) lr: f64,

    /// How the learning rate goes on: one step down, constant, or along half a cosine
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = TRAINING)]
    pub(super) schedule: Schedule,

    /// Steps over which the learning rate rises from 0
    #[arg(long, default_value_t = 0, value_name = "N", help_heading = TRAINING)]
    pub(super) warmup: u64,

    /// Shorten gradients, of all parameters taken together, to this length
    #[arg(long, value_name = "X", help_heading = TRAINING)]
    pub(super) clip: Option<f64>,

    /// End after so many epochs without a better validation
    #[arg(long, value_name = "N", help_heading = TRAINING)]
    pub(super) patience: Option<u32>,

    /// What the learning rate is multiplied by after --lr-epoch, or comes down to (cosine)
    #[arg(long, default_value_t = Training::default().lr_factor, value_name = "X", help_heading = TRAINING)]
    pub(super) lr_factor: f64,

    /// Epoch after which the learning rate falls
    #[arg(long, default_value_t = Training::default().lr_epoch, value_name = "N", help_heading = TRAINING)]
    pub(super) lr_epoch: u32,

    /// Initial bias of the concept predictor
    #[arg(long, default_value_t = Training::default().predictor_bias, allow_negative_numbers = true, value_name = "X", help_heading = TRAINING)]
    pub(super) predictor_bias: f64,

    /// Scale activations to a mean square of 1 a column, centred
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = TRAINING)]
    pub(super) normalize: Normalize,

    /// Begin with the decoder's bias at the activations' mean, or at 0, which leaves many latents
    /// dead on some models; the shares to expect are printed
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false", help_heading = TRAINING)]
    pub(super) center: bool,

    /// Weight of a concept's positives: sqrt(negatives / positives), their ratio, or 1
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = TRAINING)]
    pub(super) balance: Balance,

    /// Which labels count: of residues, of proteins (all, broadcast), or the finest a concept has
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = TRAINING)]
    pub(super) label_level: LabelLevel,

    /// What a protein without any label says: that it carries no concept, or nothing; or nothing on
    /// the namespaces of which it has none
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = TRAINING)]
    pub(super) unlabelled: Unlabelled,

    /// Take rows in order of accession (from a pipe: of arrival)
    #[arg(long, help_heading = TRAINING)]
    pub(super) no_shuffle: bool,

    /// First epoch whose model validation may select
    #[arg(long, default_value_t = Training::default().select_from, value_name = "N", help_heading = TRAINING)]
    pub(super) select_from: u32,

    /// Begin with the weights of a model of the same sizes and concepts
    #[arg(long, value_name = "DIR", help_heading = TRAINING)]
    pub(super) init: Option<PathBuf>,
}

/// How the run reports and saves.
#[derive(clap::Args, Debug)]
pub(super) struct RunArgs {
    /// Where to train: auto (a GPU where there is one that can), cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = RUN)]
    pub(super) device: DeviceChoice,

    /// What the products of rows with the encoder multiply; weights and all sums are f32 [default: f32 on a CPU, bf16 on a
    /// GPU]
    #[arg(long, value_enum, value_name = "TYPE", help_heading = RUN)]
    pub(super) compute: Option<Operand>,

    /// Steps per line of log.jsonl; 0: a line per epoch only
    #[arg(long, default_value_t = DEFAULT_LOG_EVERY, value_name = "N", help_heading = RUN)]
    pub(super) log_every: u64,

    /// Steps per checkpoint; 0: none
    #[arg(long, default_value_t = DEFAULT_CHECKPOINT_EVERY, value_name = "N", help_heading = RUN)]
    pub(super) checkpoint_every: u64,

    /// Where checkpoints go until the model is in place [default: the output's name + .checkpoints]
    #[arg(long, value_name = "DIR", help_heading = RUN)]
    pub(super) checkpoint_dir: Option<SharedFolder>,

    /// Train many models on one pass over the data: every combination of these values of k, seed, lr,
    /// lambda-annot, lambda-axiom, lambda-implication, lambda-sparsity, detach, forced-activation,
    /// rescale, predictor-center, axiom-radius, axiom-norm, forced-by or ablation (which leaves one part of the method
    /// out: none, detach, axioms, implication, forced-activation, rescale), each in a folder of its own
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE,...", help_heading = RUN)]
    pub(super) grid: Vec<String>,

    /// Write the log as an event file too, in the folder tensorboard of the model
    #[arg(long, help_heading = RUN)]
    pub(super) tensorboard: bool,

    /// Go on from the last checkpoint, if there is one, to the same bytes
    #[arg(long, help_heading = RUN)]
    pub(super) resume: bool,
}

impl Args {
    /// Whether the activations come through a pipe, once.
    pub(super) fn is_pipe(&self) -> bool {
        match self.input.as_slice() {
            [Source::Stdin] => true,
            [Source::File(path)] => path.metadata().is_ok_and(|m| !m.is_file() && !m.is_dir()),
            _ => false,
        }
    }

    /// Where checkpoints go.
    pub(super) fn checkpoint_dir(&self) -> SharedFolder {
        if let Some(folder) = &self.run.checkpoint_dir {
            return folder.clone();
        }
        // without a slash at its end
        let output: PathBuf = self.output.path().components().collect();
        let mut name = output.into_os_string();
        name.push(CHECKPOINTS);
        name.into()
    }

    /// How the model is trained.
    pub(super) fn training(&self, seed: u64) -> Training {
        let t = &self.training;
        let epochs = if self.is_pipe() {
            PIPE_EPOCHS
        } else {
            Training::default().epochs
        };
        Training {
            seed,
            order_seed: None,
            batch: t.batch,
            epochs: t.epochs.unwrap_or(epochs),
            max_steps: t.max_steps,
            lr: t.lr,
            schedule: t.schedule,
            warmup: t.warmup,
            clip: t.clip,
            patience: t.patience,
            lr_factor: t.lr_factor,
            lr_epoch: t.lr_epoch,
            predictor_bias: t.predictor_bias,
            normalize: t.normalize,
            center: t.center,
            // a GPU has a default of its own, once there is one
            compute: self.run.compute.unwrap_or_default(),
            balance: t.balance,
            label_level: t.label_level,
            unlabelled: t.unlabelled,
            shuffle: !t.no_shuffle,
            select_from: t.select_from,
            init: None,
        }
    }
}
