//! Where a run writes, as options say it; `files` knows outputs by these types.

use super::place::is_stream;
use crate::table::Container;
use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

/// A file that is written, or standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output, given as `-`.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl From<OsString> for Target {
    fn from(text: OsString) -> Self {
        if text == "-" {
            Self::Stdout
        } else {
            Self::File(text.into())
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Target {
    /// The path, unless it is standard output.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path),
        }
    }

    /// Arrow's container for this target: a footer on disk, a stream elsewhere.
    #[must_use]
    pub fn container(&self) -> Container {
        match self {
            Self::File(path) if !is_stream(path) && Codec::of_suffix(path).is_none() => {
                Container::File
            }
            _ => Container::Stream,
        }
    }
}

/// A folder that appears whole and replaces an older one of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFolder(PathBuf);

impl From<OsString> for TargetFolder {
    fn from(text: OsString) -> Self {
        Self(text.into())
    }
}

impl TargetFolder {
    /// Its path as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for TargetFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

/// Suffixes that a table of activations may have, apart from that of its compression.
const TABLE_SUFFIXES: [&str; 5] = ["arrow", "arrows", "feather", "parquet", "npy"];

/// A table or a folder, of a tool that writes either: a table where the name is that of one (`.arrow`, `.parquet`, `.npy`,
/// compressed or not), is `-`, or leads to a stream; else a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableOrFolder {
    /// A table.
    Table(Target),
    /// A folder.
    Folder(TargetFolder),
}

impl From<OsString> for TableOrFolder {
    fn from(text: OsString) -> Self {
        let target = Target::from(text.clone());
        let is_table = target.path().is_none_or(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let (name, _) = split_compression(&name);
            let suffix = Path::new(name).extension();
            is_stream(path)
                || suffix.is_some_and(|s| TABLE_SUFFIXES.iter().any(|known| s == *known))
        });
        if is_table {
            Self::Table(target)
        } else {
            Self::Folder(text.into())
        }
    }
}

impl From<TableOrFolder> for Destination {
    fn from(either: TableOrFolder) -> Self {
        match either {
            TableOrFolder::Table(target) => Self::File(target),
            TableOrFolder::Folder(folder) => Self::Folder(folder),
        }
    }
}

impl fmt::Display for TableOrFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(target) => target.fmt(f),
            Self::Folder(folder) => folder.fmt(f),
        }
    }
}

/// A folder that a run writes into and that others may use too: what it did not make stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFolder(PathBuf);

impl From<OsString> for SharedFolder {
    fn from(text: OsString) -> Self {
        Self(text.into())
    }
}

impl SharedFolder {
    /// Its path as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Anything that a run writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    File(Target),
    Folder(TargetFolder),
    Shared(SharedFolder),
}

impl Destination {
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(target) => target.path(),
            Self::Folder(TargetFolder(path)) | Self::Shared(SharedFolder(path)) => Some(path),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(target) => target.fmt(f),
            Self::Folder(TargetFolder(path)) | Self::Shared(SharedFolder(path)) => {
                write!(f, "{}", path.display())
            }
        }
    }
}

/// How an output is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// gzip in blocks (SAM specification, section 4.1), which tabix can search.
    Bgzf,
    Zstd,
}

/// Suffixes of compressed files; `.gz` is written as BGZF as well, which is valid gzip.
const CODECS: [(&str, Codec); 3] = [
    (".gz", Codec::Bgzf),
    (".bgz", Codec::Bgzf),
    (".zst", Codec::Zstd),
];

impl Codec {
    /// Compression that a suffix asks for.
    pub(super) fn of_suffix(path: &Path) -> Option<Self> {
        let suffix = path.extension()?.to_str()?;
        let asked = CODECS
            .iter()
            .find(|(known, _)| known.strip_prefix('.') == Some(suffix));
        asked.map(|(_, codec)| *codec)
    }
}

/// A file name without the suffix of its compression, and that suffix, or nothing.
#[must_use]
pub(crate) fn split_compression(name: &str) -> (&str, &str) {
    CODECS
        .iter()
        .find_map(|(suffix, _)| Some((name.strip_suffix(suffix)?, *suffix)))
        .unwrap_or((name, ""))
}
