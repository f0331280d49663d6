//! Opening inputs: `-` or a file, compressed or not, by its first bytes.

use super::standard_streams;
use crate::{
    Error, Result,
    error::{Context as _, no_thread},
    table::TableSource,
};
use arrow_buffer::Buffer;
use flate2::bufread::MultiGzDecoder;
use std::{
    ffi::OsString,
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

/// Bytes that are read at once.
const BUFFER: usize = 1 << 17;
/// First line of a file that Git LFS has not fetched.
const LFS_POINTER: &[u8] = b"version https://git-lfs";
/// First bytes of a gzip member.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// First bytes of a zstd frame.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

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

    /// Its bytes, decompressed; an uncompressed file on disk is mapped.
    ///
    /// # Errors
    /// Where it cannot be read, naming it.
    pub fn bytes(&self) -> Result<Buffer> {
        if let Self::File(path) = self
            && path.is_file()
        {
            let open = || -> io::Result<Option<Buffer>> {
                let mut head = [0; 32];
                let mut file = File::open(path)?;
                let count = file.by_ref().take(32).read(&mut head)?;
                let head = &head[..count];
                let packed = head.starts_with(&GZIP) || head.starts_with(&ZSTD);
                if packed || head.starts_with(LFS_POINTER) {
                    return Ok(None);
                }
                map(&file).map(Some)
            };
            if let Some(bytes) = open().during(&self.to_string())? {
                return Ok(bytes);
            }
        }
        Ok(self.read_all()?.into())
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

/// Compressions that are known by their first bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
}

fn compression(beginning: &[u8]) -> Option<Compression> {
    match beginning {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
        _ => None,
    }
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
    let kind = compression(&head);
    let whole = Cursor::new(head).chain(reader);
    Ok(match kind {
        Some(Compression::Gzip) => {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(whole)))
        }
        Some(Compression::Zstd) => {
            let decoder = zstd::Decoder::with_buffer(whole)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
        None => Box::new(whole),
    })
}

/// Buffers that a thread fills ahead of the reader.
const BUFFERS_AHEAD: usize = 4;
/// Bytes of such a buffer: more than the decoder's own, which it then does not copy through.
const AHEAD: usize = 2 * BUFFER;

/// Fills a buffer, or as much of it as there is before the end or an error.
fn read_ahead(reader: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.resize(AHEAD, 0);
    let mut filled = 0;
    let result = loop {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break Ok(()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    buffer.truncate(filled);
    result
}

/// A reader whose bytes another thread prepares.
struct Ahead {
    filled: Receiver<io::Result<Vec<u8>>>,
    spent: Sender<Vec<u8>>,
    buffer: Vec<u8>,
    position: usize,
    ended: bool,
}

impl Ahead {
    fn new(mut reader: Reader) -> io::Result<Self> {
        let (fill, filled) = mpsc::sync_channel(BUFFERS_AHEAD);
        let (spent, empty) = mpsc::channel::<Vec<u8>>();
        let prepare = move || loop {
            let mut buffer = empty.try_recv().unwrap_or_default();
            let read = read_ahead(&mut reader, &mut buffer);
            // an empty buffer is the end; what was read before an error is still good
            let is_last = buffer.is_empty() || read.is_err();
            if (!buffer.is_empty() || read.is_ok()) && fill.send(Ok(buffer)).is_err() {
                return;
            }
            if let Err(error) = read {
                let _ = fill.send(Err(error));
            }
            if is_last {
                return;
            }
        };
        thread::Builder::new()
            .name("decompress".into())
            .spawn(prepare)
            .map_err(no_thread)?;
        Ok(Self {
            filled,
            spent,
            buffer: Vec::new(),
            position: 0,
            ended: false,
        })
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.buffer.len() && !self.ended {
            let lost = |_| io::Error::other("the thread that decompresses has ended early");
            let next = self.filled.recv().map_err(lost)??;
            self.ended = next.is_empty();
            let _ = self.spent.send(std::mem::replace(&mut self.buffer, next));
            self.position = 0;
        }
        Ok(&self.buffer[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position = (self.position + amount).min(self.buffer.len());
    }
}

impl Read for Ahead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
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
    fn bytes_that_another_thread_prepares_are_the_same() {
        let text: Vec<u8> = (0..3 * AHEAD).map(|i| (i % 251) as u8).collect();
        let read = |bytes: Vec<u8>| {
            let mut out = Vec::new();
            let reader = decompress(Box::new(Cursor::new(bytes)))?;
            Ahead::new(reader)?.read_to_end(&mut out).map(|_| out)
        };
        assert!(read(gz(&text)).unwrap() == text);
        assert!(read(Vec::new()).unwrap().is_empty());
        let mut cut = gz(&text);
        cut.truncate(cut.len() - 9);
        assert_eq!(read(cut).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
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
