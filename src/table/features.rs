//! `features/2`: one row a residue, none left out, with the active latents and likely concepts; on the last row of a
//! protein, what the whole of it is called with. `features/1`, without calls, is read as well.

use super::{
    Container, PlmIdentity, SaeIdentity, TableError, TableSink, TableSource, activations,
    column::{self, Lists, NullableLists},
    metadata, schema as s,
};
use arrow_array::{
    Array, ArrayRef, Float32Array, ListArray, RecordBatch, StringArray, UInt32Array,
    builder::StringBuilder,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Schema};
use std::{borrow::Cow, io::Write, ops::Range, sync::Arc};

/// Residues of a record batch.
const BATCH_ROWS: usize = 1 << 14;
/// List values of a record batch after which it is closed.
const BATCH_VALUES: usize = 1 << 20;

/// What a feature table says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FeatureInfo {
    /// Which activations the features were computed from.
    pub plm: Option<PlmIdentity>,
    /// Which SAE computed them.
    pub sae: Option<SaeIdentity>,
    /// Residues kept of each protein; `None` where all are.
    pub sample: Option<u32>,
    /// SHA-256 of the dictionary by which probabilities are calibrated; `None`: they are the model's own.
    pub dictionary: Option<String>,
}

impl FeatureInfo {
    /// Reads it from a table's schema.
    ///
    /// # Errors
    /// [`TableError`] where the table is of another kind or its metadata cannot be understood.
    pub fn from_schema(schema: &Schema, format: &'static str) -> Result<Self, TableError> {
        metadata::check_format(schema, format)?;
        let sample = schema.metadata.get(s::META_PLM_SAMPLE);
        Ok(Self {
            plm: PlmIdentity::from_schema(schema)?,
            sae: SaeIdentity::from_schema(schema)?,
            sample: sample.and_then(|v| v.parse().ok()),
            dictionary: schema.metadata.get(s::META_DICTIONARY_SHA256).cloned(),
        })
    }

    pub(super) fn to_metadata(&self) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        if let Some(plm) = &self.plm {
            entries.extend(plm.to_metadata());
        }
        if let Some(sae) = &self.sae {
            entries.extend(sae.to_metadata());
        }
        if let Some(sample) = self.sample {
            entries.push((s::META_PLM_SAMPLE.into(), sample.to_string()));
        }
        if let Some(dictionary) = &self.dictionary {
            entries.push((s::META_DICTIONARY_SHA256.into(), dictionary.clone()));
        }
        entries
    }
}

/// Ragged rows being collected: row i ends at `ends[i]`.
#[derive(Default)]
pub(super) struct Ragged<T> {
    ends: Vec<i32>,
    values: Vec<T>,
}

impl<T: Copy> Ragged<T> {
    /// Adds a row.
    pub(super) fn push(&mut self, row: &[T]) {
        self.values.extend_from_slice(row);
        // a batch is closed long before 2^31 values
        self.ends
            .push(i32::try_from(self.values.len()).unwrap_or(i32::MAX));
    }

    /// Replaces the last row.
    fn replace_last(&mut self, row: &[T]) {
        self.ends.pop();
        let end = self.ends.last().copied().unwrap_or(0);
        self.values.truncate(usize::try_from(end).unwrap_or(0));
        self.push(row);
    }

    fn offsets(&mut self) -> OffsetBuffer<i32> {
        let ends = std::mem::take(&mut self.ends);
        let offsets: Vec<i32> = std::iter::once(0).chain(ends).collect();
        OffsetBuffer::new(ScalarBuffer::from(offsets))
    }
}

impl Ragged<u32> {
    /// The rows as a list column; begins anew.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, TableError> {
        self.finish_nullable(None)
    }

    /// The rows as a list column, some of them null; begins anew.
    fn finish_nullable(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, TableError> {
        let offsets = self.offsets();
        let values = UInt32Array::from(std::mem::take(&mut self.values));
        let list = ListArray::try_new(s::item(DataType::UInt32), offsets, Arc::new(values), nulls)?;
        Ok(Arc::new(list))
    }
}

