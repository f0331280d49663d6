//! Apache Parquet: the container of tables that others read, written forward only, so that a pipe takes it too.
//!
//! Nothing in a file follows from the clock, the machine or the threads: rows are cut into groups by their number alone.

use super::{TableError, guard::guarded, schema::LIST_ITEM};
use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Float32Type, Float64Type, UInt32Type},
};
use arrow_schema::{DataType, SchemaRef};
use bytes::Bytes;
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
        arrow_writer::ArrowWriterOptions,
    },
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    },
};
use std::io::{self, Write};

/// What every Parquet file begins and ends with.
pub(crate) const MAGIC: &[u8] = b"PAR1";
/// Rows of a group, which is held in memory, encoded, until it is full.
const ROW_GROUP: usize = 1 << 17;
/// Who wrote a file, in the form that readers take apart.
const CREATED_BY: &str = concat!("protsae version ", env!("CARGO_PKG_VERSION"));

/// What all tables have in common.
fn properties(group_rows: usize) -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(group_rows))
}

/// A table being written. Without [`ParquetSink::finish`] it has no end and readers refuse it.
pub(crate) struct ParquetSink<W: Write + Send>(ArrowWriter<W>);

impl<W: Write + Send> ParquetSink<W> {
    /// Begins a table of these columns.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub(crate) fn new(out: W, schema: SchemaRef) -> Result<Self, TableError> {
        // Parquet's own types say all that Arrow's schema would
        let options = ArrowWriterOptions::new()
            .with_properties(properties(ROW_GROUP).build())
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(out, schema, options)?;
        Ok(Self(writer))
    }

    /// Begins a table with a column of vectors, in groups of so many rows; its metadata and the width of the vectors,
    /// for which Parquet has no type, are in Arrow's schema, and the metadata also where other readers look.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub(crate) fn of_vectors(
        out: W,
        schema: SchemaRef,
        group_rows: usize,
        vectors: &str,
    ) -> Result<Self, TableError> {
        let entries = schema.metadata.iter();
        let entries = entries.map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let mut entries: Vec<KeyValue> = entries.collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        let numbers = ["list", LIST_ITEM].map(str::to_owned);
        let numbers = [&[vectors.to_owned()], &numbers[..]].concat();
        let properties = properties(group_rows)
            .set_key_value_metadata(Some(entries))
            // numbers that hardly repeat
            .set_column_dictionary_enabled(numbers.clone().into(), false)
            .set_column_statistics_enabled(numbers.into(), EnabledStatistics::None);
        let options = ArrowWriterOptions::new().with_properties(properties.build());
        let writer = ArrowWriter::try_new_with_options(out, schema, options)?;
        Ok(Self(writer))
    }

    /// Writes a batch.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        Ok(self.0.write(batch)?)
    }

    /// Ends the table and flushes what it was written to.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub(crate) fn finish(mut self) -> Result<(), TableError> {
        self.0.finish()?;
        // not by `into_inner`, which makes words of an error of writing
        Ok(self.0.sync()?)
    }
}

/// A table being read, of which all bytes are at hand.
pub(crate) struct ParquetSource {
    schema: SchemaRef,
    rows: u64,
    reader: ParquetRecordBatchReader,
}

impl ParquetSource {
    /// Reads the footer of a file.
    ///
    /// # Errors
    /// [`TableError::Parquet`] where there is none, or it is damaged.
    pub(crate) fn new(bytes: Bytes) -> Result<Self, TableError> {
        guarded(|| {
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
            let schema = builder.schema().clone();
            let rows = builder.metadata().file_metadata().num_rows();
            let reader = builder.build()?;
            Ok(Self {
                schema,
                rows: u64::try_from(rows).unwrap_or(0),
                reader,
            })
        })
    }

    /// Names and types of the columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows that the footer says.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }
}

impl Iterator for ParquetSource {
    type Item = Result<RecordBatch, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        guarded(|| Ok(self.reader.next().transpose()?)).transpose()
    }
}

/// A cell of a type that is written here, as text; nothing where it is null.
pub(crate) fn text(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).to_string(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        _ => String::new(),
    }
}

impl From<ParquetError> for TableError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(io) => Self::Io(*io),
                Err(other) => Self::Parquet(other.to_string()),
            },
            ParquetError::General(message)
            | ParquetError::EOF(message)
            | ParquetError::NYI(message) => Self::Parquet(message),
            other => Self::Parquet(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float64Array, UInt32Array};
    use arrow_schema::{Field, Schema};
    use std::sync::Arc;

    fn schema() -> SchemaRef {
        let fields = vec![
            Field::new("n", DataType::UInt32, false),
            Field::new("x", DataType::Float64, true),
        ];
        Arc::new(Schema::new(fields))
    }

    /// Numbers from 0, written in batches of a size.
    fn written(rows: u32, batch: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut sink = ParquetSink::new(&mut out, schema()).unwrap();
        let numbers: Vec<u32> = (0..rows).collect();
        for part in numbers.chunks(batch) {
            let halves = part
                .iter()
                .map(|&n| (n % 3 != 0).then(|| f64::from(n) / 2.0));
            let columns: Vec<Arc<dyn Array>> = vec![
                Arc::new(UInt32Array::from(part.to_vec())),
                Arc::new(halves.collect::<Float64Array>()),
            ];
            sink.write(&RecordBatch::try_new(schema(), columns).unwrap())
                .unwrap();
        }
        sink.finish().unwrap();
        out
    }

    #[test]
    fn rows_of_several_groups_come_back_in_order() {
        let rows = ROW_GROUP as u32 * 2 + 5;
        let bytes = written(rows, 10_000);
        assert!(bytes.starts_with(MAGIC) && bytes.ends_with(MAGIC));
        let source = ParquetSource::new(bytes.into()).unwrap();
        assert_eq!(source.schema(), &schema());
        let mut next = 0;
        for batch in source {
            let batch = batch.unwrap();
            for row in 0..batch.num_rows() {
                assert_eq!(text(batch.column(0), row), next.to_string());
                let half = (next % 3 != 0).then(|| (f64::from(next) / 2.0).to_string());
                assert_eq!(text(batch.column(1), row), half.unwrap_or_default());
                next += 1;
            }
        }
        assert_eq!(next, rows);
    }

    #[test]
    fn a_file_says_nothing_of_where_and_when_it_was_written() {
        let bytes = written(100, 7);
        assert!(bytes == written(100, 7));
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
        let metadata = builder.metadata().file_metadata();
        assert_eq!(metadata.created_by(), Some(CREATED_BY));
        assert_eq!(metadata.key_value_metadata(), None);
    }

    #[test]
    fn what_is_cut_or_damaged_is_an_error() {
        let bytes = written(1000, 1000);
        let read = |bytes: &[u8]| -> Result<usize, TableError> {
            ParquetSource::new(Bytes::copy_from_slice(bytes))?
                .map(|batch| Ok(batch?.num_rows()))
                .sum()
        };
        assert_eq!(read(&bytes).unwrap(), 1000);
        for length in (0..bytes.len()).step_by(7) {
            assert!(read(&bytes[..length]).is_err(), "{length}");
        }
        // every byte in turn: an error or another value, but never a panic
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            let _ = read(&damaged);
        }
    }

    #[test]
    fn a_writer_that_fails_is_told_as_itself() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let finished = ParquetSink::new(Gone, schema()).and_then(ParquetSink::finish);
        let Err(TableError::Io(error)) = finished else {
            panic!("no error of writing");
        };
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
