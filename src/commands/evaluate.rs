//! `protsae-evaluate`: how faithful an SAE is, how well its latents agree with concepts, and how well function is predicted.

mod alignment;
mod control;
mod function;
mod ranges;
mod reading;
mod rows;
mod summary;

use super::{feature_keys::FeatureKeys, shared};
use crate::{
    Error, Result,
    annot::{concept::ConceptsFile, feature::NO_ANNOTATION, label_index::LabelIndex},
    cli::{
        CommonArgs, Context, Source, Target, Tool,
        args::{OnBad, OnBadArgs},
        log,
    },
    sae::Sae,
    score::{
        calls::Caller,
        dictionary::ConceptEntry,
        metrics::{METRICS_FORMAT, Metrics, PartSize},
    },
    split::partition::Partition,
    table::activations::ActivationReader,
};
use alignment::Aligner;
use clap::ValueEnum as _;
use control::Control;
pub(super) use function::CURVE_COLUMNS;
use function::{FunctionArgs, Means, ScoredFiles};
use ranges::RangeScorer;
use reading::{Pass, check_whole, plan};
use rows::{Collector, PartRows};
use std::path::{Path, PathBuf};

/// Default of `--min-precision`, as of protsae-annotate.
const MIN_PRECISION: f64 = super::annotate::MIN_PRECISION;
/// Positive residues from which a residue-level concept counts in the means.
const MIN_RESIDUES: usize = 50;
/// Positive proteins from which a protein-level concept counts in the means.
const MIN_PROTEINS: usize = 20;

/// Score a trained SAE, or predictions of function, on held-out proteins
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-evaluate -i activations.arrow -m model/ --labels labels.arrow --split split.tsv -o metrics.json
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

    /// Model folder
    #[arg(
        short,
        long,
        required_unless_present = "predictions",
        value_name = "DIR"
    )]
    model: Option<PathBuf>,

    /// Label table; needed for the suites 'alignment', 'ranges' and 'function'
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

    /// Also score ranges of an untrained autoencoder of the same size, read in the same way: what chance gives
    #[arg(long)]
    random_sae: bool,

    /// Clusters of homologues, which stay whole, also where intervals draw from proteins: MMseqs2's two columns or
    /// CD-HIT's .clstr; repeatable. In the suite 'ranges' proteins of one sequence are together in any case
    #[arg(long, value_name = "FILE")]
    clusters: Vec<Source>,

    /// Keys of features that say nothing about function, of which no ranges are scored; or none
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

    /// Also write a table for MultiQC
    #[arg(long, value_name = "FILE_mqc.json")]
    multiqc: Option<Target>,

    /// Name of the sample in the MultiQC table [default: the name of its file, without _mqc.json]
    #[arg(long, value_name = "NAME")]
    sample_name: Option<String>,

    #[command(flatten)]
    function: FunctionArgs,

    #[command(flatten)]
    on_bad: OnBadArgs,

    #[command(flatten)]
    common: CommonArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Suite {
    Fidelity,
    Alignment,
    Ranges,
    Function,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-evaluate";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        let metrics = match &self.model {
            Some(folder) => self.score_model(context, folder)?,
            None => self.score_predictions(context)?,
        };
        let Some(metrics) = metrics else {
            return Ok(());
        };
        context.write_json(&self.output, &metrics)?;
        if let Some(target) = &self.multiqc {
            let sample = self.sample(target);
            context.write_json(target, &summary::multiqc_table(&sample, &metrics))?;
        }
        context.metric("test_proteins", metrics.test.proteins);
        context.metric("test_residues", metrics.test.residues);
        Ok(())
    }
}

/// What a model is scored on.
struct Inputs<'a> {
    concepts: ConceptsFile,
    labels: Option<LabelIndex>,
    setting: Option<function::Setting<'a>>,
    split: Option<Partition>,
    readers: Vec<(&'a Source, ActivationReader)>,
    dictionary: Option<Vec<ConceptEntry>>,
}

