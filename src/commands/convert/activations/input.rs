//! Activations from the container that an input is, told by its first bytes.

use super::{ActivationArgs, Piece, Proteins, embeddings::Embeddings, tables::Tables};
use crate::{
    Error, Result,
    cli::{Context, Source, input::Reader},
    table::{
        TableSource,
        activations::{ActivationInfo, ActivationReader},
        foreign::{HDF5_MAGIC, npy, npy::NpyReader, parquet},
        parquet::MAGIC as PARQUET_MAGIC,
        schema::ActivationType,
    },
};
use std::io::BufRead as _;

/// Bytes of a block of rows that is read at once.
const BLOCK_BYTES: usize = 4 << 20;
/// What Arrow's files begin with.
const ARROW_MAGIC: &[u8] = b"ARROW1";
/// What each message of Arrow's streams begins with.
const STREAM_MARK: &[u8] = &[0xff; 4];

/// Whether bytes begin as activations do, and not as a checkpoint.
pub(in super::super) fn holds_activations(bytes: &[u8]) -> bool {
    [npy::MAGIC, HDF5_MAGIC, PARQUET_MAGIC, ARROW_MAGIC]
        .iter()
        .any(|magic| bytes.starts_with(magic))
}

/// Activations that can be read.
pub(super) enum Input {
    Npy {
        reader: Box<NpyReader<Reader>>,
        proteins: Proteins,
        pooled: bool,
        source: Source,
    },
    Hdf5(Embeddings),
    Table(Box<Tables>),
}

impl Input {
    /// Opens an input.
    ///
    /// # Errors
    /// Where it holds no activations, or others than the proteins are of.
    pub(super) fn open(
        context: &Context,
        source: &Source,
        args: &ActivationArgs,
        proteins: Option<Proteins>,
    ) -> Result<Self> {
        let is_file = source.path().is_some_and(std::path::Path::is_file);
        let mut reader = context.open(source)?;
        let head = reader.fill_buf().map_err(source.in_input())?;
        // of a pipe some bytes may come later, but never so few
        let head: Vec<u8> = head.iter().take(8).copied().collect();
        let begins = |magic: &[u8]| head.starts_with(magic);
        if begins(npy::MAGIC) {
            return Self::npy(reader, source, args, proteins);
        }
        if begins(HDF5_MAGIC) || begins(PARQUET_MAGIC) {
            if !is_file {
                return Err(Error::usage(format!(
                    "{source}: HDF5 and Parquet are not read from front to back, so they must be files"
                )));
            }
            let bytes = context.bytes(source)?;
            if begins(HDF5_MAGIC) {
                let opened = Embeddings::new(bytes, source, args, proteins)?;
                return Ok(Self::Hdf5(opened));
            }
            let table =
                parquet::open(bytes::Bytes::from_owner(bytes)).map_err(source.in_input())?;
            return Self::table(table, source, args, proteins);
        }
        if begins(ARROW_MAGIC) || begins(STREAM_MARK) {
            let table = if is_file {
                context.open_table(source)?
            } else {
                TableSource::from_reader(reader).map_err(source.in_input())?
            };
            return Self::table(table, source, args, proteins);
        }
        Err(
            Error::data(format!("holds no activations: {}", what_else(&head)))
                .context(source.to_string()),
        )
    }

    fn table(
        table: TableSource,
        source: &Source,
        args: &ActivationArgs,
        proteins: Option<Proteins>,
    ) -> Result<Self> {
        let reader = ActivationReader::new(table).map_err(source.in_input())?;
        let tables = Tables::new(reader, source, args, proteins)?;
        Ok(Self::Table(Box::new(tables)))
    }

    fn npy(
        reader: Reader,
        source: &Source,
        args: &ActivationArgs,
        proteins: Option<Proteins>,
    ) -> Result<Self> {
        let reader = NpyReader::new(reader).map_err(source.in_input())?;
        let Some(proteins) = proteins else {
            return Err(Error::usage(format!(
                "{source}: a .npy does not say which proteins its rows are of: say --proteins TSV or FASTA"
            )));
        };
        let pooled = args.pool.is_some();
        check_rows(source, reader.rows(), &proteins, pooled)?;
        Ok(Self::Npy {
            reader: Box::new(reader),
            proteins,
            pooled,
            source: source.clone(),
        })
    }

    /// Rows, where that is known before they are read.
    pub(super) fn rows(&self) -> Option<u64> {
        match self {
            Self::Npy { reader, .. } => Some(reader.rows()),
            Self::Hdf5(embeddings) => Some(embeddings.rows()),
            Self::Table(tables) => tables.rows(),
        }
    }

