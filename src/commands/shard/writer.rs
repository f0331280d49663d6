//! The shards of a run, one after the other.

use super::cut::Cut;
use crate::{
    Error, Result,
    cli::{Context, Output, Target},
    error::Context as _,
    report::tsv,
    seq::fasta::{Record, write_record},
};
use std::path::Path;

/// Columns of the table.
pub const COLUMNS: [&str; 4] = ["shard", "file", "proteins", "residues"];

/// What a shard holds.
struct Shard {
    target: Target,
    proteins: u64,
    residues: u64,
}

/// Shards that are being written; in a dry run they are only counted.
pub(super) struct Shards<'a> {
    context: &'a Context,
    target: &'a dyn Fn(u64) -> Target,
    cut: Cut,
    /// Shards that were expected before the work.
    expected: u64,
    begun: Vec<Shard>,
    /// The output of the last that was begun.
    open: Option<Output>,
}

impl<'a> Shards<'a> {
    pub(super) fn new(
        context: &'a Context,
        target: &'a dyn Fn(u64) -> Target,
        cut: Cut,
        expected: u64,
    ) -> Self {
        Self {
            context,
            target,
            cut,
            expected,
            begun: Vec::new(),
            open: None,
        }
    }

    /// Completes the current shard and begins the next.
    fn next(&mut self) -> Result<()> {
        self.close()?;
        let number = self.begun.len() as u64 + 1;
        let target = (self.target)(number);
        if number > self.expected {
            // another output of the run may have its name
            self.context.expect_one(target.clone())?;
        }
        if !self.context.is_dry_run() {
            self.open = Some(self.context.create(&target)?);
        }
        self.begun.push(Shard {
            target,
            proteins: 0,
            residues: 0,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        self.open.take().map_or(Ok(()), Output::commit)
    }

    /// Writes a record to the shard that it belongs to.
    ///
    /// # Errors
    /// Where writing fails, naming the shard; or where there are more records than were counted.
    pub(super) fn put(&mut self, record: &Record) -> Result<()> {
        let is_full = |shards: &Self| {
            let room = (shards.begun.len().checked_sub(1)).and_then(|at| shards.cut.room(at));
            let held = shards.begun.last().map(|shard| shard.proteins);
            held >= room
        };
        while is_full(self) {
            if self.cut.room(self.begun.len()).is_none() {
                return Err(changed());
            }
            self.next()?;
        }
        let Some(shard) = self.begun.last_mut() else {
            return Ok(());
        };
        shard.proteins += 1;
        shard.residues += record.protein.sequence.len() as u64;
        match &mut self.open {
            Some(out) => {
                write_record(out, &record.header, &record.letters).during(&shard.target.to_string())
            }
            None => Ok(()),
        }
    }

    /// Completes the last shard, and adds the empty ones that are due.
    ///
    /// # Errors
    /// Where writing fails, or where there are fewer records than were counted, naming the inputs.
    pub(super) fn finish(mut self, inputs: &str) -> Result<Written> {
        while self.begun.len() < self.cut.least() {
            self.next()?;
        }
        self.close()?;
        if let Cut::Counts(counts) = &self.cut {
            let fits = (self.begun.iter().zip(counts)).all(|(shard, n)| shard.proteins == *n);
            if !fits {
                return Err(changed().context(inputs.to_owned()));
            }
        }
        Ok(Written(self.begun))
    }
}

fn changed() -> Error {
    Error::data("changed while it was read: the second reading found other records than the first")
}

/// Shards that are complete.
pub(super) struct Written(Vec<Shard>);

impl Written {
    pub(super) fn number(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn proteins(&self) -> u64 {
        self.0.iter().map(|shard| shard.proteins).sum()
    }

    pub(super) fn residues(&self) -> u64 {
        self.0.iter().map(|shard| shard.residues).sum()
    }

    /// What a dry run says.
    pub(super) fn plan(&self) -> String {
        let largest = self.0.iter().map(|shard| shard.residues).max();
        format!(
            "{} proteins of {} residues to {} shards, the largest of {} residues",
            self.proteins(),
            self.residues(),
            self.number(),
            largest.unwrap_or(0)
        )
    }

    /// Writes the table.
    ///
    /// # Errors
    /// Where writing fails, naming it.
    pub(super) fn write_table(&self, table: &Target, context: &Context) -> Result<()> {
        let name = table.to_string();
        let mut out = context.create(table)?;
        tsv::write_line(&mut out, &COLUMNS).during(&name)?;
        for (shard, number) in self.0.iter().zip(1_u64..) {
            let file = shard.target.path().and_then(Path::file_name);
            let fields = [
                number.to_string(),
                file.map_or_else(|| "-".into(), |file| file.to_string_lossy().into_owned()),
                shard.proteins.to_string(),
                shard.residues.to_string(),
            ];
            let fields = fields.each_ref().map(String::as_str);
            tsv::write_line(&mut out, &fields).during(&name)?;
        }
        out.commit()
    }
}
