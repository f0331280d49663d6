//! `neighbours/1`: one row a training protein, with its mean activation of the PLM and the concepts that it has.

use super::{
    Container, TableError, TableSink, TableSource, column, features::FeatureInfo, schema as s,
};
use arrow_array::{
    RecordBatch,
    builder::{FixedSizeListBuilder, Float32Builder, ListBuilder, StringBuilder, UInt32Builder},
};
use arrow_schema::{DataType, Schema};
use std::{io::Write, sync::Arc};

/// Proteins of a record batch.
const BATCH_ROWS: usize = 1 << 10;

/// Writes a table of training proteins.
pub struct NeighbourWriter<W: Write> {
    sink: TableSink<W>,
    schema: Arc<Schema>,
    protein: StringBuilder,
    activation: FixedSizeListBuilder<Float32Builder>,
    concept: ListBuilder<UInt32Builder>,
    rows: usize,
}

impl<W: Write> NeighbourWriter<W> {
    /// Begins a table of activations of this width.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn new(
        out: W,
        container: Container,
        width: usize,
        info: &FeatureInfo,
    ) -> Result<Self, TableError> {
        let fields = s::neighbours(width);
        let schema = s::with_metadata(fields, s::NEIGHBOURS_FORMAT, info.to_metadata());
        let width = i32::try_from(width).unwrap_or(i32::MAX);
        Ok(Self {
            sink: TableSink::new(out, container, &schema)?,
            schema,
            protein: StringBuilder::new(),
            activation: FixedSizeListBuilder::new(Float32Builder::new(), width)
                .with_field(s::item(DataType::Float32)),
            concept: ListBuilder::new(UInt32Builder::new()).with_field(s::item(DataType::UInt32)),
            rows: 0,
        })
    }

    /// Adds a protein: its mean activation `[width]` and its concepts, ascending.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn push(
        &mut self,
        protein: &str,
        activation: &[f32],
        concepts: &[u32],
    ) -> Result<(), TableError> {
        self.protein.append_value(protein);
        self.activation.values().append_slice(activation);
        self.activation.append(true);
        self.concept.values().append_slice(concepts);
        self.concept.append(true);
        self.rows += 1;
        if self.rows == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TableError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let batch = RecordBatch::try_new(
            Arc::clone(&self.schema),
            vec![
                Arc::new(self.protein.finish()),
                Arc::new(self.activation.finish()),
                Arc::new(self.concept.finish()),
            ],
        )?;
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

/// Training proteins with what they have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NeighbourTable {
    /// Accessions.
    pub proteins: Vec<String>,
    /// Mean activations, `proteins x width`.
    pub activations: Vec<f32>,
    /// Concepts of each, ascending.
    pub concepts: Vec<Vec<u32>>,
    /// What the table says of itself.
    pub info: FeatureInfo,
}

impl NeighbourTable {
    /// Reads a table of activations of this width.
    ///
    /// # Errors
    /// [`TableError`] where it is none, or of another width.
    pub fn read(source: TableSource, width: usize) -> Result<Self, TableError> {
        let mut table = Self {
            info: FeatureInfo::from_schema(source.schema(), s::NEIGHBOURS_FORMAT)?,
            ..Self::default()
        };
        for batch in source {
            let batch = batch?;
            let proteins = column::strings(&batch, s::PROTEIN)?;
            let activations = column::vectors(&batch, s::ACTIVATION, width)?;
            let concepts = column::integer_lists(&batch, s::CONCEPT)?;
            table.activations.extend_from_slice(&activations);
            for row in 0..batch.num_rows() {
                table.proteins.push(proteins.value(row).to_owned());
                let mut own = concepts.row(row).to_vec();
                own.sort_unstable();
                table.concepts.push(own);
            }
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proteins_are_read_as_they_were_written() {
        let info = FeatureInfo::default();
        let mut writer = NeighbourWriter::new(Vec::new(), Container::File, 2, &info).unwrap();
        writer.push("P1", &[1.0, 2.0], &[3, 7]).unwrap();
        writer.push("P2", &[0.5, 0.0], &[]).unwrap();
        let bytes = writer.finish().unwrap();
        let open = || TableSource::from_file_bytes(bytes.clone().into()).unwrap();
        let table = NeighbourTable::read(open(), 2).unwrap();
        assert_eq!(table.proteins, ["P1", "P2"]);
        assert_eq!(table.activations, [1.0, 2.0, 0.5, 0.0]);
        assert_eq!(table.concepts, [vec![3, 7], vec![]]);
        assert!(NeighbourTable::read(open(), 3).is_err());
    }
}
