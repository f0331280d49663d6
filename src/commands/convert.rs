//! `protsae-convert`: sparse autoencoders and activations of other programs in, and ours out to them.

mod activations;
mod biohub;
mod check;
mod folders;
mod locate;

use super::{output_folder, shared};
use crate::{
    Error, Result,
    annot::concept::{CONCEPTS_FORMAT, ConceptsFile},
    cli::{CommonArgs, Context, Source, TableOrFolder, TargetFolder, Tool, log},
    exchange::{self, Activation, Layout, Request},
    plm::{place::Place, weights::ModelFolder},
    sae::{conversion::InputTransform, folder::Sae},
    table::{
        PlmIdentity,
        metadata::{Convention, Site},
    },
};
use activations::ActivationArgs;
use biohub::{Asked, Said};
use check::report;
use folders::{write_layout, write_model};
use locate::Found;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Default of `--check-rows`.
const DEFAULT_CHECK_ROWS: u64 = 20_000;

const EXAMPLE: &str = "Examples:
  protsae-convert -i layer_4/ae_normalized.pt --plm esm2_t6_8M_UR50D/ --layer 4 -o model/
  protsae-convert -i esm2_plm1280_l24_sae4096.safetensors --k 64 --plm esm2_t33_650M_UR50D/ \\
    --layer 24 --check activations.arrow -o model/
  protsae-convert -i model/ --to saelens -o saelens/
  protsae-convert -i per-residue.h5 --proteins proteins.fasta --any-plm -o activations.arrow
  protsae-convert -i embeddings.npy --proteins proteins.tsv --any-plm -o activations.arrow
  protsae-convert -i activations.arrow -o activations.parquet

Families that are read, told by their tensors and the configuration beside them:
  InterPLM             released weights and 1.0: ReLU, TopK, BatchTopK, JumpReLU
  InterProt            .safetensors, .pt, .ckpt
  ESMC SAE             Biohub
  SAELens              standard, gated, jumprelu, topk, batchtopk, matryoshka_batchtopk
  sparsify             topk
  dictionary_learning  AutoEncoder, gated, JumpReLU, TopK, BatchTopK, Matryoshka (SAEFold)
  Rep_SAEs_PLMs
A pickle is read as data: nothing of it is executed.

Activations, where -o names a table: .npy (rows x width, f2, f4 or f8), HDF5 with one dataset a
protein (UniProt's per-residue.h5 and per-protein.h5, bio_embeddings), Parquet and Arrow with the
columns protein, position, residue and activation; Parquet of other names by the types of its columns.
One vector a protein is taken as the mean over its residues. What is no finite number is an error.

Layers are numbered as by protsae-embed: 0 the embeddings, 1 the first block, the last after the
final layer norm, as in transformers' hidden_states. SAEs of other numberings need translating.";

/// Convert sparse autoencoders and activations from and to other programs' files
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = EXAMPLE)]
pub struct Args {
    /// Checkpoint (.pt, .ckpt, .bin, .safetensors), a folder with one, or a model folder; or activations (.npy, .h5,
    /// .parquet, .arrow); '-' for standard input
    #[arg(short, long, value_name = "CHECKPOINT|TABLE")]
    input: Source,

    /// Folder to write, which appears whole; or a table of activations, where the name ends in .arrow, .parquet or .npy
    /// or is '-' for standard output
    #[arg(short, long, value_name = "DIR|TABLE")]
    output: TableOrFolder,

    /// What to write [default: protsae into a folder; of a table by its name, arrow on standard output]
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Option<Format>,

    /// Configuration of the checkpoint [default: cfg.json, config.json or config.yaml in its folder]
    #[arg(long, value_name = "FILE")]
    sidecar: Option<PathBuf>,

    /// Folder of the PLM whose activations the input is, or is of
    #[arg(long, value_name = "DIR", help_heading = WHICH)]
    plm: Option<PathBuf>,

    /// Its layer; of a folder with SAEs of several (ESMC SAEs), the one to convert
    #[arg(long, value_name = "N", help_heading = WHICH)]
    layer: Option<u32>,

