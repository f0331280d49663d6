//! Whether a file is what it claims to be: it is read to its end by the code that reads it anyway.

use super::{arrow, calls, error::CheckError, gff, lines, multiqc, parquet, ro_crate, yaml};
use crate::{
    Error, Result,
    annot::{concept::CONCEPTS_FORMAT, go::cafa},
    cli::{
        Context, Provenance, Source,
        context::{COUNTS_FORMAT, Counts},
        provenance,
        target::split_compression,
    },
    commands::{
        output_folder::{GRID_FILE, GRID_FORMAT},
        train::grid,
    },
    report::{
        calls::{Document, FORMAT as CALLS_FORMAT},
        missing,
        page::{self, data},
    },
    sae::{
        Sae,
        folder::{
            CONCEPTS_FILE, CONFIG_FILE, LOG_FILE, MODEL_FORMAT, ModelConfig, SUMMARY_FILE,
            parse_concepts,
        },
    },
    score::{
        comparison::{COMPARISON_FORMAT, Comparison},
        dictionary::{DICTIONARY_FORMAT, DICTIONARY_FORMAT_1, Dictionary},
        metrics::{METRICS_FORMAT, Metrics},
    },
    split::partition::{self, Partition},
    table::{TableSource, parquet::MAGIC},
    train::{
        driver::{SUMMARY_FORMAT, Summary},
        meter::LogLine,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    io::{BufRead, Read},
    path::Path,
};

/// Reads a file, or a model's folder; a line that says what it is.
pub(super) fn file(context: &Context, source: &Source) -> Result<String> {
    if let Some(folder) = source.path().filter(|p| p.is_dir()) {
        return model(context, folder);
    }
    let mut reader = context.open(source)?;
    let head = reader.fill_buf().map_err(source.in_input())?;
    let what = if is_text(head) {
        let mut content = String::new();
        reader
            .read_to_string(&mut content)
            .map_err(source.in_input())?;
        text(&name_of(source), &content).map_err(source.in_input())?
    } else if head.starts_with(MAGIC) {
        let mut content = Vec::new();
        reader
            .read_to_end(&mut content)
            .map_err(source.in_input())?;
        parquet::table(content.into()).map_err(source.in_input())?
    } else {
        // what was read of a pipe is read once
        let again = source.path().is_some_and(std::path::Path::is_file);
        let opened = if again {
            context.open_table(source)?
        } else {
            TableSource::from_reader(reader).map_err(source.in_input())?
        };
        arrow::table(opened).map_err(source.in_input())?
    };
    Ok(format!("{source}\t{what}\n"))
}

/// Whether a file begins as text does. Arrow's files begin with their name, its streams with bytes of no text.
fn is_text(head: &[u8]) -> bool {
    let head = &head[..head.len().min(64)];
    let control = |b: &u8| b.is_ascii_control() && !b.is_ascii_whitespace();
    !head.starts_with(b"ARROW1") && !head.starts_with(&[0xff; 4]) && !head.iter().any(control)
}

/// The name of a file, without the suffix of a compression.
fn name_of(source: &Source) -> String {
    let name = source.path().and_then(Path::file_name);
    let name = name.unwrap_or_default().to_string_lossy();
    split_compression(&name).0.to_owned()
}

/// A model's folder, or a grid's: each file that it consists of.
fn model(context: &Context, folder: &Path) -> Result<String> {
    let in_folder = |name: &str| Source::File(folder.join(name));
    if let Some(models) = grid::models(folder)? {
        let mut said = file(context, &in_folder(GRID_FILE))?;
        for folder in models {
            said += &model(context, &folder)?;
        }
        return Ok(said);
    }
    let sae = Sae::load(folder)?;
    let mut said = format!(
        "{}\t{MODEL_FORMAT} of {} latents, {} of concepts\n",
        folder.display(),
        sae.config.shape.latents,
        sae.config.shape.defined
    );
    for name in [CONFIG_FILE, CONCEPTS_FILE] {
        said += &file(context, &in_folder(name))?;
    }
    // a converted model has none
    for name in [SUMMARY_FILE, LOG_FILE] {
        let source = in_folder(name);
        if source.path().is_some_and(Path::is_file) {
            said += &file(context, &source)?;
        }
    }
    Ok(said)
}

/// A text file, by its first line, its name, and the format that it states.
fn text(name: &str, content: &str) -> Result<String> {
    let first = content.lines().next().unwrap_or_default();
    let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix);
    let of_lines = ["gff3", "bed", "tsv", "jsonl", "gaf", "gpad", "cafa"];
    if suffix.is_some_and(|suffix| of_lines.contains(&suffix)) {
        whole_lines(content)?;
    }
    if first.starts_with("##gff-version") || suffix == Some("gff3") {
        return Ok(gff::check(content)?);
    }
    if ["!gaf-version", "!gpad-version"]
        .iter()
        .any(|start| first.starts_with(start))
    {
        return Ok(calls::associations(content)?);
    }
    if suffix == Some("cafa") {
        let mut rows = 0_u64;
        cafa::read_predictions(content.as_bytes(), |_, _, _| rows += 1)?;
        return Ok(format!("CAFA predictions, {rows} calls"));
    }
    if suffix == Some("bed") {
        return Ok(lines::bed(content)?);
    }
    if first == partition::HEADER || name == "split.tsv" {
        let proteins = Partition::read(content.as_bytes())?.len();
        return Ok(format!("split of {proteins} proteins"));
    }
    if let Some(table) = lines::table(content).or_else(|| calls::table(content)) {
        return Ok(table?);
    }
    if first == missing::COLUMNS.join("\t") {
        let rows = missing::read(content.as_bytes())?.len();
        return Ok(format!("table of what labels lack, of {rows} rows"));
    }
    if let Some(data) = page::data_in(content) {
        return sidecar(name, data);
    }
    if suffix == Some("tsv") {
        return Err(lines::unknown_header(first).into());
    }
    if suffix == Some("jsonl") {
        return Ok(log(content)?);
    }
    if let Some((schema, definition)) = yaml::schema_of(name) {
        yaml::check(&parse(content)?, &definition)?;
        return Ok(schema);
    }
    sidecar(name, content)
}

