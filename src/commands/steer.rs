//! `protsae-steer`: sequences that a PLM fills in while an SAE inserted into it is steered towards concepts.

mod asked;
mod job;

use super::{
    plm::{PlmArgs, Proteins, warn_of_structures},
    shared,
};
use crate::{
    Error, Result,
    cli::{CommonArgs, Context, Source, Target, Tool, args::OnBadArgs, log},
    error::Context as _,
    plm::{encoder::LoadPlan, place::Place, weights::ModelFolder},
    sae::{Encoder, Sae},
    steer::{
        Mode,
        filling::Alphabet,
        generator::Generator,
        goal::{Goal, Goals},
        motif::Motif,
        reader::Reader,
        record::Run,
        structure::Structures,
        treatment::treatments,
    },
};
use job::{Job, Outputs};
use std::path::PathBuf;

/// Word for `--positions`.
const RANDOM: &str = "random";
/// Most rounds, and most samples of a protein.
const MOST: i64 = 10_000;

/// What to compare with.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum ControlChoice {
    /// The SAE is inserted and nothing is changed.
    Unsteered,
    /// Nothing is inserted: the PLM fills in by itself.
    None,
    /// Latents of no concept are changed, as many as the concept's.
    RandomLatents,
    /// The latents of another concept, without common ancestors, are changed.
    Unrelated,
    /// All of these.
    All,
}

/// How a masked residue is filled in.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Decoding {
    /// The likeliest amino acid.
    Argmax,
    /// One that is drawn by the PLM's probabilities.
    Sample,
}

/// Steer a PLM towards concepts: proteins in, sequences out in which masked residues were filled in
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-steer -i proteins.fasta -m esm2_t33_650M_UR50D/ --sae model/ --concept GO:0005524 --scale 0.2,1 \\
    --controls all --motif '[AG]-x(4)-G-K-[ST]' -o steered.fasta --table steered.tsv")]
pub struct Args {
    /// FASTA file, plain, gzip, bgzip or zstd; repeat for several; '-' for standard input
    #[arg(short, long, required = true, value_name = "FASTA")]
    input: Vec<Source>,

    /// PLM's folder in Hugging Face layout, with its masked-language-modelling head
    #[arg(short, long, value_name = "DIR")]
    model: PathBuf,

    /// Folder of the SAE that is inserted into the PLM, at the layer and site that it was trained on
    #[arg(long, value_name = "DIR")]
    sae: PathBuf,

    /// Concept to steer towards, by its id; repeat for others, each of which is steered by itself
    #[arg(long, required_unless_present = "latent", value_name = "ID")]
    concept: Vec<String>,

    /// Latent to steer, by its number from 0; repeat for others, each of which is steered by itself
    #[arg(long, value_name = "N")]
    latent: Vec<u32>,

    /// Change a concept's own latent alone, not those of its ancestors too
    #[arg(long)]
    no_ancestors: bool,

    /// FASTA of the generated sequences; '-' for standard output
    #[arg(short, long, default_value = "-", value_name = "FASTA")]
    output: Target,

    /// Table of the generated sequences: what was changed, how it is read before and after, and controls
    #[arg(long, value_name = "TSV")]
    table: Option<Target>,