impl Ragged<f32> {
    /// The rows as a list column; begins anew.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, TableError> {
        self.finish_nullable(None)
    }

    /// The rows as a list column, some of them null; begins anew.
    fn finish_nullable(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, TableError> {
        let offsets = self.offsets();
        let values = Float32Array::from(std::mem::take(&mut self.values));
        let list =
            ListArray::try_new(s::item(DataType::Float32), offsets, Arc::new(values), nulls)?;
        Ok(Arc::new(list))
    }
}

/// The features of one residue.
#[derive(Clone, Copy, Debug)]
pub struct ResidueFeatures<'a> {
    /// Position, 1-based.
    pub position: u32,
    /// One-letter code.
    pub residue: u8,
    /// Active latents, ascending.
    pub latents: &'a [u32],
    /// Their activations.
    pub activations: &'a [f32],
    /// Likely concepts, ascending.
    pub concepts: &'a [u32],
    /// Their probabilities.
    pub probabilities: &'a [f32],
}

/// Writes a feature table; batches are cut by rows and values alone.
///
/// ```
/// use protsae::table::{
///     Container, TableSource,
///     features::{FeatureInfo, FeatureReader, FeatureWriter, ResidueFeatures},
/// };
///
/// let mut writer = FeatureWriter::new(Vec::new(), Container::Stream, &FeatureInfo::default())?;
/// let residue = ResidueFeatures {
///     position: 1,
///     residue: b'M',
///     latents: &[3, 17],
///     activations: &[0.5, 2.0],
///     concepts: &[],
///     probabilities: &[],
/// };
/// writer.push("P12345", residue)?;
/// let bytes = writer.finish()?;
/// let source = TableSource::from_reader(Box::new(std::io::Cursor::new(bytes)))?;
/// for batch in FeatureReader::new(source)? {
///     let batch = batch?;
///     assert_eq!(batch.protein(0), "P12345");
///     assert_eq!(batch.columns()?.latent.row(0), [3, 17]);
/// }
/// # Ok::<(), protsae::table::TableError>(())
/// ```
pub struct FeatureWriter<W: Write> {
    sink: TableSink<W>,
    schema: Arc<Schema>,
    protein: StringBuilder,
    position: Vec<u32>,
    residue: StringBuilder,
    latent: Ragged<u32>,
    activation: Ragged<f32>,
    concept: Ragged<u32>,
    probability: Ragged<f32>,
    call: Ragged<u32>,
    call_probability: Ragged<f32>,
    has_calls: Vec<bool>,
}

impl<W: Write> FeatureWriter<W> {
    /// Begins a table.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn new(out: W, container: Container, info: &FeatureInfo) -> Result<Self, TableError> {
        let schema = s::with_metadata(s::features(), s::FEATURES_FORMAT, info.to_metadata());
        Ok(Self {
            sink: TableSink::new(out, container, &schema)?,
            schema,
            protein: StringBuilder::new(),
            position: Vec::new(),
            residue: StringBuilder::new(),
            latent: Ragged::default(),
            activation: Ragged::default(),
            concept: Ragged::default(),
            probability: Ragged::default(),
            call: Ragged::default(),
            call_probability: Ragged::default(),
            has_calls: Vec::new(),
        })
    }

    /// Adds one residue.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn push(&mut self, protein: &str, row: ResidueFeatures<'_>) -> Result<(), TableError> {
        // a full batch waits for what may be said of its last row
        let values = self.latent.values.len().max(self.concept.values.len());
        if self.position.len() == BATCH_ROWS || values >= BATCH_VALUES {
            self.flush()?;
        }
        self.protein.append_value(protein);
        self.position.push(row.position);
        let letter = char::from(row.residue);
        self.residue.append_value(letter.encode_utf8(&mut [0; 4]));
        self.latent.push(row.latents);
        self.activation.push(row.activations);
        self.concept.push(row.concepts);
        self.probability.push(row.probabilities);
        self.call.push(&[]);
        self.call_probability.push(&[]);
        self.has_calls.push(false);
        Ok(())
    }

    /// Says of the protein of the last row, which is complete, what it is called with: concepts, ascending, and the
    /// probability that each call is right.
    pub fn calls(&mut self, concepts: &[u32], probabilities: &[f32]) {
        if let Some(last) = self.has_calls.last_mut() {
            *last = true;
            self.call.replace_last(concepts);
            self.call_probability.replace_last(probabilities);
        }
    }

    fn flush(&mut self) -> Result<(), TableError> {
        if self.position.is_empty() {
            return Ok(());
        }
        let nulls = NullBuffer::from(std::mem::take(&mut self.has_calls));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.protein.finish()),
            Arc::new(UInt32Array::from(std::mem::take(&mut self.position))),
            Arc::new(self.residue.finish()),
            self.latent.finish()?,
            self.activation.finish()?,
            self.concept.finish()?,
            self.probability.finish()?,
            self.call.finish_nullable(Some(nulls.clone()))?,
            self.call_probability.finish_nullable(Some(nulls))?,
        ];
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