    /// Its site: residual, attention, mlp or update [default: what the checkpoint says, or residual]
    #[arg(long, value_name = "SITE", help_heading = WHICH)]
    site: Option<Site>,

    /// What the residual of the last layer is: hidden-states, after the final norm, or block-outputs, before it
    /// [default: hidden-states]
    #[arg(long, value_name = "NAME", help_heading = WHICH)]
    convention: Option<Convention>,

    /// Say nothing of the PLM: tables of any are then taken by their width alone
    #[arg(long, conflicts_with_all = ["plm", "check"], help_heading = WHICH)]
    any_plm: bool,

    /// Activation table to check the model on: its FVU and L0 are printed, it says which PLM unless --plm does, and
    /// it gives the largest activations of latents where the checkpoint has none
    #[arg(long, value_name = "TABLE", help_heading = WHICH)]
    check: Option<Source>,

    /// Rows of the table to check on
    #[arg(long, default_value_t = DEFAULT_CHECK_ROWS, value_name = "N", help_heading = WHICH)]
    check_rows: u64,

    /// How latents are chosen, where the tensors leave it open
    #[arg(long, value_enum, value_name = "NAME", help_heading = OPEN)]
    activation: Option<Activation>,

    /// Latents kept per residue, where the checkpoint does not say, or others
    #[arg(long, value_name = "K", help_heading = OPEN)]
    k: Option<usize>,

    /// The one threshold of all latents (batchtopk), where it was never set
    #[arg(long, value_name = "X", help_heading = OPEN)]
    threshold: Option<f32>,

    /// Whether the decoder's bias is subtracted before encoding, where the checkpoint does not say
    #[arg(long, value_name = "true|false", help_heading = OPEN)]
    apply_b_dec: Option<bool>,

    /// What is done to every row, in place of what the family does
    #[arg(long, value_enum, value_name = "NAME", help_heading = OPEN)]
    input_transform: Option<InputTransform>,

    /// What activations are multiplied by before the model sees them
    #[arg(long, value_name = "X", help_heading = OPEN)]
    input_scale: Option<f64>,

    /// Whether latents are divided by the maxima that the checkpoint has.
    #[arg(
        long,
        value_name = "true|false",
        help_heading = OPEN,
        help = "Divide latents by the maxima that the checkpoint has [default: true for InterPLM, false for ESMC SAEs]"
    )]
    normalize_latents: Option<bool>,

    #[command(flatten)]
    activations: ActivationArgs,

    #[command(flatten)]
    common: CommonArgs,
}

const WHICH: &str = "Which activations";
const OPEN: &str = "What checkpoints leave open";

/// What is written.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
enum Format {
    /// A model folder, for the other executables.
    Protsae,
    /// A folder that `SAELens` loads.
    #[value(help = "A folder that SAELens loads")]
    Saelens,
    /// A folder that sparsify loads.
    Sparsify,
    /// A table of activations, for the other executables.
    Arrow,
    /// A table of activations as Apache Parquet, for data frames.
    Parquet,
    /// Activations as an array of `NumPy`, rows x width.
    #[value(help = "Activations as an array of NumPy, rows x width")]
    Npy,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-convert";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn first_foreign(folder: &Path) -> Option<PathBuf> {
        output_folder::first_foreign(folder)
    }

    fn run(&self, context: &Context) -> Result<()> {
        match &self.output {
            TableOrFolder::Table(target) => {
                self.refuse_model_options()?;
                activations::run(self, context, target)
            }
            TableOrFolder::Folder(folder) => {
                if let Some(option) = self.activations.first_given() {
                    return Err(Error::usage(format!(
                        "{option} is of activations: -o must then be a table (.arrow, .parquet, .npy or '-')"
                    )));
                }
                self.run_model(context, folder)
            }
        }
    }
}

