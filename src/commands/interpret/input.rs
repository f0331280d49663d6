//! The tables that interpret reads: activations, or features that were made of them.

use super::{Args, reading::Reading};
use crate::{
    Error, Result,
    cli::{Context, Source, log, progress::Progress},
    commands::shared,
    sae::{encode::Encoder, folder::Sae, settings::Operand},
    table::{TableSource, activations::ActivationReader, features::FeatureReader, schema},
};

/// Numbers that a block of rows may hold.
const BLOCK_NUMBERS: usize = 1 << 23;

/// Opened inputs, all of one kind.
pub(super) enum Inputs<'a> {
    Activations(Vec<(&'a Source, ActivationReader)>),
    Features(Vec<(&'a Source, FeatureReader)>),
}

/// Whether a table holds features; else it should hold activations.
fn holds_features(table: &TableSource) -> bool {
    table.schema().column_with_name(schema::LATENT).is_some()
}

impl<'a> Inputs<'a> {
    /// Opens all inputs; they must be of the model.
    pub(super) fn open(args: &'a Args, context: &Context, sae: &Sae) -> Result<Self> {
        let mut activations = Vec::new();
        let mut features = Vec::new();
        for source in &args.input {
            let table = context.open_table(source)?;
            if holds_features(&table) {
                features.push((source, open_features(args, sae, source, table)?));
            } else {
                let reader = shared::open_activation_table(table, source, sae, &args.model)?;
                activations.push((source, reader));
            }
        }
        match (activations.first(), features.first()) {
            (Some((a, _)), Some((f, _))) => Err(Error::mismatch(format!(
                "{a} holds activations, {f} holds features"
            ))),
            (_, Some(_)) => {
                log::warn(
                    "features do not say how likely concepts are everywhere: the dictionary has names of latents alone; \
                     give activations to have ranges of concepts too",
                );
                Ok(Self::Features(features))
            }
            _ => Ok(Self::Activations(activations)),
        }
    }

    /// Whether ranges can be read: from activations of whole proteins.
    pub(super) fn have_ranges(&self) -> bool {
        match self {
            Self::Activations(readers) => {
                let sampled = readers.iter().any(|(_, r)| r.info().sample.is_some());
                if sampled {
                    log::warn(
                        "activations are of some residues of each protein: no ranges of concepts can be chosen",
                    );
                }
                !sampled
            }
            Self::Features(_) => false,
        }
    }

    /// Reads everything.
    pub(super) fn read(self, sae: &Sae, compute: Operand, reading: &mut Reading<'_>) -> Result<()> {
        match self {
            Self::Activations(readers) => {
                let total = readers.iter().map(|(_, r)| r.rows().ok().flatten()).sum();
                let mut progress = Progress::new("residues", total);
                let mut encoder = Encoder::with(sae, compute);
                let shape = &sae.config.shape;
                let block = (BLOCK_NUMBERS / (shape.width + shape.defined)).max(1);
                for (source, reader) in readers {
                    reading.whole = reader.info().sample.is_none();
                    for batch in reader {
                        let batch = batch.map_err(source.in_input())?;
                        let read = reading.activations(&mut encoder, &batch, block);
                        read.map_err(source.in_input())?;
                        progress.add(batch.rows() as u64);
                    }
                    reading.end_table().map_err(source.in_input())?;
                }
                progress.finish();
            }
            Self::Features(readers) => {
                let total = readers.iter().map(|(_, r)| r.rows().ok().flatten()).sum();
                let mut progress = Progress::new("residues", total);
                for (source, reader) in readers {
                    reading.whole = reader.info().sample.is_none();
                    for batch in reader {
                        let batch = batch.map_err(source.in_input())?;
                        reading.features(&batch).map_err(source.in_input())?;
                        progress.add(batch.rows() as u64);
                    }
                    reading.end_table().map_err(source.in_input())?;
                }
                progress.finish();
            }
        }
        Ok(())
    }
}

fn open_features(
    args: &Args,
    sae: &Sae,
    source: &Source,
    table: TableSource,
) -> Result<FeatureReader> {
    let reader = FeatureReader::new(table).map_err(source.in_input())?;
    match &reader.info().sae {
        Some(made_by) => {
            let folder = args.model.display().to_string();
            sae.identity()
                .check_same(&folder, made_by, &source.to_string())?;
        }
        None => log::warn(&format!(
            "{source}: nothing says that it was made by this model"
        )),
    }
    Ok(reader)
}
