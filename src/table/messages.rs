//! Arrow's messages, looked at before its decoder gets them.
//!
//! A compressed buffer begins with the size that its content claims to have, and the decoder sets that much memory
//! aside at once: a damaged size would end the program as out of memory, which no retry with more of it cures. An
//! Arrow stream is therefore passed on message by message, so that the sizes in a message are known to be possible.

use super::{TableError, head::CONTINUATION};
use arrow_ipc::{CompressionType, Message, RecordBatch, root_as_message};
use std::io::{self, Read};

/// A byte of an LZ4 block adds at most 255 to a length (LZ4 block format, "literals" and "matchlength").
const LZ4_BYTES_A_BYTE: u64 = 255;
/// A ZSTD block holds at most 128 KiB and takes four bytes at least (RFC 8878, section 3.1.1.2).
const ZSTD_BYTES_A_BYTE: u64 = (128 << 10) / 4;

/// The rows of a message, of a batch or of a dictionary.
fn rows<'a>(message: &Message<'a>) -> Option<RecordBatch<'a>> {
    let dictionary = || message.header_as_dictionary_batch()?.data();
    message.header_as_record_batch().or_else(dictionary)
}

/// Refuses a message with a compressed buffer that claims to hold more than its bytes can. Buffers out of bounds are
/// left to the decoder.
///
/// # Errors
/// [`TableError::Inflated`].
pub(super) fn check_sizes(message: &Message, body: &[u8]) -> Result<(), TableError> {
    let Some(rows) = rows(message) else {
        return Ok(());
    };
    let Some(compression) = rows.compression() else {
        return Ok(());
    };
    let bytes_a_byte = match compression.codec() {
        CompressionType::LZ4_FRAME => LZ4_BYTES_A_BYTE,
        _ => ZSTD_BYTES_A_BYTE,
    };
    for buffer in rows.buffers().into_iter().flatten() {
        let start = usize::try_from(buffer.offset()).unwrap_or(usize::MAX);
        let length = usize::try_from(buffer.length()).unwrap_or(usize::MAX);
        let bytes = body.get(start..).and_then(|rest| rest.get(..length));
        let Some((claimed, frame)) = bytes.and_then(|bytes| bytes.split_first_chunk()) else {
            continue;
        };
        // -1 stands for bytes that are not compressed
        let claimed = u64::try_from(i64::from_le_bytes(*claimed)).unwrap_or(0);
        let most = bytes_a_byte.saturating_mul(frame.len().try_into().unwrap_or(u64::MAX));
        if claimed > most {
            return Err(TableError::Inflated {
                bytes: frame.len(),
                claimed,
                most,
            });
        }
    }
    Ok(())
}

/// The bytes of an Arrow stream as they are; notes whether the end of input was met by a read.
///
/// Heads of messages are held, and bodies too where they are compressed; all other bodies are read straight into the
/// decoder's memory.
pub(super) struct Messages<R> {
    inner: R,
    held: Vec<u8>,
    /// How many of the held bytes have been passed on.
    passed: usize,
    /// Bytes of a body that are still to be read straight.
    straight: u64,
    met_end: bool,
}

impl<R: Read> Messages<R> {
    pub(super) const fn new(inner: R) -> Self {
        Self {
            inner,
            held: Vec::new(),
            passed: 0,
            straight: 0,
            met_end: false,
        }
    }

    pub(super) const fn met_end(&self) -> bool {
        self.met_end
    }

    /// The reader behind the message that was passed on last.
    pub(super) const fn inner_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// Holds so many bytes more; false where the input ends before. Memory grows with what is read, not with `length`.
    fn hold(&mut self, length: u64) -> io::Result<bool> {
        let read = (&mut self.inner).take(length).read_to_end(&mut self.held)?;
        let whole = u64::try_from(read) == Ok(length);
        self.met_end |= !whole;
        Ok(whole)
    }

    /// Holds the next message. What the decoder refuses by itself (a cut, a broken head) is passed on to it.
    fn next_message(&mut self) -> io::Result<()> {
        self.held.clear();
        self.passed = 0;
        if !self.hold(4)? || (self.held == CONTINUATION && !self.hold(4)?) {
            return Ok(());
        }
        let start = self.held.len();
        let length = self.held.last_chunk().map_or(0, |l| i32::from_le_bytes(*l));
        if length <= 0 || !self.hold(u64::from(length.unsigned_abs()))? {
            return Ok(());
        }
        let Some((body, compressed)) = self.held_message(start).map(|message| {
            let body = u64::try_from(message.bodyLength()).unwrap_or(0);
            let compressed = rows(&message).is_some_and(|rows| rows.compression().is_some());
            (body, compressed)
        }) else {
            return Ok(());
        };
        if !compressed {
            self.straight = body;
            return Ok(());
        }
        let end = self.held.len();
        if !self.hold(body)? {
            return Ok(());
        }
        let body = self.held.get(end..).unwrap_or_default();
        self.held_message(start)
            .map_or(Ok(()), |message| check_sizes(&message, body))
            .map_err(io::Error::other)
    }

    fn held_message(&self, start: usize) -> Option<Message<'_>> {
        root_as_message(self.held.get(start..)?).ok()
    }
}

impl<R: Read> Read for Messages<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.passed == self.held.len() && self.straight == 0 {
            self.next_message()?;
        }
        let mut held = self.held.get(self.passed..).unwrap_or_default();
        if !held.is_empty() {
            let n = held.read(buffer)?;
            self.passed += n;
            return Ok(n);
        }
        let n = (&mut self.inner).take(self.straight).read(buffer)?;
        self.straight -= u64::try_from(n).unwrap_or(self.straight);
        self.met_end |= n == 0;
        Ok(n)
    }
}
