//! `protsae-train`: activations and labels into a model folder.

mod grid;
mod inputs;

use crate::{
    Error, Result,
    annot::concept::ConceptsFile,
    cli::{
        CommonArgs, Context, Source, Tool,
        args::OnBadArgs,
        context::to_json,
        log,
        output::{OutputFolder, Target},
        progress::Progress,
    },
    error::Context as _,
    sae::{
        SaeError,
        checkpoint::Checkpoints,
        config::{AxiomNorm, Balance, ForcedMean, Objective, Shape, Variant},
        meter::{EpochLine, Measures},
        settings::{LabelLevel, Normalize, Schedule, Training, Unlabelled},
        store::{self, Sae},
        train::{Event, RunOptions, Task, Trained},
    },
    table::activations::ActivationInfo,
};
use inputs::Inputs;
use std::path::{Path, PathBuf};

/// Latents where `--latents` is not given, unless there are more concepts than half of them.
const DEFAULT_LATENTS: usize = 4096;
/// Default of `--axioms-per-step`: an ontology's tens of thousands would cost more than all else.
const DEFAULT_AXIOMS_PER_STEP: usize = 2048;
/// Default of `--log-every`.
const DEFAULT_LOG_EVERY: u64 = 10;
/// Default of `--checkpoint-every`.
const DEFAULT_CHECKPOINT_EVERY: u64 = 1000;
/// Default of `--epochs` from a pipe, which can be read once.
const PIPE_EPOCHS: u32 = 1;

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
    input: Vec<Source>,

    /// Label table
    #[arg(long, value_name = "TABLE")]
    labels: Source,

    /// Vocabulary of concepts with its axioms; without it, the labels' ids, sorted, no axioms
    #[arg(long, value_name = "FILE.json")]
    concepts: Option<PathBuf>,

    /// Which proteins are for training and which select the model; without it, all train
    #[arg(long, value_name = "FILE.tsv")]
    split: Option<Source>,

    /// Model folder; it appears whole
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,

    #[command(flatten)]
    on_bad: OnBadArgs,

    #[command(flatten)]
    method: MethodArgs,

    #[command(flatten)]
    training: TrainingArgs,

    #[command(flatten)]
    run: RunArgs,

    #[command(flatten)]
    common: CommonArgs,
}

/// The model and its loss.
#[derive(clap::Args, Debug)]
struct MethodArgs {
    /// Which autoencoder
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = METHOD)]
    variant: Variant,

    /// Latents, those of concepts among them [default: 4096, or twice the concepts if that is more]
    #[arg(long, value_name = "N", help_heading = METHOD)]
    latents: Option<usize>,

    /// Latents kept per residue
    #[arg(long, default_value_t = Objective::default().k, value_name = "K", help_heading = METHOD)]
    k: usize,

    /// Weight of the annotation loss
    #[arg(long, default_value_t = Objective::default().lambda_annot, value_name = "X", help_heading = METHOD)]
    lambda_annot: f64,

    /// Weight of the axiom loss; 0 leaves it out
    #[arg(long, default_value_t = Objective::default().lambda_axiom, value_name = "X", help_heading = METHOD)]
    lambda_axiom: f64,

    /// Margin of the axioms' hinges
    #[arg(long, default_value_t = Objective::default().margin, allow_negative_numbers = true, value_name = "X", help_heading = METHOD)]
    margin: f64,

    /// Axioms drawn per normal form and step, where a form has more; 0: all of them
    #[arg(long, default_value_t = DEFAULT_AXIOMS_PER_STEP, value_name = "N", help_heading = METHOD)]
    axioms_per_step: usize,

    /// Normalisation of class centres inside the axiom loss
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = METHOD)]
    axiom_norm: AxiomNorm,

    /// Lift the latent of a predicted concept to the mean of the unknown latents
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false", help_heading = METHOD)]
    forced_activation: bool,

    /// Which unknown latents that mean runs over
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = METHOD)]
    forced_mean: ForcedMean,

    /// Keep the reconstruction loss out of the predictor's weights
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false", help_heading = METHOD)]
    detach: bool,

    /// Weight of the penalty on active latents (relu, gated, jumprelu)
    #[arg(long, default_value_t = Objective::default().lambda_sparsity, value_name = "X", help_heading = METHOD)]
    lambda_sparsity: f64,

    /// Width of the window in which a threshold learns (jumprelu)
    #[arg(long, default_value_t = Objective::default().bandwidth, value_name = "X", help_heading = METHOD)]
    bandwidth: f64,

    /// Matryoshka: numbers of first latents, those of concepts among them, that must reconstruct by themselves too
    #[arg(long, value_delimiter = ',', value_name = "N,...", help_heading = METHOD)]
    prefixes: Vec<usize>,

    /// Learn a scale for each concept's encoder row
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false", help_heading = METHOD)]
    rescale: bool,
}