impl Args {
    /// Converts a checkpoint or a model.
    fn run_model(&self, context: &Context, output: &TargetFolder) -> Result<()> {
        if self.check == Some(Source::Stdin) {
            return Err(Error::usage(
                "--check -: the table is read twice, so it must be a file",
            ));
        }
        let layout = match self.to {
            None | Some(Format::Protsae) => None,
            Some(Format::Saelens) => Some(Layout::Saelens),
            Some(Format::Sparsify) => Some(Layout::Sparsify),
            Some(Format::Arrow | Format::Parquet | Format::Npy) => {
                return Err(Error::usage(format!(
                    "--to is of activations, but -o {output} is a folder: its name must end in .arrow, .parquet or .npy, \
                     or be '-'"
                )));
            }
        };
        let input = biohub::choose(&self.input, self.layer)?;
        let found = locate::find(&input, self.sidecar.as_deref())?;
        let mut sae = match &found {
            Found::Model(folder) => {
                if layout.is_none() {
                    return Err(Error::usage(format!(
                        "{} is a model folder already; say --to",
                        folder.display()
                    )));
                }
                self.refuse_reading_options()?;
                shared::load_model(context, folder)?
            }
            Found::Checkpoint { weights, sidecar } => {
                self.convert(context, weights, sidecar.as_deref())?
            }
        };
        if let Some(table) = &self.check {
            let known = sae.latent_max.iter().any(|&m| m > 0.0);
            let checked = check::check(context, &sae, table, self.check_rows)?;
            report(context, table, &checked);
            check::record(&mut sae, &checked);
            if !known {
                sae.latent_max = checked.latent_max;
            }
        }
        self.describe(context, &sae, output)?;
        if context.is_dry_run() {
            return Ok(());
        }
        match layout {
            None => write_model(context, &sae, output),
            Some(layout) => write_layout(context, &sae, layout, output),
        }
    }

    /// Reads a checkpoint of another program; latents without known maxima have 0.
    fn convert(
        &self,
        context: &Context,
        weights: &Source,
        sidecar: Option<&std::path::Path>,
    ) -> Result<Sae> {
        let sidecar = locate::read_sidecar(context, sidecar)?;
        let bytes = context.bytes(weights)?;
        if activations::holds_activations(&bytes) {
            return Err(Error::usage(format!(
                "{weights} holds activations, which are written into a table: -o must end in .arrow, .parquet or .npy, or \
                 be '-'"
            )));
        }
        let request = Request {
            activation: self.activation,
            k: self.k,
            threshold: self.threshold,
            apply_b_dec: self.apply_b_dec,
            input: self.input_transform,
            input_scale: self.input_scale,
            normalize_latents: self.normalize_latents,
        };
        let converted = exchange::read(&bytes, &sidecar, &request).map_err(weights.in_input())?;
        for note in &converted.notes {
            log::warn(&format!("{weights}: {note}"));
        }
        let mut config = converted.config;
        let latents = config.shape.latents;
        let said = Said {
            layer: self.layer,
            site: self.site,
            convention: self.convention,
        };
        let asked = biohub::settle(weights, converted.pack.as_ref(), said)?;
        config.plm = self.identity(context, config.shape.width, weights, &asked)?;
        if let Some(conversion) = &mut config.conversion {
            conversion.claim = asked.claim();
        }
        Ok(Sae {
            config,
            concepts: ConceptsFile {
                format: CONCEPTS_FORMAT.into(),
                ..ConceptsFile::default()
            },
            params: converted.params,
            latent_max: converted.latent_max.unwrap_or_else(|| vec![0.0; latents]),
            latent_scale: converted.latent_scale,
            sha256: String::new(),
            positive_weight: Vec::new(),
        })
    }

    /// Options that say what a checkpoint leaves open, of a model folder, which leaves nothing open.
    fn refuse_reading_options(&self) -> Result<()> {
        let given = [
            ("--plm", self.plm.is_some()),
            ("--layer", self.layer.is_some()),
            ("--site", self.site.is_some()),
            ("--convention", self.convention.is_some()),
            ("--any-plm", self.any_plm),
        ];
        match given
            .iter()
            .chain(&self.of_checkpoints())
            .find(|(_, given)| *given)
        {
            None => Ok(()),
            Some((option, _)) => Err(Error::usage(format!(
                "{option} is said of a model folder, which says it itself"
            ))),
        }
    }

