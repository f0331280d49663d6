//! Activations as Apache Parquet: tables of ours for data frames, and tables of others by the types of their columns.

use crate::table::{
    TableError, TableSource,
    activations::{ActivationBatches, ActivationInfo},
    parquet::{ParquetSink, ParquetSource},
    schema::{self as s, ActivationType},
};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use std::{io::Write, sync::Arc};

/// Bytes of activations of a group of rows, which is held in memory, encoded, until it is full.
const GROUP_BYTES: usize = 32 << 20;

/// An activation table being written as Parquet.
pub struct ParquetActivations<W: Write + Send> {
    sink: ParquetSink<W>,
    batches: ActivationBatches,
}

impl<W: Write + Send> ParquetActivations<W> {
    /// Begins a table of activations of this width.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn new(
        out: W,
        width: usize,
        of: ActivationType,
        info: &ActivationInfo,
    ) -> Result<Self, TableError> {
        let batches = ActivationBatches::new(width, of, info);
        let rows = (GROUP_BYTES / (width.max(1) * of.bytes())).max(1);
        let schema = Arc::clone(batches.schema());
        let sink = ParquetSink::of_vectors(out, schema, rows, s::ACTIVATION)?;
        Ok(Self { sink, batches })
    }

    /// Adds residues of one protein, as of [`ActivationWriter::push`](crate::table::activations::ActivationWriter::push).
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
    pub fn finish(mut self) -> Result<(), TableError> {
        if let Some(batch) = self.batches.take()? {
            self.sink.write(&batch)?;
        }
        self.sink.finish()
    }
}

/// Opens a Parquet file as a table of activations: columns of other names are found by their types.
///
/// # Errors
/// [`TableError`] where it is none, or where it does not show which columns are meant.
pub fn open(bytes: Bytes) -> Result<TableSource, TableError> {
    let source = ParquetSource::new(bytes)?;
    let columns = columns(source.schema())?;
    let rows = source.rows();
    let schema = chosen(source.schema(), &columns);
    let names = Arc::clone(&schema);
    let batches = source.map(move |batch| {
        let batch = batch?;
        let columns = columns.iter().map(|&(at, _)| Arc::clone(batch.column(at)));
        // nulls are told by whoever reads the column
        Ok(RecordBatch::try_new(Arc::clone(&names), columns.collect())?)
    });
    Ok(TableSource::of_batches(schema, rows, Box::new(batches)))
}

/// The columns that are read, by their places, each with the name that tables of ours have for it.
type Columns = Vec<(usize, &'static str)>;

fn columns(schema: &Schema) -> Result<Columns, TableError> {
    let mut columns = Vec::new();
    columns.push(find(schema, s::PROTEIN, "strings", is_text)?);
    columns.push(find(
        schema,
        s::ACTIVATION,
        "lists of floating-point numbers",
        is_vector,
    )?);
    for name in [s::POSITION, s::RESIDUE] {
        let found = schema.column_with_name(name);
        columns.extend(found.map(|(at, _)| (at, name)));
    }
    Ok(columns)
}

/// The column of a name, or the only one of a type.
fn find(
    schema: &Schema,
    name: &'static str,
    what: &'static str,
    is: fn(&DataType) -> bool,
) -> Result<(usize, &'static str), TableError> {
    if let Some((at, _)) = schema.column_with_name(name) {
        return Ok((at, name));
    }
    let fields = schema.fields().iter().enumerate();
    let mut fitting =
        fields.filter(|(_, field)| is(field.data_type()) && field.name() != s::RESIDUE);
    match (fitting.next(), fitting.next()) {
        (Some((at, _)), None) => Ok((at, name)),
        (None, _) => {
            let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            Err(TableError::MissingColumn {
                column: name,
                found: names.join(", "),
            })
        }
        (Some((_, one)), Some((_, other))) => Err(TableError::SeveralColumns {
            column: name,
            what,
            one: one.name().clone(),
            other: other.name().clone(),
        }),
    }
}

fn is_text(of: &DataType) -> bool {
    matches!(
        of,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn is_vector(of: &DataType) -> bool {
    match of {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_floating()
        }
        _ => false,
    }
}

/// The schema of these columns alone, with the table's metadata.
fn chosen(schema: &Schema, columns: &Columns) -> SchemaRef {
    let fields: Vec<Field> = columns
        .iter()
        .map(|&(at, name)| schema.field(at).clone().with_name(name))
        .collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata.clone()))
}