/// Reads a feature table batch by batch.
pub struct FeatureReader {
    source: TableSource,
    info: FeatureInfo,
}

impl FeatureReader {
    /// Begins to read.
    ///
    /// # Errors
    /// [`TableError`] where this is no feature table.
    pub fn new(source: TableSource) -> Result<Self, TableError> {
        let info = FeatureInfo::from_schema(source.schema(), s::FEATURES_FORMAT)?;
        Ok(Self { source, info })
    }

    /// What the table says of itself.
    #[must_use]
    pub fn info(&self) -> &FeatureInfo {
        &self.info
    }

    /// Rows of the table, where that is known without reading it.
    ///
    /// # Errors
    /// [`TableError`] where the table is damaged.
    pub fn rows(&self) -> Result<Option<u64>, TableError> {
        self.source.rows()
    }
}

impl Iterator for FeatureReader {
    type Item = Result<FeatureBatch, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.source.next()?;
        Some(batch.and_then(|batch| {
            Ok(FeatureBatch {
                protein: column::strings(&batch, s::PROTEIN)?,
                batch,
            })
        }))
    }
}

/// One record batch of a feature table.
pub struct FeatureBatch {
    batch: RecordBatch,
    protein: StringArray,
}

/// The columns of a batch, opened.
pub struct FeatureColumns<'a> {
    /// Positions, 1-based.
    pub position: Cow<'a, [u32]>,
    /// One-letter codes.
    pub residue: Vec<u8>,
    /// Active latents of each row.
    pub latent: Lists<'a, u32>,
    /// Their activations.
    pub activation: Lists<'a, f32>,
    /// Likely concepts of each row.
    pub concept: Lists<'a, u32>,
    /// Their probabilities.
    pub probability: Lists<'a, f32>,
    call: Option<NullableLists<'a, u32>>,
    call_probability: Option<NullableLists<'a, f32>>,
}

/// What a protein is called with.
#[derive(Clone, Copy, Debug)]
pub struct RowCalls<'a> {
    /// Concepts, ascending.
    pub concepts: &'a [u32],
    /// The probability that each call is right.
    pub probabilities: &'a [f32],
}

impl FeatureColumns<'_> {
    /// What the protein of a row is called with; none but on the last row of a protein, or where nothing is said of whole
    /// proteins.
    #[must_use]
    pub fn calls(&self, row: usize) -> Option<RowCalls<'_>> {
        Some(RowCalls {
            concepts: self.call.as_ref()?.row(row)?,
            probabilities: self.call_probability.as_ref()?.row(row)?,
        })
    }
}