/// Demands that the last line has its end, as in all that the executables write: a file that is cut within a number
/// or a name has the right fields still.
fn whole_lines(content: &str) -> Result<(), CheckError> {
    if content.is_empty() || content.ends_with('\n') {
        Ok(())
    } else {
        Err(CheckError::Cut)
    }
}

/// JSON or YAML, which JSON is.
fn parse(text: &str) -> Result<Value> {
    let bad = |e: serde_yaml::Error| Error::data(format!("neither JSON nor YAML: {e}"));
    if text.trim_start().starts_with('{') {
        return Ok(
            serde_json::from_str(text).map_err(|source| CheckError::Json { line: None, source })?
        );
    }
    serde_yaml::from_str(text).map_err(bad)
}

/// The lines of a training's log: what it is.
fn log(content: &str) -> Result<String, CheckError> {
    let mut steps = 0;
    for (text, line) in content.lines().zip(1..) {
        known::<LogLine>(text, Some(line))?;
        steps += 1;
    }
    Ok(format!("log of {steps} lines"))
}

/// A sidecar by the format that it names.
fn sidecar(name: &str, text: &str) -> Result<String> {
    let value = parse(text)?;
    let format = value.get("format").and_then(Value::as_str);
    let Some(format) = format else {
        if value.get("@graph").is_some() {
            return Ok(ro_crate::check(&value)?);
        }
        if value.get("plot_type").is_some() {
            return Ok(multiqc::check(&value)?);
        }
        return Err(CheckError::Unknown.into());
    };
    match format {
        CONCEPTS_FORMAT => drop(parse_concepts(text.as_bytes(), name)?),
        DICTIONARY_FORMAT | DICTIONARY_FORMAT_1 => drop(Dictionary::read(text.as_bytes())?),
        data::FORMAT => known::<data::Document>(text, None)?,
        CALLS_FORMAT => known::<Document>(text, None)?,
        COUNTS_FORMAT => known::<Counts>(text, None)?,
        METRICS_FORMAT => known::<Metrics>(text, None)?,
        COMPARISON_FORMAT => known::<Comparison>(text, None)?,
        SUMMARY_FORMAT => known::<Summary>(text, None)?,
        GRID_FORMAT => known::<grid::Table>(text, None)?,
        provenance::FORMAT => known::<Provenance>(text, None)?,
        MODEL_FORMAT => {
            serde_yaml::from_str::<ModelConfig>(text).map_err(|e| Error::data(e.to_string()))?;
        }
        other => return Err(CheckError::Format(other.into()).into()),
    }
    Ok(format.to_owned())
}

/// Reads JSON as what it should be, with no field that nothing reads.
fn known<T: DeserializeOwned + Serialize>(
    text: &str,
    line: Option<usize>,
) -> Result<(), CheckError> {
    let json = |source| CheckError::Json { line, source };
    let value: Value = serde_json::from_str(text).map_err(json)?;
    let read: T = serde_json::from_value(value.clone()).map_err(json)?;
    let again = serde_json::to_value(read).map_err(json)?;
    match unknown(&value, &again) {
        None => Ok(()),
        Some(field) => Err(CheckError::UnknownField { line, field }),
    }
}

/// The first field of a value that another lacks.
fn unknown(value: &Value, other: &Value) -> Option<String> {
    match (value, other) {
        (Value::Object(fields), Value::Object(others)) => {
            fields.iter().find_map(|(name, value)| {
                let Some(other) = others.get(name) else {
                    return Some(name.clone());
                };
                unknown(value, other).map(|inner| format!("{name}.{inner}"))
            })
        }
        (Value::Array(items), Value::Array(others)) => {
            let mut pairs = items.iter().zip(others);
            pairs.find_map(|(item, other)| unknown(item, other))
        }
        _ => None,
    }
}
