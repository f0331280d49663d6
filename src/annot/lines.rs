//! Lines of a text with their numbers, and the columns of a line.

use super::error::AnnotError;
use crate::seq::lines::BYTE_ORDER_MARK;
use std::{collections::VecDeque, io::BufRead};

/// Lines longer than this are no annotation: reading stops before memory does.
pub(crate) const MAX_LINE: usize = 1 << 28;

/// Bytes that are looked through at once, wherever the reader has more: they stay in a core's cache.
const BLOCK: usize = 1 << 17;

/// A line of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// What stands on it, without its end.
    pub(crate) text: &'a str,
}

/// Reads lines, from blocks of whole ones that are looked through for broken UTF-8 at once.
pub(crate) struct Lines<R> {
    reader: R,
    /// Whole lines, of which those before `next` were given.
    block: String,
    next: usize,
    /// Beginning of the line that the block does not have to its end.
    cut: Vec<u8>,
    /// Numbers of the lines of the block that are not UTF-8.
    broken: VecDeque<u64>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            block: String::new(),
            next: 0,
            cut: Vec::new(),
            broken: VecDeque::new(),
            number: 0,
        }
    }

    /// The next line; none at the end of the text.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'_>>, AnnotError> {
        match self.take_broken()? {
            Some(error) => Err(error),
            None => Ok(self.take()),
        }
    }

    /// The error of the next line where it is not UTF-8, which is passed then.
    #[inline]
    pub(crate) fn take_broken(&mut self) -> Result<Option<AnnotError>, AnnotError> {
        if self.next < self.block.len() && self.broken.is_empty() {
            return Ok(None);
        }
        self.find_broken()
    }

    #[cold]
    fn find_broken(&mut self) -> Result<Option<AnnotError>, AnnotError> {
        let has_line = self.next < self.block.len() || self.fill()?;
        if !has_line || self.broken.front() != Some(&(self.number + 1)) {
            return Ok(None);
        }
        self.broken.pop_front();
        self.take();
        Ok(Some(AnnotError::record(self.number, "not valid UTF-8")))
    }

    /// The next line, behind [`Self::take_broken`]; none at the end of the text.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Line<'_>> {
        if self.next == self.block.len() {
            return None;
        }
        self.number += 1;
        let rest = &self.block[self.next..];
        let (mut line, taken) = match memchr::memchr(b'\n', rest.as_bytes()) {
            Some(at) => (&rest[..at], at + 1),
            None => (rest, rest.len()),
        };
        self.next += taken;
        if self.number == 1 {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        Some(Line {
            number: self.number,
            text: line.strip_suffix('\r').unwrap_or(line),
        })
    }

    /// Reads the next block; false at the end of the text.
    fn fill(&mut self) -> Result<bool, AnnotError> {
        let mut bytes = std::mem::take(&mut self.block).into_bytes();
        self.next = 0;
        bytes.clear();
        bytes.append(&mut self.cut);
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                break;
            }
            let count = available.len().min(BLOCK);
            let available = &available[..count];
            let newline = memchr::memrchr(b'\n', available);
            let (whole, cut) = available.split_at(newline.map_or(count, |at| at + 1));
            bytes.extend_from_slice(whole);
            self.cut.extend_from_slice(cut);
            self.reader.consume(count);
            if newline.is_some() {
                break;
            }
            if bytes.len() > MAX_LINE {
                return Err(AnnotError::record(
                    self.number + 1,
                    format!("longer than {MAX_LINE} bytes: this is no text of annotations"),
                ));
            }
        }
        self.block = String::from_utf8(bytes).unwrap_or_else(|error| {
            let bytes = error.into_bytes();
            let lines = (self.number + 1..).zip(bytes.split_inclusive(|&b| b == b'\n'));
            let broken = lines.filter(|(_, line)| std::str::from_utf8(line).is_err());
            self.broken.extend(broken.map(|(number, _)| number));
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Ok(!self.block.is_empty())
    }
}

/// Whether a line is a directive of this name, followed by its end or by its values; a longer word that begins like it
/// is another one, or a comment.
pub(crate) fn is_directive(line: &str, name: &str) -> bool {
    let ends = |c: char| c.is_whitespace() || c == ':' && name.starts_with('!');
    line.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(ends))
}

