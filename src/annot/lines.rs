//! Lines of a text with their numbers.

use super::error::AnnotError;
use std::io::BufRead;

/// Lines longer than this are no annotation: reading stops before memory does.
pub(crate) const MAX_LINE: usize = 1 << 28;

/// Reads lines into one buffer.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// The next line without its end, and its number from 1; none at the end of the text.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, &str)>, AnnotError> {
        self.buffer.clear();
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                break;
            }
            let newline = memchr::memchr(b'\n', available);
            let taken = newline.map_or(available.len(), |at| at + 1);
            self.buffer.extend_from_slice(&available[..taken]);
            self.reader.consume(taken);
            if newline.is_some() {
                break;
            }
            if self.buffer.len() > MAX_LINE {
                return Err(AnnotError::record(
                    self.number + 1,
                    format!("longer than {MAX_LINE} bytes: this is no text of annotations"),
                ));
            }
        }
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let mut line = self.buffer.as_slice();
        if self.number == 1 {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line)
            .map_err(|_| AnnotError::record(self.number, "not valid UTF-8"))?;
        Ok(Some((self.number, text)))
    }
}
