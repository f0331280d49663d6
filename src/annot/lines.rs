//! Lines of a text with their numbers, and rows of tables without a header.

use super::{collect::Collector, error::AnnotError};
use std::io::BufRead;

/// Lines longer than this are no annotation: reading stops before memory does.
pub(crate) const MAX_LINE: usize = 1 << 28;

/// Reads lines: in place where the reader holds a whole one, else through a buffer.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
    /// Bytes of the reader that the line before still occupies.
    borrowed: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            number: 0,
            borrowed: 0,
        }
    }

    /// The next line without its end, and its number from 1; none at the end of the text.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, &str)>, AnnotError> {
        self.reader.consume(std::mem::take(&mut self.borrowed));
        let newline = memchr::memchr(b'\n', self.reader.fill_buf()?);
        if newline.is_none() && !self.collect_line()? {
            return Ok(None);
        }
        self.number += 1;
        let mut line = match newline {
            Some(at) => {
                self.borrowed = at + 1;
                &self.reader.fill_buf()?[..at]
            }
            None => self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer),
        };
        if self.number == 1 {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line)
            .map_err(|_| AnnotError::record(self.number, "not valid UTF-8"))?;
        Ok(Some((self.number, text)))
    }

    /// Puts together a line that is in several pieces; false at the end of the text.
    fn collect_line(&mut self) -> Result<bool, AnnotError> {
        self.buffer.clear();
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Ok(!self.buffer.is_empty());
            }
            let newline = memchr::memchr(b'\n', available);
            let taken = newline.map_or(available.len(), |at| at + 1);
            self.buffer.extend_from_slice(&available[..taken]);
            self.reader.consume(taken);
            if newline.is_some() {
                return Ok(true);
            }
            if self.buffer.len() > MAX_LINE {
                return Err(AnnotError::record(
                    self.number + 1,
                    format!("longer than {MAX_LINE} bytes: this is no text of annotations"),
                ));
            }
        }
    }
}

/// Reads the rows of a table: every line is a record, but for blank ones and those that begin with
/// the character of comments.
///
/// # Errors
/// What `row` returns, unless bad records are skipped; the reader's errors.
pub(super) fn rows(
    reader: impl BufRead,
    comment: Option<char>,
    collector: &mut Collector,
    row: impl Fn(u64, &str, &mut Collector) -> Result<(), AnnotError>,
) -> Result<(), AnnotError> {
    let mut lines = Lines::new(reader);
    while let Some((line, text)) = lines.next_line()? {
        if comment.is_some_and(|c| text.starts_with(c)) || text.trim_start().is_empty() {
            continue;
        }
        collector.record();
        if let Err(error) = row(line, text, collector) {
            collector.bad(error)?;
        }
    }
    Ok(())
}

/// The first N columns of a row, without blanks around them, and how many columns there are; those
/// that are left out are empty.
pub(super) fn columns<const N: usize>(text: &str) -> ([&str; N], usize) {
    let mut columns = [""; N];
    let mut rest = text;
    let mut count = 0;
    loop {
        let (column, more) = match memchr::memchr(b'\t', rest.as_bytes()) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        if let Some(slot) = columns.get_mut(count) {
            *slot = column.trim();
        }
        count += 1;
        match more {
            Some(more) => rest = more,
            None => return (columns, count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn lines_are_the_same_whatever_the_buffer_holds() {
        let text = "\u{feff}one\r\n\ntwo and more\nlast";
        for capacity in [1, 2, 5, 64] {
            let mut lines = Lines::new(BufReader::with_capacity(capacity, text.as_bytes()));
            let mut found = Vec::new();
            while let Some((number, line)) = lines.next_line().unwrap() {
                found.push((number, line.to_owned()));
            }
            let expected = [(1, "one"), (2, ""), (3, "two and more"), (4, "last")];
            assert_eq!(found, expected.map(|(n, line)| (n, line.to_owned())));
        }
    }

    #[test]
    fn columns_are_counted_beyond_those_that_are_kept() {
        assert_eq!(columns("a\t b \t\td"), (["a", "b"], 4));
        assert_eq!(columns("a"), (["a", "", ""], 1));
    }
}
