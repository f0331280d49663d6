//! `labels/1`: one row a label, after propagation.

use super::{TableError, TableSink, TableSource, column, metadata, schema as s};
use crate::annot::label::{Label, LabelRef};
use arrow_array::{
    Array, RecordBatch, StringArray,
    builder::{StringBuilder, UInt32Builder},
};
use arrow_schema::SchemaRef;
use std::{io::Write, sync::Arc};

/// Rows of a record batch.
const BATCH: usize = 1 << 16;

/// Writes labels one by one, in the order in which they come.
pub struct Writer<W: Write> {
    sink: TableSink<W>,
    schema: SchemaRef,
    rows: usize,
    protein: StringBuilder,
    concept: StringBuilder,
    start: UInt32Builder,
    end: UInt32Builder,
    instance: UInt32Builder,
    source: StringBuilder,
    evidence: StringBuilder,
}

impl<W: Write> Writer<W> {
    /// Begins a table.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn new(out: W, container: super::Container) -> Result<Self, TableError> {
        let schema = s::with_metadata(s::labels(), s::LABELS_FORMAT, []);
        Ok(Self {
            sink: TableSink::new(out, container, &schema)?,
            schema,
            rows: 0,
            protein: StringBuilder::new(),
            concept: StringBuilder::new(),
            start: UInt32Builder::new(),
            end: UInt32Builder::new(),
            instance: UInt32Builder::new(),
            source: StringBuilder::new(),
            evidence: StringBuilder::new(),
        })
    }

    /// Adds a label.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn push(&mut self, label: LabelRef<'_>) -> Result<(), TableError> {
        self.protein.append_value(label.protein);
        self.concept.append_value(label.concept);
        self.start.append_option(label.start);
        self.end.append_option(label.end);
        self.instance.append_value(label.instance);
        self.source.append_value(label.source);
        self.evidence.append_option(label.evidence);
        self.rows += 1;
        if self.rows == BATCH {
            self.write_rows()?;
        }
        Ok(())
    }

    fn write_rows(&mut self) -> Result<(), TableError> {
        let batch = RecordBatch::try_new(
            Arc::clone(&self.schema),
            vec![
                Arc::new(self.protein.finish()),
                Arc::new(self.concept.finish()),
                Arc::new(self.start.finish()),
                Arc::new(self.end.finish()),
                Arc::new(self.instance.finish()),
                Arc::new(self.source.finish()),
                Arc::new(self.evidence.finish()),
            ],
        )?;
        self.sink.write(&batch)?;
        self.rows = 0;
        Ok(())
    }

    /// Writes what is left, and the end of the table.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn finish(mut self) -> Result<W, TableError> {
        self.write_rows()?;
        self.sink.finish()
    }
}

/// Writes labels in the order in which they come.
///
/// # Errors
/// [`TableError::Io`] where writing fails.
pub fn write<'a, W: Write>(
    out: W,
    container: super::Container,
    labels: impl IntoIterator<Item = &'a Label>,
) -> Result<W, TableError> {
    let mut writer = Writer::new(out, container)?;
    for label in labels {
        writer.push(label.into())?;
    }
    writer.finish()
}

/// Reads labels, calling `each` for every row.
///
/// # Errors
/// [`TableError`] of the table, or what `each` returns.
pub fn read<E: From<TableError>>(
    source: TableSource,
    mut each: impl FnMut(Label) -> Result<(), E>,
) -> Result<(), E> {
    metadata::check_format(source.schema(), s::LABELS_FORMAT)?;
    for batch in source {
        let batch = batch?;
        let protein = column::strings(&batch, s::PROTEIN)?;
        let concept = column::strings(&batch, s::CONCEPT)?;
        let start = column::optional_integers(&batch, s::START)?;
        let end = column::optional_integers(&batch, s::END)?;
        let instance = column::optional_integers(&batch, s::INSTANCE)?;
        let source = column::optional_strings(&batch, s::SOURCE)?;
        let evidence = column::optional_strings(&batch, s::EVIDENCE)?;
        for row in 0..batch.num_rows() {
            let text = |a: &StringArray| (!a.is_null(row)).then(|| a.value(row).to_owned());
            let (start, end) = (start[row], end[row]);
            match (start, end) {
                (None, None) => {}
                (Some(a), Some(b)) if 1 <= a && a <= b => {}
                _ => {
                    let show = |p: Option<u32>| p.map_or("none".to_owned(), |p| p.to_string());
                    return Err(TableError::Value {
                        column: s::START,
                        row,
                        problem: format!(
                            "the range {}..{} of protein '{}' is no range of 1-based positions",
                            show(start),
                            show(end),
                            protein.value(row)
                        ),
                    }
                    .into());
                }
            }
            each(Label {
                protein: protein.value(row).to_owned(),
                concept: concept.value(row).to_owned(),
                start,
                end,
                instance: instance[row].unwrap_or(1),
                source: text(&source).unwrap_or_default(),
                evidence: text(&evidence),
            })?;
        }
    }
    Ok(())
}
