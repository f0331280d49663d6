//! Which format a run writes: by name or by suffix, of ranges or of whole proteins.

use super::Args;
use crate::{
    Error, Result,
    cli::target::split_compression,
    report::{
        calls::{self, CallFormat},
        formats::{FORMATS, Packing, RangeFormat, by_file_name, by_name},
    },
};

/// Names of all formats, of ranges first.
pub(super) fn format_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    for format in calls::FORMATS {
        if !names.contains(&format.name) {
            names.push(format.name);
        }
    }
    names
}

/// What is annotated.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnnotationLevel {
    /// Ranges of residues.
    Residues,
    /// Whole proteins.
    Proteins,
}

/// The format of a run.
pub(super) enum Chosen {
    Ranges(RangeFormat),
    Calls(CallFormat),
}

impl Args {
    /// The format that was asked for, by name or by the output's suffix.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] where nothing says which, or where a suffix asks to compress what is compressed in
    /// itself.
    pub(super) fn format(&self) -> Result<Chosen> {
        let file = (self.output.path()).and_then(|path| path.file_name()?.to_str());
        let (name, compression) = split_compression(file.unwrap_or_default());
        let (of_ranges, of_calls) = match &self.format {
            Some(name) => (by_name(&FORMATS, name), by_name(&calls::FORMATS, name)),
            None => (
                by_file_name(&FORMATS, name),
                by_file_name(&calls::FORMATS, name),
            ),
        };
        let alone = self.input.is_empty() && !self.calls.proteins.is_empty();
        let level = self.level.unwrap_or(if alone {
            AnnotationLevel::Proteins
        } else {
            AnnotationLevel::Residues
        });
        let (chosen, name, packing) = match (of_ranges, of_calls, level) {
            (Some(format), _, AnnotationLevel::Residues) | (Some(format), None, _) => {
                (Chosen::Ranges(format), format.name, format.packing)
            }
            (_, Some(format), _) => (Chosen::Calls(format), format.name, format.packing),
            (None, None, _) => {
                return Err(Error::usage(format!(
                    "cannot tell the format of {}; name it by --format, one of {}",
                    self.output,
                    format_names().join(", ")
                )));
            }
        };
        if packing == Packing::Within && !compression.is_empty() {
            return Err(Error::usage(format!(
                "the format '{name}' is compressed in itself: {} is not to end in {compression}",
                self.output
            )));
        }
        Ok(chosen)
    }
}
