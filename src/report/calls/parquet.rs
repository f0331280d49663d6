//! Calls as Apache Parquet, one row a call: the columns of the tab-separated values, with types.

use super::{
    Aspect, Call, CallWriter, ProteinCalls,
    table::{COLUMNS, corroboration},
};
use crate::report::parquet::{Columns, TableWriter, schema_of};
use arrow_array::{
    ArrayRef,
    builder::{ArrayBuilder, Float64Builder, StringBuilder},
};
use arrow_schema::{DataType, Schema};
use std::{
    io::{self, Write},
    sync::Arc,
};

/// Types of the columns, and whether they may be null.
const TYPES: [(DataType, bool); COLUMNS.len()] = [
    (DataType::Utf8, false),
    (DataType::Utf8, false),
    (DataType::Utf8, false),
    (DataType::Utf8, false),
    (DataType::Utf8, true),
    (DataType::Float64, false),
    (DataType::Utf8, false),
    (DataType::Utf8, true),
    (DataType::Float64, true),
];

/// Names and types of the columns of calls.
#[must_use]
pub(crate) fn schema() -> Schema {
    schema_of(&COLUMNS, &TYPES)
}

/// The columns of calls, in the order of [`COLUMNS`].
#[derive(Default)]
struct CallColumns {
    protein: StringBuilder,
    concept: StringBuilder,
    name: StringBuilder,
    kind: StringBuilder,
    aspect: StringBuilder,
    score: Float64Builder,
    corroborated_by: StringBuilder,
    donor: StringBuilder,
    donor_score: Float64Builder,
}

impl CallColumns {
    fn push(&mut self, protein: &str, call: &Call) {
        self.protein.append_value(protein);
        self.concept.append_value(&call.concept);
        self.name.append_value(&call.name);
        self.kind.append_value(call.kind.as_str());
        self.aspect.append_option(call.aspect.map(Aspect::letter));
        self.score.append_value(call.score);
        self.corroborated_by.append_value(corroboration(call));
        self.donor.append_option(call.donor.as_deref());
        self.donor_score.append_option(call.donor_score);
    }
}

impl Columns for CallColumns {
    fn schema() -> Schema {
        schema()
    }

    fn rows(&self) -> usize {
        self.protein.len()
    }

    fn take(&mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.protein.finish()),
            Arc::new(self.concept.finish()),
            Arc::new(self.name.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.aspect.finish()),
            Arc::new(self.score.finish()),
            Arc::new(self.corroborated_by.finish()),
            Arc::new(self.donor.finish()),
            Arc::new(self.donor_score.finish()),
        ]
    }
}

/// Writes calls as Parquet.
pub(super) struct ParquetWriter<W: Write + Send>(TableWriter<W, CallColumns>);

impl<W: Write + Send> ParquetWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self(TableWriter::new(out))
    }
}

impl<W: Write + Send> CallWriter for ParquetWriter<W> {
    fn begin(&mut self) -> io::Result<()> {
        self.0.begin()
    }

    fn protein(&mut self, calls: &ProteinCalls<'_>) -> io::Result<()> {
        for call in calls.calls {
            self.0.columns()?.push(calls.protein, call);
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{bytes, provenance, written},
        schema,
    };
    use crate::report::parquet::tests::lines;

    #[test]
    fn rows_are_the_lines_of_the_tsv() {
        let tsv = written("tsv", &provenance());
        let rows = lines(bytes("parquet", &provenance()), &schema());
        assert_eq!(rows, tsv.lines().skip(1).collect::<Vec<_>>());
        assert!(rows.iter().any(|row| row.ends_with("none\t\t")));
    }
}
