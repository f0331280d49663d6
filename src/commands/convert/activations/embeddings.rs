//! Embeddings in HDF5, protein by protein.

use super::{
    ActivationArgs, Piece, Proteins,
    proteins::{Known, renamed},
};
use crate::{
    Error, Result,
    cli::Source,
    table::{foreign::hdf5::Hdf5Source, schema::ActivationType},
};
use arrow_buffer::Buffer;
use std::collections::HashSet;

/// A file whose datasets were all looked at.
pub(super) struct Embeddings {
    file: Hdf5Source,
    source: Source,
    known: Option<Known>,
    lacks_residues: bool,
    raw_ids: bool,
    rows: u64,
    shape: Shape,
}

/// What all datasets have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    width: usize,
    of: ActivationType,
    pooled: bool,
}

impl Shape {
    fn shown(self) -> String {
        let per = if self.pooled { "protein" } else { "residue" };
        let bits = 8 * self.of.bytes();
        format!("{} numbers of f{bits} a {per}", self.width)
    }
}

impl Embeddings {
    /// Looks at every dataset.
    ///
    /// # Errors
    /// Where one is no embedding, they differ, or are not of the proteins.
    pub(super) fn new(
        bytes: Buffer,
        source: &Source,
        args: &ActivationArgs,
        proteins: Option<Proteins>,
    ) -> Result<Self> {
        let mut file = Hdf5Source::new(bytes).map_err(source.in_input())?;
        let lacks_residues = proteins.as_ref().is_none_or(Proteins::lack_residues);
        let known = proteins.map(Proteins::by_accession);
        let (mut rows, mut first, mut seen) = (0, None, HashSet::new());
        for index in 0..file.datasets() {
            let embedding = file.open(index).map_err(source.in_input())?;
            let id = renamed(&embedding.id, args.raw_ids);
            let shape = Shape {
                width: embedding.width,
                of: embedding.of.kept(),
                pooled: embedding.pooled,
            };
            let (first_id, of_first) = first.get_or_insert_with(|| (id.clone(), shape));
            // the type may differ where one is asked for
            let typed = Shape {
                of: args.dtype.map_or(shape.of, |_| of_first.of),
                ..shape
            };
            if typed != *of_first {
                return Err(Error::data(format!(
                    "'{id}' has {}, '{first_id}' has {}",
                    shape.shown(),
                    of_first.shown()
                ))
                .context(source.to_string()));
            }
            if let Some(known) = &known {
                let length = if shape.pooled {
                    None
                } else {
                    Some(embedding.rows)
                };
                let fits = match length {
                    Some(rows) => known.check_length(&id, rows),
                    None => known.get(&id).map(|_| ()),
                };
                fits.map_err(source.in_input())?;
            }
            rows += embedding.rows as u64;
            if !seen.insert(id) {
                return Err(Error::data(format!(
                    "two datasets are of '{}'",
                    renamed(&embedding.id, args.raw_ids)
                ))
                .context(source.to_string()));
            }
        }
        let Some((_, shape)) = first else {
            return Err(Error::data("holds no dataset").context(source.to_string()));
        };
        if args.pool.is_some() && !shape.pooled {
            return Err(Error::usage(format!(
                "--pool: {source} has one row a residue, and so has the table"
            )));
        }
        Ok(Self {
            file,
            source: source.clone(),
            known,
            lacks_residues,
            raw_ids: args.raw_ids,
            rows,
            shape,
        })
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn width(&self) -> usize {
        self.shape.width
    }

    pub(super) fn of(&self) -> ActivationType {
        self.shape.of
    }

    pub(super) fn is_pooled(&self) -> bool {
        self.shape.pooled
    }

    pub(super) fn lacks_residues(&self) -> bool {
        self.lacks_residues
    }

    /// Calls `f` with all rows, in the order of the datasets.
    ///
    /// # Errors
    /// Where a dataset is damaged, and of `f`.
    pub(super) fn each(mut self, mut f: impl FnMut(Piece) -> Result<()>) -> Result<()> {
        let mut rows = Vec::new();
        for index in 0..self.file.datasets() {
            let embedding = self.file.open(index).map_err(self.source.in_input())?;
            embedding.read(&mut rows).map_err(self.source.in_input())?;
            let protein = renamed(&embedding.id, self.raw_ids);
            let length = if self.shape.pooled {
                0
            } else {
                embedding.rows as u32
            };
            let positions: Vec<u32> = (1..=length).collect();
            let residues = match &self.known {
                Some(known) => known.letters(&protein, &positions)?,
                None => vec![b'X'; positions.len()],
            };
            f(Piece {
                protein: &protein,
                positions: &positions,
                residues: &residues,
                rows: &rows,
            })?;
        }
        Ok(())
    }
}
