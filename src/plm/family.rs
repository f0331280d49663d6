//! What a family of protein language models is to this program, and how one refuses what it does not run.

use super::{architecture::Architecture, error::PlmError, vocabulary::Tokenization};
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
    if found != Some(true) {
        return Ok(());
    }
    Err(PlmError::Architecture {
        family,
        field,
        found: "true".into(),
        expected: "false",
        hint,
    })
}
