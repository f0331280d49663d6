//! `protsae-annotate`: features into standard annotation files.

mod calls;

use super::shared::{self, WholeProteins};
use crate::{
    Error, Result,
    cli::{
        CommonArgs, Context, Source, Target, Tool, log, progress::Progress,
        target::split_compression,
    },
    error::Context as _,
    report::{
        Catalogue, FeatureRange, LatentInfo, ProteinRanges, RangeFinder, RangeRules, RangeWriter,
        calls::{self as call_formats, CallFormat},
        formats::{self, FORMATS, RangeFormat},
        range::{DEFAULT_PROBABILITY, DEFAULT_THRESHOLD},
    },
    sae::folder::Sae,
    score::dictionary::Dictionary,
    table::{
        SaeIdentity, TableError,
        features::{FeatureBatch, FeatureReader},
        schema,
    },
};
use calls::{CallArgs, Job as CallJob, Names};
use clap::builder::PossibleValuesParser;
use std::{io::Write as _, path::PathBuf};

/// Turn features into annotation files: ranges of residues, or calls of whole proteins
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-annotate -i features.arrow -m model/ -o features.gff3
  protsae-annotate --proteins proteins.arrow -m model/ --ontology go.obo --date 2026-11-28 --taxon 559292 \\
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

    /// Dictionary of latents: names, thresholds and maxima of each
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

    /// Least probability that a call is right [default: 0.8; formats of scores, as cafa: 0]
    #[arg(long, value_name = "P")]
    min_precision: Option<f64>,

    /// Share of its maximum from which a latent counts (with --by probability: the probability)
    /// [default: the latent's own in the dictionary, else 0.15; probabilities 0.5]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    threshold: Option<f32>,

    /// What makes a range: activations of latents, or probabilities of concepts
    #[arg(long, value_enum, default_value = "activation")]
    by: By,

    /// Shortest range, in residues
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    min_run: u32,

    /// Longest gap that is bridged, in residues
    #[arg(long, default_value_t = 0, value_name = "N")]
    max_gap: u32,

    /// Which latents: those given concepts in training, also those that the dictionary names, or all
    #[arg(long, value_enum, default_value = "defined")]
    latents: Which,

    #[command(flatten)]
    calls: CallArgs,

    #[command(flatten)]
    common: CommonArgs,
}

/// Names of all formats, of ranges first.
fn format_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    for format in call_formats::FORMATS {
        if !names.contains(&format.name) {
            names.push(format.name);
        }
    }
    names
}

/// What is annotated.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum AnnotationLevel {
    /// Ranges of residues.
    Residues,
    /// Whole proteins.
    Proteins,
}

/// The format of a run.
enum Chosen {
    Ranges(RangeFormat),
    Calls(CallFormat),
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
        calls::check_precision(self.min_precision)?;
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
        let (catalogue, identity) = self.catalogue(context)?;
        let readers = self.open(context, identity.as_ref())?;
        if context.is_dry_run() {
            return plan(&catalogue, &readers);
        }
        let mut output = context.create(&self.output)?;
        let by_probability = self.by == By::Probability;
        let counts = {
            let mut writer = (format.writer)(&mut output, &catalogue, by_probability);
            let rules = RangeRules {
                threshold: self.threshold,
                min_run: self.min_run,
                max_gap: self.max_gap,
                by_probability,
            };
            let mut job = Job {
                finder: RangeFinder::new(&catalogue, rules),
                writer: &mut *writer,
                whole: WholeProteins::default(),
                ranges: Vec::new(),
                length: 0,
                counts: Counts::default(),
            };
            job.run(readers).map_err(|e| name_output(e, &self.output))?;
            job.counts
        };
        output.flush().during(&self.output.to_string())?;
        output.commit()?;
        context.metric("proteins", counts.proteins);
        context.metric("residues", counts.residues);
        context.metric("ranges", counts.ranges);
        context.metric(
            "default_threshold",
            if by_probability {
                DEFAULT_PROBABILITY
            } else {
                DEFAULT_THRESHOLD
            },
        );
        Ok(())
    }
}

