//! `protsae-evaluate`: how faithful SAEs are, how well their latents agree with concepts, and how well function is predicted.

mod alignment;
mod control;
mod course;
mod disentanglement;
mod function;
mod groups;
mod held_out;
mod loss;
mod names;
mod probing;
mod ranges;
mod reading;
mod rows;
mod summary;

use super::{feature_keys::FeatureKeys, multiqc::MultiqcArgs, shared, train::grid};
use crate::{
    Error, Result,
    annot::feature::NO_ANNOTATION,
    cli::{
        CommonArgs, Context, Source, Target, Tool,
        args::{OnBad, OnBadArgs},
        log,
    },
    score::{
        comparison::{ScoredModel, compare},
        metrics::{Metrics, PartSize},
    },
    split::partition::Partition,
};
use control::ControlChoice;
use course::AcrossModels;
pub(super) use function::CURVE_COLUMNS;
use function::{FunctionArgs, ScoredFiles};
use groups::Groups;
use loss::LossArgs;
use rows::Collector;
use std::path::{Path, PathBuf};

/// Default of `--min-precision`, as of protsae-annotate.
const MIN_PRECISION: f64 = super::annotate::MIN_PRECISION;
/// Positive residues from which a residue-level concept counts in the means.
const MIN_RESIDUES: usize = 50;
/// Positive proteins from which a protein-level concept counts in the means.
const MIN_PROTEINS: usize = 20;

/// Score trained SAEs, or predictions of function, on held-out proteins
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-evaluate -i activations.arrow -m model/ --labels labels.arrow --split split.tsv -o metrics.json
  protsae-evaluate -i activations.arrow -m grid/ -m topk/ --labels labels.arrow --split split.tsv -o comparison.json \\
    --table comparison.md
  protsae-evaluate --suite function --evaluator cafa --predictions theirs.tsv --truth truth.tsv --ontology go.obo \\
    --information-accretion IA.txt -o metrics.json")]