impl Args {
    /// Scores predictions that others made; none in a dry run.
    fn score_predictions(&self, context: &Context) -> Result<Option<Metrics>> {
        if self.suite != [Suite::Function] {
            return Err(Error::usage(
                "predictions have scores of the suite 'function' alone: ask for --suite function",
            ));
        }
        let setting = self.function.setting(context, &self.clusters)?;
        if context.is_dry_run() {
            for source in &self.function.predictions {
                log::plan(&format!("{source}: predictions to score"))?;
            }
            return Ok(None);
        }
        let ScoredFiles { function, proteins } = setting.score_files(context)?;
        Ok(Some(Metrics {
            format: METRICS_FORMAT.into(),
            sae: None,
            plm: None,
            valid: None,
            test: PartSize {
                proteins: proteins as u64,
                residues: 0,
            },
            fidelity: None,
            alignment: None,
            consistency: None,
            ranges: None,
            function: Some(function),
        }))
    }

    /// Scores a model; none in a dry run.
    fn score_model(&self, context: &Context, folder: &Path) -> Result<Option<Metrics>> {
        let sae = shared::load_model(context, folder)?;
        let asked = |suite| self.suite.contains(&suite);
        let (fidelity, function) = (asked(Suite::Fidelity), asked(Suite::Function));
        let Some(inputs) = self.inputs(context, &sae, folder)? else {
            return Ok(None);
        };
        let (concepts, split) = (&inputs.concepts, inputs.split.as_ref());
        let of_suite = |suite| inputs.labels.as_ref().filter(|_| asked(suite));
        let mut aligner = of_suite(Suite::Alignment).map(|labels| {
            let readers = inputs.readers.iter();
            let whole = readers.map(|(_, r)| r.info().sample).all(|s| s.is_none());
            Aligner::new(&sae, labels, split.is_some(), whole)
        });
        let seek_maxima = warn_of_maxima(aligner.as_ref(), folder);
        let caller = inputs.dictionary.as_deref().map(Caller::new).transpose()?;
        let scorer = |sae, labels, dictionary| {
            let excluded = &self.exclude_features;
            RangeScorer::new(sae, labels, concepts, split, excluded, dictionary)
        };
        let of_ranges = of_suite(Suite::Ranges);
        let mut ranges = of_ranges.map(|labels| scorer(&sae, labels, inputs.dictionary));
        let untrained = self.random_sae.then(|| sae.untrained(context.seed()));
        let of_control = untrained.as_ref().zip(of_ranges);
        let mut control =
            of_control.map(|(sae, labels)| Control::new(sae, scorer(sae, labels, None), split));
        let mut collector = Collector::new(&sae, split, fidelity, seek_maxima || function);
        collector.with_residues = ranges.is_some();
        let mut means = function.then(|| Means::new(&sae.config.shape));
        let each = |rows: &PartRows| {
            if let Some(means) = &mut means {
                means.add(rows);
            }
            aligner.as_mut().map_or(Ok(()), |a| a.protein(rows))?;
            ranges.as_mut().map_or(Ok(()), |r| r.protein(rows))
        };
        let mut passes = vec![Pass::new(&sae, &mut collector, each)];
        passes.extend(control.as_mut().map(Control::pass));
        reading::read(inputs.readers, passes)?;
        self.check_unlisted(context, &collector)?;
        let (files, least) = (&self.clusters, self.min_precision);
        let finish = |scorer: RangeScorer<'_>, maxima: &[f32]| {
            scorer.finish(context, files, concepts, maxima, least)
        };
        let maxima = aligner.as_ref().map_or(&sae.latent_max, |a| &a.maxima);
        let ranges = ranges.map(|r| finish(r, maxima)).transpose()?;
        let ranges = match (ranges, control) {
            (Some(ranges), Some(control)) => Some(control.beside(ranges, finish)?),
            (ranges, _) => ranges,
        };
        let function = match (&inputs.setting, &mut means, &inputs.labels) {
            (Some(setting), Some(means), Some(labels)) => {
                let known = (concepts, labels);
                Some(setting.score_model(context, means, known, caller.flatten())?)
            }
            _ => None,
        };
        Ok(Some(Metrics {
            format: METRICS_FORMAT.into(),
            sae: Some(sae.identity()),
            plm: sae.config.plm.clone(),
            valid: split.is_some().then_some(collector.valid),
            test: collector.test,
            fidelity: fidelity.then(|| collector.fidelity()),
            alignment: aligner.map(|a| a.finish(concepts, self.min_residues, self.min_proteins)),
            consistency: collector.consistency(),
            ranges,
            function,
        }))
    }

    /// Opens what the suites need; none in a dry run, which says what would be read.
    fn inputs<'a>(
        &'a self,
        context: &Context,
        sae: &Sae,
        folder: &Path,
    ) -> Result<Option<Inputs<'a>>> {
        let with_ranges = self.suite.contains(&Suite::Ranges);
        shared::check_share("--min-precision", self.min_precision)?;
        if self.random_sae && !with_ranges {
            return Err(Error::usage(
                "--random-sae is a control of the suite 'ranges': ask for --suite ranges",
            ));
        }
        let concepts = self.vocabulary(context, sae, folder)?;
        let labels = self.labels(context, &concepts)?;
        let function = self.suite.contains(&Suite::Function);
        let setting = function.then(|| self.function.setting(context, &self.clusters));
        let inputs = Inputs {
            setting: setting.transpose()?,
            split: shared::read_split(context, self.split.as_ref())?,
            readers: shared::open_activations(context, &self.input, sae, folder)?,
            dictionary: self.readings(context, sae, folder)?,
            concepts,
            labels,
        };
        if with_ranges {
            check_whole(&inputs.readers)?;
        }
        if context.is_dry_run() {
            return plan(&inputs.readers).map(|()| None);
        }
        Ok(Some(inputs))
    }

    /// The vocabulary of the labels.
    fn vocabulary(&self, context: &Context, sae: &Sae, folder: &Path) -> Result<ConceptsFile> {
        let Some(path) = &self.concepts else {
            return Ok(sae.concepts.clone());
        };
        let concepts = shared::read_concepts(context, path)?;
        shared::check_vocabulary(sae, folder, &concepts, path)?;
        Ok(concepts)
    }

    /// The labels, where a suite needs them.
    fn labels(&self, context: &Context, concepts: &ConceptsFile) -> Result<Option<LabelIndex>> {
        let needs = |suite: &&Suite| **suite != Suite::Fidelity;
        match (&self.labels, self.suite.iter().find(needs)) {
            (Some(source), Some(_)) => Ok(Some(shared::read_labels(context, source, concepts)?)),
            (None, Some(suite)) => {
                let name = suite.to_possible_value();
                let name = name.as_ref().map_or("", |value| value.get_name());
                Err(Error::usage(format!(
                    "the suite '{name}' needs --labels; or ask for --suite fidelity"
                )))
            }
            (_, None) => Ok(None),
        }
    }

    /// How a dictionary reads concepts, where one is given.
    fn readings(
        &self,
        context: &Context,
        sae: &Sae,
        folder: &Path,
    ) -> Result<Option<Vec<ConceptEntry>>> {
        let Some(path) = &self.dictionary else {
            return Ok(None);
        };
        let dictionary = shared::read_dictionary(context, path)?.content;
        let name = path.display().to_string();
        if let Some(own) = &dictionary.sae {
            let folder = folder.display().to_string();
            own.check_same(&name, &sae.identity(), &folder)?;
        }
        match dictionary.concepts {
            Some(concepts) => Ok(Some(concepts)),
            None => Err(Error::mismatch(format!(
                "{name} is '{}', which does not say how ranges are found",
                dictionary.format
            ))),
        }
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

    /// The name of the sample: that of the file tells files of one report apart.
    fn sample(&self, target: &Target) -> String {
        if let Some(name) = &self.sample_name {
            return name.clone();
        }
        let file = target.path().and_then(Path::file_name);
        let file = file.map_or(env!("CARGO_PKG_NAME").into(), |name| name.to_string_lossy());
        file.strip_suffix("_mqc.json").unwrap_or(&file).to_owned()
    }
}

/// Whether the largest activations of latents are still to be found, which is said.
fn warn_of_maxima(aligner: Option<&Aligner<'_>>, folder: &Path) -> bool {
    let seek = aligner.is_some_and(|a| a.seek_maxima);
    if seek {
        shared::warn_of_unknown_maxima(folder);
    }
    seek
}
