//! Activations kept for reading in any order: shared with the mapped file where it holds float16
//! or float32, converted otherwise.

use super::{TableError, activations::ActivationBatch, column, schema as s};
use arrow_array::{
    Array,
    cast::AsArray,
    types::{Float16Type, Float32Type, UInt32Type},
};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType;
use half::{f16, slice::HalfFloatSliceExt};

/// The rows of a record batch.
#[derive(Clone, Debug)]
pub(crate) struct ActivationRows {
    width: usize,
    vectors: Vectors,
    positions: Option<ScalarBuffer<u32>>,
}

#[derive(Clone, Debug)]
enum Vectors {
    Halves(ScalarBuffer<f16>),
    Singles(ScalarBuffer<f32>),
}

impl ActivationRows {
    /// Keeps the rows of a batch; `pooled` tables have no positions.
    ///
    /// # Errors
    /// [`TableError`] where a column is missing or unfit.
    pub(crate) fn new(batch: &ActivationBatch, pooled: bool) -> Result<Self, TableError> {
        let width = batch.width();
        let record = batch.record();
        let positions = if pooled {
            None
        } else {
            let array = column::find(record, s::POSITION)?;
            Some(match array.as_primitive_opt::<UInt32Type>() {
                Some(numbers) if numbers.null_count() == 0 => numbers.values().clone(),
                _ => batch.positions()?.into_owned().into(),
            })
        };
        Ok(Self {
            width,
            vectors: match shared(batch)? {
                Some(vectors) => vectors,
                None => Vectors::Singles(batch.activations()?.into_owned().into()),
            },
            positions,
        })
    }

    /// Copies a row's activations into `out` `[width]`.
    pub(crate) fn copy(&self, row: usize, out: &mut [f32]) {
        let range = row * self.width..(row + 1) * self.width;
        match &self.vectors {
            Vectors::Halves(all) => all[range].convert_to_f32_slice(out),
            Vectors::Singles(all) => out.copy_from_slice(&all[range]),
        }
    }

    /// Whether f16 holds the activations.
    #[cfg(feature = "cuda")]
    #[must_use]
    pub(crate) fn is_half(&self) -> bool {
        matches!(self.vectors, Vectors::Halves(_))
    }

    /// Position of a row's residue, 1-based; none in a pooled table.
    #[must_use]
    pub(crate) fn position(&self, row: usize) -> Option<u32> {
        self.positions.as_ref().map(|p| p[row])
    }
}

/// The vectors of a batch, where they can be shared.
fn shared(batch: &ActivationBatch) -> Result<Option<Vectors>, TableError> {
    let array = column::find(batch.record(), s::ACTIVATION)?;
    let Some(lists) = array.as_fixed_size_list_opt() else {
        return Ok(None);
    };
    let width = usize::try_from(lists.value_length()).unwrap_or(0);
    let values = lists.values();
    let plain = lists.logical_null_count() == 0 && values.logical_null_count() == 0;
    if !plain || width != batch.width() {
        return Ok(None);
    }
    let start = lists.value_offset_at(0);
    let len = lists.len() * width;
    Ok(match values.data_type() {
        DataType::Float16 => {
            let all = values.as_primitive::<Float16Type>().values();
            Some(Vectors::Halves(all.slice(start, len)))
        }
        DataType::Float32 => {
            let all = values.as_primitive::<Float32Type>().values();
            Some(Vectors::Singles(all.slice(start, len)))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{
        Container, PlmIdentity, TableSource,
        activations::{ActivationInfo, ActivationReader, ActivationWriter},
        metadata::{Convention, Site},
        schema::ActivationType,
    };

    #[test]
    fn a_table_without_rows_is_complete() {
        let plm = PlmIdentity {
            name: "esm2".into(),
            sha256: "0".repeat(64),
            layer: 4,
            site: Site::Residual,
            convention: Convention::HiddenStates,
            family: None,
            width: 2,
        };
        let info = ActivationInfo {
            plm: Some(plm),
            sample: None,
            pool: None,
            compute: None,
        };
        let of = ActivationType::F32;
        let writer = ActivationWriter::new(Vec::new(), Container::File, 2, of, &info).unwrap();
        let bytes = writer.finish().unwrap();
        let source = TableSource::from_file_bytes(bytes.into()).unwrap();
        assert_eq!(source.rows().unwrap(), Some(0));
    }

    #[test]
    fn rows_in_any_order() {
        for of in [ActivationType::F16, ActivationType::F32] {
            let info = ActivationInfo {
                plm: None,
                sample: None,
                pool: None,
                compute: None,
            };
            let mut writer =
                ActivationWriter::new(Vec::new(), Container::File, 2, of, &info).unwrap();
            let x = [1.0, -2.0, 0.5, 4.0, 8.0, 0.25];
            writer.push("P1", &[3, 5, 9], b"MKV", &x).unwrap();
            let bytes = writer.finish().unwrap();
            let source = TableSource::from_file_bytes(bytes.into()).unwrap();
            let batch = ActivationReader::new(source)
                .unwrap()
                .next()
                .unwrap()
                .unwrap();
            let rows = ActivationRows::new(&batch, false).unwrap();
            let mut out = [0.0; 2];
            for row in [2, 0, 1] {
                rows.copy(row, &mut out);
                assert_eq!(out, x[2 * row..2 * row + 2]);
            }
            assert_eq!(rows.position(1), Some(5));
        }
    }
}
