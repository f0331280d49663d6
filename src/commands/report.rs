//! `protsae-report`: one HTML file from which a person understands a model and its annotations.

mod assembly;
mod concepts;
mod examples;
mod facts;
mod finding;
mod known;
mod overview;
mod protein;
mod related;
mod structures;
mod survey;
mod tally;

use super::{
    calling::Calling,
    listed::{self, Listed},
    protein_rows::{self, FeatureModel},
    shared,
};
use crate::{
    Error, Result,
    cli::{CommonArgs, Context, Source, Target, TargetFolder, Tool, log},
    error::Context as _,
    sae::settings::Operand,
    score::precision::DEFAULT_PRECISION,
    table::{activations::ActivationReader, features::FeatureReader, schema},
};
use known::Known;
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};
use structures::Structures;
use survey::Survey;

/// Default of `--examples`.
const EXAMPLES: u8 = 3;
/// The most that it may be.
const MOST_EXAMPLES: i64 = 50;
/// Default of `--max-mb`.
const MAX_MB: f64 = 5.0;

/// Make one HTML file about a model and its annotations: what is usable at which precision, concepts, latents, examples,
/// proteins, what labels lack.
///
/// The file needs nothing else and reaches nothing. Everything but the model is optional; the page says which option gives
/// what it does not show.
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-report -m model/ --dictionary dictionary.json --scores metrics.json -i features.arrow --labels labels.arrow \\
    --split split.tsv -o report.html")]
pub struct Args {
    /// Feature table, or activation table, which goes through the model and the dictionary; repeat for several; '-' for
    /// standard input
    #[arg(short, long, value_name = "TABLE")]
    input: Vec<Source>,

    /// Model folder
    #[arg(short, long, value_name = "DIR")]
    model: PathBuf,

    /// Dictionary: how concepts are read, how right they are, and what latents are called
    #[arg(long, value_name = "FILE.json")]
    dictionary: Option<PathBuf>,

    /// Scores of the model, as protsae-evaluate writes them; repeat for several suites
    #[arg(long, value_name = "FILE.json")]
    scores: Vec<Source>,

    /// Label table
    #[arg(long, value_name = "TABLE")]
    labels: Option<Source>,

    /// Vocabulary of the labels [default: the model's]
    #[arg(long, value_name = "FILE.json")]
    concepts: Option<PathBuf>,

    /// Which proteins are for what: examples and what is right are of test proteins then
    #[arg(long, value_name = "FILE.tsv")]
    split: Option<Source>,

    /// Protein table (protsae-encode --proteins --neighbours), for the neighbours that corroborate calls; repeatable
    #[arg(long, value_name = "TABLE", requires = "input")]
    proteins: Vec<Source>,

    /// What labels lack, as protsae-interpret --missing writes it
    #[arg(long, value_name = "FILE.tsv")]
    missing: Option<Source>,

    /// Accessions of proteins that are shown in any case, one a line
    #[arg(long, value_name = "FILE", requires = "input")]
    proteins_listed: Option<Source>,

    /// Folder of structures, PDB or mmCIF, named after accessions (P12345.pdb) or as `AlphaFold` does it (AF-P12345-F1-model_v4.cif.gz):
    /// the chains of the proteins that are shown are drawn
    #[arg(long, value_name = "DIR", requires = "input")]
    structures: Option<PathBuf>,

    /// Also write those structures into a folder, with the values of each concept that is written of them as B-factors, and as
    /// views for Mol* (`MolViewSpec`)
    #[arg(long, value_name = "DIR")]
    structures_out: Option<TargetFolder>,

    /// Least probability that what is written is right
    #[arg(long, value_name = "P", default_value_t = DEFAULT_PRECISION)]
    min_precision: f64,

    /// Examples of each kind for each concept
    #[arg(long, value_name = "N", default_value_t = EXAMPLES, value_parser = clap::value_parser!(u8).range(..=MOST_EXAMPLES))]
    examples: u8,

    /// Size that the page should keep to: it shows fewer examples where they would make it larger
    #[arg(long, value_name = "MB", default_value_t = MAX_MB)]
    max_mb: f64,

    /// Page; '-' for standard output
    #[arg(short, long, default_value = "-", value_name = "FILE.html")]
    output: Target,

    #[command(flatten)]
    common: CommonArgs,
}

