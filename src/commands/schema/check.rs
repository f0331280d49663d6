//! Whether a file is what it claims to be: it is read to its end by the code that reads it anyway.

use crate::{
    Error, Result,
    annot::concept::{CONCEPTS_FORMAT, ConceptsFile},
    cli::{
        Context, Provenance, Source,
        context::{COUNTS_FORMAT, Counts},
        provenance,
    },
    sae::{
        store::{MODEL_FORMAT, ModelConfig},
        train::{SUMMARY_FORMAT, Summary},
    },
    score::{
        dictionary::{DICTIONARY_FORMAT, Dictionary},
        metrics::{METRICS_FORMAT, Metrics},
    },
    table::{
        TableError, TableSource, activations::ActivationReader, features::FeatureReader, labels,
        proteins, schema as s,
    },
};
use serde::de::DeserializeOwned;
use std::io::{BufRead, Read};

/// Reads a file; a line that says what it is.
pub(super) fn file(context: &Context, source: &Source) -> Result<String> {
    let mut reader = context.open(source)?;
    let head = reader.fill_buf().map_err(source.blame())?;
    let text = matches!(
        head.iter().find(|b| !b.is_ascii_whitespace()),
        Some(b'{' | b'a'..=b'z' | b'#')
    );
    let what = if text {
        let mut content = String::new();
        reader
            .read_to_string(&mut content)
            .map_err(source.blame())?;
        sidecar(&content).map_err(source.blame())?
    } else {
        // what was read of a pipe is read once
        let again = source.path().is_some_and(std::path::Path::is_file);
        let opened = if again {
            context.open_table(source)?
        } else {
            TableSource::from_reader(reader).map_err(source.blame())?
        };
        table(opened).map_err(source.blame())?
    };
    Ok(format!("{source}\t{what}\n"))
}

/// A sidecar by the format that it names.
fn sidecar(text: &str) -> Result<String> {
    let bad = |e: serde_yaml::Error| Error::data(format!("neither JSON nor YAML: {e}"));
    // JSON is YAML
    let value: serde_yaml::Value = serde_yaml::from_str(text).map_err(bad)?;
    let Some(format) = value.get("format").and_then(serde_yaml::Value::as_str) else {
        return Err(Error::data(
            "it names no 'format', so nobody can tell what it is",
        ));
    };
    match format {
        CONCEPTS_FORMAT => as_json::<ConceptsFile>(text)?,
        COUNTS_FORMAT => as_json::<Counts>(text)?,
        DICTIONARY_FORMAT => as_json::<Dictionary>(text)?,
        METRICS_FORMAT => as_json::<Metrics>(text)?,
        SUMMARY_FORMAT => as_json::<Summary>(text)?,
        provenance::FORMAT => as_json::<Provenance>(text)?,
        MODEL_FORMAT => {
            serde_yaml::from_str::<ModelConfig>(text).map_err(|e| Error::data(e.to_string()))?;
        }
        other => {
            return Err(Error::mismatch(format!(
                "format '{other}' is not known here"
            )));
        }
    }
    Ok(format.to_owned())
}

fn as_json<T: DeserializeOwned>(text: &str) -> Result<()> {
    serde_json::from_str::<T>(text)
        .map(|_| ())
        .map_err(|e| Error::data(e.to_string()))
}

/// A table by the format in its metadata, with its rows.
fn table(source: TableSource) -> Result<String> {
    let format = source.schema().metadata.get(s::META_FORMAT).cloned();
    let rows = match format.as_deref() {
        Some(s::ACTIVATIONS_FORMAT) => {
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
            rows
        }
        Some(s::FEATURES_FORMAT) => {
            let mut rows = 0;
            for batch in FeatureReader::new(source)? {
                let batch = batch?;
                batch.columns()?;
                rows += batch.rows();
            }
            rows
        }
        Some(s::LABELS_FORMAT) => {
            let mut rows = 0;
            labels::read(source, |_| {
                rows += 1;
                Ok::<_, TableError>(())
            })?;
            rows
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
            return Err(Error::mismatch(format!(
                "format '{other}' is not known here"
            )));
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