    /// Numbers of a row.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Npy { reader, .. } => reader.width(),
            Self::Hdf5(embeddings) => embeddings.width(),
            Self::Table(tables) => tables.width(),
        }
    }

    /// Type of the numbers, as a table keeps them.
    pub(super) fn of(&self) -> ActivationType {
        match self {
            Self::Npy { reader, .. } => reader.of().kept(),
            Self::Hdf5(embeddings) => embeddings.of(),
            Self::Table(tables) => tables.of(),
        }
    }

    /// Whether a protein is one row.
    pub(super) fn is_pooled(&self) -> bool {
        match self {
            Self::Npy { pooled, .. } => *pooled,
            Self::Hdf5(embeddings) => embeddings.is_pooled(),
            Self::Table(tables) => tables.is_pooled(),
        }
    }

    /// What a table says of itself; none of other containers.
    pub(super) fn info(&self) -> Option<&ActivationInfo> {
        match self {
            Self::Table(tables) => Some(tables.info()),
            _ => None,
        }
    }

    /// Whether letters of residues are not known.
    pub(super) fn lacks_residues(&self) -> bool {
        match self {
            _ if self.is_pooled() => false,
            Self::Npy { proteins, .. } => proteins.lack_residues(),
            Self::Hdf5(embeddings) => embeddings.lacks_residues(),
            Self::Table(tables) => tables.lacks_residues(),
        }
    }

    /// Calls `f` with all rows, in order.
    ///
    /// # Errors
    /// Where they cannot be read to their end, and of `f`.
    pub(super) fn each(self, f: impl FnMut(Piece) -> Result<()>) -> Result<()> {
        match self {
            Self::Npy {
                reader,
                proteins,
                source,
                pooled,
            } => each_of_npy(*reader, &proteins, &source, pooled, f),
            Self::Hdf5(embeddings) => embeddings.each(f),
            Self::Table(tables) => tables.each(f),
        }
    }
}

/// What bytes may be that begin as no activations do.
fn what_else(head: &[u8]) -> String {
    match head {
        [] => "it is empty".into(),
        [b'P', b'K', ..] => {
            "it is a ZIP archive; of an .npz save the one array as .npy, and of a checkpoint -o is a folder".into()
        }
        [0x80, 2..=5, ..] => "it is a pickle, which is not read".into(),
        _ => format!("neither .npy, HDF5, Parquet nor Arrow (it begins with {head:02x?})"),
    }
}

/// Demands as many rows as the proteins have.
fn check_rows(source: &Source, rows: u64, proteins: &Proteins, pooled: bool) -> Result<()> {
    let list = &proteins.source;
    let listed = proteins.all.len() as u64;
    if pooled {
        if rows == listed {
            return Ok(());
        }
        return Err(Error::data(format!(
            "{source} has {rows} rows, {list} has {listed} proteins"
        )));
    }
    let (mut total, mut unfit) = (0_u64, None);
    for protein in &proteins.all {
        let Some(length) = protein.length else {
            return Err(Error::data(format!(
                "{list} says no length of '{}'; of one row a protein say --pool mean",
                protein.accession
            )));
        };
        total += u64::from(length);
        if total > rows && unfit.is_none() {
            unfit = Some((&protein.accession, total));
        }
    }
    if total == rows {
        return Ok(());
    }
    let where_to = match (unfit, proteins.all.last()) {
        (Some((first, end)), _) => format!("'{first}' would end at row {end}"),
        (None, Some(last)) => format!(
            "{} are left behind the last, '{}'",
            rows - total,
            last.accession
        ),
        (None, None) => "it lists none".into(),
    };
    let pool = if rows == listed {
        "; of one row a protein say --pool mean"
    } else {
        ""
    };
    Err(Error::data(format!(
        "{source} has {rows} rows, the proteins of {list} have {total} residues: {where_to}{pool}"
    )))
}

fn each_of_npy(
    mut reader: NpyReader<Reader>,
    proteins: &Proteins,
    source: &Source,
    pooled: bool,
    mut f: impl FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let block = (BLOCK_BYTES / (reader.width() * size_of::<f32>())).max(1);
    let (mut rows, mut positions) = (Vec::new(), Vec::new());
    for protein in &proteins.all {
        let length = if pooled {
            1
        } else {
            protein.length.unwrap_or(0) as usize
        };
        let mut done = 0;
        while done < length {
            let take = block.min(length - done);
            reader.read(take, &mut rows).map_err(source.in_input())?;
            positions.clear();
            if !pooled {
                positions.extend((done..done + take).map(|at| at as u32 + 1));
            }
            let residues = match &protein.residues {
                Some(residues) if !pooled => residues.get(done..done + take).unwrap_or_default(),
                _ => &vec![b'X'; positions.len()],
            };
            f(Piece {
                protein: &protein.accession,
                positions: &positions,
                residues,
                rows: &rows,
            })?;
            done += take;
        }
    }
    reader.finish().map_err(source.in_input())
}
