//! Tables of ranges and of calls as Apache Parquet; and the ranges, one row a range.
//!
//! The columns are those of tab-separated values, with types: numbers as they are, not rounded, and null where a text
//! has nothing.

use super::{Catalogue, FeatureRange, LatentInfo, ProteinRanges, RangeWriter, tsv::COLUMNS};
use crate::table::{TableError, parquet::ParquetSink};
use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{ArrayBuilder, Float32Builder, StringBuilder, UInt32Builder},
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use std::{
    io::{self, Write},
    mem,
    sync::Arc,
};

/// Rows that are encoded at once.
const BATCH: usize = 1 << 13;

/// The columns of a table, as rows are added.
pub(super) trait Columns: Default {
    /// Names and types.
    fn schema() -> Schema;
    /// Rows so far.
    fn rows(&self) -> usize;
    /// Takes all rows; none is left.
    fn take(&mut self) -> Vec<ArrayRef>;
}

/// Fields of these names, of the types beside them and whether they may be null.
pub(super) fn schema_of(names: &[&str], types: &[(DataType, bool)]) -> Schema {
    let fields = names.iter().zip(types);
    Schema::new(
        fields
            .map(|(name, (kind, nullable))| Field::new(*name, kind.clone(), *nullable))
            .collect::<Vec<_>>(),
    )
}

/// How far the writing of a table is.
enum State<W: Write + Send> {
    Waiting(W),
    Writing(Box<ParquetSink<W>>),
    Ended,
}

/// Writes a table batch by batch.
pub(super) struct TableWriter<W: Write + Send, C> {
    state: State<W>,
    schema: SchemaRef,
    columns: C,
}

impl<W: Write + Send, C: Columns> TableWriter<W, C> {
    pub(super) fn new(out: W) -> Self {
        Self {
            state: State::Waiting(out),
            schema: Arc::new(C::schema()),
            columns: C::default(),
        }
    }

    /// Begins the file.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.state = match mem::replace(&mut self.state, State::Ended) {
            State::Waiting(out) => {
                State::Writing(Box::new(ParquetSink::new(out, self.schema.clone())?))
            }
            other => other,
        };
        Ok(())
    }

    /// The columns, with room for a row.
    pub(super) fn columns(&mut self) -> io::Result<&mut C> {
        if self.columns.rows() >= BATCH {
            self.encode()?;
        }
        Ok(&mut self.columns)
    }

    fn encode(&mut self) -> io::Result<()> {
        let State::Writing(sink) = &mut self.state else {
            return Err(io::Error::other("rows outside of a table"));
        };
        let batch = RecordBatch::try_new(self.schema.clone(), self.columns.take());
        Ok(sink.write(&batch.map_err(TableError::from)?)?)
    }

    /// Ends the file.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.encode()?;
        if let State::Writing(sink) = mem::replace(&mut self.state, State::Ended) {
            sink.finish()?;
        }
        Ok(())
    }
}

/// Types of the columns of ranges, and whether they may be null.
const TYPES: [(DataType, bool); COLUMNS.len()] = [
    (DataType::Utf8, false),
    (DataType::UInt32, false),
    (DataType::UInt32, false),
    (DataType::UInt32, false),
    (DataType::Utf8, true),
    (DataType::Utf8, false),
    (DataType::Float32, false),
    (DataType::Float32, true),
    (DataType::Float32, true),
    (DataType::Utf8, true),
    (DataType::Float32, true),
    (DataType::Utf8, false),
];

/// Names and types of the columns of ranges.
#[must_use]
pub(crate) fn schema() -> Schema {
    schema_of(&COLUMNS, &TYPES)
}

/// The columns of ranges, in the order of [`COLUMNS`].
#[derive(Default)]
struct RangeColumns {
    protein: StringBuilder,
    start: UInt32Builder,
    end: UInt32Builder,
    latent: UInt32Builder,
    concept: StringBuilder,
    name: StringBuilder,
    score: Float32Builder,
    max_activation: Float32Builder,
    mean_pi: Float32Builder,
    decoder: StringBuilder,
    probability: Float32Builder,
    id: StringBuilder,
}

impl RangeColumns {
    fn push(&mut self, protein: &str, range: &FeatureRange, info: &LatentInfo) {
        self.protein.append_value(protein);
        self.start.append_value(range.start);
        self.end.append_value(range.end);
        self.latent.append_value(info.latent);
        self.concept.append_option(info.concept.as_deref());
        self.name.append_value(&info.name);
        self.score.append_value(range.score);
        self.max_activation.append_option(range.max_activation);
        self.mean_pi.append_option(range.mean_pi);
        self.decoder.append_option(range.decoder);
        self.probability.append_option(range.probability);
        self.id.append_value(range.id(protein, info));
    }
}

impl Columns for RangeColumns {
    fn schema() -> Schema {
        schema()
    }

    fn rows(&self) -> usize {
        self.protein.len()
    }

    fn take(&mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.protein.finish()),
            Arc::new(self.start.finish()),
            Arc::new(self.end.finish()),
            Arc::new(self.latent.finish()),
            Arc::new(self.concept.finish()),
            Arc::new(self.name.finish()),
            Arc::new(self.score.finish()),
            Arc::new(self.max_activation.finish()),
            Arc::new(self.mean_pi.finish()),
            Arc::new(self.decoder.finish()),
            Arc::new(self.probability.finish()),
            Arc::new(self.id.finish()),
        ]
    }
}

