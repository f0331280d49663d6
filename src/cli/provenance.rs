//! `--provenance FILE`: who made what of what. Times and paths live here and nowhere else.

use crate::hash;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Format name and version of provenance files.
pub(crate) const FORMAT: &str = "provenance/1";

/// The content of a provenance file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// `provenance/1`.
    pub format: String,
    /// The executable.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Files that were read.
    pub inputs: Vec<FileIdentity>,
    /// Files that were written.
    pub outputs: Vec<FileIdentity>,
    /// When it started (UTC, ISO 8601).
    pub started: String,
    /// When it ended (UTC, ISO 8601).
    pub ended: String,
    /// The seed.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
    /// The device that computed, where one was chosen.
    pub device: Option<String>,
    /// What its matrix products multiplied, and on which unit, where that was chosen.
    #[serde(default)]
    pub compute: Option<String>,
    /// The largest memory of the process.
    pub peak_memory_bytes: Option<u64>,
    /// Exit status.
    pub exit_status: u8,
    /// What went wrong.
    pub error: Option<String>,
}

/// A file and its content.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileIdentity {
    /// Path as given.
    pub path: String,
    /// Size in bytes; none where it is no regular file.
    pub bytes: Option<u64>,
    /// SHA-256 of its bytes; none where it is no regular file.
    pub sha256: Option<String>,
}

/// Where a file or folder is, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Location {
    /// As the options name it.
    pub(super) named: PathBuf,
    /// Where its bytes lie now.
    pub(super) lies: PathBuf,
}

impl Location {
    /// Of what lies where it is called.
    pub(super) fn in_place(path: &Path) -> Self {
        Self {
            named: path.to_owned(),
            lies: path.to_owned(),
        }
    }
}

/// Which files of a folder belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Those in it: an input folder may have others beside that nobody reads.
    Flat,
    /// Those in its folders too, as in a grid of models.
    Whole,
}

/// Identifies files, folders by the files in them.
pub(super) fn files(mut open: Vec<Location>, depth: Depth) -> Vec<FileIdentity> {
    let mut all: Vec<Location> = Vec::new();
    while let Some(location) = open.pop() {
        let Ok(entries) = location.lies.read_dir() else {
            all.push(location);
            continue;
        };
        for entry in entries.flatten() {
            let inner = Location {
                named: location.named.join(entry.file_name()),
                lies: entry.path(),
            };
            if inner.lies.is_file() {
                all.push(inner);
            } else if depth == Depth::Whole && entry.file_type().is_ok_and(|t| t.is_dir()) {
                open.push(inner);
            }
        }
    }
    all.sort();
    all.dedup();
    all.into_iter()
        .map(|Location { named, lies }| {
            let regular = lies.is_file();
            FileIdentity {
                bytes: lies.metadata().ok().filter(|_| regular).map(|m| m.len()),
                sha256: regular.then(|| sha256(&lies).ok()).flatten(),
                path: named.display().to_string(),
            }
        })
        .collect()
}

/// SHA-256 of a file's bytes.
///
/// # Errors
/// Where it cannot be read.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    hash::sha256_of_stream(File::open(path)?)
}

/// A time as `2026-01-31T12:00:00Z`.
pub(super) fn timestamp(time: SystemTime) -> String {
    DateTime::<Utc>::from(time)
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn times_are_utc_dates() {
        let at = |s| timestamp(UNIX_EPOCH + Duration::from_secs(s));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
    }
}