/// How it is trained.
#[derive(clap::Args, Debug)]
struct TrainingArgs {
    /// Rows a step
    #[arg(long, default_value_t = Training::default().batch, value_name = "N", help_heading = TRAINING)]
    batch: usize,

    /// Passes over the training rows [default: 50; from a pipe: 1]
    #[arg(long, value_name = "N", help_heading = TRAINING)]
    epochs: Option<u32>,

    /// End after so many steps, whatever the epoch
    #[arg(long, value_name = "N", help_heading = TRAINING)]
    max_steps: Option<u64>,

    /// Learning rate of Adam; larger batches bear a larger one (0.002 with 1024 rows)
    #[arg(long, default_value_t = Training::default().lr, value_name = "X", help_heading = TRAINING)]
    lr: f64,

    /// How the learning rate goes on: one step down, constant, or along half a cosine
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = TRAINING)]
    schedule: Schedule,

    /// Steps over which the learning rate rises from 0
    #[arg(long, default_value_t = 0, value_name = "N", help_heading = TRAINING)]
    warmup: u64,

    /// Shorten gradients, of all parameters taken together, to this length
    #[arg(long, value_name = "X", help_heading = TRAINING)]
    clip: Option<f64>,

    /// End after so many epochs without a better validation
    #[arg(long, value_name = "N", help_heading = TRAINING)]
    patience: Option<u32>,

    /// What the learning rate is multiplied by after --lr-epoch, or comes down to (cosine)
    #[arg(long, default_value_t = Training::default().lr_factor, value_name = "X", help_heading = TRAINING)]
    lr_factor: f64,

    /// Epoch after which the learning rate falls
    #[arg(long, default_value_t = Training::default().lr_epoch, value_name = "N", help_heading = TRAINING)]
    lr_epoch: u32,

    /// Initial bias of the concept predictor
    #[arg(long, default_value_t = Training::default().predictor_bias, allow_negative_numbers = true, value_name = "X", help_heading = TRAINING)]
    predictor_bias: f64,

    /// Scale activations to a mean square of 1 a column, centred
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = TRAINING)]
    normalize: Normalize,

    /// Weight of a concept's positives: sqrt(negatives / positives), their ratio, or 1
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = TRAINING)]
    balance: Balance,

    /// Which labels count: of residues, of proteins (all, broadcast), or the finest a concept has
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = TRAINING)]
    label_level: LabelLevel,

    /// What a protein without any label says: that it carries no concept, or nothing; or nothing on
    /// the namespaces of which it has none
    #[arg(long, value_enum, default_value_t, value_name = "NAME", help_heading = TRAINING)]
    unlabelled: Unlabelled,

    /// Take rows in order of accession (from a pipe: of arrival)
    #[arg(long, help_heading = TRAINING)]
    no_shuffle: bool,

    /// First epoch whose model validation may select
    #[arg(long, default_value_t = Training::default().select_from, value_name = "N", help_heading = TRAINING)]
    select_from: u32,

    /// Begin with the weights of a model of the same sizes and concepts
    #[arg(long, value_name = "DIR", help_heading = TRAINING)]
    init: Option<PathBuf>,
}

