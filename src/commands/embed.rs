//! `protsae-embed`: sequences through a protein language model into activations.
//!
//! Three steps overlap, each ahead of the next by at most a batch or two: reading and cutting into
//! windows, computing, and blending and writing.

mod emit;
mod estimate;
mod plan;

use crate::{
    Error, Result,
    cli::{
        CommonArgs, Context, Output, Source, Target, Tool,
        args::{DeviceChoice, OnBadArgs},
        progress::Progress,
    },
    error::{Context as _, no_thread},
    plm::{
        encoder::LoadPlan,
        engine::{Computed, Engine, Where},
        place::Place,
        weights::{ModelFolder, Precision},
        window::{DEFAULT_LENGTH, DEFAULT_OVERLAP, Windows},
    },
    sae::folder::{CONFIG_FILE, ModelConfig},
    table::{PlmIdentity, activations::ActivationInfo, metadata::Site, schema::ActivationType},
};
use plan::{Batched, Planner, Tally};
use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

/// Tokens of a batch for up to eight threads, unless `--batch-tokens` says otherwise.
const DEFAULT_BATCH_TOKENS: usize = 4096;
/// Tokens of a batch for each thread beyond.
const BATCH_TOKENS_PER_THREAD: usize = 512;
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

/// Run proteins through ESM-2: FASTA in, a table of activations out
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-embed -i proteins.fasta.gz -m esm2_t33_650M_UR50D/ --layer 24 -o activations.arrow
  protsae-embed -i proteins.fasta -m esm2/ --layer 6,12,18 -o 'layer{layer}.arrow'")]
pub struct Args {
    /// FASTA file, plain, gzip, bgzip or zstd; repeat for several; '-' for standard input
    #[arg(short, long, required = true, value_name = "FASTA")]
    input: Vec<Source>,

    /// PLM's folder in Hugging Face layout: config.json, vocab.txt, weights
    #[arg(short, long, value_name = "DIR")]
    model: PathBuf,

    /// Activation table; '-' for standard output; with several layers, {layer} stands for each
    #[arg(short, long, default_value = "-", value_name = "TABLE")]
    output: Target,

    /// Layers, separated by commas: 1 is the first block, 0 the embeddings; default: the last
    #[arg(long, value_delimiter = ',', value_name = "N")]
    layer: Vec<usize>,

    /// Site in the block: residual (after it), attention (before its MLP) or mlp (its output)
    #[arg(long, default_value_t = Site::Residual, value_name = "SITE")]
    site: Site,

    /// Take layer and site from this SAE's folder, and demand its PLM
    #[arg(long = "for", value_name = "DIR", conflicts_with_all = ["layer", "site"])]
    sae: Option<PathBuf>,

    /// Type of the numbers in the table
    #[arg(long, value_enum, default_value = "f16", value_name = "TYPE")]
    dtype: TableType,

