//! `protsae-embed`: sequences through a protein language model into activations.
//!
//! Three steps overlap, each ahead of the next by at most a batch or two: reading and cutting into
//! windows, computing, and blending and writing.

mod emit;
mod estimate;
mod job;
mod plan;
mod structures;

use super::{
    pattern::Pattern,
    plm::{PlmArgs, Proteins, warn_of_structures},
};
use crate::{
    Error, Result,
    cli::{CommonArgs, Context, Source, Target, Tool, args::OnBadArgs},
    error::Context as _,
    plm::{encoder::LoadPlan, place::Place, vocabulary::Vocabulary, weights::ModelFolder},
    sae::folder::{CONFIG_FILE, ModelConfig},
    table::{
        PlmIdentity,
        metadata::{Convention, Site},
        schema::ActivationType,
    },
};
use estimate::Estimate;
use job::Job;
use plan::Planner;
use std::path::{Path, PathBuf};
use structures::StructureLetters;

/// What stands for the number of the layer in the name of an output.
const LAYER: &str = "{layer}";

/// How the residues of a protein become one row.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Pool {
    /// The mean over all residues.
    Mean,
}

/// Type of the numbers in the table.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum TableType {
    /// Half precision.
    F16,
    /// Single precision.
    F32,
}

/// Run proteins through a protein language model: FASTA in, a table of activations out
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-embed -i proteins.fasta.gz -m esm2_t33_650M_UR50D/ --layer 24 -o activations.arrow
  protsae-embed -i proteins.fasta -m esm2/ --layer 6,12,18 -o 'layer{layer}.arrow'")]
pub struct Args {
    /// FASTA file, plain, gzip, bgzip or zstd; repeat for several; '-' for standard input
    #[arg(short, long, required = true, value_name = "FASTA")]
    input: Vec<Source>,

    /// PLM's folder in Hugging Face layout: config.json, vocabulary, weights; of ESM-2, ESM-C, ProtT5, ProstT5, Ankh,
    /// ESM-1b, ESM-1v, AMPLIFY or SaProt
    #[arg(short, long, value_name = "DIR")]
    model: PathBuf,

    /// Activation table; '-' for standard output; with several layers, {layer} stands for each
    #[arg(short, long, default_value = "-", value_name = "TABLE")]
    output: Target,

    /// Layers, separated by commas: 1 is the first block, 0 the embeddings; default: the last
    #[arg(long, value_delimiter = ',', value_name = "N")]
    layer: Vec<usize>,

    /// Site in the block: residual (after it), attention (before its MLP), mlp (its output) or update (what the block adds)
    #[arg(long, default_value_t = Site::Residual, value_name = "SITE")]
    site: Site,

    /// What the residual of the last layer is: hidden-states, after the final norm, or block-outputs, before it
    #[arg(long, default_value_t = Convention::HiddenStates, value_name = "NAME")]
    convention: Convention,

    /// Take layer and site from this SAE's folder, and demand its PLM
    #[arg(long = "for", value_name = "DIR", conflicts_with_all = ["layer", "site", "convention"])]
    sae: Option<PathBuf>,

    /// FASTA file of structures, a 3Di letter a residue as Foldseek writes it, for models that see them (SaProt); '#' where
    /// it is unknown
    #[arg(long, value_name = "FASTA")]
    structure_letters: Option<Source>,

    /// Type of the numbers in the table
    #[arg(long, value_enum, default_value = "f16", value_name = "TYPE")]
    dtype: TableType,

