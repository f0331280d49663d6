//! Arrow tables, read to their end.

use super::error::CheckError;
use crate::{
    Error, Result,
    table::{
        TableError, TableSource,
        activations::ActivationReader,
        features::FeatureReader,
        labels,
        neighbours::NeighbourTable,
        proteins,
        schema::{self as s, ActivationType},
    },
};
use arrow_schema::DataType;

/// A table by the format in its metadata, with its rows.
pub(super) fn table(source: TableSource) -> Result<String> {
    let schema = source.schema();
    let format = schema.metadata.get(s::META_FORMAT).cloned();
    let fields = match format.as_deref() {
        Some(s::ACTIVATIONS_FORMAT) => s::activations(0, ActivationType::F32, false),
        Some(s::FEATURES_FORMAT | s::FEATURES_FORMAT_1) => s::features(),
        Some(s::LABELS_FORMAT) => s::labels(),
        Some(s::NEIGHBOURS_FORMAT) => s::neighbours(0),
        Some(s::PROTEINS_FORMAT) => s::proteins(),
        _ => Vec::new(),
    };
    let known: Vec<&str> = fields.iter().map(|f| f.name().as_str()).collect();
    let mut columns = schema.fields().iter().map(|f| f.name().as_str());
    if let Some(column) = columns.find(|name| !known.is_empty() && !known.contains(name)) {
        return Err(CheckError::UnknownColumn {
            column: column.into(),
            known: known.join(", "),
        }
        .into());
    }
    let rows = match format.as_deref() {
        Some(s::ACTIVATIONS_FORMAT) => activation_rows(source)?,
        Some(s::FEATURES_FORMAT | s::FEATURES_FORMAT_1) => feature_rows(source)?,
        Some(s::LABELS_FORMAT) => {
            let mut rows = 0;
            labels::read(source, |_| {
                rows += 1;
                Ok::<_, TableError>(())
            })?;
            rows
        }
        Some(s::NEIGHBOURS_FORMAT) => {
            let field = schema
                .column_with_name(s::ACTIVATION)
                .map(|(_, f)| f.data_type());
            let width = match field {
                Some(DataType::FixedSizeList(_, width)) => usize::try_from(*width).unwrap_or(0),
                _ => 0,
            };
            NeighbourTable::read(source, width)?.proteins.len()
        }
        Some(s::PROTEINS_FORMAT) => {
            let mut rows = 0;
            proteins::read(source, |_, _| {
                rows += 1;
                Ok::<_, TableError>(())
            })?;
            rows
        }
        Some(other) => {
            return Err(CheckError::Format(other.into()).into());
        }
        None => {
            return Err(Error::data(format!(
                "an Arrow table without '{}' in its metadata, so nobody can tell what it is",
                s::META_FORMAT
            )));
        }
    };
    Ok(format!("{} of {rows} rows", format.unwrap_or_default()))
}

/// Reads all activations; how many rows there are.
fn activation_rows(source: TableSource) -> Result<usize> {
    let mut rows = 0;
    let reader = ActivationReader::new(source)?;
    let pooled = reader.info().pool.is_some();
    for batch in reader {
        let batch = batch?;
        batch.activations()?;
        if !pooled {
            batch.positions()?;
            batch.residues()?;
        }
        rows += batch.rows();
    }
    Ok(rows)
}

/// Reads all features; how many rows there are.
fn feature_rows(source: TableSource) -> Result<usize> {
    let mut rows = 0;
    for batch in FeatureReader::new(source)? {
        let batch = batch?;
        batch.columns()?;
        rows += batch.rows();
    }
    Ok(rows)
}
