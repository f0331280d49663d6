//! `protsae-annotate`: features into standard annotation files.

mod calls;
mod format;
mod job;
mod known;
mod summary;
mod support;
mod write_calls;

use super::{
    decoding::{Decoding, concept_catalogue},
    feature_keys::FeatureKeys,
    missing::{KnownLabels, Missing},
    multiqc::MultiqcArgs,
    shared::{self, ReadDictionary},
};
use crate::{
    Error, Result,
    annot::feature::NO_ANNOTATION,
    cli::{CommonArgs, Context, Source, Target, Tool, log},
    error::Context as _,
    report::{
        Catalogue, LatentInfo, RangeFinder, RangeRules,
        formats::{Level, RangeFormat},
        range::{DEFAULT_PROBABILITY, DEFAULT_THRESHOLD},
    },
    score::{dictionary::ConceptEntry, precision},
    table::{features::FeatureReader, schema},
};
use calls::CallArgs;
use clap::builder::PossibleValuesParser;
use format::{AnnotationLevel, Chosen, format_names};
use job::{Counts, Finder, Job};
use known::{Known, NamedSae};
use std::{io::Write as _, path::PathBuf};
use summary::Tally;

/// Default of `--min-precision`.
pub(super) const MIN_PRECISION: f64 = precision::DEFAULT_PRECISION;

/// Turn features into annotation files: ranges of residues, or calls of whole proteins.
///
/// With a dictionary that protsae-interpret made from activations, and features that protsae-encode calibrated by it,
/// ranges of concepts are written that are right with a probability of --min-precision. Otherwise, or with --latents named
/// or all, ranges are runs of residues on which latents are active; nobody knows how often those are right.
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-annotate -i features.arrow --dictionary dictionary.json -o features.gff3
  protsae-annotate -i features.arrow --dictionary dictionary.json --ontology go.obo --date 2026-11-28 --taxon 559292 \\
    -o calls.gaf")]
pub struct Args {
    /// Feature table; repeat for several; '-' for standard input
    #[arg(
        short,
        long,
        required_unless_present = "proteins",
        value_name = "TABLE"
    )]
    input: Vec<Source>,

    /// Model folder: names of concepts and maxima of latents
    #[arg(
        short,
        long,
        value_name = "DIR",
        required_unless_present = "dictionary"
    )]
    model: Option<PathBuf>,

    /// Dictionary: how ranges of each concept are found, and how likely right; names, thresholds and maxima of latents
    #[arg(long, value_name = "FILE.json")]
    dictionary: Option<PathBuf>,

    /// Annotation file; '-' for standard output
    #[arg(short, long, default_value = "-", value_name = "FILE")]
    output: Target,

    /// Format; without it the output's suffix decides
    #[arg(short, long, value_parser = PossibleValuesParser::new(format_names()))]
    format: Option<String>,

    /// What is annotated, where a format is of both: ranges of residues, or whole proteins
    /// [default: residues, unless --proteins alone is given]
    #[arg(long, value_enum)]
    level: Option<AnnotationLevel>,

    /// Least probability that a range or a call is right; 0 writes all [default: 0.8; formats of scores, as cafa: 0]
    #[arg(long, value_name = "P")]
    min_precision: Option<f64>,

    /// Keys of features that say nothing about function, whose ranges are not written; or none
    #[arg(long, value_name = "KEYS", default_value_t = FeatureKeys::of(&NO_ANNOTATION))]
    exclude_features: FeatureKeys,

    /// Label table: only what these labels lack is written, ranges that share no residue with a label of their concept,
    /// and calls of concepts that the protein does not have
    #[arg(long, value_name = "TABLE")]
    missing_from: Option<Source>,

    /// Share of its maximum from which a latent counts (with --by probability: the probability)
    /// [default: the latent's own in the dictionary, else 0.15; probabilities 0.5]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    threshold: Option<f32>,

    /// What makes a range: activations of latents, or probabilities of concepts
    /// [default: activation]
    #[arg(long, value_enum)]
    by: Option<By>,

    /// Shortest run of activations that makes a range, in residues [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    min_run: Option<u32>,

    /// Longest gap between runs of activations that is bridged, in residues [default: 0]
    #[arg(long, value_name = "N")]
    max_gap: Option<u32>,

    /// Which latents: those given concepts of residues in training, also those that the dictionary names, or all
    #[arg(long, value_enum, default_value = "defined")]
    latents: Which,

    #[command(flatten)]
    multiqc: MultiqcArgs,

    #[command(flatten)]
    calls: CallArgs,

    #[command(flatten)]
    common: CommonArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Activation,
    Probability,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Defined,
    Named,
    All,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-annotate";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        let format = match self.format()? {
            Chosen::Ranges(format) => format,
            Chosen::Calls(format) => return self.write_calls(context, format),
        };
        if self.input.is_empty() {
            return Err(Error::usage(format!(
                "the format '{}' is of ranges of residues: give --input, or ask for --level proteins",
                format.name
            )));
        }
        if let Some(threshold) = self.threshold
            && !(threshold.is_finite() && threshold >= 0.0)
        {
            return Err(Error::usage(format!(
                "--threshold is {threshold}, expected 0 or more"
            )));
        }
        let Known {
            mut catalogue,
            identity,
            dictionary,
        } = self.known(context)?;
        let decoders = self.decoders(dictionary, format)?;
        self.choose(&mut catalogue);
        let (finder, calibrated_by) = self.finder(decoders, &mut catalogue, format);
        let readers = self.open(context, identity.as_ref(), calibrated_by.as_deref())?;
        if context.is_dry_run() {
            return plan(&finder, &catalogue, &readers);
        }
        let known = self.known_labels(context)?;
        let mut missing = known.map(|known| Missing::new(known, &catalogue));
        let mut tally = Tally::default();
        let counts = {
            let mut output = context.create(&self.output)?;
            let mut writer = (format.writer)(&mut output, &catalogue);
            let mut counted = tally.of_ranges(&mut *writer, &catalogue);
            let counts = Job::new(finder, missing.as_mut(), &mut counted).run(readers);
            let counts = counts.map_err(|e| name_output(e, &self.output))?;
            drop(writer);
            output.flush().during(&self.output.to_string())?;
            output.commit()?;
            counts
        };
        let table = || tally.table_of_ranges(&self.multiqc.sample());
        self.multiqc.write(context, table)?;
        self.count(context, counts, missing.as_ref(), calibrated_by.is_some());
        Ok(())
    }
}