    /// Keep only so many residues of each protein, chosen by seed and the protein's id
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "pool")]
    sample: Option<u32>,

    /// One row a protein instead of one a residue
    #[arg(long, value_enum, value_name = "HOW")]
    pool: Option<Pool>,

    /// Residues that the PLM sees at once; longer proteins are cut into windows
    #[arg(long, default_value_t = DEFAULT_LENGTH, value_name = "N")]
    max_length: usize,

    /// Residues that two windows share, where they are blended
    #[arg(long, default_value_t = DEFAULT_OVERLAP, value_name = "N")]
    overlap: usize,

    /// Tokens computed together: memory grows with it, results do not depend on it; 0: by threads
    #[arg(long, default_value_t = 0, value_name = "N")]
    batch_tokens: usize,

    /// Precision of the PLM: f32, or bf16 or f16 for half the memory
    #[arg(long, default_value_t = Precision::F32, value_name = "TYPE")]
    compute: Precision,

    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: DeviceChoice,

    /// Keep ids as they are instead of taking the accession out of 'sp|P12345|NAME'
    #[arg(long)]
    raw_ids: bool,

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
        let pattern = self.pattern().map(|path| Target::File(path.to_owned()));
        pattern.into_iter().collect()
    }

    fn run(&self, context: &Context) -> Result<()> {
        let windows = Windows::new(self.max_length, self.overlap)?;
        context.note_input(&self.model)?;
        for path in self.input.iter().filter_map(Source::path) {
            context.note_input(path)?;
        }
        let folder = ModelFolder::open(&self.model).path(&self.model)?;
        folder.architecture.check_window(self.max_length)?;
        let (places, wanted) = self.places(&folder)?;
        let targets = self.targets(&places)?;
        if self.pattern().is_some() {
            context.expect(targets.iter().cloned())?;
        }
        let device = match self.device {
            DeviceChoice::Auto => Where::Auto,
            DeviceChoice::Cpu => Where::Cpu,
            DeviceChoice::Cuda(number) => Where::Cuda(number),
        };
        let needs = LoadPlan::places(&places, self.compute);
        let engine = Engine::load(&folder, needs, device).path(&self.model)?;
        context.note_device(&engine.device());
        let planner = Planner {
            sources: &self.input,
            raw_ids: self.raw_ids,
            on_bad: self.bad.on_bad,
            windows,
            sample: self.sample,
            seed: context.seed(),
            vocabulary: &folder.vocabulary,
            budget: self.budget(&engine, context.threads()),
        };
        if context.is_dry_run() {
            return estimate::print(
                &planner,
                context,
                &folder,
                &engine,
                &places,
                self.of(),
                self.pool.is_some(),
            );
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

impl Args {
    /// The places to read, and the identity that an SAE demands.
    fn places(&self, folder: &ModelFolder) -> Result<(Vec<Place>, Option<PlmIdentity>)> {
        let architecture = &folder.architecture;
        let Some(sae) = &self.sae else {
            let mut layers = self.layer.clone();
            if layers.is_empty() {
                layers.push(architecture.layers);
            }
            let mut places = Vec::new();
            for layer in layers {
                let place = Place::new(self.site, layer, architecture)?;
                if places.contains(&place) {
                    return Err(Error::usage(format!("layer {layer} is given twice")));
                }
                places.push(place);
            }
            return Ok((places, None));
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
        let place = Place::new(plm.site, plm.layer as usize, architecture)
            .map_err(|e| Error::mismatch(format!("{sae} needs {e}")))?;
        Ok((vec![place], Some(plm)))
    }

    fn of(&self) -> ActivationType {
        match self.dtype {
            TableType::F16 => ActivationType::F16,
            TableType::F32 => ActivationType::F32,
        }
    }

    fn budget(&self, engine: &Engine, threads: usize) -> usize {
        match self.batch_tokens {
            0 => engine.batch_tokens().unwrap_or_else(|| {
                DEFAULT_BATCH_TOKENS.max(threads.saturating_mul(BATCH_TOKENS_PER_THREAD))
            }),
            tokens => tokens,
        }
    }

    /// The output, where it stands for one of each layer.
    fn pattern(&self) -> Option<&Path> {
        (self.output.path()).filter(|path| name_contains(path, LAYER))
    }

    /// One target for each place.
    fn targets(&self, places: &[Place]) -> Result<Vec<Target>> {
        match (places, self.pattern()) {
            (places, Some(pattern)) => Ok(places
                .iter()
                .map(|place| Target::File(with_layer(pattern, place.layer)))
                .collect()),
            ([_], None) => Ok(vec![self.output.clone()]),
            _ => Err(Error::usage(format!(
                "several layers need an output with {LAYER} in its name, for example 'layer{LAYER}.arrow'"
            ))),
        }
    }
}

/// Whether a path contains a text; paths need not be UTF-8.
fn name_contains(path: &Path, text: &str) -> bool {
    memchr::memmem::find(path.as_os_str().as_bytes(), text.as_bytes()).is_some()
}

/// A path with a number wherever it says [`LAYER`].
fn with_layer(pattern: &Path, layer: usize) -> PathBuf {
    let mut rest = pattern.as_os_str().as_bytes();
    let mut name = Vec::with_capacity(rest.len());
    while let Some(at) = memchr::memmem::find(rest, LAYER.as_bytes()) {
        name.extend_from_slice(&rest[..at]);
        name.extend_from_slice(layer.to_string().as_bytes());
        rest = &rest[at + LAYER.len()..];
    }
    name.extend_from_slice(rest);
    OsString::from_vec(name).into()
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

/// One run.
struct Job<'a> {
    args: &'a Args,
    folder: &'a ModelFolder,
    places: &'a [Place],
    wanted: Option<&'a PlmIdentity>,
    targets: &'a [Target],
}

impl Job<'_> {
    fn run(&self, planner: &Planner, engine: &Engine, outputs: Vec<Output>) -> Result<Tally> {
        let total = if self.args.common.quiet {
            None
        } else {
            plan::count_residues(&self.args.input)
        };
        // a batch waits on either side of the one that is computed
        let (batches, batched) = mpsc::sync_channel::<Batched>(1);
        let (results, done) = mpsc::sync_channel::<(Batched, Computed)>(1);
        thread::scope(|scope| {
            let reading = spawn(scope, "read", move || planner.run(&batches))?;
            let writing = spawn(scope, "write", move || -> Result<emit::Emitter> {
                let mut emitter = self.emitter(outputs)?;
                let mut progress = Progress::new("residues", total);
                for (batch, computed) in done {
                    // copying from a device overlaps with the next batch
                    progress.add(emitter.batch(&batch, &computed.fetch()?)?);
                }
                progress.finish();
                Ok(emitter)
            })?;
            let mut computing = Ok(());
            for batch in batched {
                match engine.forward(&batch.batch, self.places) {
                    Ok(computed) => {
                        // nobody takes results any more: the writer's error says why
                        if results.send((batch, computed)).is_err() {
                            break;
                        }
                    }
                    Err(error) => {
                        computing = Err(Error::from(error));
                        break;
                    }
                }
            }
            drop(results);
            let read = reading.join().unwrap_or_else(|p| resume_unwind(p));
            let written = writing.join().unwrap_or_else(|p| resume_unwind(p));
            computing?;
            let tally = read?;
            // outputs are completed only here, after the last batch of all
            written?.finish()?;
            Ok(tally)
        })
    }

    /// Begins the tables; the identity of the weights is taken while the first batch is computed.
    fn emitter(&self, outputs: Vec<Output>) -> Result<emit::Emitter<'_>> {
        let sha256 = self.folder.sha256()?;
        let mut tables = Vec::with_capacity(outputs.len());
        for ((place, output), target) in self.places.iter().zip(outputs).zip(self.targets) {
            let plm = PlmIdentity {
                name: self.folder.name(),
                sha256: sha256.clone(),
                layer: place.layer as u32,
                site: place.site,
                width: self.folder.architecture.width as u32,
            };
            if let (Some(wanted), Some(sae)) = (self.wanted, &self.args.sae) {
                let (sae, model) = (
                    sae.display().to_string(),
                    self.args.model.display().to_string(),
                );
                wanted.check_same(&sae, &plm, &model)?;
            }
            let info = ActivationInfo {
                plm: Some(plm),
                sample: self.args.sample,
                pool: self.args.pool.map(|Pool::Mean| "mean".into()),
            };
            tables.push(emit::Table::new(output, target, self.args.of(), &info)?);
        }
        Ok(emit::Emitter::new(
            tables,
            self.folder.architecture.width,
            self.args.pool.is_some(),
        ))
    }
}

/// Starts a thread of this name.
///
/// # Errors
/// Of kind [`std::io::ErrorKind::OutOfMemory`] where it cannot be started.
fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> std::io::Result<thread::ScopedJoinHandle<'scope, T>> {
    thread::Builder::new()
        .name(name.into())
        .spawn_scoped(scope, work)
        .map_err(no_thread)
}