/// How the run reports and saves.
#[derive(clap::Args, Debug)]
struct RunArgs {
    /// Steps per line of log.jsonl; 0: a line per epoch only
    #[arg(long, default_value_t = DEFAULT_LOG_EVERY, value_name = "N", help_heading = RUN)]
    log_every: u64,

    /// Steps per checkpoint; 0: none
    #[arg(long, default_value_t = DEFAULT_CHECKPOINT_EVERY, value_name = "N", help_heading = RUN)]
    checkpoint_every: u64,

    /// Where checkpoints go until the model is in place [default: the output's name + .checkpoints]
    #[arg(long, value_name = "DIR", help_heading = RUN)]
    checkpoint_dir: Option<PathBuf>,

    /// Train many models on one pass over the data: every combination of these values of k, seed,
    /// lr, lambda-annot, lambda-axiom or lambda-sparsity, each in a folder of its own in the output
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE,...", help_heading = RUN)]
    grid: Vec<String>,

    /// Go on from the last checkpoint, if there is one, to the same bytes
    #[arg(long, help_heading = RUN)]
    resume: bool,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-train";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        let training = self.training(context.seed());
        training.check()?;
        let init = match &self.training.init {
            None => None,
            Some(folder) => Some(super::shared::load_model(context, folder)?),
        };
        let training = Training {
            init: init.as_ref().map(|sae| sae.sha256.clone()),
            ..training
        };
        let (inputs, concepts) = Inputs::open(self, context, &training)?;
        let task = self.task(&inputs, &concepts, training, init.as_ref())?;
        let points = grid::points(&self.run.grid)?;
        let tasks = grid::tasks(&task, &points)?;
        for task in &tasks {
            task.objective.check(&task.shape)?;
        }
        if self.run.resume && !points.is_empty() {
            return Err(Error::usage("--resume does not go with --grid"));
        }
        context.note_output(&Target::File(self.output.clone()))?;
        if context.is_dry_run() {
            return plan(&inputs, &tasks);
        }
        context.note_device("cpu");
        let checkpoint_dir = self.checkpoint_dir();
        let options = RunOptions {
            log_every: self.run.log_every,
            // the models of a grid are not saved on the way
            checkpoint_every: if points.is_empty() {
                self.run.checkpoint_every
            } else {
                0
            },
            checkpoint_dir: checkpoint_dir.clone(),
            resume: self.run.resume,
        };
        let trained = run(inputs, &tasks, &options)?;
        let folder = OutputFolder::create(&self.output)?;
        for (i, trained) in trained.iter().enumerate() {
            report(context, trained);
            write(&folder, &grid::prefix(&points, i), trained, &concepts)?;
        }
        if !points.is_empty() {
            let content = to_json(&grid::table(&points, &trained))?;
            folder.write(grid::FILE, content.as_bytes())?;
        }
        folder.commit()?;
        Checkpoints::new(&checkpoint_dir).remove()?;
        Ok(())
    }
}

impl Args {
    fn is_pipe(&self) -> bool {
        match self.input.as_slice() {
            [Source::Stdin] => true,
            [Source::File(path)] => path.metadata().is_ok_and(|m| !m.is_file() && !m.is_dir()),
            _ => false,
        }
    }

    fn checkpoint_dir(&self) -> PathBuf {
        if let Some(dir) = &self.run.checkpoint_dir {
            return dir.clone();
        }
        let output: PathBuf = self.output.components().collect();
        let mut name = output.into_os_string();
        name.push(".checkpoints");
        name.into()
    }

