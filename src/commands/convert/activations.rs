//! Activations of other programs into tables, and tables into what other programs read.

mod embeddings;
mod input;
mod output;
mod proteins;
mod tables;

use super::{Args, Format};
use crate::{
    Error, Result,
    cli::{Context, Source, Target, log, progress::Progress},
    table::{
        PlmIdentity,
        activations::ActivationInfo,
        metadata::Site,
        schema::{ActivationType, POOL_MEAN},
    },
};
use input::Input;
pub(super) use input::holds_activations;
use output::Sink;
use proteins::Proteins;
use std::path::Path;

const TABLES: &str = "Activations";

/// What is said of activations alone.
#[derive(clap::Args, Debug)]
pub(super) struct ActivationArgs {
    /// Proteins of a .npy in the order of its rows: a list (accession, length, residues; tab-separated, UniProt's tables
    /// too) or FASTA; of others it gives the residues that they lack
    #[arg(long, value_name = "TSV|FASTA", help_heading = TABLES)]
    pub(super) proteins: Option<Source>,

    /// List of the proteins beside a .npy: accession, length and residues; --proteins reads it
    #[arg(long, value_name = "TSV", help_heading = TABLES)]
    pub(super) proteins_out: Option<Target>,

    /// The input has one row a protein, made of its residues so; HDF5 and tables of protsae-embed say it themselves
    #[arg(long, value_enum, value_name = "HOW", help_heading = TABLES)]
    pub(super) pool: Option<Pool>,

    /// Type of the numbers to write [default: that of the input; f32 for f64]
    #[arg(long, value_enum, value_name = "TYPE", help_heading = TABLES)]
    pub(super) dtype: Option<TableType>,

    /// Keep ids as they are instead of taking the accession out of 'sp|P12345|NAME'
    #[arg(long, help_heading = TABLES)]
    pub(super) raw_ids: bool,
}

/// How the residues of a protein became one row.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pool {
    /// The mean over all residues.
    Mean,
}

/// Type of the numbers in a table.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableType {
    /// Half precision.
    F16,
    /// Single precision.
    F32,
}

/// The container that activations are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Arrow,
    Parquet,
    Npy,
}

/// Rows of a protein, or some of them; in order.
pub(super) struct Piece<'a> {
    pub(super) protein: &'a str,
    /// Positions of the residues, from 1; none of a pooled row.
    pub(super) positions: &'a [u32],
    /// Letters of the residues, as many.
    pub(super) residues: &'a [u8],
    /// `[rows, width]`.
    pub(super) rows: &'a [f32],
}

impl ActivationArgs {
    /// The first option of these that is given.
    pub(super) fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("--proteins", self.proteins.is_some()),
            ("--proteins-out", self.proteins_out.is_some()),
            ("--pool", self.pool.is_some()),
            ("--dtype", self.dtype.is_some()),
            ("--raw-ids", self.raw_ids),
        ];
        given
            .iter()
            .find(|(_, given)| *given)
            .map(|(name, _)| *name)
    }
}

/// Reads activations and writes them as a table, `.npy` or Parquet.
///
/// # Errors
/// Where options do not fit, the input holds no activations, or it cannot be written.
pub(super) fn run(args: &Args, context: &Context, target: &Target) -> Result<()> {
    let kind = kind(args.to, target)?;
    let own = &args.activations;
    match (kind, &own.proteins_out) {
        (Kind::Npy, None) => {
            return Err(Error::usage(
                "a .npy does not say which proteins its rows are of: say --proteins-out TSV",
            ));
        }
        (Kind::Arrow | Kind::Parquet, Some(_)) => {
            return Err(Error::usage(
                "--proteins-out is of a .npy: tables name their proteins",
            ));
        }
        _ => {}
    }
    let proteins = match &own.proteins {
        Some(source) => Some(Proteins::read(context, source, own.raw_ids)?),
        None => None,
    };
    let input = Input::open(context, &args.input, own, proteins)?;
    let info = info(args, context, kind, &input)?;
    let of = match own.dtype {
        None => input.of(),
        Some(TableType::F16) => ActivationType::F16,
        Some(TableType::F32) => ActivationType::F32,
    };
    if context.is_dry_run() {
        return plan(args, target, &input, of);
    }
    if input.lacks_residues() && kind != Kind::Npy {
        log::warn(&format!(
            "{}: does not say the residues, which are written as X; --proteins FASTA does",
            args.input
        ));
    }
    write(args, context, target, input, &Writing { kind, info, of })
}