pub struct Args {
    /// Activation table; repeat for several; '-' for standard input
    #[arg(
        short,
        long,
        required_unless_present = "predictions",
        value_name = "TABLE"
    )]
    input: Vec<Source>,

    /// Model folder, or that of a grid; repeat for several, which are put beside each other: those that differ by their seed
    /// alone are one row with an interval
    #[arg(
        short,
        long,
        required_unless_present = "predictions",
        value_name = "DIR"
    )]
    model: Vec<PathBuf>,

    /// Label table; needed for all suites but 'fidelity'
    #[arg(long, value_name = "TABLE")]
    labels: Option<Source>,

    /// Vocabulary of the labels [default: the model's own]
    #[arg(long, value_name = "FILE.json")]
    concepts: Option<PathBuf>,

    /// Which proteins are for what; without it, everything is chosen and reported on all proteins
    #[arg(long, value_name = "FILE.tsv")]
    split: Option<Source>,

    /// What to compute; 'ranges' needs activations of whole proteins
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "fidelity,alignment"
    )]
    suite: Vec<Suite>,

    /// Dictionary whose ranges and calls are scored [default: ranges are read as is best on valid, as protsae-interpret
    /// does; no calls]
    #[arg(long, value_name = "FILE.json")]
    dictionary: Option<PathBuf>,

    /// The probability of being right from which ranges are scored as protsae-annotate writes them
    #[arg(long, default_value_t = MIN_PRECISION, value_name = "P")]
    min_precision: f64,

    /// What scores of the suites 'alignment' and 'ranges' stand beside; of these 'ranges' knows 'random-sae'
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "NAMES",
        default_value = "random-sae,shuffled-labels"
    )]
    controls: Vec<ControlChoice>,

    /// Clusters of homologues, which stay whole, also where intervals draw from proteins: MMseqs2's two columns or
    /// CD-HIT's .clstr; repeatable. In the suite 'ranges' proteins of one sequence are together in any case
    #[arg(long, value_name = "FILE")]
    clusters: Vec<Source>,

    /// Keys of features that say nothing about function, which count neither in ranges nor among all latents; or none
    #[arg(long, value_name = "KEYS", default_value_t = FeatureKeys::of(&NO_ANNOTATION))]
    exclude_features: FeatureKeys,

    /// Positive test residues from which a residue-level concept counts in the means
    #[arg(long, default_value_t = MIN_RESIDUES, value_name = "N")]
    min_residues: usize,

    /// Positive test proteins from which a protein-level concept counts in the means
    #[arg(long, default_value_t = MIN_PROTEINS, value_name = "N")]
    min_proteins: usize,

    /// Scores; '-' for standard output
    #[arg(short, long, default_value = "-", value_name = "FILE.json")]
    output: Target,

    /// Also write the main scores of all models as a Markdown table
    #[arg(long, value_name = "FILE.md")]
    table: Option<Target>,

    #[command(flatten)]
    multiqc: MultiqcArgs,

    #[command(flatten)]
    loss: LossArgs,

    #[command(flatten)]
    function: FunctionArgs,

    #[command(flatten)]
    on_bad: OnBadArgs,

    #[command(flatten)]
    common: CommonArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Suite {
    /// Reconstruction, sparsity, and with --plm the loss recovered
    Fidelity,
    /// Agreement of predictions and latents with concepts
    Alignment,
    /// Ranges of residues; needs activations of whole proteins
    Ranges,
    /// Function prediction
    Function,
    /// Logistic probes of concepts on all latents, on few, and on the PLM's activations; they are fitted here, so this takes
    /// its time
    Probing,
    /// Cosines of related concepts, absorption, entanglement, monosemanticity
    Disentanglement,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-evaluate";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        self.check()?;
        let (mut scored, mut across) = (Vec::new(), AcrossModels::default());
        let folders = self.folders()?;
        for (folder, name) in folders.iter().zip(names::distinct(&folders)) {
            if let Some((sae, metrics)) = self.score_model(context, folder, &mut across)? {
                scored.push(ScoredModel { name, sae, metrics });
            }
        }
        if folders.is_empty()
            && let Some(metrics) = self.score_predictions(context)?
        {
            context.write_json(&self.output, &metrics)?;
            return self.write_summary(context, &[(self.multiqc.sample(), &metrics)]);
        }
        let Some(last) = scored.last() else {
            return Ok(());
        };
        context.metric("test_proteins", last.metrics.test.proteins);
        context.metric("test_residues", last.metrics.test.residues);
        if folders.len() == 1 {
            context.write_json(&self.output, &last.metrics)?;
            self.write_summary(context, &[(self.multiqc.sample(), &last.metrics)])?;
            return self.write_table(context, &scored);
        }
        let samples: Vec<(String, &Metrics)> = (scored.iter())
            .map(|model| (model.name.clone(), &model.metrics))
            .collect();
        self.write_summary(context, &samples)?;
        self.write_table(context, &scored)
    }
}

impl Args {
    /// Refuses options that contradict each other.
    fn check(&self) -> Result<()> {
        shared::check_share("--min-precision", self.min_precision)?;
        let none = ControlChoice::None;
        if self.controls.len() > 1 && self.controls.contains(&none) {
            return Err(Error::usage(
                "--controls: 'none' stands alone, without the name of a control",
            ));
        }
        if self.controls.contains(&ControlChoice::PlmNeurons) {
            demand_files(
                &self.input,
                "--controls plm-neurons reads activations again",
            )?;
        }
        if self.suite.contains(&Suite::Ranges) && self.draws_groups() {
            let why = "the suite 'ranges' and another read --clusters, each by itself";
            demand_files(&self.clusters, why)?;
        }
        if self.model.is_empty() && self.table.is_some() {
            return Err(Error::usage("--table is of models, not of --predictions"));
        }
        self.loss.check(self.suite.contains(&Suite::Fidelity))
    }