impl Args {
    /// The format that was asked for, by name or by the output's suffix.
    fn format(&self) -> Result<Chosen> {
        let file = self
            .output
            .path()
            .and_then(|path| path.file_name()?.to_str());
        let file = file.map(|name| split_compression(name).0);
        let (of_ranges, of_calls) = match &self.format {
            Some(name) => (formats::by_name(name), call_formats::by_name(name)),
            None => (
                file.and_then(formats::by_file_name),
                file.and_then(call_formats::by_file_name),
            ),
        };
        let alone = self.input.is_empty() && !self.calls.proteins.is_empty();
        let level = self.level.unwrap_or(if alone {
            AnnotationLevel::Proteins
        } else {
            AnnotationLevel::Residues
        });
        match (of_ranges, of_calls, level) {
            (Some(format), _, AnnotationLevel::Residues) | (Some(format), None, _) => {
                Ok(Chosen::Ranges(format))
            }
            (_, Some(format), _) => Ok(Chosen::Calls(format)),
            (None, None, _) => Err(Error::usage(format!(
                "cannot tell the format of {}; name it by --format, one of {}",
                self.output,
                format_names().join(", ")
            ))),
        }
    }

    /// Writes calls of whole proteins.
    fn write_calls(&self, context: &Context, format: CallFormat) -> Result<()> {
        let sae = match &self.model {
            Some(folder) => Some(shared::load_model(context, folder)?),
            None => None,
        };
        let dictionary = match &self.dictionary {
            Some(path) => {
                let source = Source::File(path.clone());
                Some(Dictionary::read(context.open(&source)?).map_err(source.in_input())?)
            }
            None => None,
        };
        let identity = match (&self.model, &sae, &self.dictionary, &dictionary) {
            (Some(folder), Some(sae), ..) => Some((folder.display().to_string(), sae.identity())),
            (_, _, Some(path), Some(dictionary)) => {
                let own = dictionary.sae.clone();
                own.map(|own| (path.display().to_string(), own))
            }
            _ => None,
        };
        let names = Names::new(sae.as_ref(), dictionary.as_ref());
        self.calls.check(format, &names)?;
        let ontology = self.calls.ontology(context)?;
        if context.is_dry_run() {
            return calls::plan(context, &self.calls.proteins);
        }
        let provenance = self.calls.provenance(
            ontology.as_ref().map(|(ontology, _)| ontology),
            identity.as_ref().map(|(_, sae)| sae),
            dictionary.is_some(),
        );
        let mut output = context.create(&self.output)?;
        let counts = {
            let mut writer = (format.writer)(&mut output, &provenance);
            let job = CallJob {
                names: &names,
                ontology: ontology.as_ref(),
                format,
                min_precision: self.min_precision,
                identity: identity.as_ref(),
            };
            let run = self.calls.run(context, &job, &mut *writer);
            run.map_err(|e| name_output(e, &self.output))?
        };
        output.flush().during(&self.output.to_string())?;
        output.commit()?;
        context.metric("proteins", counts.proteins);
        context.metric("calls", counts.calls);
        context.metric("uncalibrated_proteins", counts.uncalibrated);
        context.metric("terms_moved_to_ancestors", counts.moved);
        context.metric("terms_of_other_taxa", counts.other_taxon);
        context.metric("terms_unknown_or_obsolete", counts.unknown);
        Ok(())
    }

    /// What the latents are called, and what says of which SAE they are, by name.
    fn catalogue(&self, context: &Context) -> Result<(Catalogue, Option<(String, SaeIdentity)>)> {
        let sae = match &self.model {
            Some(folder) => Some(shared::load_model(context, folder)?),
            None => None,
        };
        let mut catalogue = Catalogue::default();
        let folder = self.model.as_ref().map(|f| f.display().to_string());
        let mut identity = folder.zip(sae.as_ref().map(Sae::identity));
        if let Some(sae) = &sae {
            let defined = sae.config.shape.defined;
            for (i, &maximum) in sae.latent_max.iter().enumerate() {
                let concept = sae.concepts.concepts.get(i).filter(|_| i < defined);
                let info = concept.map_or_else(
                    || LatentInfo::unnamed(i, maximum),
                    |c| LatentInfo::of_concept(c, maximum),
                );
                catalogue.latents.push(info);
            }
        }
        if let Some(path) = &self.dictionary {
            let source = Source::File(path.clone());
            let dictionary = Dictionary::read(context.open(&source)?).map_err(source.in_input())?;
            match (&identity, &dictionary.sae) {
                (Some((folder, sae)), Some(own)) => {
                    own.check_same(&source.to_string(), sae, folder)?;
                }
                (None, Some(own)) => identity = Some((source.to_string(), own.clone())),
                (_, None) => {}
            }
            if sae.is_none() {
                catalogue = dictionary.catalogue();
            }
            let known = sae.as_ref().is_none_or(Sae::knows_maxima);
            dictionary
                .describe(&mut catalogue, known)
                .map_err(source.in_input())?;
        }
        let known = self.dictionary.is_some() || sae.as_ref().is_none_or(Sae::knows_maxima);
        if !known && self.by == By::Activation {
            log::warn(
                "the model does not know the maxima of its latents, which stand as 1: thresholds are activations; --dictionary has them",
            );
        }
        for info in &mut catalogue.latents {
            info.wanted = match self.latents {
                Which::Defined => info.defined,
                Which::Named => info.concept.is_some(),
                Which::All => true,
            };
        }
        Ok((catalogue, identity))
    }

