//! A file being written. It appears whole, with the other outputs of the run, or not at all.
//!
//! It is written under a temporary name beside its target, flushed, synced, and staged; `outputs` puts it in place. A
//! target that is no regular file (a FIFO, `/dev/null`), or that is open already (`/dev/stdout`), is written in place,
//! as a stream.

use super::{
    outputs::{Outputs, Stage},
    place, standard_streams,
    target::{Codec, Target},
    temporary::Temporary,
};
use crate::{Result, error::Context as _, mapped};
use noodles::bgzf;
use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Bytes that are written at once.
const BUFFER: usize = 1 << 17;

enum Sink {
    Plain(BufWriter<Raw>),
    Bgzf(bgzf::io::Writer<BufWriter<Raw>>),
    Zstd(zstd::Encoder<'static, BufWriter<Raw>>),
}

/// Where bytes go.
enum Raw {
    Stream(Stream),
    File(File),
}

/// Standard output, or another stream that somebody reads while it is written.
struct Stream {
    to: Box<dyn Write + Send>,
    /// Outputs of the run: with others the run goes on without its reader.
    outputs: Arc<AtomicUsize>,
    reader_is_gone: bool,
}

impl Stream {
    /// What of an error there is to tell.
    fn heed<T>(&mut self, result: io::Result<T>, otherwise: T) -> io::Result<T> {
        match result {
            Err(error)
                if error.kind() == io::ErrorKind::BrokenPipe
                    && self.outputs.load(Ordering::Relaxed) > 1 =>
            {
                self.reader_is_gone = true;
                Ok(otherwise)
            }
            result => result,
        }
    }
}

impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) if stream.reader_is_gone => Ok(bytes.len()),
            Self::Stream(stream) => {
                let written = stream.to.write(bytes);
                stream.heed(written, bytes.len())
            }
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(stream) if stream.reader_is_gone => Ok(()),
            Self::Stream(stream) => {
                let flushed = stream.to.flush();
                stream.heed(flushed, ())
            }
            Self::File(file) => file.flush(),
        }
    }
}

/// An output being written; without [`Output::commit`] nothing appears.
pub struct Output {
    sink: Sink,
    /// The temporary file, the path that it will have, and who puts it there; none for streams.
    temporary: Option<(Temporary, PathBuf, Stage)>,
    target: Target,
}

impl Output {
    /// Begins to write; compressed where the suffix says so (`.gz`, `.bgz`, `.zst`).
    ///
    /// # Errors
    /// Where nothing can be written there, naming it.
    pub(super) fn create(target: &Target, outputs: &Outputs) -> Result<Self> {
        Self::open(target, outputs).during(&target.to_string())
    }

    fn open(target: &Target, outputs: &Outputs) -> io::Result<Self> {
        let stream = |to: Box<dyn Write + Send>| {
            Raw::Stream(Stream {
                to,
                outputs: outputs.count(),
                reader_is_gone: false,
            })
        };
        let (raw, temporary) = match target {
            Target::Stdout => {
                standard_streams::demand_output()?;
                (stream(Box::new(io::stdout())), None)
            }
            Target::File(path) if place::is_stream(path) => {
                standard_streams::demand(path)?;
                // what is there already of a file that another program has open (`>>`) stays
                let append = place::is_descriptor(path);
                let file = OpenOptions::new().write(true).append(append).open(path)?;
                (stream(Box::new(file)), None)
            }
            Target::File(path) => {
                standard_streams::demand(path)?;
                // through a link, so that what it points to is replaced and not the link
                let path = place::resolve(path);
                let (temporary, file) = Temporary::file(&path)?;
                (Raw::File(file), Some((temporary, path, outputs.stage())))
            }
        };
        let out = BufWriter::with_capacity(BUFFER, raw);
        let sink = match target.path().and_then(Codec::of_suffix) {
            Some(Codec::Bgzf) => Sink::Bgzf(bgzf::io::Writer::new(out)),
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

    /// Flushes and syncs: the file is complete, and appears with the other outputs at the end of the run.
    ///
    /// # Errors
    /// Where writing fails, naming the target.
    pub fn commit(self) -> Result<()> {
        let name = self.target.to_string();
        mapped::check()?;
        self.finish().during(&name)
    }

    fn finish(self) -> io::Result<()> {
        let mut buffered = match self.sink {
            Sink::Plain(out) => out,
            Sink::Bgzf(out) => out.finish()?,
            Sink::Zstd(out) => out.finish()?,
        };
        buffered.flush()?;
        if let (Raw::File(file), Some((temporary, path, stage))) =
            (buffered.get_ref(), self.temporary)
        {
            file.sync_all()?;
            stage.push(temporary, path);
        }
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Plain(out) => out.write(bytes),
            Sink::Bgzf(out) => out.write(bytes),
            Sink::Zstd(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Plain(out) => out.flush(),
            Sink::Bgzf(out) => out.flush(),
            Sink::Zstd(out) => out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Writes and places a file of this name, and returns its bytes.
    fn written(name: &str, content: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let outputs = Outputs::new(|_| None);
        let target = Target::File(path.clone());
        let mut output = Output::create(&target, &outputs).unwrap();
        output.write_all(content).unwrap();
        output.commit().unwrap();
        assert!(!path.exists());
        outputs.place().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::read(&path).unwrap()
    }

    #[test]
    fn a_file_appears_when_all_are_placed_and_not_before() {
        assert_eq!(written("a.txt", b"whole"), b"whole");
    }

    #[test]
    fn an_output_that_is_not_committed_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "old").unwrap();
        let outputs = Outputs::new(|_| None);
        let mut output = Output::create(&Target::File(path.clone()), &outputs).unwrap();
        output.write_all(b"half").unwrap();
        drop(output);
        outputs.place().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn gzip_output_is_in_blocks_and_ends_as_tabix_demands() {
        for name in ["a.gff3.bgz", "a.gff3.gz"] {
            for content in [&b"line\n".repeat(100_000)[..], b""] {
                let bytes = written(name, content);
                // extra field of 6 bytes, of kind BC
                assert_eq!(bytes[..4], [0x1f, 0x8b, 8, 4]);
                assert_eq!(bytes[12..14], *b"BC");
                let last = &bytes[bytes.len() - 28..];
                assert_eq!((last[0], last[16..18].to_vec()), (0x1f, vec![27, 0]));
                let mut read = Vec::new();
                let mut reader = flate2::read::MultiGzDecoder::new(&bytes[..]);
                io::Read::read_to_end(&mut reader, &mut read).unwrap();
                assert!(read == content, "{name}");
            }
        }
    }
}
