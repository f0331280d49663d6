//! The families of protein language models that this program runs: one line each.

use super::{amplify, architecture::Architecture, error::PlmError, esm, esmc, family::Family, t5};
use serde_json::Value;

/// The families; the first that recognises a folder's `config.json` reads it.
const FAMILIES: &[Family] = &[
    // an ESM-2 in all but its tokens, so before it
    esm::SAPROT_FAMILY,
    esm::FAMILY,
    esmc::FAMILY,
    t5::FAMILY,
    amplify::FAMILY,
];

/// Reads the text of a `config.json`.
///
/// # Errors
/// [`PlmError::Family`] where no family recognises it, [`PlmError::Config`] where it is no JSON object or its numbers
/// do not fit each other, [`PlmError::Architecture`] where it is a relative that is not run.
pub(crate) fn read(text: &str) -> Result<(&'static Family, Architecture), PlmError> {
    let value: Value =
        serde_json::from_str(text).map_err(|e| PlmError::Config(format!("not JSON: {e}")))?;
    if !value.is_object() {
        return Err(PlmError::Config("not a model's configuration".into()));
    }
    let Some(family) = FAMILIES.iter().find(|f| (f.recognises)(&value)) else {
        let found = value.get("model_type").and_then(Value::as_str);
        return Err(PlmError::Family {
            found: found.map_or_else(|| "missing".into(), |v| format!("'{v}'")),
            known: FAMILIES
                .iter()
                .map(|f| f.name)
                .collect::<Vec<_>>()
                .join(", "),
        });
    };
    let architecture = (family.architecture)(value)?.check()?;
    Ok((family, architecture))
}
