//! The course of activation tables through one model or two.

use super::rows::{Collector, PartRows};
use crate::{
    Error, Result,
    cli::{Source, progress::Progress},
    commands::shared,
    sae::{Sae, encode::Encoder},
    table::activations::ActivationReader,
};
use std::path::Path;

/// A model that is scored.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) sae: &'a Sae,
    pub(super) folder: &'a Path,
}

/// Demands tables of all residues for the sake of `what`.
pub(super) fn check_whole(readers: &[(&Source, ActivationReader)], what: &str) -> Result<()> {
    let sampled = |(source, reader): &(&Source, ActivationReader)| {
        let sample = reader.info().sample?;
        Some(Error::mismatch(format!(
            "{source} holds {sample} residues a protein, expected whole proteins: {what} needs all of them"
        )))
    };
    readers.iter().find_map(sampled).map_or(Ok(()), Err)
}

/// Says what would be read.
pub(super) fn plan(readers: &[(&Source, ActivationReader)]) -> Result<()> {
    for (source, reader) in readers {
        let rows = reader.rows().map_err(source.in_input())?;
        shared::plan_rows(source, rows, "residues")?;
    }
    Ok(())
}

/// What becomes of a protein that is encoded.
type Each<'c> = dyn FnMut(&PartRows) -> Result<()> + 'c;

/// A model that is scored, and what becomes of each protein that it encodes.
pub(super) struct Pass<'a, 'c> {
    encoder: Encoder<'a>,
    collector: &'c mut Collector<'a>,
    each: Box<Each<'c>>,
}

impl<'a, 'c> Pass<'a, 'c> {
    pub(super) fn new(
        sae: &'a Sae,
        collector: &'c mut Collector<'a>,
        each: impl FnMut(&PartRows) -> Result<()> + 'c,
    ) -> Self {
        Self {
            encoder: Encoder::new(sae),
            collector,
            each: Box::new(each),
        }
    }
}

/// Reads all tables once, each batch through every model.
pub(super) fn read(
    readers: Vec<(&Source, ActivationReader)>,
    mut passes: Vec<Pass<'_, '_>>,
) -> Result<()> {
    let total = readers.iter().map(|(_, r)| r.rows().ok().flatten()).sum();
    let mut progress = Progress::new("residues", total);
    for (source, reader) in readers {
        for batch in reader {
            let batch = batch.map_err(source.in_input())?;
            for pass in &mut passes {
                (pass.collector)
                    .batch(&mut pass.encoder, &batch, &mut *pass.each)
                    .map_err(source.in_input())?;
            }
            progress.add(batch.rows() as u64);
        }
        for pass in &mut passes {
            (pass.collector)
                .end_table(&mut pass.encoder, &mut *pass.each)
                .map_err(source.in_input())?;
        }
    }
    progress.finish();
    Ok(())
}