    /// Keep only so many residues of each protein, chosen by seed and the protein's id
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "pool")]
    sample: Option<u32>,

    /// One row a protein instead of one a residue
    #[arg(long, value_enum, value_name = "HOW")]
    pool: Option<Pool>,

    #[command(flatten)]
    plm: PlmArgs,

    #[command(flatten)]
    bad: OnBadArgs,

    #[command(flatten)]
    common: CommonArgs,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-embed";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn patterns(&self) -> Vec<Target> {
        let pattern = self.pattern().map(|pattern| pattern.target());
        pattern.into_iter().collect()
    }

    fn run(&self, context: &Context) -> Result<()> {
        let windows = self.plm.windows()?;
        context.note_input(&self.model)?;
        for path in self.input.iter().filter_map(Source::path) {
            context.note_input(path)?;
        }
        let folder = ModelFolder::open(&self.model).path(&self.model)?;
        self.plm.check(&folder.architecture)?;
        let Wanted {
            places,
            plm: wanted,
        } = self.wanted(&folder)?;
        let targets = self.targets(&places)?;
        if self.pattern().is_some() {
            context.expect(targets.iter().cloned())?;
        }
        let needs = LoadPlan::places(&places, self.plm.compute);
        let structures = self.structures(context, &folder.vocabulary)?;
        let engine = self.plm.load(context, &folder, needs, &self.model)?;
        let planner = Planner {
            proteins: Proteins {
                sources: &self.input,
                raw_ids: self.plm.raw_ids,
                on_bad: self.bad.on_bad,
            },
            windows,
            sample: self.sample,
            seed: context.seed(),
            vocabulary: &folder.vocabulary,
            structures: structures.as_ref(),
            budget: self.plm.batch_tokens(&engine, context.threads()),
        };
        if context.is_dry_run() {
            let estimate = Estimate {
                planner: &planner,
                folder: &folder,
                engine: &engine,
                places: &places,
                of: self.of(),
                pooled: self.pool.is_some(),
            };
            return estimate.print(context);
        }
        let mut outputs = Vec::with_capacity(targets.len());
        for target in &targets {
            outputs.push(context.create(target)?);
        }
        let job = Job {
            args: self,
            folder: &folder,
            places: &places,
            wanted: wanted.as_ref(),
            targets: &targets,
        };
        let tally = job.run(&planner, &engine, outputs)?;
        context.metric("proteins", tally.proteins);
        context.metric("residues", tally.residues);
        context.metric("tokens", tally.tokens);
        context.metric("skipped", tally.skipped.len());
        context.metric("skipped_records", tally.skipped);
        Ok(())
    }
}

/// What is read of a model.
struct Wanted {
    places: Vec<Place>,
    /// The model that an SAE demands, where one says the place.
    plm: Option<PlmIdentity>,
}

impl Args {
    /// What the options, or the SAE that they name, say of the places to read.
    fn wanted(&self, folder: &ModelFolder) -> Result<Wanted> {
        let architecture = &folder.architecture;
        let Some(sae) = &self.sae else {
            let mut layers = self.layer.clone();
            if layers.is_empty() {
                layers.push(architecture.layers);
            }
            let mut places = Vec::new();
            for layer in layers {
                let place = Place::by_convention(self.site, layer, self.convention, architecture)?;
                if places.contains(&place) {
                    return Err(Error::usage(format!("layer {layer} is given twice")));
                }
                places.push(place);
            }
            return Ok(Wanted { places, plm: None });
        };
        let plm = read_sae(sae)?;
        let sae = sae.display();
        if plm.width as usize != architecture.width {
            return Err(Error::mismatch(format!(
                "{sae} was trained on activations of width {}, {} has {}",
                plm.width,
                self.model.display(),
                architecture.width
            )));
        }
        let place = Place::of(&plm, architecture)
            .map_err(|e| Error::mismatch(format!("{sae} needs {e}")))?;
        Ok(Wanted {
            places: vec![place],
            plm: Some(plm),
        })
    }

    /// The structures that the model is to see.
    fn structures(
        &self,
        context: &Context,
        vocabulary: &Vocabulary,
    ) -> Result<Option<StructureLetters>> {
        let Some(source) = &self.structure_letters else {
            warn_of_structures(vocabulary);
            return Ok(None);
        };
        if !vocabulary.has_structures() {
            return Err(Error::usage(format!(
                "--structure-letters: {} sees residues alone",
                self.model.display()
            )));
        }
        StructureLetters::read(context, source, self.plm.raw_ids, vocabulary).map(Some)
    }

    fn of(&self) -> ActivationType {
        match self.dtype {
            TableType::F16 => ActivationType::F16,
            TableType::F32 => ActivationType::F32,
        }
    }

    /// The output, where it stands for one of each layer.
    fn pattern(&self) -> Option<Pattern<'_>> {
        Pattern::of(&self.output, LAYER)
    }

    /// One target for each place.
    fn targets(&self, places: &[Place]) -> Result<Vec<Target>> {
        match (places, self.pattern()) {
            (places, Some(pattern)) => Ok(places
                .iter()
                .map(|place| pattern.with(place.layer))
                .collect()),
            ([_], None) => Ok(vec![self.output.clone()]),
            _ => Err(Error::usage(format!(
                "several layers need an output with {LAYER} in its name, for example 'layer{LAYER}.arrow'"
            ))),
        }
    }
}

/// The activations that an SAE was trained on.
fn read_sae(folder: &Path) -> Result<PlmIdentity> {
    let path = folder.join(CONFIG_FILE);
    let text = Source::File(path.clone()).read_all()?;
    let config: ModelConfig = serde_yaml::from_slice(&text)
        .map_err(|e| Error::data(format!("not a model's configuration: {e}")))
        .path(&path)?;
    config.plm.ok_or_else(|| {
        Error::usage(
            "does not say which PLM, layer and site it was trained on: give --layer and --site",
        )
        .context(path.display().to_string())
    })
}
