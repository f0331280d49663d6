//! Rows of an activation table gathered into record batches, whatever container they go into.

use super::ActivationInfo;
use crate::table::{
    TableError,
    schema::{self as s, ActivationType},
};
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float16Array, Float32Array, RecordBatch, UInt32Array,
    builder::StringBuilder,
};
use arrow_schema::{DataType, Schema};
use half::{f16, slice::HalfFloatSliceExt};
use std::sync::Arc;

/// Bytes of activations that a record batch holds at most, unless one row is larger.
const BATCH_BYTES: usize = 4 << 20;

/// The rows of the batch that is not full yet; batches are cut by size alone, so they depend on the rows only.
pub(crate) struct ActivationBatches {
    schema: Arc<Schema>,
    of: ActivationType,
    pooled: bool,
    width: usize,
    batch_rows: usize,
    protein: StringBuilder,
    position: Vec<u32>,
    residue: StringBuilder,
    halves: Vec<f16>,
    singles: Vec<f32>,
    rows: usize,
}

impl ActivationBatches {
    /// Batches of activations of this width.
    pub(crate) fn new(width: usize, of: ActivationType, info: &ActivationInfo) -> Self {
        let pooled = info.pool.is_some();
        let fields = s::activations(width, of, pooled);
        Self {
            schema: s::with_metadata(fields, s::ACTIVATIONS_FORMAT, info.to_metadata()),
            of,
            pooled,
            width,
            batch_rows: (BATCH_BYTES / (width.max(1) * of.bytes())).max(1),
            protein: StringBuilder::new(),
            position: Vec::new(),
            residue: StringBuilder::new(),
            halves: Vec::new(),
            singles: Vec::new(),
            rows: 0,
        }
    }

    /// Columns and metadata of the table.
    pub(crate) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Adds residues of one protein, and gives each batch that is full to `full`: `residues.len()` letters, their
    /// 1-based `positions`, and `residues.len() x width` activations.
    ///
    /// # Errors
    /// [`TableError`] where the lengths disagree, or of `full`.
    pub(crate) fn push(
        &mut self,
        protein: &str,
        positions: &[u32],
        residues: &[u8],
        activations: &[f32],
        mut full: impl FnMut(&RecordBatch) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        let n = positions.len();
        if residues.len() != n || activations.len() != n * self.width || self.pooled {
            return Err(TableError::Value {
                column: s::ACTIVATION,
                row: self.rows,
                problem: format!(
                    "{n} positions, {} residues and {} numbers of width {} for protein '{protein}'",
                    residues.len(),
                    activations.len(),
                    self.width
                ),
            });
        }
        let mut done = 0;
        while done < n {
            let take = (n - done).min(self.batch_rows - self.rows);
            for &letter in &residues[done..done + take] {
                self.protein.append_value(protein);
                let letter = char::from(letter);
                self.residue.append_value(letter.encode_utf8(&mut [0; 4]));
            }
            self.position
                .extend_from_slice(&positions[done..done + take]);
            self.append(&activations[done * self.width..(done + take) * self.width]);
            self.rows += take;
            done += take;
            self.give(&mut full)?;
        }
        Ok(())
    }

    /// Adds the pooled activation of one protein, and gives the batch to `full` where it is.
    ///
    /// # Errors
    /// [`TableError`] where the width disagrees, or of `full`.
    pub(crate) fn push_pooled(
        &mut self,
        protein: &str,
        activation: &[f32],
        mut full: impl FnMut(&RecordBatch) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        if activation.len() != self.width || !self.pooled {
            return Err(TableError::Value {
                column: s::ACTIVATION,
                row: self.rows,
                problem: format!("width {}, expected {}", activation.len(), self.width),
            });
        }
        self.protein.append_value(protein);
        self.append(activation);
        self.rows += 1;
        self.give(&mut full)
    }

    fn append(&mut self, numbers: &[f32]) {
        match self.of {
            ActivationType::F32 => self.singles.extend_from_slice(numbers),
            ActivationType::F16 => {
                let start = self.halves.len();
                self.halves.resize(start + numbers.len(), f16::ZERO);
                self.halves[start..].convert_from_f32_slice(numbers);
            }
        }
    }

    fn give(
        &mut self,
        full: &mut impl FnMut(&RecordBatch) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        if self.rows < self.batch_rows {
            return Ok(());
        }
        match self.take()? {
            Some(batch) => full(&batch),
            None => Ok(()),
        }
    }

    /// The rows that are in no batch yet; none where there are none.
    ///
    /// # Errors
    /// [`TableError::Arrow`] where they make no batch.
    pub(crate) fn take(&mut self) -> Result<Option<RecordBatch>, TableError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let (element, values): (DataType, ArrayRef) = match self.of {
            ActivationType::F16 => {
                let values = Float16Array::from(std::mem::take(&mut self.halves));
                (DataType::Float16, Arc::new(values))
            }
            ActivationType::F32 => {
                let values = Float32Array::from(std::mem::take(&mut self.singles));
                (DataType::Float32, Arc::new(values))
            }
        };
        let width = i32::try_from(self.width).unwrap_or(i32::MAX);
        let vectors = FixedSizeListArray::try_new(s::item(element), width, values, None)?;
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.protein.finish())];
        if !self.pooled {
            columns.push(Arc::new(UInt32Array::from(std::mem::take(
                &mut self.position,
            ))));
            columns.push(Arc::new(self.residue.finish()));
        }
        columns.push(Arc::new(vectors));
        self.rows = 0;
        Ok(Some(RecordBatch::try_new(
            Arc::clone(&self.schema),
            columns,
        )?))
    }
}
