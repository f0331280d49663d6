//! Tables in Arrow and Parquet, ours and those of others, whose positions and residues may be missing.

use super::{
    ActivationArgs, Piece, Proteins,
    proteins::{Known, renamed},
};
use crate::{
    Error, Result,
    cli::Source,
    commands::shared::WholeProteins,
    table::{
        activations::{ActivationBatch, ActivationInfo, ActivationReader},
        schema::{self as s, ActivationType},
    },
};

/// A table whose first rows were read.
pub(super) struct Tables {
    reader: ActivationReader,
    first: Option<ActivationBatch>,
    source: Source,
    known: Option<Known>,
    columns: Columns,
    /// Whether some residue is written as `X`.
    lacks_residues: bool,
    raw_ids: bool,
    rows: Option<u64>,
    width: usize,
}

/// What the columns are.
#[derive(Clone, Copy)]
struct Columns {
    pooled: bool,
    positions: bool,
    residues: bool,
    of: ActivationType,
}

impl Tables {
    /// Reads as much of a table as shows how wide it is.
    ///
    /// # Errors
    /// Where it holds no activations, or what the options say of it is wrong.
    pub(super) fn new(
        mut reader: ActivationReader,
        source: &Source,
        args: &ActivationArgs,
        proteins: Option<Proteins>,
    ) -> Result<Self> {
        let positions = reader.has_column(s::POSITION);
        let residues = reader.has_column(s::RESIDUE);
        if args.pool.is_some() && positions {
            return Err(Error::usage(format!(
                "--pool: {source} has positions, so it has one row a residue"
            )));
        }
        if let Some(proteins) = &proteins
            && residues
        {
            return Err(Error::usage(format!(
                "--proteins {}: {source} names its residues itself",
                proteins.source
            )));
        }
        let columns = Columns {
            pooled: reader.info().pool.is_some() || args.pool.is_some(),
            positions,
            residues,
            of: reader.number_type(),
        };
        let rows = reader.rows().map_err(source.in_input())?;
        let first = reader.next().transpose().map_err(source.in_input())?;
        let width = first.as_ref().map(ActivationBatch::width);
        let Some(width) = width.or(reader.width()).filter(|&width| width > 0) else {
            return Err(Error::data("has no rows, and does not say their width")
                .context(source.to_string()));
        };
        Ok(Self {
            reader,
            first,
            source: source.clone(),
            lacks_residues: !residues && proteins.as_ref().is_none_or(Proteins::lack_residues),
            known: proteins.map(Proteins::by_accession),
            columns,
            raw_ids: args.raw_ids,
            rows,
            width,
        })
    }

    pub(super) fn rows(&self) -> Option<u64> {
        self.rows
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn of(&self) -> ActivationType {
        self.columns.of
    }

    pub(super) fn is_pooled(&self) -> bool {
        self.columns.pooled
    }

    pub(super) fn info(&self) -> &ActivationInfo {
        self.reader.info()
    }

    pub(super) fn lacks_residues(&self) -> bool {
        self.lacks_residues
    }

    /// Calls `f` with all rows, in order.
    ///
    /// # Errors
    /// Where they cannot be read to their end, and of `f`.
    pub(super) fn each(self, mut f: impl FnMut(Piece) -> Result<()>) -> Result<()> {
        let Self {
            reader,
            first,
            source,
            known,
            columns,
            raw_ids,
            ..
        } = self;
        let mut course = Course {
            whole: WholeProteins::default(),
            source: &source,
            known: known.as_ref(),
            columns,
            raw_ids,
            rows: 0,
            of_current: 0,
        };
        for batch in first.map(Ok).into_iter().chain(reader) {
            let batch = batch.map_err(source.in_input())?;
            course.batch(&batch, &mut f)?;
        }
        let proteins = course.whole.count();
        if !columns.pooled && !columns.positions && proteins > 1 && proteins == course.rows {
            return Err(Error::data(
                "has no column 'position', and one row for each protein: say --pool mean",
            )
            .context(source.to_string()));
        }
        Ok(())
    }
}

/// How far a table has been read.
struct Course<'a> {
    whole: WholeProteins,
    source: &'a Source,
    known: Option<&'a Known>,
    columns: Columns,
    raw_ids: bool,
    rows: usize,
    /// Rows of the current protein so far.
    of_current: u32,
}

impl Course<'_> {
    fn batch(
        &mut self,
        batch: &ActivationBatch,
        f: &mut impl FnMut(Piece) -> Result<()>,
    ) -> Result<()> {
        let source = self.source;
        let x = batch.activations().map_err(source.in_input())?;
        let own = |there: bool| there && !self.columns.pooled;
        let positions = own(self.columns.positions).then(|| batch.positions());
        let positions = positions.transpose().map_err(source.in_input())?;
        let letters = own(self.columns.residues).then(|| batch.residues());
        let letters = letters.transpose().map_err(source.in_input())?;
        for run in batch.runs() {
            let protein = renamed(batch.protein(run.start), self.raw_ids);
            let n = run.len();
            let begins = self.whole.next(&protein).map_err(source.in_input())?;
            if self.columns.pooled && (!begins || n > 1) {
                let text =
                    format!("protein '{protein}' has several rows of a table of one a protein");
                return Err(Error::data(text).context(source.to_string()));
            }
            if begins {
                self.of_current = 0;
            }
            let counted: Vec<u32>;
            let of_run: &[u32] = match &positions {
                _ if self.columns.pooled => &[],
                Some(all) => &all[run.clone()],
                None => {
                    counted = (self.of_current + 1..).take(n).collect();
                    &counted
                }
            };
            self.of_current += n as u32;
            self.rows += n;
            let named: Vec<u8>;
            let residues: &[u8] = match (&letters, self.known) {
                (Some(all), _) => &all[run.clone()],
                (None, Some(known)) => {
                    named = known.letters(&protein, of_run)?;
                    &named
                }
                (None, None) => &vec![b'X'; of_run.len()],
            };
            let width = batch.width();
            let piece = Piece {
                protein: &protein,
                positions: of_run,
                residues,
                rows: &x[run.start * width..run.end * width],
            };
            f(piece)?;
        }
        Ok(())
    }
}
