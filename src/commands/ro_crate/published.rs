//! The files of published results.

use crate::{
    Error, Result,
    cli::{Context, Tool, log, provenance},
    commands::train::CHECKPOINTS,
    error::Context as _,
    report::ro_crate::{METADATA, PublishedFile},
};
use rayon::prelude::*;
use serde_json::Value;
use std::{
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

/// A file that is found.
pub(super) struct Found {
    path: PathBuf,
    /// Below the root.
    name: Vec<u8>,
    /// Bytes.
    pub(super) bytes: u64,
}

/// A folder that is to be looked into.
struct Folder {
    path: PathBuf,
    name: Vec<u8>,
    /// Device and number of it and of those above: a link may lead back to one.
    trail: Vec<(u64, u64)>,
}

/// Finds the regular files in a folder and in its folders, through links; hidden ones, checkpoints of training and
/// outputs of this run are left out.
///
/// # Errors
/// Where a folder cannot be read, or where an output of this run would replace a result.
pub(super) fn find(context: &Context, root: &Path) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut open = vec![Folder {
        path: root.to_owned(),
        name: Vec::new(),
        trail: Vec::new(),
    }];
    while let Some(mut folder) = open.pop() {
        let own = folder.path.metadata().path(&folder.path)?;
        let id = (own.dev(), own.ino());
        if folder.trail.contains(&id) {
            continue;
        }
        folder.trail.push(id);
        for entry in fs::read_dir(&folder.path).path(&folder.path)? {
            let entry = entry.path(&folder.path)?;
            let (path, own_name) = (entry.path(), entry.file_name());
            if is_left_out(own_name.as_bytes(), folder.name.is_empty()) {
                continue;
            }
            let mut name = folder.name.clone();
            if !name.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(own_name.as_bytes());
            let Ok(there) = path.metadata() else {
                log::warn(&format!("{}: a link to nothing, left out", path.display()));
                continue;
            };
            if there.is_dir() {
                let trail = folder.trail.clone();
                open.push(Folder { path, name, trail });
            } else if there.is_file() && !is_own_output(context, &path)? {
                let bytes = there.len();
                found.push(Found { path, name, bytes });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn is_left_out(name: &[u8], at_top: bool) -> bool {
    name.starts_with(b".")
        || name.ends_with(CHECKPOINTS.as_bytes())
        || at_top && name == METADATA.as_bytes()
}

/// Whether this run writes a file, as one before it did.
///
/// # Errors
/// Where there is something else at its place.
fn is_own_output(context: &Context, path: &Path) -> Result<bool> {
    if !context.is_output(path) {
        return Ok(false);
    }
    let text = fs::read(path).path(path)?;
    let value: Value = serde_json::from_slice(&text).unwrap_or_default();
    let is_crate = value.get("@graph").is_some();
    if is_crate || value["tool"] == <super::Args as Tool>::NAME {
        return Ok(true);
    }
    Err(Error::usage(format!(
        "{} is one of the results, and would be replaced",
        path.display()
    )))
}

/// Reads all of them.
///
/// # Errors
/// Where one cannot be read, naming it.
pub(super) fn hash(found: Vec<Found>) -> Result<Vec<PublishedFile>> {
    let files = found.into_par_iter().map(|file| {
        Ok(PublishedFile {
            sha256: provenance::sha256(&file.path).path(&file.path)?,
            name: file.name,
            bytes: file.bytes,
        })
    });
    files.collect()
}
