//! `activations/1`: one row a residue, proteins whole and in input order; or one row a protein.

use super::{
    Container, PlmIdentity, TableError, TableSink, TableSource, column, metadata,
    schema::{self as s, ActivationType},
};
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float16Array, Float32Array, RecordBatch, StringArray,
    UInt32Array, builder::StringBuilder,
};
use arrow_schema::{DataType, Schema};
use half::{f16, slice::HalfFloatSliceExt};
use std::{borrow::Cow, io::Write, sync::Arc};

/// Bytes of activations that a record batch holds at most, unless one row is larger.
const BATCH_BYTES: usize = 4 << 20;

/// What an activation table says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationInfo {
    /// Which activations; `None` where the table carries no identity.
    pub plm: Option<PlmIdentity>,
    /// Residues kept of each protein; `None` where all are.
    pub sample: Option<u32>,
    /// How residues were pooled; `None` where they were not.
    pub pool: Option<String>,
    /// Precision of the PLM's products, by its name; `None` where the table does not say.
    pub compute: Option<String>,
}

impl ActivationInfo {
    /// Reads it from a table's schema.
    ///
    /// # Errors
    /// [`TableError`] where the table is of another kind or its metadata cannot be understood.
    pub fn from_schema(schema: &Schema) -> Result<Self, TableError> {
        metadata::check_format(schema, s::ACTIVATIONS_FORMAT)?;
        let sample = schema.metadata.get(s::META_PLM_SAMPLE);
        let bad = |value: &String| TableError::Metadata {
            key: s::META_PLM_SAMPLE,
            value: value.clone(),
            expected: "a number of residues",
        };
        Ok(Self {
            plm: PlmIdentity::from_schema(schema)?,
            sample: sample.map(|v| v.parse().map_err(|_| bad(v))).transpose()?,
            pool: schema.metadata.get(s::META_PLM_POOL).cloned(),
            compute: schema.metadata.get(s::META_PLM_COMPUTE).cloned(),
        })
    }

    fn to_metadata(&self) -> Vec<(String, String)> {
        let mut entries = self
            .plm
            .as_ref()
            .map_or(Vec::new(), PlmIdentity::to_metadata);
        if let Some(sample) = self.sample {
            entries.push((s::META_PLM_SAMPLE.into(), sample.to_string()));
        }
        if let Some(pool) = &self.pool {
            entries.push((s::META_PLM_POOL.into(), pool.clone()));
        }
        if let Some(compute) = &self.compute {
            entries.push((s::META_PLM_COMPUTE.into(), compute.clone()));
        }
        entries
    }
}

/// Writes an activation table; batches are cut by size alone, so bytes depend on the rows only.
pub struct ActivationWriter<W: Write> {
    sink: TableSink<W>,
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

impl<W: Write> ActivationWriter<W> {
    /// Begins a table of activations of this width.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn new(
        out: W,
        container: Container,
        width: usize,
        of: ActivationType,
        info: &ActivationInfo,
    ) -> Result<Self, TableError> {
        let pooled = info.pool.is_some();
        let fields = s::activations(width, of, pooled);
        let schema = s::with_metadata(fields, s::ACTIVATIONS_FORMAT, info.to_metadata());
        let element = match of {
            ActivationType::F16 => 2,
            ActivationType::F32 => 4,
        };
        Ok(Self {
            sink: TableSink::new(out, container, &schema)?,
            schema,
            of,
            pooled,
            width,
            batch_rows: (BATCH_BYTES / (width.max(1) * element)).max(1),
            protein: StringBuilder::new(),
            position: Vec::new(),
            residue: StringBuilder::new(),
            halves: Vec::new(),
            singles: Vec::new(),
            rows: 0,
        })
    }