    fn training(&self, seed: u64) -> Training {
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
            balance: t.balance,
            label_level: t.label_level,
            unlabelled: t.unlabelled,
            shuffle: !t.no_shuffle,
            select_from: t.select_from,
            init: None,
        }
    }

    /// Settings and sizes, checked against the model to begin with.
    fn task<'a>(
        &self,
        inputs: &Inputs,
        concepts: &'a ConceptsFile,
        training: Training,
        init: Option<&'a Sae>,
    ) -> Result<Task<'a>> {
        let m = concepts.concepts.len();
        let a = &self.method;
        let defined = match a.variant {
            variant if variant.predicts() => m,
            _ => 0,
        };
        let latents = match (a.latents, init) {
            // the predictor's rows and no more
            _ if a.variant == Variant::LinearProbe => defined,
            (Some(latents), _) => latents,
            (None, Some(sae)) => sae.config.shape.latents,
            (None, None) => DEFAULT_LATENTS.max(2 * defined),
        };
        let ontology = defined > 0;
        let shape = Shape {
            width: inputs.width,
            latents,
            defined,
            zero_classes: if ontology {
                concepts.zero_classes.len()
            } else {
                0
            },
            relations: if ontology {
                concepts.relations.len()
            } else {
                0
            },
        };
        let objective = Objective {
            variant: a.variant,
            k: a.k,
            lambda_annot: a.lambda_annot,
            lambda_axiom: a.lambda_axiom,
            margin: a.margin,
            axioms_per_step: Some(a.axioms_per_step).filter(|&n| n > 0),
            axiom_norm: a.axiom_norm,
            forced_activation: a.forced_activation,
            forced_mean: a.forced_mean,
            detach: a.detach,
            rescale: a.rescale,
            lambda_sparsity: a.lambda_sparsity,
            bandwidth: a.bandwidth,
            prefixes: a.prefixes.clone(),
        };
        if let (Some(sae), Some(folder)) = (init, &self.training.init) {
            check_init(sae, folder, &shape, &objective, inputs, concepts)?;
        }
        Ok(Task {
            shape,
            objective,
            training,
            plm: inputs.info.plm.clone(),
            concepts,
            init,
        })
    }
}

/// Demands a model to begin with that has the same sizes, concepts and PLM.
fn check_init(
    sae: &Sae,
    folder: &Path,
    shape: &Shape,
    objective: &Objective,
    inputs: &Inputs,
    concepts: &ConceptsFile,
) -> Result<()> {
    let name = folder.display().to_string();
    sae.check_plm(&name, inputs.info.plm.as_ref(), shape.width, &inputs.name)?;
    let differs = |what: &str, found: &dyn std::fmt::Debug, expected: &dyn std::fmt::Debug| {
        Err(Error::mismatch(format!(
            "{name} cannot be begun with: its {what} is {found:?}, this training's {expected:?}"
        )))
    };
    if sae.config.shape != *shape {
        return differs("shape", &sae.config.shape, shape);
    }
    let norm = sae.config.objective.axiom_norm;
    if norm != objective.axiom_norm {
        return differs("axiom_norm", &norm, &objective.axiom_norm);
    }
    let mut pairs = sae.concepts.concepts.iter().zip(&concepts.concepts);
    if let Some((theirs, ours)) = pairs.find(|(a, b)| shape.defined > 0 && a.id != b.id) {
        let what = format!("concept {}", theirs.index);
        return differs(&what, &theirs.id, &ours.id);
    }
    Ok(())
}

fn run(inputs: Inputs, tasks: &[Task<'_>], options: &RunOptions) -> Result<Vec<Trained>> {
    let total = tasks.first().and_then(|task| inputs.total(&task.training));
    let mut progress = Progress::new("rows", total);
    let mut tell = |event: Event<'_>| match event {
        Event::Resumed(position) => log::info(&format!(
            "going on from step {}, epoch {}",
            position.step, position.epoch
        )),
        Event::Rows(rows) => progress.add(rows),
        Event::Epoch(line) => log::info(&describe(line)),
    };
    let trained = inputs.train(tasks, options, &mut tell);
    progress.finish();
    trained
}

