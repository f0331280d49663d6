//! Opening inputs: `-` or a file, compressed or not, by its first bytes.

mod ahead;
mod compressed;

pub use compressed::CompressionError;

use super::standard_streams;
use crate::{Error, Result, error::Context as _, mapped::Mapped, table::TableSource};
use ahead::Ahead;
use arrow_buffer::Buffer;
use compressed::{HEAD, compression, decompress, is_plain};
use std::{
    ffi::OsString,
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// Bytes that are read at once.
const BUFFER: usize = 1 << 17;

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Standard input, given as `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl From<OsString> for Source {
    fn from(text: OsString) -> Self {
        if text == "-" {
            Self::Stdin
        } else {
            Self::File(text.into())
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A reader of decompressed bytes.
pub type Reader = Box<dyn BufRead + Send>;

impl Source {
    /// The path, unless it is standard input.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdin => None,
            Self::File(path) => Some(path),
        }
    }

    fn open_raw(&self) -> io::Result<Reader> {
        match self {
            Self::Stdin => {
                standard_streams::demand_input()?;
                Ok(Box::new(BufReader::with_capacity(BUFFER, io::stdin())))
            }
            Self::File(path) => {
                standard_streams::demand(path)?;
                let file = File::open(path)?;
                if file.metadata()?.is_dir() {
                    return Err(io::Error::new(
                        io::ErrorKind::IsADirectory,
                        "is a directory",
                    ));
                }
                Ok(Box::new(BufReader::with_capacity(BUFFER, file)))
            }
        }
    }

    /// Opens it and decompresses gzip (also of several members, as bgzip writes) and zstd.
    ///
    /// # Errors
    /// Where it cannot be opened, naming it.
    pub fn open(&self) -> Result<Reader> {
        self.open_raw()
            .and_then(decompress)
            .during(&self.to_string())
    }

    /// Opens it like [`Self::open`]; what is compressed is decompressed on a thread of its own, ahead of the reader.
    ///
    /// # Errors
    /// Where it cannot be opened, naming it.
    pub fn open_ahead(&self) -> Result<Reader> {
        let open = || -> io::Result<Reader> {
            let mut reader = self.open_raw()?;
            let is_packed = compression(reader.fill_buf()?).is_some();
            let reader = decompress(reader)?;
            Ok(if is_packed {
                Box::new(Ahead::new(reader)?)
            } else {
                reader
            })
        };
        open().during(&self.to_string())
    }

    /// Reads it whole, decompressed.
    ///
    /// # Errors
    /// Where it cannot be read, naming it.
    pub fn read_all(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open()?
            .read_to_end(&mut bytes)
            .during(&self.to_string())?;
        Ok(bytes)
    }

    /// Its bytes, decompressed; a large uncompressed file on disk is mapped.
    ///
    /// # Errors
    /// Where it cannot be read, naming it.
    pub fn bytes(&self) -> Result<Buffer> {
        if let Self::File(path) = self
            && path.is_file()
        {
            let open = || -> io::Result<Option<Buffer>> {
                let mut head = Vec::with_capacity(HEAD);
                let mut file = File::open(path)?;
                (&mut file).take(HEAD as u64).read_to_end(&mut head)?;
                if is_plain(&head) {
                    buffer(file, path).map(Some)
                } else {
                    Ok(None)
                }
            };
            if let Some(bytes) = open().during(&self.to_string())? {
                return Ok(bytes);
            }
        }
        Ok(self.read_all()?.into())
    }

    /// Opens it as an Arrow table; a large IPC file on disk is mapped.
    ///
    /// # Errors
    /// Where it is no complete table, naming it.
    pub fn open_table(&self) -> Result<TableSource> {
        let open = || -> Result<TableSource> {
            // a pipe is opened once: what is written to it between two readers is lost
            if let Self::File(path) = self
                && path.is_file()
            {
                let file = File::open(path)?;
                let mut head = [0; 6];
                if (&file).read_exact(&mut head).is_ok() && &head == b"ARROW1" {
                    return Ok(TableSource::from_file_bytes(buffer(file, path)?)?);
                }
            }
            let reader = self.open_raw().and_then(decompress)?;
            Ok(TableSource::from_reader(reader)?)
        };
        open().map_err(|e| e.context(self.to_string()))
    }

    /// Adds this input's name to an error.
    pub fn in_input<E: Into<Error>>(&self) -> impl Fn(E) -> Error + use<'_, E> {
        move |e| e.into().context(self.to_string())
    }
}

/// All bytes of a file, shared by all that is read from them.
fn buffer(file: File, path: &Path) -> io::Result<Buffer> {
    let bytes = Mapped::new(file, path)?;
    Ok(Buffer::from(bytes::Bytes::from_owner(bytes)))
}