    /// Options of models, of activations, which have none of what they say.
    fn refuse_model_options(&self) -> Result<()> {
        let given = [("--check", self.check.is_some())];
        match given
            .iter()
            .chain(&self.of_checkpoints())
            .find(|(_, given)| *given)
        {
            None => Ok(()),
            Some((option, _)) => Err(Error::usage(format!(
                "{option} is of a model, which is a folder, but -o {} names a table of activations",
                self.output
            ))),
        }
    }

    /// Options that say what checkpoints leave open, and whether each is given.
    fn of_checkpoints(&self) -> [(&'static str, bool); 8] {
        [
            ("--sidecar", self.sidecar.is_some()),
            ("--activation", self.activation.is_some()),
            ("--k", self.k.is_some()),
            ("--threshold", self.threshold.is_some()),
            ("--apply-b-dec", self.apply_b_dec.is_some()),
            ("--input-transform", self.input_transform.is_some()),
            ("--input-scale", self.input_scale.is_some()),
            ("--normalize-latents", self.normalize_latents.is_some()),
        ]
    }

    /// Which activations the checkpoint is of: nothing in it says so, but of a pack the layer and the site.
    fn identity(
        &self,
        context: &Context,
        width: usize,
        weights: &Source,
        asked: &Asked,
    ) -> Result<Option<PlmIdentity>> {
        asked.check_options(self.plm.is_some())?;
        let of_plm = (asked.site, asked.convention);
        if let Some((named, layers)) = self.named_plm(context, width, asked.layer, of_plm)? {
            asked.warn_of_last(weights, layers);
            return Ok(Some(named));
        }
        if let Some(table) = &self.check {
            let plm = check::identity(table)?;
            match &plm {
                Some(plm) => asked.check_table(weights, table, plm)?,
                None => log::warn(&format!(
                    "{table} does not say which PLM it is of, so the model will not either"
                )),
            }
            return Ok(plm);
        }
        if self.any_plm {
            return Ok(None);
        }
        Err(Error::usage(
            "a checkpoint does not say which activations it is of: say --plm DIR --layer N (and --site), give a table of them with --check, or --any-plm",
        ))
    }

    /// The activations of a layer of the PLM that `--plm` names, which must have this width, and how many layers it has.
    fn named_plm(
        &self,
        context: &Context,
        width: usize,
        layer: Option<u32>,
        (site, convention): (Site, Convention),
    ) -> Result<Option<(PlmIdentity, usize)>> {
        if let (Some(path), Some(layer)) = (&self.plm, layer) {
            let folder = ModelFolder::open(path)?;
            for file in folder.weight_files() {
                context.note_input(file)?;
            }
            let layer = layer as usize;
            let place = Place::by_convention(site, layer, convention, &folder.architecture)
                .map_err(|e| Error::from(e).context(path.display().to_string()))?;
            if folder.architecture.width != width {
                return Err(Error::mismatch(format!(
                    "{} is of activations of width {width}, {} has width {}",
                    self.input,
                    path.display(),
                    folder.architecture.width
                )));
            }
            let identity = folder.identity(place, folder.sha256()?);
            return Ok(Some((identity, folder.architecture.layers)));
        }
        Ok(None)
    }

    /// Says what the model is.
    fn describe(&self, context: &Context, sae: &Sae, output: &TargetFolder) -> Result<()> {
        let shape = &sae.config.shape;
        let objective = &sae.config.objective;
        let family = sae
            .config
            .conversion
            .as_ref()
            .map_or("ProtSAE", |c| c.family.name());
        let k = objective.variant.k();
        let k = k.map_or_else(String::new, |k| format!(", K {k}"));
        let variant = objective.variant.name();
        let text = format!(
            "{family}, {variant}, width {}, {} latents{k}",
            shape.width, shape.latents
        );
        context.metric("family", family);
        context.metric("variant", variant);
        context.metric("width", shape.width);
        context.metric("latents", shape.latents);
        if context.is_dry_run() {
            let megabytes = (8 * shape.width * shape.latents) >> 20;
            log::plan(&format!(
                "{}: {text}; {output} will hold about {megabytes} MB, in a few seconds",
                self.input
            ))?;
        } else {
            log::info(&format!("{}: {text}", self.input));
        }
        Ok(())
    }
}