fn describe(line: &EpochLine) -> String {
    let show = |m: &Measures| {
        let number = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.4}"));
        format!(
            "L_annot {}, FVU {}, L0 {:.1}, dead {}",
            number(m.l_annot),
            number(m.fvu),
            m.l0,
            m.dead
        )
    };
    let train = format!("epoch {}: {}", line.epoch, show(&line.train));
    match &line.valid {
        None => train,
        Some(valid) => format!(
            "{train}; validation {}{}",
            show(valid),
            if line.selected { " (best)" } else { "" }
        ),
    }
}

fn report(context: &Context, trained: &Trained) {
    let summary = &trained.summary;
    context.metric("steps", summary.steps);
    context.metric("epochs", summary.epochs);
    context.metric("rows", summary.train.rows);
    context.metric("dead_latents", summary.train.dead);
    let share = summary.train.dead as f64 / trained.config.shape.latents as f64;
    log::info(&format!(
        "{} steps; {:.1} % of the latents are dead; FVU {}",
        summary.steps,
        100.0 * share,
        summary.train.fvu.map_or("-".into(), |f| format!("{f:.4}"))
    ));
}

/// Writes a model into the output folder, under `prefix`.
fn write(
    folder: &OutputFolder,
    prefix: &Path,
    trained: &Trained,
    concepts: &ConceptsFile,
) -> Result<()> {
    let path = folder.path().join(prefix);
    std::fs::create_dir_all(&path).path(&path)?;
    let put = |name: &str, content: &[u8]| {
        let name = prefix.join(name);
        folder.write(&name.to_string_lossy(), content)
    };
    store::write_weights(
        &path.join(store::WEIGHTS_FILE),
        &trained.params,
        &trained.latent_max,
    )?;
    let yaml = serde_yaml::to_string(&trained.config).map_err(|e| SaeError::Sidecar {
        path: store::CONFIG_FILE.into(),
        message: e.to_string(),
    })?;
    put(store::CONFIG_FILE, yaml.as_bytes())?;
    put(store::CONCEPTS_FILE, to_json(concepts)?.as_bytes())?;
    put(store::SUMMARY_FILE, to_json(&trained.summary)?.as_bytes())?;
    put(store::LOG_FILE, &trained.log)
}

fn plan(inputs: &Inputs, tasks: &[Task<'_>]) -> Result<()> {
    for task in tasks {
        plan_one(inputs, task)?;
    }
    Ok(())
}

fn plan_one(inputs: &Inputs, task: &Task<'_>) -> Result<()> {
    let Shape {
        width,
        latents,
        defined,
        ..
    } = task.shape;
    // master weights and two moments of two matrices, and the best model so far
    let memory = (8 * 4 * latents * width) >> 20;
    log::plan(&format!(
        "{latents} latents, {defined} of concepts, width {width}, K {}; about {memory} MB",
        task.objective.k
    ))?;
    match inputs.total(&task.training) {
        Some(rows) => {
            // one product of encoder size and as much again for the rest, at 20 GFLOP/s
            let seconds = 4.0 * rows as f64 * (latents * width) as f64 / 2e10;
            log::plan(&format!("{rows} rows to train on, about {seconds:.0} s"))?;
        }
        None => log::plan("one pass over a stream of unknown length")?,
    }
    Ok(())
}

/// What all tables say of themselves.
fn same_info(
    first: &ActivationInfo,
    first_name: &str,
    other: &ActivationInfo,
    other_name: &str,
) -> Result<()> {
    if let (Some(a), Some(b)) = (&first.plm, &other.plm) {
        a.check_same(first_name, b, other_name)?;
    }
    if first.pool != other.pool {
        return Err(Error::mismatch(format!(
            "{first_name} holds rows {}, {other_name} rows {}",
            rows_of(first),
            rows_of(other)
        )));
    }
    Ok(())
}

fn rows_of(info: &ActivationInfo) -> String {
    match &info.pool {
        None => "of residues".into(),
        Some(pool) => format!("pooled by '{pool}'"),
    }
}
