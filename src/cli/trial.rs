//! Whether an output could be written, found out before any work.

use super::{place, temporary::Temporary};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Tries whether a file could be written.
pub(super) fn file(path: &Path) -> io::Result<()> {
    if place::is_special(path) {
        // opening a FIFO would wait for its reader
        return Ok(());
    }
    if path.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "is a directory",
        ));
    }
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.file_name().is_none() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "is no name of a file",
        ));
    }
    let path = place::resolve(path);
    place::check_parent(&path)?;
    Temporary::file(&path).map(drop)
}

/// Tries whether something could be written into a folder, or the folder be made.
pub(super) fn shared_folder(path: &Path) -> io::Result<()> {
    // without a slash at its end
    let path: PathBuf = path.components().collect();
    let path = path.as_path();
    if path.is_dir() {
        return Temporary::file(&path.join("try")).map(drop);
    }
    if fs::symlink_metadata(path).is_ok() {
        let text = "is no folder";
        return Err(io::Error::new(io::ErrorKind::NotADirectory, text));
    }
    place::check_parent(path)?;
    Temporary::folder(&place::resolve(path)).map(drop)
}
