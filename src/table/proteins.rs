//! `proteins/2`: one row a protein, with the means and maxima of concepts and latents, and its calls.
//!
//! `proteins/1`, which has no calls, is read as well.

use super::{
    Container, TableError, TableSink, TableSource,
    calls::{CallColumns, CallList, CallLists},
    column::{self, Lists},
    features::{FeatureInfo, Ragged, same_lengths},
    schema as s,
};
use arrow_array::{ArrayRef, RecordBatch, UInt32Array, builder::StringBuilder};
use arrow_schema::Schema;
use std::{io::Write, sync::Arc};

/// Proteins of a record batch.
const BATCH_ROWS: usize = 1 << 10;

/// The features of one protein.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProteinFeatures {
    /// Accession.
    pub protein: String,
    /// Residues.
    pub length: u32,
    /// Concepts whose largest probability is at least [`MIN_PROBABILITY`], ascending.
    pub concepts: Vec<u32>,
    /// Their mean probability over all residues.
    pub probability_mean: Vec<f32>,
    /// Their largest probability.
    pub probability_max: Vec<f32>,
    /// Latents that are active anywhere, ascending.
    pub latents: Vec<u32>,
    /// Their mean activation over all residues.
    pub activation_mean: Vec<f32>,
    /// Their largest activation.
    pub activation_max: Vec<f32>,
    /// What it is called to have; none where nothing calls.
    pub calls: Option<CallList>,
}

/// The largest probability that a concept must reach to be listed.
pub const MIN_PROBABILITY: f32 = 0.01;

/// Writes a protein table.
pub struct ProteinWriter<W: Write> {
    sink: TableSink<W>,
    schema: Arc<Schema>,
    protein: StringBuilder,
    length: Vec<u32>,
    concept: Ragged<u32>,
    probability_mean: Ragged<f32>,
    probability_max: Ragged<f32>,
    latent: Ragged<u32>,
    activation_mean: Ragged<f32>,
    activation_max: Ragged<f32>,
    calls: CallColumns,
}

impl<W: Write> ProteinWriter<W> {
    /// Begins a table.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn new(out: W, container: Container, info: &FeatureInfo) -> Result<Self, TableError> {
        let schema = s::with_metadata(s::proteins(), s::PROTEINS_FORMAT, info.to_metadata());
        Ok(Self {
            sink: TableSink::new(out, container, &schema)?,
            schema,
            protein: StringBuilder::new(),
            length: Vec::new(),
            concept: Ragged::default(),
            probability_mean: Ragged::default(),
            probability_max: Ragged::default(),
            latent: Ragged::default(),
            activation_mean: Ragged::default(),
            activation_max: Ragged::default(),
            calls: CallColumns::new(),
        })
    }

    /// Adds a protein.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn push(&mut self, row: &ProteinFeatures) -> Result<(), TableError> {
        self.protein.append_value(&row.protein);
        self.length.push(row.length);
        self.concept.push(&row.concepts);
        self.probability_mean.push(&row.probability_mean);
        self.probability_max.push(&row.probability_max);
        self.latent.push(&row.latents);
        self.activation_mean.push(&row.activation_mean);
        self.activation_max.push(&row.activation_max);
        self.calls.push(row.calls.as_ref());
        if self.length.len() == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TableError> {
        if self.length.is_empty() {
            return Ok(());
        }
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.protein.finish()),
            Arc::new(UInt32Array::from(std::mem::take(&mut self.length))),
            self.concept.finish()?,
            self.probability_mean.finish()?,
            self.probability_max.finish()?,
            self.latent.finish()?,
            self.activation_mean.finish()?,
            self.activation_max.finish()?,
        ];
        columns.extend(self.calls.finish());
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        self.sink.write(&batch)
    }

    /// Ends the table.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn finish(mut self) -> Result<W, TableError> {
        self.flush()?;
        self.sink.finish()
    }
}

/// Reads a protein table, calling `each` for every row; returns what the table says of itself.
///
/// # Errors
/// [`TableError`] of the table, or what `each` returns.
pub fn read<E: From<TableError>>(
    source: TableSource,
    mut each: impl FnMut(&FeatureInfo, ProteinFeatures) -> Result<(), E>,
) -> Result<FeatureInfo, E> {
    let found = source.schema().metadata.get(s::META_FORMAT);
    let format = match found.map(String::as_str) {
        Some(s::PROTEINS_FORMAT_1) => s::PROTEINS_FORMAT_1,
        _ => s::PROTEINS_FORMAT,
    };
    let info = FeatureInfo::from_schema(source.schema(), format)?;
    for batch in source {
        let batch = batch.map_err(E::from)?;
        let protein = column::strings(&batch, s::PROTEIN)?;
        let length = column::integers(&batch, s::LENGTH)?;
        let concept = column::integer_lists(&batch, s::CONCEPT)?;
        let latent = column::integer_lists(&batch, s::LATENT)?;
        let floats = |name, beside: &Lists<'_, u32>| {
            let values = column::float_lists(&batch, name)?;
            same_lengths(name, beside, &values)?;
            Ok::<_, TableError>(values)
        };
        let probability_mean = floats(s::PROBABILITY_MEAN, &concept)?;
        let probability_max = floats(s::PROBABILITY_MAX, &concept)?;
        let activation_mean = floats(s::ACTIVATION_MEAN, &latent)?;
        let activation_max = floats(s::ACTIVATION_MAX, &latent)?;
        let mut calls = CallLists::read(&batch)?;
        for row in 0..batch.num_rows() {
            let features = ProteinFeatures {
                protein: protein.value(row).to_owned(),
                length: length[row],
                concepts: concept.row(row).to_vec(),
                probability_mean: probability_mean.row(row).to_vec(),
                probability_max: probability_max.row(row).to_vec(),
                latents: latent.row(row).to_vec(),
                activation_mean: activation_mean.row(row).to_vec(),
                activation_max: activation_max.row(row).to_vec(),
                calls: calls.take(row),
            };
            each(&info, features)?;
        }
    }
    Ok(info)
}