    /// The folders of the models, a grid's each by itself.
    fn folders(&self) -> Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for folder in &self.model {
            match grid::models(folder)? {
                Some(models) => folders.extend(models),
                None => folders.push(folder.clone()),
            }
        }
        if folders.len() > 1 {
            let tables = self.input.iter().chain(&self.labels);
            let others = self.split.iter().chain(&self.clusters);
            demand_files(
                tables.chain(others),
                "each of several models reads its inputs again",
            )?;
        }
        if folders.len() > 1 && self.dictionary.is_some() {
            return Err(Error::usage(
                "--dictionary is of one model, and there are several",
            ));
        }
        Ok(folders)
    }

    /// Whether anything but ranges asks which proteins are drawn together.
    fn draws_groups(&self) -> bool {
        let suites = [Suite::Function, Suite::Disentanglement];
        self.loss.plm.is_some() || suites.iter().any(|suite| self.suite.contains(suite))
    }

    /// Which proteins are drawn together, where anything but ranges asks for it.
    fn groups(&self, context: &Context) -> Result<Groups> {
        let files: &[Source] = if self.draws_groups() {
            &self.clusters
        } else {
            &[]
        };
        Groups::read(context, files)
    }

    /// Writes the models beside each other: as JSON where they are several, and as a table.
    fn write_table(&self, context: &Context, models: &[ScoredModel]) -> Result<()> {
        let several = models.len() > 1;
        if !several && self.table.is_none() {
            return Ok(());
        }
        let comparison = compare(models);
        if several {
            context.write_json(&self.output, &comparison)?;
        }
        if let Some(target) = &self.table {
            let table = summary::markdown(&comparison);
            context.write_text(target, &table)?;
        }
        Ok(())
    }

    /// Writes the table for MultiQC, where it is asked for.
    fn write_summary(&self, context: &Context, samples: &[(String, &Metrics)]) -> Result<()> {
        let table = || summary::multiqc_table(samples);
        self.multiqc.write(context, table)
    }

    /// Scores predictions that others made; none in a dry run.
    fn score_predictions(&self, context: &Context) -> Result<Option<Metrics>> {
        if self.suite != [Suite::Function] {
            return Err(Error::usage(
                "predictions have scores of the suite 'function' alone: ask for --suite function",
            ));
        }
        let setting = self.function.setting(context, self.groups(context)?)?;
        if context.is_dry_run() {
            for source in &self.function.predictions {
                log::plan(&format!("{source}: predictions to score"))?;
            }
            return Ok(None);
        }
        let ScoredFiles { function, proteins } = setting.score_files(context)?;
        Ok(Some(Metrics {
            test: PartSize {
                proteins: proteins as u64,
                residues: 0,
            },
            function: Some(function),
            ..Metrics::new()
        }))
    }

    /// Proteins that the split does not list: an error, or counted.
    fn check_unlisted(&self, context: &Context, collector: &Collector<'_>) -> Result<()> {
        let unlisted = &collector.unlisted;
        if unlisted.is_empty() {
            return Ok(());
        }
        if self.on_bad.on_bad == OnBad::Error {
            // the split was read, or nothing would be unlisted
            return Ok(Partition::default().check(unlisted.iter().map(String::as_str))?);
        }
        shared::warn_of_unlisted(unlisted.len(), collector.proteins());
        context.metric("proteins_not_in_split", unlisted);
        Ok(())
    }
}

/// Refuses what can be read once, such as a pipe, where it is read again.
fn demand_files<'a>(sources: impl IntoIterator<Item = &'a Source>, why: &str) -> Result<()> {
    let is_file = |source: &&Source| source.path().is_some_and(Path::is_file);
    match sources.into_iter().find(|source| !is_file(source)) {
        Some(source) => Err(Error::usage(format!(
            "{source}: {why}, which standard input and pipes cannot give: give a file"
        ))),
        None => Ok(()),
    }
}