/// How concepts are read, and the SHA-256 of the dictionary that says it.
struct Calibrated {
    concepts: Vec<ConceptEntry>,
    sha256: String,
}

impl Args {
    fn by(&self) -> By {
        self.by.unwrap_or(By::Activation)
    }

    /// Notes what was written, and from which probability or threshold on.
    fn count(
        &self,
        context: &Context,
        counts: Counts,
        missing: Option<&Missing<'_>>,
        is_calibrated: bool,
    ) {
        context.metric("proteins", counts.proteins);
        context.metric("residues", counts.residues);
        context.metric("ranges", counts.ranges);
        if let Some(missing) = missing {
            context.metric("ranges_that_labels_have", missing.left_out);
        }
        if is_calibrated {
            let least = self.min_precision.unwrap_or(MIN_PRECISION);
            context.metric("min_precision", least);
            return;
        }
        let threshold = match self.by() {
            By::Probability => DEFAULT_PROBABILITY,
            By::Activation => DEFAULT_THRESHOLD,
        };
        context.metric("default_threshold", threshold);
    }

    /// The labels whose contents are not written.
    fn known_labels(&self, context: &Context) -> Result<Option<KnownLabels>> {
        let read = |source| KnownLabels::read(context, source);
        self.missing_from.as_ref().map(read).transpose()
    }

    /// How ranges are found, and by which dictionary they are calibrated; the catalogue becomes that of what is found.
    fn finder(
        &self,
        decoders: Option<Calibrated>,
        catalogue: &mut Catalogue,
        format: RangeFormat,
    ) -> (Finder, Option<String>) {
        let Some(Calibrated { concepts, sha256 }) = decoders else {
            return (Finder::Runs(self.runs(catalogue)), None);
        };
        *catalogue = concept_catalogue(&concepts);
        let decoding = Decoding::new(
            concepts,
            |concept| self.wants_concept(&catalogue.latents[concept as usize]),
            self.min_precision.unwrap_or(MIN_PRECISION),
            format.level == Level::Tracks,
        );
        (Finder::Decoding(decoding), Some(sha256))
    }

    /// How runs of activations are found.
    fn runs(&self, catalogue: &Catalogue) -> RangeFinder {
        let rules = RangeRules {
            threshold: self.threshold,
            min_run: self.min_run.unwrap_or(1),
            max_gap: self.max_gap.unwrap_or(0),
            by_probability: self.by() == By::Probability,
        };
        RangeFinder::new(catalogue, rules)
    }

