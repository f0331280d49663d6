//! Outputs that appear whole or not at all.
//!
//! A file is written under a temporary name beside its target, flushed, synced and renamed; after an
//! error or a signal the temporary file is gone. A target that is no regular file (a FIFO,
//! `/dev/null`) is written in place, as a stream.

use super::signal;
use crate::{Error, Result, error::Context as _, mapped, table::Container};
use flate2::{Compression, GzBuilder};
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

/// Bytes that are written at once.
const BUFFER: usize = 1 << 17;

/// Where an output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output, given as `-`.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl FromStr for Target {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "-" => Self::Stdout,
            path => Self::File(path.into()),
        })
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
            Self::File(path) if !is_special(path) && suffix_codec(path).is_none() => {
                Container::File
            }
            _ => Container::Stream,
        }
    }
}

/// Whether something that is no regular file is there already.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

/// A temporary file or folder that vanishes unless it is put in place.
pub(crate) struct Temporary {
    path: PathBuf,
    target: PathBuf,
    placed: bool,
}

impl Temporary {
    fn beside(target: &Path) -> Self {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        signal::remember(&path);
        Self {
            path,
            target: target.to_owned(),
            placed: false,
        }
    }

    /// Renames it to its target.
    fn place(mut self) -> io::Result<()> {
        fs::rename(&self.path, &self.target)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.path).or_else(|_| fs::remove_dir_all(&self.path));
        }
        signal::forget(&self.path);
    }
}

enum Codec {
    Gzip,
    Zstd,
}

fn suffix_codec(path: &Path) -> Option<Codec> {
    match path.extension()?.to_str()? {
        "gz" | "bgz" => Some(Codec::Gzip),
        "zst" => Some(Codec::Zstd),
        _ => None,
    }
}

enum Sink {
    Plain(BufWriter<Raw>),
    Gzip(flate2::write::GzEncoder<BufWriter<Raw>>),
    Zstd(zstd::Encoder<'static, BufWriter<Raw>>),
}

enum Raw {
    Stdout(io::Stdout),
    File(File),
}

impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(out) => out.flush(),
        }
    }
}

/// An output being written; without [`Output::commit`] nothing appears.
pub struct Output {
    sink: Sink,
    temporary: Option<Temporary>,
    target: Target,
}

impl Output {
    /// Begins to write; compressed where the suffix says so (`.gz`, `.bgz`, `.zst`).
    ///
    /// # Errors
    /// Where nothing can be written there, naming it.
    pub fn create(target: &Target) -> Result<Self> {
        Self::open(target).during(&target.to_string())
    }

    fn open(target: &Target) -> io::Result<Self> {
        let (raw, temporary) = match target {
            Target::Stdout => (Raw::Stdout(io::stdout()), None),
            Target::File(path) if is_special(path) => {
                let file = OpenOptions::new().write(true).open(path)?;
                (Raw::File(file), None)
            }
            Target::File(path) => {
                if path.is_dir() {
                    return Err(io::Error::new(
                        io::ErrorKind::IsADirectory,
                        "is a directory",
                    ));
                }
                // through a link, so that what it points to is replaced and not the link
                let path = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
                let temporary = Temporary::beside(&path);
                let file = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .open(&temporary.path)?;
                (Raw::File(file), Some(temporary))
            }
        };
        let out = BufWriter::with_capacity(BUFFER, raw);
        let sink = match target.path().and_then(suffix_codec) {
            Some(Codec::Gzip) => {
                // no time and no name in the header: same input, same bytes
                Sink::Gzip(GzBuilder::new().mtime(0).write(out, Compression::default()))
            }
            Some(Codec::Zstd) => Sink::Zstd(zstd::Encoder::new(out, 0)?),
            None => Sink::Plain(out),
        };
        Ok(Self {
            sink,
            temporary,
            target: target.clone(),
        })
    }

    /// Where it goes.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Flushes, syncs, and puts the file in place.
    ///
    /// # Errors
    /// Where writing fails, naming the target.
    pub fn commit(self) -> Result<()> {
        let name = self.target.to_string();
        mapped::check()?;
        self.finish().during(&name)
    }

    fn finish(self) -> io::Result<()> {
        let buffered = match self.sink {
            Sink::Plain(out) => out,
            Sink::Gzip(out) => out.finish()?,
            Sink::Zstd(out) => out.finish()?,
        };
        match buffered
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
        {
            Raw::Stdout(mut out) => out.flush(),
            Raw::File(file) => match self.temporary {
                None => Ok(()),
                Some(temporary) => {
                    file.sync_all()?;
                    drop(file);
                    temporary.place()
                }
            },
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Plain(out) => out.write(bytes),
            Sink::Gzip(out) => out.write(bytes),
            Sink::Zstd(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Plain(out) => out.flush(),
            Sink::Gzip(out) => out.flush(),
            Sink::Zstd(out) => out.flush(),
        }
    }
}

/// A folder that appears whole, by rename; one that is there already is replaced.
pub struct OutputFolder(Temporary);

impl OutputFolder {
    /// Begins a folder under a temporary name beside its target.
    ///
    /// # Errors
    /// Where it cannot be made, naming it.
    pub fn create(target: &Path) -> Result<Self> {
        // a trailing slash or `.` would leave no name to put a temporary beside
        let target: PathBuf = target.components().collect();
        if target.is_file() {
            return Err(
                Error::data("is a file, expected a folder").context(target.display().to_string())
            );
        }
        let temporary = Temporary::beside(&target);
        if temporary.path.exists() {
            fs::remove_dir_all(&temporary.path).path(&temporary.path)?;
        }
        fs::create_dir(&temporary.path).path(&target)?;
        Ok(Self(temporary))
    }

    /// The folder while it is being written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Writes a file in it.
    ///
    /// # Errors
    /// Where writing fails, naming the file.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.0.path.join(name);
        let write = || -> io::Result<()> {
            let mut file = File::create(&path)?;
            file.write_all(content)?;
            file.sync_all()
        };
        write().path(&self.0.target.join(name))
    }

    /// Puts the folder in place.
    ///
    /// # Errors
    /// Where it cannot be renamed, naming it.
    pub fn commit(self) -> Result<()> {
        mapped::check()?;
        let target = self.0.target.clone();
        if target.exists() {
            let old = Temporary::beside(&target.with_extension("replaced"));
            fs::rename(&target, &old.path).path(&target)?;
            self.0.place().path(&target)?;
            drop(old);
            return Ok(());
        }
        self.0.place().path(&target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_at_commit_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let mut output = Output::create(&Target::File(path.clone())).unwrap();
        output.write_all(b"whole").unwrap();
        assert!(!path.exists());
        output.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        let mut output = Output::create(&Target::File(path.clone())).unwrap();
        output.write_all(b"half").unwrap();
        drop(output);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_appears_whole_and_replaces_an_older_one() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("model");
        for content in [&b"old"[..], b"new"] {
            let folder = OutputFolder::create(&target).unwrap();
            folder.write("x", content).unwrap();
            folder.commit().unwrap();
            assert_eq!(fs::read(target.join("x")).unwrap(), content);
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
