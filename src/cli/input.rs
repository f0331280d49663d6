//! Opening inputs: `-` or a file, compressed or not, by its first bytes.

use crate::{Error, Result, error::Context as _, table::TableSource};
use arrow_buffer::Buffer;
use flate2::bufread::MultiGzDecoder;
use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::{Path, PathBuf},
    str::FromStr,
};

/// Bytes that are read at once.
const BUFFER: usize = 1 << 17;
/// First line of a file that Git LFS has not fetched.
const LFS_POINTER: &[u8] = b"version https://git-lfs";

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Standard input, given as `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "-" => Self::Stdin,
            path => Self::File(path.into()),
        })
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
            Self::Stdin => Ok(Box::new(BufReader::with_capacity(BUFFER, io::stdin()))),
            Self::File(path) => {
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

    /// Opens it as an Arrow table; an IPC file on disk is mapped.
    ///
    /// # Errors
    /// Where it is no complete table, naming it.
    pub fn open_table(&self) -> Result<TableSource> {
        let open = || -> Result<TableSource> {
            if let Self::File(path) = self {
                let file = File::open(path)?;
                let mut head = [0; 6];
                let regular = file.metadata()?.is_file();
                if regular && (&file).read_exact(&mut head).is_ok() && &head == b"ARROW1" {
                    return Ok(TableSource::from_file_bytes(map(&file)?)?);
                }
            }
            let reader = self.open_raw().and_then(decompress)?;
            Ok(TableSource::from_reader(reader)?)
        };
        open().map_err(|e| e.context(self.to_string()))
    }

    /// Adds this input's name to an error.
    pub fn blame<E: Into<Error>>(&self) -> impl Fn(E) -> Error + use<'_, E> {
        move |e| e.into().context(self.to_string())
    }
}

/// A file's bytes, mapped into memory and shared by all that is read from them.
///
/// # Errors
/// Where the file cannot be mapped.
pub fn map(file: &File) -> io::Result<Buffer> {
    if file.metadata()?.len() == 0 {
        return Ok(Buffer::from(&[][..]));
    }
    #[expect(
        unsafe_code,
        reason = "sound while nobody shortens the file: outputs here are replaced by rename, never rewritten in place"
    )]
    let mapped = unsafe { memmap2::Mmap::map(file)? };
    Ok(Buffer::from(bytes::Bytes::from_owner(mapped)))
}

/// Decompresses by magic bytes.
fn decompress(mut reader: Reader) -> io::Result<Reader> {
    // a pipe may give its first bytes one by one
    let mut head = Vec::with_capacity(32);
    reader.by_ref().take(32).read_to_end(&mut head)?;
    if head.starts_with(LFS_POINTER) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "this is a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'",
        ));
    }
    let kind = head.get(..4).map(<[u8]>::to_vec);
    let whole = Cursor::new(head).chain(reader);
    Ok(match kind.as_deref() {
        Some([0x1f, 0x8b, ..]) => {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(whole)))
        }
        Some([0x28, 0xb5, 0x2f, 0xfd]) => {
            let decoder = zstd::Decoder::with_buffer(whole)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
        _ => Box::new(whole),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decompress(Box::new(Cursor::new(bytes)))?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_member_of_a_gzip_file_is_read() {
        assert_eq!(
            read([gz(b"one "), gz(b"two")].concat()).unwrap(),
            b"one two"
        );
    }

    #[test]
    fn plain_short_and_empty_input_passes() {
        assert_eq!(read(b">a".to_vec()).unwrap(), b">a");
        assert_eq!(read(Vec::new()).unwrap(), b"");
        assert_eq!(
            read(zstd::encode_all(&b"zstd"[..], 1).unwrap()).unwrap(),
            b"zstd"
        );
    }

    #[test]
    fn a_truncated_gzip_file_is_an_error() {
        let mut bytes = gz(&[7; 5000]);
        bytes.truncate(bytes.len() - 9);
        assert_eq!(
            read(bytes).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }

    #[test]
    fn an_lfs_pointer_is_named() {
        let error = read(b"version https://git-lfs.github.com/spec/v1\noid x".to_vec());
        assert!(error.unwrap_err().to_string().contains("git lfs pull"));
    }
}