impl FeatureBatch {
    /// Rows of this batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.protein.len()
    }

    /// Accession of a row's protein.
    #[must_use]
    pub fn protein(&self, row: usize) -> &str {
        self.protein.value(row)
    }

    /// Maximal runs of rows of one protein, in order.
    #[must_use]
    pub fn runs(&self) -> Vec<Range<usize>> {
        activations::runs(&self.protein)
    }

    /// Opens the columns and checks that the lists of a row go together.
    ///
    /// # Errors
    /// [`TableError`] where a column is missing or unfit.
    pub fn columns(&self) -> Result<FeatureColumns<'_>, TableError> {
        let columns = FeatureColumns {
            position: column::integers(&self.batch, s::POSITION)?,
            residue: activations::residues(&self.batch)?,
            latent: column::integer_lists(&self.batch, s::LATENT)?,
            activation: column::float_lists(&self.batch, s::ACTIVATION)?,
            concept: column::integer_lists(&self.batch, s::CONCEPT)?,
            probability: column::float_lists(&self.batch, s::PROBABILITY)?,
            call: column::optional_integer_lists(&self.batch, s::CALL)?,
            call_probability: column::optional_float_lists(&self.batch, s::CALL_PROBABILITY)?,
        };
        same_lengths(s::ACTIVATION, &columns.latent, &columns.activation)?;
        same_lengths(s::PROBABILITY, &columns.concept, &columns.probability)?;
        let differ = |&row: &usize| {
            let calls = columns.calls(row);
            calls.is_some_and(|c| c.concepts.len() != c.probabilities.len())
        };
        if let Some(row) = (0..self.rows()).find(differ) {
            return Err(TableError::Value {
                column: s::CALL_PROBABILITY,
                row,
                problem: "as many probabilities as calls are needed".into(),
            });
        }
        Ok(columns)
    }
}

/// Demands that two list columns have the same number of values in every row.
pub(super) fn same_lengths<A: Clone, B: Clone>(
    column: &'static str,
    left: &Lists<'_, A>,
    right: &Lists<'_, B>,
) -> Result<(), TableError> {
    let lengths = |o: &[usize]| o.windows(2).map(|w| w[1] - w[0]).collect::<Vec<_>>();
    let (left, right) = (lengths(&left.offsets), lengths(&right.offsets));
    match left.iter().zip(&right).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(row) => Err(TableError::Value {
            column,
            row,
            problem: format!("{} values for {} indices", right[row], left[row]),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// What is said of proteins stands on their last rows, even where a batch ends with them.
    #[test]
    fn calls_stand_on_the_last_row_of_a_protein() {
        let mut writer =
            FeatureWriter::new(Vec::new(), Container::Stream, &FeatureInfo::default()).unwrap();
        let residue = |position| ResidueFeatures {
            position,
            residue: b'M',
            latents: &[],
            activations: &[],
            concepts: &[],
            probabilities: &[],
        };
        let length = BATCH_ROWS as u32;
        for position in 1..=length {
            writer.push("P1", residue(position)).unwrap();
        }
        writer.calls(&[3, 7], &[0.5, 0.25]);
        writer.push("P2", residue(1)).unwrap();
        writer.calls(&[], &[]);
        writer.push("P3", residue(1)).unwrap();
        let bytes = writer.finish().unwrap();
        let source = TableSource::from_reader(Box::new(Cursor::new(bytes))).unwrap();
        let mut said = Vec::new();
        for batch in FeatureReader::new(source).unwrap() {
            let batch = batch.unwrap();
            let columns = batch.columns().unwrap();
            for row in 0..batch.rows() {
                if let Some(RowCalls {
                    concepts,
                    probabilities,
                }) = columns.calls(row)
                {
                    let at = (batch.protein(row).to_owned(), columns.position[row]);
                    said.push((at, concepts.to_vec(), probabilities.to_vec()));
                }
            }
        }
        let expected = [
            (("P1".to_owned(), length), vec![3, 7], vec![0.5, 0.25]),
            (("P2".to_owned(), 1), vec![], vec![]),
        ];
        assert_eq!(said, expected);
    }
}