    /// What a scale is measured in
    #[arg(
        long,
        value_enum,
        default_value = "absolute",
        value_name = "MODE",
        conflicts_with = "ablate"
    )]
    mode: Mode,

    /// Scales that are added to the latents at every residue, separated by commas; each makes sequences of its own
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "0.2",
        allow_hyphen_values = true,
        value_name = "X",
        conflicts_with = "ablate"
    )]
    scale: Vec<f64>,

    /// Set the latents to 0 instead: the opposite of steering
    #[arg(long)]
    ablate: bool,

    /// Controls to generate over the same masked residues, separated by commas
    #[arg(
        long,
        visible_alias = "controls",
        value_enum,
        value_delimiter = ',',
        value_name = "ARM"
    )]
    control: Vec<ControlChoice>,

    /// Residues to mask: random, low-activation (those whose activations at the site are shortest), or a file with
    /// protein, start and end, 1-based and tab-separated
    #[arg(long, default_value = RANDOM, value_name = "HOW")]
    positions: Source,

    /// Share of a protein's residues that are masked in a round; a file of positions says it by itself
    #[arg(long, default_value_t = 0.3, value_name = "SHARE")]
    mask_ratio: f64,

    /// Rounds: each masks anew, on what the round before made
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST))]
    rounds: u32,

    /// How a masked residue is filled in, always with one of the twenty amino acids
    #[arg(long, value_enum, default_value = "argmax", value_name = "HOW")]
    decode: Decoding,

    /// Temperature of --decode sample [default: 1]
    #[arg(long, value_name = "T")]
    temperature: Option<f64>,

    /// Sequences of a protein, for each concept, arm and scale
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST))]
    samples: u32,

    /// Motif in PROSITE's syntax whose matches are counted before and after, such as '[AG]-x(4)-G-K-[ST]'
    #[arg(long, value_name = "PATTERN")]
    motif: Option<String>,

    /// What a structure predictor says of generated sequences: a TSV with the columns `id`, `tm_score` and `plddt`
    #[arg(long, value_name = "TSV")]
    scores: Option<Source>,

    #[command(flatten)]
    plm: PlmArgs,

    #[command(flatten)]
    bad: OnBadArgs,

    #[command(flatten)]
    common: CommonArgs,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-steer";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        let windows = self.plm.windows()?;
        let (settings, dose) = (self.settings(context)?, self.dose()?);
        let motif = self.motif.as_deref().map(Motif::new).transpose();
        let motif = motif.during("--motif")?;
        for path in self.input.iter().filter_map(Source::path) {
            context.note_input(path)?;
        }
        let sae = shared::load_model(context, &self.sae)?;
        context.note_input(&self.model)?;
        let folder = ModelFolder::open(&self.model).path(&self.model)?;
        self.plm.check(&folder.architecture)?;
        warn_of_structures(&folder.vocabulary);
        let place = self.place(&folder, &sae)?;
        let maker = Goals::new(&sae, !self.no_ancestors).path(&self.sae)?;
        let goals = maker.all(&self.concept, &self.latent).path(&self.sae)?;
        let controls = self.controls();
        let treatments = treatments(&sae, (&maker, &goals), &dose, &controls, settings.seed);
        let treatments = treatments.path(&self.sae)?;
        let structures = self.structures(context)?;
        let needs = LoadPlan::with_head(self.plm.compute);
        let engine = self.plm.load(context, &folder, needs, &self.model)?;
        let budget = self.plm.batch_tokens(&engine, context.threads());
        let scored: Vec<u32> = goals.iter().filter_map(|goal| goal.concept).collect();
        let vocabulary = &folder.vocabulary;
        let reader = Reader::new(&engine, vocabulary, place, windows, budget, scored);
        let mut job = Job {
            context,
            proteins: Proteins {
                sources: &self.input,
                raw_ids: self.plm.raw_ids,
                on_bad: self.bad.on_bad,
            },
            folder: &folder,
            engine: &engine,
            windows,
            budget,
            generator: Generator {
                reader: reader.path(&self.model)?,
                encoder: Encoder::new(&sae),
                alphabet: Alphabet::new(vocabulary),
                goals: &goals,
                treatments: &treatments,
                settings: &settings,
            },
            run: Run {
                mode: (!self.ablate).then_some(self.mode),
                rounds: self.rounds,
                seed: settings.seed,
                motif: motif.as_ref(),
            },
        };
        if context.is_dry_run() {
            return job.plan();
        }
        let outputs = Outputs::create(context, &self.output, self.table.as_ref(), structures)?;
        job.work(outputs)
    }
}

impl Args {
    /// Where the SAE was trained, once the PLM is known to be its own.
    fn place(&self, folder: &ModelFolder, sae: &Sae) -> Result<Place> {
        let (model, own) = (
            self.model.display().to_string(),
            self.sae.display().to_string(),
        );
        let Some(trained) = &sae.config.plm else {
            return Err(Error::usage(format!(
                "{own} does not say which PLM, layer and site it was trained on: convert it with --plm and --layer"
            )));
        };
        let place = Place::of(trained, &folder.architecture)
            .map_err(|e| Error::mismatch(format!("{own} needs {e}")))?;
        let plm = folder.identity(place, folder.sha256()?);
        sae.check_plm(&own, Some(&plm), folder.architecture.width, &model)?;
        Ok(place)
    }

    fn structures(&self, context: &Context) -> Result<Structures> {
        let Some(source) = &self.scores else {
            return Ok(Structures::default());
        };
        let structures = Structures::read(context.open(source)?).map_err(source.in_input())?;
        if self.table.is_none() {
            log::warn("--scores without --table: nobody is told of them");
        }
        Ok(structures)
    }
}

/// Says in a plan what is steered.
fn describe(goal: &Goal) -> String {
    let latents: Vec<String> = goal.latents.iter().map(u32::to_string).collect();
    format!("{}: latents {}", goal.id, latents.join(", "))
}
