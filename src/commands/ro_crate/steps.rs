//! Provenance files as steps of a crate.

use crate::{
    Error, Result,
    cli::{
        Context, Provenance, Source,
        provenance::{self, FileIdentity},
    },
    hash,
    report::ro_crate::{Step, StepFile},
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::io::Read as _;

/// Reads provenance files.
///
/// # Errors
/// Where one is none, naming it.
pub(super) fn read(context: &Context, sources: &[Source]) -> Result<Vec<Step>> {
    let steps = sources.iter().map(|source| {
        let mut text = Vec::new();
        let mut reader = context.open(source)?;
        reader.read_to_end(&mut text).map_err(source.in_input())?;
        step(&text).map_err(source.in_input())
    });
    steps.collect()
}

fn step(text: &[u8]) -> Result<Step> {
    let not_json = |e: serde_json::Error| Error::data(format!("not a provenance file: {e}"));
    let value: Value = serde_json::from_slice(text).map_err(not_json)?;
    let format = value.get("format").and_then(Value::as_str);
    match format {
        Some(provenance::FORMAT) => {}
        Some(format) if format.starts_with("provenance/") => {
            return Err(Error::mismatch(format!(
                "its format is '{format}', expected '{}'",
                provenance::FORMAT
            )));
        }
        _ => {
            return Err(Error::data(format!(
                "not a provenance file: its format is {}, expected '{}'",
                format.map_or_else(|| "missing".to_owned(), |format| format!("'{format}'")),
                provenance::FORMAT
            )));
        }
    }
    let read: Provenance = serde_json::from_value(value).map_err(not_json)?;
    let failed = read.exit_status != 0;
    let why = || format!("exit status {}", read.exit_status);
    Ok(Step {
        started: time("started", &read.started)?,
        ended: time("ended", &read.ended)?,
        failure: failed.then(|| read.error.clone().unwrap_or_else(why)),
        tool: read.tool,
        version: read.version,
        arguments: read.arguments,
        inputs: read.inputs.into_iter().map(file).collect(),
        outputs: read.outputs.into_iter().map(file).collect(),
        identity: hash::sha256(text),
    })
}

fn file(identity: FileIdentity) -> StepFile {
    StepFile {
        name: identity.path,
        bytes: identity.bytes,
        sha256: identity.sha256,
    }
}

/// A time with its offset in digits, as the profile of runs wants it.
fn time(field: &str, text: &str) -> Result<String> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| {
        Error::data(format!(
            "'{field}' is '{text}', expected a time as 2026-01-31T12:00:00Z"
        ))
    })?;
    let time = time.with_timezone(&Utc);
    Ok(time.format("%Y-%m-%dT%H:%M:%S+00:00").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_an_offset_in_digits() {
        let same = "2026-01-31T12:00:00+00:00";
        assert_eq!(time("ended", "2026-01-31T12:00:00Z").unwrap(), same);
        assert_eq!(time("ended", "2026-01-31T13:00:00+01:00").unwrap(), same);
        let error = time("ended", "yesterday").unwrap_err().to_string();
        assert!(error.contains("'ended' is 'yesterday'"), "{error}");
    }

    #[test]
    fn what_is_no_provenance_is_refused() {
        let message = |text: &str| step(text.as_bytes()).unwrap_err().to_string();
        assert!(message("{").starts_with("not a provenance file"));
        assert!(message("{}").contains("its format is missing"));
        assert!(message("{\"format\": \"metrics/1\"}").contains("'metrics/1'"));
        assert!(message("{\"format\": \"provenance/1\"}").contains("missing field"));
        let error = step(b"{\"format\": \"provenance/9\"}").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Mismatch);
    }
}