/// Whether a byte is a printing character of ASCII, so that there is nothing to trim.
fn is_plain(byte: Option<&u8>) -> bool {
    byte.is_none_or(|b| (b'!'..=b'~').contains(b))
}

/// A text without whitespace at its ends: [`str::trim`] for texts that seldom have any.
pub(crate) fn trimmed(text: &str) -> &str {
    if is_plain(text.as_bytes().first()) {
        trimmed_end(text)
    } else {
        text.trim()
    }
}

/// A text without whitespace at its end: [`str::trim_end`] for texts that seldom have any.
pub(crate) fn trimmed_end(text: &str) -> &str {
    if is_plain(text.as_bytes().last()) {
        text
    } else {
        text.trim_end()
    }
}

/// The first N columns of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Columns<'a, const N: usize> {
    /// Without blanks around them; those that are left out are empty.
    pub(crate) fields: [&'a str; N],
    /// How many columns the row has, beyond these too.
    pub(crate) count: usize,
}

/// Takes a row apart at its tabs.
pub(crate) fn columns<const N: usize>(text: &str) -> Columns<'_, N> {
    let mut fields = [""; N];
    let mut rest = text;
    let mut count = 0;
    loop {
        let (column, more) = match memchr::memchr(b'\t', rest.as_bytes()) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        if let Some(slot) = fields.get_mut(count) {
            *slot = trimmed(column);
        }
        count += 1;
        match more {
            Some(more) => rest = more,
            None => return Columns { fields, count },
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
            while let Some(Line { number, text }) = lines.next_line().unwrap() {
                found.push((number, text.to_owned()));
            }
            let expected = [(1, "one"), (2, ""), (3, "two and more"), (4, "last")];
            assert_eq!(found, expected.map(|(n, line)| (n, line.to_owned())));
        }
    }

    #[test]
    fn a_broken_line_is_named_after_those_before_it() {
        let text = b"one\ntwo \xc3\xa9\nthree \xff\nfour";
        for capacity in [1, 7, 64] {
            let mut lines = Lines::new(BufReader::with_capacity(capacity, &text[..]));
            let line = |number, text| Some(Line { number, text });
            assert_eq!(lines.next_line().unwrap(), line(1, "one"));
            assert_eq!(lines.next_line().unwrap(), line(2, "two \u{e9}"));
            let error = lines.next_line().unwrap_err().to_string();
            assert!(
                error.contains("line 3") && error.contains("UTF-8"),
                "{error}"
            );
            assert_eq!(lines.next_line().unwrap(), line(4, "four"));
            assert_eq!(lines.next_line().unwrap(), None);
        }
    }

    #[test]
    fn a_word_that_begins_like_a_directive_is_another_one() {
        for line in ["##FASTA", "##FASTA ", "##FASTA\tx", "##FASTA\u{a0}"] {
            assert!(is_directive(line, "##FASTA"), "{line:?}");
        }
        for line in [
            "##FASTAword",
            "##FASTA-like",
            "##FASTA: x",
            "##FAST",
            " ##FASTA",
        ] {
            assert!(!is_directive(line, "##FASTA"), "{line:?}");
        }
        assert!(is_directive("!gaf-version: 2.2", "!gaf-version"));
        assert!(!is_directive("!gaf-versions: all", "!gaf-version"));
    }

    #[test]
    fn trimming_is_that_of_the_standard_library() {
        for text in [
            "",
            " ",
            "a",
            " a",
            "a b\t",
            "\u{a0}a",
            "a\u{2003}",
            "é",
            "\u{1}a",
        ] {
            assert_eq!(trimmed(text), text.trim(), "{text:?}");
            assert_eq!(trimmed_end(text), text.trim_end(), "{text:?}");
        }
    }

    #[test]
    fn columns_are_counted_beyond_those_that_are_kept() {
        let (fields, count) = (["a", "b"], 4);
        assert_eq!(columns("a\t b \t\td"), Columns { fields, count });
        let (fields, count) = (["a", "", ""], 1);
        assert_eq!(columns("a"), Columns { fields, count });
    }
}
