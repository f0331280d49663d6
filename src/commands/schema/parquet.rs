//! Parquet tables of ranges and of calls, read to their end: what holds of the lines of a text holds of their rows.

use super::{
    calls,
    error::CheckError,
    lines::{self, Fields},
};
use crate::{
    Result,
    report::{calls as call_tables, parquet, tsv},
    table::parquet::{ParquetSource, text},
};
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use bytes::Bytes;

/// A table that is written as Parquet.
struct Table {
    what: &'static str,
    columns: &'static [&'static str],
    schema: fn() -> Schema,
    check: fn(&Fields<'_>) -> Result<(), CheckError>,
}

const RANGES: Table = Table {
    what: "Parquet table of ranges",
    columns: &tsv::COLUMNS,
    schema: parquet::schema,
    check: lines::range,
};

const CALLS: Table = Table {
    what: "Parquet table of calls",
    columns: &call_tables::COLUMNS,
    schema: call_tables::parquet_schema,
    check: calls::call,
};

/// A table by its columns, with its rows: what it is.
pub(super) fn table(bytes: Bytes) -> Result<String> {
    let source = ParquetSource::new(bytes)?;
    let names: Vec<&str> = (source.schema().fields().iter())
        .map(|field| field.name().as_str())
        .collect();
    let Some(table) = [RANGES, CALLS].into_iter().find(|t| t.columns == names) else {
        return Err(CheckError::Columns {
            found: names.join(", "),
            ranges: RANGES.columns.join(", "),
            calls: CALLS.columns.join(", "),
        }
        .into());
    };
    check_types(source.schema(), &(table.schema)())?;
    let mut rows = 0;
    for batch in source {
        rows = check_rows(&table, &batch?, rows)?;
    }
    Ok(format!("{} of {rows} rows", table.what))
}

fn check_types(found: &Schema, expected: &Schema) -> Result<(), CheckError> {
    let mut pairs = found.fields().iter().zip(expected.fields());
    match pairs.find(|(found, expected)| found.data_type() != expected.data_type()) {
        None => Ok(()),
        Some((found, expected)) => Err(CheckError::ColumnType {
            column: found.name().clone(),
            found: Box::new(found.data_type().clone()),
            expected: Box::new(expected.data_type().clone()),
        }),
    }
}

/// Checks the rows of a batch, before which there were others; how many there are with them.
fn check_rows(table: &Table, batch: &RecordBatch, before: usize) -> Result<usize, CheckError> {
    let in_row = |error| match error {
        CheckError::Line {
            line,
            what,
            found,
            expected,
        } => CheckError::Cell {
            row: line,
            column: what,
            found,
            expected,
        },
        other => other,
    };
    for at in 0..batch.num_rows() {
        let cells: Vec<String> = batch.columns().iter().map(|c| text(c, at)).collect();
        let values = cells.iter().map(String::as_str).collect();
        let fields = Fields::new(before + at + 1, values, table.columns);
        fields
            .and_then(|fields| (table.check)(&fields))
            .map_err(in_row)?;
    }
    Ok(before + batch.num_rows())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Catalogue, FeatureRange, LatentInfo, ProteinRanges, formats};

    /// A table of one range of latent 3.
    fn written(start: u32, score: f32) -> Bytes {
        let catalogue = Catalogue {
            latents: vec![LatentInfo::unnamed(3, 1.0)],
        };
        let mut out = Vec::new();
        {
            let format = formats::by_name(&formats::FORMATS, "parquet").unwrap();
            let mut writer = (format.writer)(&mut out, &catalogue);
            writer.begin().unwrap();
            let ranges = [FeatureRange {
                start,
                end: 9,
                whole: [start, 9],
                score,
                ..FeatureRange::default()
            }];
            let protein = ProteinRanges {
                protein: "P1",
                length: 9,
                ranges: &ranges,
                tracks: &[],
            };
            writer.protein(&protein).unwrap();
            writer.end().unwrap();
        }
        out.into()
    }

    fn message(bytes: Bytes) -> String {
        table(bytes).unwrap_or_else(|e| e.to_string())
    }

    #[test]
    fn wrong_rows_are_found() {
        assert_eq!(
            message(written(1, 0.5)),
            "Parquet table of ranges of 1 rows"
        );
        assert!(message(written(0, 0.5)).starts_with("row 1: start is '0'"));
        assert!(message(written(10, 0.5)).starts_with("row 1: end is '9'"));
        assert!(message(written(1, f32::NAN)).contains("score is 'NaN'"));
        let whole = written(1, 0.5);
        assert!(message(whole.slice(..whole.len() - 9)).contains("parquet"));
    }

    #[test]
    fn wrong_columns_are_found() {
        let fine = (RANGES.schema)();
        assert!(check_types(&fine, &fine).is_ok());
        let error = check_types(&(CALLS.schema)(), &fine).unwrap_err();
        assert!(error.to_string().contains("'concept' has type Utf8"));
    }
}
