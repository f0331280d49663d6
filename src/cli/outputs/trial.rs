//! Whether outputs could be written, tried before the work that they are of.

use super::FirstForeign;
use crate::{
    Error, Result,
    cli::{
        place::{self, check_parent, resolve},
        temporary::Temporary,
    },
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Tries whether a file could be written.
pub(super) fn file(path: &Path) -> io::Result<()> {
    if place::is_stream(path) {
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
    let path = resolve(path);
    check_parent(&path)?;
    let (_temporary, _) = Temporary::file(&path)?;
    replaceable(&path)
}

/// Tries whether a folder could be written, and replaced where it is there.
///
/// # Errors
/// Also where it holds what none of our executables writes.
pub(super) fn folder(path: &Path, first_foreign: FirstForeign) -> Result<()> {
    let path = resolve(path);
    if path.is_file() || place::is_special(&path) {
        return Err(Error::data("is a file, expected a folder"));
    }
    if path.is_dir() {
        if std::env::current_dir()?.starts_with(&path) {
            return Err(Error::usage(
                "is the current folder, or holds it, and cannot be replaced",
            ));
        }
        if let Some(foreign) = first_foreign(&path) {
            return Err(Error::usage(format!(
                "would be replaced, but holds {}, which is none of the files that are written there; name another folder, or move it away",
                foreign.display()
            )));
        }
    }
    check_parent(&path)?;
    let _temporary = Temporary::folder(&path)?;
    Ok(replaceable(&path)?)
}

/// Tries whether something could be written into a folder, or the folder be made.
pub(super) fn shared(path: &Path) -> io::Result<()> {
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
    check_parent(path)?;
    let path = resolve(path);
    let _temporary = Temporary::folder(&path)?;
    replaceable(&path)
}

/// Tries whether a path could be the new name of something: it is no place where a file system is mounted, as
/// containers mount single files, what is there may be moved, and the name is not too long.
fn replaceable(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    if is_mounted(path) {
        let text =
            "is a mount point, which cannot be replaced; name a file or folder in it, or beside it";
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
    }
    // a folder that holds something is never replaced by renaming: the system says what else is in the way
    let full = Temporary::folder(path)?;
    fs::write(full.path().join("full"), "")?;
    match fs::rename(path, full.path()) {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::DirectoryNotEmpty
                    | io::ErrorKind::AlreadyExists
                    | io::ErrorKind::IsADirectory
            ) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// Whether a file system is mounted at a path, where the system tells.
fn is_mounted(path: &Path) -> bool {
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let mut places = (mounts.split(|&b| b == b'\n')).filter_map(|l| l.split(|&b| b == b' ').nth(4));
    places.any(|place| unescaped(place) == path.as_os_str().as_encoded_bytes())
}

/// A path of the list of mounts, which writes spaces and the like as a backslash and three octal digits.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match tail {
            [
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                behind @ ..,
            ] if *first == b'\\' => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = behind;
            }
            _ => out.push(*first),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_known() {
        assert!(is_mounted(Path::new("/proc")));
        let root = tempfile::tempdir().unwrap();
        assert!(!is_mounted(root.path()));
        assert_eq!(unescaped(br"/a\040b\134c\9"), br"/a b\c\9");
    }

    #[test]
    fn trying_leaves_everything_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("empty")).unwrap();
        fs::create_dir(at("full")).unwrap();
        fs::write(at("full/x"), "x").unwrap();
        fs::write(at("file"), "file").unwrap();
        for name in ["empty", "full", "new"] {
            folder(&at(name), |_| None).unwrap();
        }
        for name in ["file", "new"] {
            file(&at(name)).unwrap();
        }
        shared(&at("full")).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3);
        assert_eq!(fs::read_dir(at("empty")).unwrap().count(), 0);
        assert_eq!(fs::read(at("full/x")).unwrap(), b"x");
        assert_eq!(fs::read(at("file")).unwrap(), b"file");
        let long = "x".repeat(300);
        file(&at(&long)).unwrap_err();
        folder(&at(&long), |_| None).unwrap_err();
        shared(&at(&long)).unwrap_err();
    }
}