/// Opened inputs, all of one kind.
enum Inputs<'a> {
    Features(Vec<(&'a Source, FeatureReader)>),
    Activations(Vec<(&'a Source, ActivationReader)>),
}

impl Tool for Args {
    const NAME: &'static str = "protsae-report";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn first_foreign(folder: &Path) -> Option<PathBuf> {
        structures::first_foreign(folder)
    }

    fn run(&self, context: &Context) -> Result<()> {
        shared::check_share("--min-precision", self.min_precision)?;
        if !(self.max_mb.is_finite() && self.max_mb > 0.0) {
            let given = self.max_mb;
            return Err(Error::usage(format!(
                "--max-mb is {given}, expected a size"
            )));
        }
        if self.structures_out.is_some() && self.structures.is_none() {
            return Err(Error::usage("--structures-out needs --structures"));
        }
        let known = Known::read(self, context)?;
        let inputs = self.open(context, &known)?;
        if context.is_dry_run() {
            return self.plan(&known, &inputs);
        }
        let mut output = context.create(&self.output)?;
        let mut survey = Survey::new(&known, self.examples.into(), context.seed());
        self.read(&known, inputs, &mut survey)?;
        survey.finish(context);
        let donors = protein::Donors::read(self, context, &known, &survey)?;
        let folder = self.structures.as_deref();
        let structures = Structures::read(folder, context, &survey)?;
        let beside = assembly::Beside {
            donors: &donors,
            structures: &structures,
        };
        let (page, document) = assembly::page(self, context, &known, &survey, beside)?;
        structures.write(self.structures_out.as_ref(), context, &document)?;
        output
            .write_all(page.as_bytes())
            .during(&self.output.to_string())?;
        output.commit()
    }
}

impl Args {
    /// Opens all inputs; they must be of the model, and features of the dictionary.
    fn open(&self, context: &Context, known: &Known) -> Result<Inputs<'_>> {
        let (mut features, mut activations) = (Vec::new(), Vec::new());
        for source in &self.input {
            let table = context.open_table(source)?;
            if table.schema().column_with_name(schema::LATENT).is_none() {
                let sae = &known.sae;
                let reader = shared::open_activation_table(table, source, sae, &self.model)?;
                check_whole(source, reader.info().sample)?;
                activations.push((source, reader));
                continue;
            }
            let reader = FeatureReader::new(table).map_err(source.in_input())?;
            let info = reader.info();
            check_whole(source, info.sample)?;
            match &info.sae {
                Some(own) => {
                    let folder = self.model.display().to_string();
                    let model = known.sae.identity();
                    model.check_same(&folder, own, &source.to_string())?;
                }
                None => log::warn(&format!(
                    "{source}: nothing says that it was made by this model"
                )),
            }
            if let (Some(sha256), Some(path)) = (known.calibrated_by(), &self.dictionary) {
                shared::check_calibrated(source, info.dictionary.as_deref(), path, sha256)?;
            }
            features.push((source, reader));
        }
        match (features.first(), activations.first()) {
            (Some((f, _)), Some((a, _))) => Err(Error::mismatch(format!(
                "{a} holds activations, {f} holds features"
            ))),
            (_, Some(_)) => Ok(Inputs::Activations(activations)),
            _ => Ok(Inputs::Features(features)),
        }
    }

    /// Reads everything, protein by protein.
    fn read(&self, known: &Known, inputs: Inputs<'_>, survey: &mut Survey<'_>) -> Result<()> {
        let sae = &known.sae;
        match inputs {
            Inputs::Features(readers) => {
                let bounds = protein_rows::Known {
                    latents: sae.config.shape.latents,
                    concepts: known.concepts.len(),
                };
                protein_rows::of_features(readers, bounds, |rows| survey.add(rows))
            }
            Inputs::Activations(readers) => {
                let name = self.dictionary.as_ref().map(|p| p.display().to_string());
                let name = name.unwrap_or_default();
                let usable = listed::usable(known.entries(), sae.config.shape.defined, &name)?;
                let model = FeatureModel {
                    sae,
                    listed: Listed::Calibrated(usable),
                    calling: Calling::new(known.entries(), None, false)?,
                    compute: Operand::default(),
                };
                model.of_activations(readers, |rows| survey.add(rows))
            }
        }
    }

    fn plan(&self, known: &Known, inputs: &Inputs<'_>) -> Result<()> {
        let concepts = known.concepts.len();
        log::plan(&format!(
            "a page of {concepts} concepts, at most {} MB",
            self.max_mb
        ))?;
        let rows: Vec<(&Source, _)> = match inputs {
            Inputs::Features(all) => all.iter().map(|(s, r)| (*s, r.rows())).collect(),
            Inputs::Activations(all) => all.iter().map(|(s, r)| (*s, r.rows())).collect(),
        };
        for (source, rows) in rows {
            shared::plan_rows(source, rows.map_err(source.in_input())?, "residues")?;
        }
        Ok(())
    }
}

/// Demands whole proteins.
fn check_whole(source: &Source, sample: Option<u32>) -> Result<()> {
    match sample {
        None => Ok(()),
        Some(sample) => Err(Error::mismatch(format!(
            "{source} holds {sample} residues a protein ({}), expected whole proteins",
            schema::META_PLM_SAMPLE
        ))),
    }
}