    /// How concepts are read, where a dictionary says it and no other latents are asked for.
    fn decoders(
        &self,
        dictionary: Option<ReadDictionary>,
        format: RangeFormat,
    ) -> Result<Option<Calibrated>> {
        let of_activations = [
            ("--threshold", self.threshold.is_some()),
            ("--by", self.by.is_some()),
            ("--min-run", self.min_run.is_some()),
            ("--max-gap", self.max_gap.is_some()),
        ];
        if let Some(p) = self.min_precision {
            shared::check_share("--min-precision", p)?;
        }
        let has_dictionary = dictionary.is_some();
        let concepts = dictionary.and_then(|read| {
            Some(Calibrated {
                concepts: read.content.concepts?,
                sha256: read.sha256,
            })
        });
        if let (Some(concepts), Which::Defined) = (concepts, self.latents) {
            return match of_activations.iter().find(|(_, given)| *given) {
                None => Ok(Some(concepts)),
                Some((option, _)) => Err(Error::usage(format!(
                    "{option} is for runs of activations, and the dictionary says how ranges are found; ask for \
                     --min-precision, or for --latents named or all"
                ))),
            };
        }
        if self.min_precision.is_some() || format.level == Level::Tracks {
            let what = self.min_precision.map_or("bedGraph", |_| "--min-precision");
            return Err(Error::usage(format!(
                "{what} needs a --dictionary that protsae-interpret made from activations, and no other --latents than defined"
            )));
        }
        if has_dictionary && self.latents == Which::Defined {
            log::warn(
                "the dictionary does not say how likely ranges are right: it was made from features, or by an older version; \
                 made anew from activations, it does",
            );
        }
        Ok(None)
    }

    /// Whether ranges of a concept are written unless all are asked for.
    fn wants_concept(&self, info: &LatentInfo) -> bool {
        let id = info.concept.as_deref().unwrap_or_default();
        !info.whole_protein && !self.exclude_features.have(id)
    }

    /// Marks the latents that are wanted.
    fn choose(&self, catalogue: &mut Catalogue) {
        for info in &mut catalogue.latents {
            info.wanted = match self.latents {
                Which::Defined => info.defined && self.wants_concept(info),
                Which::Named => info.concept.is_some(),
                Which::All => true,
            };
        }
    }

    /// Opens all inputs and checks that they fit, before any work.
    fn open<'a>(
        &'a self,
        context: &Context,
        identity: Option<&NamedSae>,
        calibrated_by: Option<&str>,
    ) -> Result<Vec<(&'a Source, FeatureReader)>> {
        let mut readers = Vec::new();
        for source in &self.input {
            let reader =
                FeatureReader::new(context.open_table(source)?).map_err(source.in_input())?;
            let info = reader.info();
            if let Some(sample) = info.sample {
                return Err(Error::mismatch(format!(
                    "{source} holds {sample} residues a protein ({}), expected whole proteins: ranges of residues need all of them",
                    schema::META_PLM_SAMPLE
                )));
            }
            NamedSae::check(identity, info.sae.as_ref(), source)?;
            if let (Some(sha256), Some(path)) = (calibrated_by, &self.dictionary) {
                shared::check_calibrated(source, info.dictionary.as_deref(), path, sha256)?;
            }
            readers.push((source, reader));
        }
        Ok(readers)
    }
}

/// Says where writing failed; other errors name their input already.
fn name_output(error: Error, target: &Target) -> Error {
    if error.is_io() {
        error.context(target.to_string())
    } else {
        error
    }
}

fn plan(
    finder: &Finder,
    catalogue: &Catalogue,
    readers: &[(&Source, FeatureReader)],
) -> Result<()> {
    let (wanted, what) = match finder {
        Finder::Runs(_) => {
            let wanted = catalogue.latents.iter().filter(|l| l.wanted);
            (wanted.count(), "latents")
        }
        Finder::Decoding(decoding) => (decoding.wanted(), "concepts"),
    };
    log::plan(&format!(
        "ranges of {wanted} of {} {what}",
        catalogue.latents.len()
    ))?;
    for (source, reader) in readers {
        let rows = reader.rows().map_err(source.in_input())?;
        shared::plan_rows(source, rows, "residues")?;
    }
    Ok(())
}