/// What is written.
struct Writing {
    kind: Kind,
    info: ActivationInfo,
    of: ActivationType,
}

fn write(
    args: &Args,
    context: &Context,
    target: &Target,
    input: Input,
    writing: &Writing,
) -> Result<()> {
    let (rows, width) = (input.rows(), input.width());
    let mut output = context.create(target)?;
    let list = args.activations.proteins_out.as_ref();
    let mut list = list.map(|list| context.create(list)).transpose()?;
    let mut sink = Sink::new(&mut output, list.as_mut(), target, rows, width, writing)?;
    let mut progress = Progress::new("rows", rows);
    input.each(|piece| {
        progress.add((piece.rows.len() / width) as u64);
        sink.check(&piece).map_err(args.input.in_input())?;
        sink.push(&piece).map_err(|e| e.context(target.to_string()))
    })?;
    progress.finish();
    let written = sink.finish().map_err(|e| e.context(target.to_string()))?;
    output.commit()?;
    if let Some(list) = list {
        list.commit()?;
    }
    log::info(&format!(
        "{}: {} proteins, {} rows of width {width}",
        args.input, written.proteins, written.rows
    ));
    context.metric("proteins", written.proteins);
    context.metric("rows", written.rows);
    context.metric("width", width);
    Ok(())
}

/// What the options, or else the name of the output, say of the container.
fn kind(to: Option<Format>, target: &Target) -> Result<Kind> {
    match to {
        Some(Format::Arrow) => return Ok(Kind::Arrow),
        Some(Format::Parquet) => return Ok(Kind::Parquet),
        Some(Format::Npy) => return Ok(Kind::Npy),
        Some(Format::Protsae | Format::Saelens | Format::Sparsify) => {
            return Err(Error::usage(format!(
                "-o {target} names a table, but --to is of a model, which is a folder"
            )));
        }
        None => {}
    }
    // the suffix behind which that of a compression may stand
    let name = target.path().and_then(Path::file_name).unwrap_or_default();
    let name = name.to_string_lossy();
    let (name, _) = crate::cli::target::split_compression(&name);
    Ok(match Path::new(name).extension().and_then(|s| s.to_str()) {
        Some("parquet") => Kind::Parquet,
        Some("npy") => Kind::Npy,
        _ => Kind::Arrow,
    })
}

/// What a table says of itself.
fn info(args: &Args, context: &Context, kind: Kind, input: &Input) -> Result<ActivationInfo> {
    let of_table = input.info();
    if args.plm.is_some() != args.layer.is_some() {
        return Err(Error::usage(
            "of activations, --plm DIR and --layer N are said together",
        ));
    }
    let place = (
        args.site.unwrap_or(Site::Residual),
        args.convention.unwrap_or_default(),
    );
    let named = args.named_plm(context, input.width(), args.layer, place)?;
    let named = named.map(|(identity, _)| identity);
    let known = of_table.and_then(|info| info.plm.clone());
    if let (Some(named), Some(known)) = (&named, &known) {
        let plm = args.plm.as_deref().unwrap_or(Path::new(""));
        named.check_same(&plm.display().to_string(), known, &args.input.to_string())?;
    }
    let plm: Option<PlmIdentity> = if args.any_plm { None } else { named.or(known) };
    if plm.is_none() && !args.any_plm && kind != Kind::Npy {
        return Err(Error::usage(format!(
            "{} does not say which PLM its activations are of: say --plm DIR --layer N (and --site), or --any-plm",
            args.input
        )));
    }
    Ok(ActivationInfo {
        plm,
        sample: of_table.and_then(|info| info.sample),
        pool: match of_table.and_then(|info| info.pool.clone()) {
            Some(pool) => Some(pool),
            None => input.is_pooled().then(|| POOL_MEAN.to_owned()),
        },
        compute: of_table.and_then(|info| info.compute.clone()),
    })
}

/// Says what a run would write.
fn plan(args: &Args, target: &Target, input: &Input, of: ActivationType) -> Result<()> {
    let width = input.width();
    let per = if input.is_pooled() {
        "protein"
    } else {
        "residue"
    };
    let row = (width * of.bytes()) as u64;
    let size = match input.rows() {
        Some(rows) => format!("{rows} rows, one a {per}: about {} MB", (rows * row) >> 20),
        None => format!("rows of unknown number, one a {per}"),
    };
    let bits = 8 * of.bytes();
    Ok(log::plan(&format!(
        "{}: width {width}; {target} will hold {size} of f{bits}",
        args.input
    ))?)
}
