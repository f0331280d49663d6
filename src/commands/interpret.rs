//! `protsae-interpret`: what each latent means, as a dictionary.

mod calls;
mod input;
mod missing;
mod naming;
mod ranges;
mod reading;

use super::{compute::ComputeArgs, feature_keys::FeatureKeys, ranges as shared_ranges, shared};
use crate::{
    Error, Result,
    annot::feature::NO_ANNOTATION,
    cli::{
        CommonArgs, Context, Source, Target, Tool,
        args::{OnBad, OnBadArgs},
        context::to_json,
        log,
    },
    error::Context as _,
    report::tsv::write_line,
    score::dictionary::{Dictionary, LatentKind, Status},
    split::partition::Partition,
};
use input::Inputs;
use naming::{Rules, dictionary};
use reading::Reading;
use std::{io::Write as _, path::PathBuf};

/// Default of `--min-f1`.
const MIN_F1: f64 = 0.5;
/// Default of `--fdr`.
const FDR: f64 = 0.05;
/// Default of `--top-proteins`.
const TOP_PROTEINS: usize = 10;

/// Say what each latent means, and how ranges of each concept are read: calibrated, decoded, and how likely right
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-interpret -i activations.arrow -m model/ --labels labels.arrow --concepts concepts.json \\
    --split split.tsv -o dictionary.json")]
pub struct Args {
    /// Activation table of whole proteins; repeat for several; '-' for standard input. Of a feature table, only names of
    /// latents are found
    #[arg(short, long, required = true, value_name = "TABLE")]
    input: Vec<Source>,

    /// Model folder
    #[arg(short, long, value_name = "DIR")]
    model: PathBuf,

    /// Label table
    #[arg(long, value_name = "TABLE")]
    labels: Source,

    /// Vocabulary of the labels
    #[arg(long, value_name = "FILE.json")]
    concepts: PathBuf,

    /// Which proteins are for what: everything is chosen on valid, scores are of test; without it, both on all proteins
    #[arg(long, value_name = "FILE.tsv")]
    split: Option<Source>,

    /// Clusters of homologues, which stay whole where precision is estimated: MMseqs2's two columns or CD-HIT's .clstr;
    /// repeatable. Proteins of one sequence are together in any case
    #[arg(long, value_name = "FILE")]
    clusters: Vec<Source>,

    /// Keys of features that say nothing about function, of which no ranges are read; or none
    #[arg(long, value_name = "KEYS", default_value_t = FeatureKeys::of(&NO_ANNOTATION))]
    exclude_features: FeatureKeys,

    /// Least F1 on the proteins for choosing that gives a latent a name
    #[arg(long, default_value_t = MIN_F1, value_name = "F1")]
    min_f1: f64,

    /// Largest false discovery rate of the association that gives a latent a name
    #[arg(long, default_value_t = FDR, value_name = "Q")]
    fdr: f64,

    /// Proteins that are shown for each latent
    #[arg(long, default_value_t = TOP_PROTEINS, value_name = "N")]
    top_proteins: usize,

    /// Dictionary; '-' for standard output
    #[arg(short, long, default_value = "-", value_name = "FILE.json")]
    output: Target,

    /// Also write the dictionary as a table
    #[arg(long, value_name = "FILE.tsv")]
    table: Option<Target>,

    /// Also write the training proteins, with their mean activations and concepts, for protsae-encode --neighbours
    #[arg(long, value_name = "TABLE")]
    neighbours_out: Option<Target>,

    /// Also write what labels lack: ranges and calls that are likely right where the protein has no such label, likeliest
    /// first, with what corroborates them. Activations are read twice then, so they must be files
    #[arg(long, value_name = "FILE.tsv")]
    missing: Option<Target>,

    /// Least probability of being right of what --missing lists [default: 0.8]
    #[arg(long, value_name = "P", requires = "missing")]
    min_precision: Option<f64>,

    #[command(flatten)]
    compute: ComputeArgs,

    #[command(flatten)]
    on_bad: OnBadArgs,

