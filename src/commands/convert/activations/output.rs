//! Activations into the container that is asked for.

use super::{Kind, Piece, Writing};
use crate::{
    Error, Result,
    cli::{Output, Target},
    error::Context as _,
    table::{
        activations::ActivationWriter,
        foreign::{listing::ListWriter, npy::NpyWriter, parquet::ParquetActivations},
        schema::ActivationType,
    },
};

/// What is being written.
pub(super) struct Sink<'a> {
    container: Container<'a>,
    of: ActivationType,
    width: usize,
    current: String,
    written: Written,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    pub(super) proteins: u64,
    pub(super) rows: u64,
}

enum Container<'a> {
    Arrow(Box<ActivationWriter<&'a mut Output>>),
    Parquet(Box<ParquetActivations<&'a mut Output>>),
    Npy {
        array: NpyWriter<&'a mut Output>,
        list: ListWriter<&'a mut Output>,
        /// Residues of the current protein.
        residues: Vec<u8>,
    },
}

impl<'a> Sink<'a> {
    /// Begins; `list` is beside a `.npy`.
    ///
    /// # Errors
    /// Where writing fails, and of a `.npy` whose rows nobody knows before they are read.
    pub(super) fn new(
        output: &'a mut Output,
        list: Option<&'a mut Output>,
        target: &Target,
        rows: Option<u64>,
        width: usize,
        writing: &Writing,
    ) -> Result<Self> {
        let (info, of) = (&writing.info, writing.of);
        let name = target.to_string();
        let container = match (writing.kind, list) {
            (Kind::Parquet, _) => {
                let table = ParquetActivations::new(output, width, of, info);
                Container::Parquet(Box::new(table.during(&name)?))
            }
            (Kind::Npy, Some(list)) => {
                if let Some(sample) = info.sample {
                    return Err(Error::usage(format!(
                        "the table holds {sample} residues of each protein, whose positions a .npy cannot say: \
                         write .parquet"
                    )));
                }
                let rows = rows.ok_or_else(|| {
                    Error::usage(
                        "a .npy says its rows before they are read, and a stream of Arrow says them at its end: \
                         write the table into a file first, and give that",
                    )
                })?;
                Container::Npy {
                    array: NpyWriter::new(output, rows, width, of).during(&name)?,
                    list: ListWriter::new(list)?,
                    residues: Vec::new(),
                }
            }
            (Kind::Arrow | Kind::Npy, _) => {
                let table = ActivationWriter::new(output, target.container(), width, of, info);
                Container::Arrow(Box::new(table.during(&name)?))
            }
        };
        Ok(Self {
            container,
            of,
            width,
            current: String::new(),
            written: Written::default(),
        })
    }

    /// Refuses what the type cannot hold, and what no step could read.
    ///
    /// # Errors
    /// With the first number that is so, its protein and its position.
    pub(super) fn check(&self, piece: &Piece) -> Result<()> {
        let largest = self.of.largest();
        let bad = |v: &f32| v.abs() > largest || v.is_nan();
        let Some(at) = piece.rows.iter().position(bad) else {
            return Ok(());
        };
        let (value, row) = (piece.rows[at], at / self.width);
        let place = match piece.positions.get(row) {
            Some(position) => format!(" at position {position}"),
            None => String::new(),
        };
        let cure = if value.is_finite() {
            "more than half precision holds: say --dtype f32"
        } else {
            "which is no finite number"
        };
        let id = piece.protein;
        Err(Error::data(format!(
            "protein '{id}' has activation {value}{place}, {cure}"
        )))
    }

    /// Takes rows of a protein, which were checked.
    ///
    /// # Errors
    /// Where the container cannot hold them, or writing fails.
    pub(super) fn push(&mut self, piece: &Piece) -> Result<()> {
        let pooled = piece.positions.is_empty();
        let begins = pooled || self.current != piece.protein;
        match &mut self.container {
            Container::Arrow(table) if pooled => table.push_pooled(piece.protein, piece.rows)?,
            Container::Arrow(table) => {
                table.push(piece.protein, piece.positions, piece.residues, piece.rows)?;
            }
            Container::Parquet(table) if pooled => table.push_pooled(piece.protein, piece.rows)?,
            Container::Parquet(table) => {
                table.push(piece.protein, piece.positions, piece.residues, piece.rows)?;
            }
            Container::Npy {
                array,
                list,
                residues,
            } => {
                if begins && !self.current.is_empty() {
                    list.push(&self.current, residues)?;
                    residues.clear();
                }
                let next = residues.len() as u32 + 1;
                if let Some((found, next)) =
                    piece.positions.iter().zip(next..).find(|(a, b)| *a != b)
                {
                    let id = piece.protein;
                    return Err(Error::data(format!(
                        "protein '{id}' has position {found} where {next} is next: a .npy cannot say so; write .parquet"
                    )));
                }
                residues.extend_from_slice(piece.residues);
                array.push(piece.rows)?;
            }
        }
        if begins {
            piece.protein.clone_into(&mut self.current);
            self.written.proteins += 1;
        }
        self.written.rows += (piece.rows.len() / self.width) as u64;
        Ok(())
    }

    /// Ends what is written.
    ///
    /// # Errors
    /// Where writing fails.
    pub(super) fn finish(self) -> Result<Written> {
        match self.container {
            Container::Arrow(table) => {
                table.finish()?;
            }
            Container::Parquet(table) => table.finish()?,
            Container::Npy {
                array,
                mut list,
                residues,
            } => {
                if !self.current.is_empty() {
                    list.push(&self.current, &residues)?;
                }
                array.finish()?;
                list.finish()?;
            }
        }
        Ok(self.written)
    }
}
