//! `activations/1`: one row a residue, proteins whole and in input order; or one row a protein.

mod batches;

use super::{
    Container, PlmIdentity, TableError, TableSink, TableSource, column, metadata,
    schema::{self as s, ActivationType},
};
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Schema};
pub(crate) use batches::ActivationBatches;
use std::{borrow::Cow, io::Write};

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

    pub(super) fn to_metadata(&self) -> Vec<(String, String)> {
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
    batches: ActivationBatches,
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
        let batches = ActivationBatches::new(width, of, info);
        let sink = TableSink::new(out, container, batches.schema())?;
        Ok(Self { sink, batches })
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
        let sink = &mut self.sink;
        let full = |batch: &RecordBatch| sink.write(batch);
        (self.batches).push(protein, positions, residues, activations, full)
    }

    /// Adds the pooled activation of one protein.
    ///
    /// # Errors
    /// [`TableError`] where the width disagrees or writing fails.
    pub fn push_pooled(&mut self, protein: &str, activation: &[f32]) -> Result<(), TableError> {
        let sink = &mut self.sink;
        let full = |batch: &RecordBatch| sink.write(batch);
        self.batches.push_pooled(protein, activation, full)
    }

    /// Ends the table.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn finish(mut self) -> Result<W, TableError> {
        if let Some(batch) = self.batches.take()? {
            self.sink.write(&batch)?;
        }
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

    /// Whether there is a column of this name.
    #[must_use]
    pub(crate) fn has_column(&self, name: &str) -> bool {
        self.source.schema().column_with_name(name).is_some()
    }

    /// The type that keeps the numbers: half precision where the table holds that, else single.
    #[must_use]
    pub(crate) fn number_type(&self) -> ActivationType {
        let field = self.source.schema().column_with_name(s::ACTIVATION);
        let is_half = match field.map(|(_, field)| field.data_type()) {
            Some(
                DataType::FixedSizeList(item, _)
                | DataType::List(item)
                | DataType::LargeList(item)
                | DataType::ListView(item)
                | DataType::LargeListView(item),
            ) => *item.data_type() == DataType::Float16,
            _ => false,
        };
        if is_half {
            ActivationType::F16
        } else {
            ActivationType::F32
        }
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
