//! What a family of protein language models is to this program, and how one reads its `config.json`.

use super::{architecture::Architecture, error::PlmError, vocabulary::Tokenization};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A family: how its folders are told and read.
pub(crate) struct Family {
    /// Its name in messages.
    pub(crate) name: &'static str,
    /// Whether a `config.json` is of this family, or of a relative that its reader refuses by name.
    pub(crate) recognises: fn(&Value) -> bool,
    /// Reads a `config.json`.
    pub(crate) architecture: fn(Value) -> Result<Architecture, PlmError>,
    /// How sequences become tokens.
    pub(crate) tokenization: Tokenization,
}

/// Whether `model_type` of a `config.json` is this.
pub(crate) fn is_type(config: &Value, expected: &str) -> bool {
    config.get("model_type").is_some_and(|t| t == expected)
}

/// The keys of a `config.json` that a family reads.
///
/// # Errors
/// [`PlmError::Config`] where one is of another type.
pub(crate) fn keys<T: DeserializeOwned>(config: Value) -> Result<T, PlmError> {
    serde_json::from_value(config)
        .map_err(|e| PlmError::Config(format!("not a model's configuration: {e}")))
}

/// Demands a value of a key of `config.json`.
///
/// # Errors
/// [`PlmError::Architecture`] where it is another, or missing.
pub(crate) fn must_be(
    family: &'static str,
    field: &'static str,
    found: Option<&str>,
    expected: &'static str,
    hint: &'static str,
) -> Result<(), PlmError> {
    if found == Some(expected) {
        return Ok(());
    }
    Err(PlmError::Architecture {
        family,
        field,
        found: found.map_or_else(|| "missing".into(), |v| format!("'{v}'")),
        expected,
        hint,
    })
}

/// Refuses a key of `config.json` that is true.
///
/// # Errors
/// [`PlmError::Architecture`] where it is.
pub(crate) fn must_not(
    family: &'static str,
    field: &'static str,
    found: Option<bool>,
    hint: &'static str,
) -> Result<(), PlmError> {
    is_flag(family, field, found.unwrap_or(false), false, hint)
}

/// Demands a value of a key of `config.json` that is true or false.
///
/// # Errors
/// [`PlmError::Architecture`] where it is the other.
pub(crate) fn is_flag(
    family: &'static str,
    field: &'static str,
    found: bool,
    expected: bool,
    hint: &'static str,
) -> Result<(), PlmError> {
    if found == expected {
        return Ok(());
    }
    Err(PlmError::Architecture {
        family,
        field,
        found: found.to_string(),
        expected: if expected { "true" } else { "false" },
        hint,
    })
}
