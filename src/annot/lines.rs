//! Lines of a text with their numbers.

use super::error::AnnotError;
use std::{
    cell::Cell,
    io::{self, BufRead, Read},
    rc::Rc,
};

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

/// Counts the line ends that pass, for parsers that do not know where they are.
pub(super) struct CountLines<R> {
    inner: R,
    lines: Rc<Cell<u64>>,
}

impl<R: BufRead> CountLines<R> {
    /// The reader, and the number of lines that it has passed.
    pub(super) fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let lines = Rc::new(Cell::new(0));
        let reader = Self {
            inner,
            lines: Rc::clone(&lines),
        };
        (reader, lines)
    }
}

impl<R: BufRead> Read for CountLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for CountLines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(buffer) = self.inner.fill_buf() {
            let passed = &buffer[..amount.min(buffer.len())];
            let ends = memchr::memchr_iter(b'\n', passed).count() as u64;
            self.lines.set(self.lines.get() + ends);
        }
        self.inner.consume(amount);
    }
}