    /// Opens all inputs and checks that they fit, before any work.
    fn open<'a>(
        &'a self,
        context: &Context,
        identity: Option<&(String, SaeIdentity)>,
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
            match (identity, &info.sae) {
                (Some((name, sae)), Some(table)) => {
                    sae.check_same(name, table, &source.to_string())?;
                }
                _ => log::warn(&format!(
                    "{source}: nothing says that it was made by this model"
                )),
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

fn plan(catalogue: &Catalogue, readers: &[(&Source, FeatureReader)]) -> Result<()> {
    let wanted = catalogue.latents.iter().filter(|l| l.wanted).count();
    log::plan(&format!(
        "ranges of {wanted} of {} latents",
        catalogue.latents.len()
    ))?;
    for (source, reader) in readers {
        let rows = reader.rows().map_err(source.in_input())?;
        let rows = rows.map_or("a stream of unknown length".into(), |n| {
            format!("{n} residues")
        });
        log::plan(&format!("{source}: {rows}"))?;
    }
    Ok(())
}

#[derive(Default)]
struct Counts {
    proteins: u64,
    residues: u64,
    ranges: u64,
}

/// The work on all inputs.
struct Job<'a> {
    finder: RangeFinder,
    writer: &'a mut dyn RangeWriter,
    whole: WholeProteins,
    ranges: Vec<FeatureRange>,
    /// Position of the protein's last residue so far; 0: no protein has begun.
    length: u32,
    counts: Counts,
}

impl Job<'_> {
    fn run(&mut self, readers: Vec<(&Source, FeatureReader)>) -> Result<()> {
        let total = readers.iter().map(|(_, r)| r.rows().ok().flatten()).sum();
        let mut progress = Progress::new("residues", total);
        self.writer.begin()?;
        for (source, reader) in readers {
            for batch in reader {
                let batch = batch.map_err(source.in_input())?;
                self.batch(&batch, source)?;
                progress.add(batch.rows() as u64);
            }
            self.end_protein()?;
            self.whole.end_of_table();
        }
        progress.finish();
        Ok(self.writer.end()?)
    }

    fn batch(&mut self, batch: &FeatureBatch, source: &Source) -> Result<()> {
        let columns = batch.columns().map_err(source.in_input())?;
        let latents = self.finder.latents() as u32;
        let largest = [&columns.latent.values, &columns.concept.values];
        if let Some(bad) = largest
            .into_iter()
            .flat_map(|v| v.iter())
            .find(|&&k| k >= latents)
        {
            return Err(Error::mismatch(format!(
                "{source} names latent {bad}, the model or dictionary has {latents}"
            )));
        }
        for run in batch.runs() {
            let protein = batch.protein(run.start);
            if self.whole.current != protein || self.length == 0 {
                self.end_protein()?;
            }
            self.whole.next(protein).map_err(source.in_input())?;
            for row in run {
                let position = columns.position[row];
                if position != self.length + 1 {
                    return Err(TableError::Value {
                        column: schema::POSITION,
                        row,
                        problem: format!(
                            "residue {position} of protein '{protein}' follows residue {}; proteins must be whole",
                            self.length
                        ),
                    })
                    .map_err(source.in_input());
                }
                self.length = position;
                self.finder.residue(
                    position,
                    columns.latent.row(row),
                    columns.activation.row(row),
                    columns.concept.row(row),
                    columns.probability.row(row),
                );
            }
        }
        Ok(())
    }

    fn end_protein(&mut self) -> Result<()> {
        if self.length == 0 {
            return Ok(());
        }
        self.finder.finish(&mut self.ranges);
        self.counts.proteins += 1;
        self.counts.residues += u64::from(self.length);
        self.counts.ranges += self.ranges.len() as u64;
        let protein = ProteinRanges {
            protein: &self.whole.current,
            length: std::mem::take(&mut self.length),
            ranges: &self.ranges,
        };
        Ok(self.writer.protein(&protein)?)
    }
}