    /// Adds residues of one protein: `residues.len()` letters, their 1-based `positions`, and
    /// `residues.len() x width` activations.
    ///
    /// # Errors
    /// [`TableError`] where the lengths disagree or writing fails.
    pub fn push(
        &mut self,
        protein: &str,
        positions: &[u32],
        residues: &[u8],
        activations: &[f32],
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
            if self.rows == self.batch_rows {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Adds the pooled activation of one protein.
    ///
    /// # Errors
    /// [`TableError`] where the width disagrees or writing fails.
    pub fn push_pooled(&mut self, protein: &str, activation: &[f32]) -> Result<(), TableError> {
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
        if self.rows == self.batch_rows {
            self.flush()?;
        }
        Ok(())
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

    fn flush(&mut self) -> Result<(), TableError> {
        if self.rows == 0 {
            return Ok(());
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

/// Reads an activation table batch by batch; batches without rows are passed over.
pub struct ActivationReader {
    source: TableSource,
    info: ActivationInfo,
    /// Of fixed-size lists, or of the rows so far.
    width: Option<usize>,
    /// A width that is demanded, and by whom.
    demanded: Option<(usize, String)>,
}

/// One record batch of an activation table.
pub struct ActivationBatch {
    batch: RecordBatch,
    protein: StringArray,
    width: usize,
}

impl ActivationReader {
    /// Begins to read.
    ///
    /// # Errors
    /// [`TableError`] where this is no activation table.
    pub fn new(source: TableSource) -> Result<Self, TableError> {
        let info = ActivationInfo::from_schema(source.schema())?;
        let field = source.schema().column_with_name(s::ACTIVATION);
        let width = match field.map(|(_, f)| f.data_type()) {
            Some(DataType::FixedSizeList(_, width)) => usize::try_from(*width).ok(),
            _ => None,
        };
        Ok(Self {
            source,
            info,
            width,
            demanded: None,
        })
    }

    /// Demands a width, which lists of no fixed size show only row by row; `whose` names who demands it.
    pub fn demand_width(&mut self, width: usize, whose: impl Into<String>) {
        self.demanded = Some((width, whose.into()));
    }

    /// What the table says of itself.
    #[must_use]
    pub fn info(&self) -> &ActivationInfo {
        &self.info
    }

    /// Width of the activations, where the schema tells: by fixed-size lists, or by the metadata.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        let plm = self.info.plm.as_ref();
        self.width.or_else(|| Some(plm?.width as usize))
    }

    /// Rows of the table, where that is known without reading it.
    ///
    /// # Errors
    /// [`TableError`] where the table is damaged.
    pub fn rows(&self) -> Result<Option<u64>, TableError> {
        self.source.rows()
    }

    /// What a width must be, by the metadata and by demand.
    fn check_width(&self, width: usize) -> Result<(), TableError> {
        let of_metadata = self.info.plm.as_ref().map(|plm| {
            let name = format!("metadata '{}'", s::META_PLM_WIDTH);
            (plm.width as usize, name)
        });
        let wanted = of_metadata.iter().chain(&self.demanded);
        match wanted.into_iter().find(|(wanted, _)| *wanted != width) {
            None => Ok(()),
            Some((wanted, name)) => Err(TableError::Identity {
                what: "width",
                left_name: name.clone(),
                left: wanted.to_string(),
                right_name: format!("column '{}'", s::ACTIVATION),
                right: width.to_string(),
            }),
        }
    }

    /// A batch, unless it holds no row; its columns must be there in any case.
    fn open(&mut self, batch: RecordBatch) -> Result<Option<ActivationBatch>, TableError> {
        let protein = column::strings(&batch, s::PROTEIN)?;
        let first = column::vector_width(&batch, s::ACTIVATION)?;
        if let Some(width) = first {
            self.check_width(width)?;
        }
        self.width = self.width.or(first);
        let Some(width) = self.width.filter(|_| batch.num_rows() > 0) else {
            return Ok(None);
        };
        Ok(Some(ActivationBatch {
            batch,
            protein,
            width,
        }))
    }
}

impl Iterator for ActivationReader {
    type Item = Result<ActivationBatch, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let batch = self.source.next()?;
            if let Some(opened) = batch.and_then(|batch| self.open(batch)).transpose() {
                return Some(opened);
            }
        }
    }
}

impl ActivationBatch {
    /// The record batch itself.
    pub(super) fn record(&self) -> &RecordBatch {
        &self.batch
    }

    /// Rows of this batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.protein.len()
    }

    /// Width of the activations.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Accession of a row's protein.
    #[must_use]
    pub fn protein(&self, row: usize) -> &str {
        self.protein.value(row)
    }

    /// Maximal runs of rows of one protein, in order.
    #[must_use]
    pub fn runs(&self) -> Vec<std::ops::Range<usize>> {
        runs(&self.protein)
    }

    /// Positions of the residues, 1-based.
    ///
    /// # Errors
    /// [`TableError`] where the column is missing (a pooled table) or unfit.
    pub fn positions(&self) -> Result<Cow<'_, [u32]>, TableError> {
        column::integers(&self.batch, s::POSITION)
    }

    /// Letters of the residues.
    ///
    /// # Errors
    /// [`TableError`] where the column is missing (a pooled table) or unfit.
    pub fn residues(&self) -> Result<Vec<u8>, TableError> {
        residues(&self.batch)
    }

    /// The activations, `rows x width`.
    ///
    /// # Errors
    /// [`TableError`] where the column is missing or unfit.
    pub fn activations(&self) -> Result<Cow<'_, [f32]>, TableError> {
        column::vectors(&self.batch, s::ACTIVATION, self.width)
    }
}

/// Maximal runs of equal accessions.
pub(super) fn runs(protein: &StringArray) -> Vec<std::ops::Range<usize>> {
    let n = protein.len();
    let mut out = Vec::new();
    let mut start = 0;
    for row in 1..=n {
        if row == n || protein.value(row) != protein.value(start) {
            out.push(start..row);
            start = row;
        }
    }
    if n == 0 { Vec::new() } else { out }
}

/// The residue letters of a batch.
pub(super) fn residues(batch: &RecordBatch) -> Result<Vec<u8>, TableError> {
    let letters = column::strings(batch, s::RESIDUE)?;
    (0..letters.len())
        .map(|row| match letters.value(row).as_bytes() {
            [letter] => Ok(*letter),
            other => Err(TableError::Value {
                column: s::RESIDUE,
                row,
                problem: format!("'{}' is not one letter", String::from_utf8_lossy(other)),
            }),
        })
        .collect()
}