/// Writes ranges as Parquet.
pub struct ParquetWriter<'a, W: Write + Send> {
    table: TableWriter<W, RangeColumns>,
    catalogue: &'a Catalogue,
}

impl<'a, W: Write + Send> ParquetWriter<'a, W> {
    /// A writer of ranges of the latents of a catalogue.
    pub fn new(out: W, catalogue: &'a Catalogue) -> Self {
        Self {
            table: TableWriter::new(out),
            catalogue,
        }
    }
}

impl<W: Write + Send> RangeWriter for ParquetWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        self.table.begin()
    }

    fn protein(&mut self, protein: &ProteinRanges<'_>) -> io::Result<()> {
        for range in protein.ranges {
            let info = &self.catalogue.latents[range.entry as usize];
            self.table.columns()?.push(protein.protein, range, info);
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.table.end()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        report::{formats, number},
        table::parquet::{ParquetSource, text},
    };
    use proptest::prelude::*;

    /// The rows of a file as lines of tab-separated values show them.
    pub(in crate::report) fn lines(bytes: Vec<u8>, schema: &Schema) -> Vec<String> {
        let source = ParquetSource::new(bytes.into()).unwrap();
        assert_eq!(**source.schema(), *schema);
        let mut lines = Vec::new();
        for batch in source {
            let batch = batch.unwrap();
            for row in 0..batch.num_rows() {
                let cells = batch.columns().iter().map(|column| {
                    let text = text(column, row);
                    match (column.data_type(), text.parse()) {
                        (DataType::Float32 | DataType::Float64, Ok(value)) => number(value),
                        _ => text,
                    }
                });
                lines.push(cells.collect::<Vec<_>>().join("\t"));
            }
        }
        lines
    }

    fn catalogue() -> Catalogue {
        let mut named = LatentInfo::unnamed(7, 1.0);
        named.concept = Some("BINDING:ATP".into());
        named.name = "Binding of ATP".into();
        Catalogue {
            latents: vec![LatentInfo::unnamed(3, 2.0), named],
        }
    }

    fn written(format: &str, proteins: &[Vec<FeatureRange>]) -> Vec<u8> {
        let catalogue = catalogue();
        let mut out = Vec::new();
        {
            let format = formats::by_name(&formats::FORMATS, format).unwrap();
            let mut writer = (format.writer)(&mut out, &catalogue);
            writer.begin().unwrap();
            for (i, ranges) in proteins.iter().enumerate() {
                let protein = ProteinRanges {
                    protein: &format!("P{i}"),
                    length: 99,
                    ranges,
                    tracks: &[],
                };
                writer.protein(&protein).unwrap();
            }
            writer.end().unwrap();
        }
        out
    }

    fn is_the_table_of_tsv(proteins: &[Vec<FeatureRange>]) {
        let tsv = String::from_utf8(written("tsv", proteins)).unwrap();
        let rows = lines(written("parquet", proteins), &schema());
        assert_eq!(rows, tsv.lines().skip(1).collect::<Vec<_>>());
    }

    fn range() -> impl Strategy<Value = FeatureRange> {
        let share = || proptest::option::of(0.0_f32..=1.0);
        let decoder = proptest::option::of(Just("segments"));
        let place = (0..2_u32, 1..99_u32, 0..50_u32);
        (place, 0.0_f32..9.0, share(), share(), decoder, share()).prop_map(
            |((entry, start, more), score, max_activation, mean_pi, decoder, probability)| {
                FeatureRange {
                    entry,
                    start,
                    end: start + more,
                    whole: [start, start + more],
                    score,
                    max_activation,
                    mean_pi,
                    decoder,
                    probability,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn rows_are_the_lines_of_the_tsv(
            proteins in proptest::collection::vec(proptest::collection::vec(range(), 0..9), 0..9)
        ) {
            is_the_table_of_tsv(&proteins);
        }
    }

    #[test]
    fn more_rows_than_are_encoded_at_once_are_all_there() {
        let ranges = (1..=BATCH as u32 + 10).map(|start| FeatureRange {
            start,
            end: start,
            whole: [start, start],
            ..FeatureRange::default()
        });
        is_the_table_of_tsv(&[ranges.collect()]);
    }

    #[test]
    fn without_ranges_there_are_columns_and_no_rows() {
        for proteins in [vec![], vec![vec![], vec![]]] {
            assert!(lines(written("parquet", &proteins), &schema()).is_empty());
        }
    }

    #[test]
    fn text_is_kept_as_it_is() {
        let mut catalogue = catalogue();
        catalogue.latents[0].name = "a\tb\nc".into();
        let mut out = Vec::new();
        let mut writer = ParquetWriter::new(&mut out, &catalogue);
        writer.begin().unwrap();
        let ranges = [FeatureRange {
            start: 1,
            end: 2,
            whole: [1, 2],
            ..FeatureRange::default()
        }];
        let protein = ProteinRanges {
            protein: "P1",
            length: 2,
            ranges: &ranges,
            tracks: &[],
        };
        writer.protein(&protein).unwrap();
        writer.end().unwrap();
        drop(writer);
        let mut source = ParquetSource::new(out.into()).unwrap();
        let batch = source.next().unwrap().unwrap();
        assert_eq!(text(batch.column(5), 0), "a\tb\nc");
    }
}