    #[command(flatten)]
    common: CommonArgs,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-interpret";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        shared::check_share("--min-f1", self.min_f1)?;
        shared::check_share("--fdr", self.fdr)?;
        missing::check(self)?;
        let sae = shared::load_model(context, &self.model)?;
        let concepts = shared::read_concepts(context, &self.concepts)?;
        shared::check_vocabulary(&sae, &self.model, &concepts, &self.concepts)?;
        let labels = shared::read_labels(context, &self.labels, &concepts)?;
        let split = shared::read_split(context, self.split.as_ref())?;
        if !sae.knows_maxima() {
            shared::warn_of_unknown_maxima(&self.model);
        }
        let inputs = Inputs::open(self, context, &sae)?;
        if context.is_dry_run() {
            log::plan(&format!(
                "{} concepts, labels of {} proteins",
                labels.concepts(),
                labels.proteins()
            ))?;
            return Ok(());
        }
        let mut output = context.create(&self.output)?;
        let mut reading = Reading::new(&labels, split.as_ref(), &sae, self.top_proteins);
        if inputs.have_ranges() {
            reading.gathered = Some(shared_ranges::gather(
                &labels,
                &concepts.concepts,
                split.as_ref(),
                sae.config.shape.defined,
                &self.exclude_features,
            ));
            reading.means = Some(calls::Means::new(split.is_some()));
        } else if self.neighbours_out.is_some() || self.missing.is_some() {
            return Err(Error::usage(
                "--neighbours-out and --missing need activations of whole proteins",
            ));
        }
        self.compute.note(context);
        inputs.read(&sae, self.compute.compute, &mut reading)?;
        self.check_unlisted(context, &reading)?;
        let rules = Rules {
            min_f1: self.min_f1,
            fdr: self.fdr,
        };
        let mut dictionary = dictionary(&mut reading, &concepts, sae.identity(), rules);
        let clusters = ranges::add(&mut dictionary, self, context, &mut reading, &concepts)?;
        if let (Some(means), Some(clusters)) = (reading.means.take(), clusters) {
            let (known, defined) = ((&concepts, &labels), reading.defined);
            let means = calls::add(&mut dictionary, context, known, defined, means, &clusters)?;
            calls::write_neighbours(self, context, &sae, &labels, &means)?;
            let truth = missing::Truth {
                concepts: &concepts,
                labels: &labels,
                split: split.as_ref(),
            };
            missing::write(self, context, &sae, &dictionary, &truth, &means)?;
        }
        let text = to_json(&dictionary)?;
        output
            .write_all(text.as_bytes())
            .during(&self.output.to_string())?;
        output.commit()?;
        if let Some(target) = &self.table {
            write_table(context, target, &dictionary)?;
        }
        count_statuses(context, &dictionary);
        Ok(())
    }
}

impl Args {
    /// Proteins that the split does not list: an error, or counted.
    fn check_unlisted(&self, context: &Context, reading: &Reading<'_>) -> Result<()> {
        let unlisted = &reading.unlisted;
        if unlisted.is_empty() {
            return Ok(());
        }
        if self.on_bad.on_bad == OnBad::Error {
            Partition::default().check(unlisted.iter().map(String::as_str))?;
        }
        shared::warn_of_unlisted(unlisted.len(), unlisted.len() + reading.proteins as usize);
        context.metric("proteins_not_in_split", unlisted);
        Ok(())
    }
}

/// How many latents have each status.
fn count_statuses(context: &Context, dictionary: &Dictionary) {
    let all = [
        Status::Defined,
        Status::Named,
        Status::Unnamed,
        Status::Dead,
    ];
    for status in all {
        let with_status = dictionary.latents.iter().filter(|l| l.status == status);
        context.metric(status.name(), with_status.count());
    }
}

/// Columns of the table.
pub(super) const COLUMNS: [&str; 14] = [
    "latent",
    "kind",
    "status",
    "concept",
    "name",
    "f1",
    "precision",
    "recall",
    "auroc",
    "q_value",
    "threshold",
    "support",
    "density",
    "top_proteins",
];

/// Writes the dictionary as tab-separated values, one line a latent.
fn write_table(context: &Context, target: &Target, dictionary: &Dictionary) -> Result<()> {
    let mut output = context.create(target)?;
    let mut write = || -> std::io::Result<()> {
        write_line(&mut output, &COLUMNS)?;
        for entry in &dictionary.latents {
            let score = |s: Option<f64>| s.map(|s| format!("{s:.4}")).unwrap_or_default();
            let concept = entry.concept.as_ref();
            let kind = match entry.kind {
                LatentKind::Defined => "defined",
                LatentKind::Unknown => "unknown",
            };
            let top: Vec<&str> = entry
                .top_proteins
                .iter()
                .map(|t| t.protein.as_str())
                .collect();
            let fields: [&str; COLUMNS.len()] = [
                &entry.index.to_string(),
                kind,
                entry.status.name(),
                concept.map_or("", |c| c.id.as_str()),
                concept.map_or("", |c| c.name.as_str()),
                &score(entry.f1),
                &score(entry.precision),
                &score(entry.recall),
                &score(entry.auroc),
                &entry
                    .q_value
                    .map(|q| format!("{q:.3e}"))
                    .unwrap_or_default(),
                &entry.threshold.map(|t| t.to_string()).unwrap_or_default(),
                &entry.support.to_string(),
                &format!("{:.6}", entry.density),
                &top.join(","),
            ];
            write_line(&mut output, &fields)?;
        }
        output.flush()
    };
    write().during(&target.to_string())?;
    output.commit()
}
