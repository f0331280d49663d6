//! The words of a CIF (International Tables for Crystallography G, 2.2.7: the syntax of version 1.1).

use super::StructureError;
use memchr::{memchr, memmem};
use std::ops::Range;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `data_...`, `loop_`, `save_...`, `global_`, `stop_`.
    Keyword,
    /// `_category.item`.
    Tag,
    /// A value without quotes: `.` and `?` stand for none.
    Bare,
    /// A value in quotes, or between lines that begin with a semicolon.
    Quoted,
}

/// A word of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Its bytes, quotes and all.
    pub(super) span: Range<usize>,
    /// Line of its first byte, from 1.
    pub(super) line: u64,
}

impl Token {
    pub(super) fn is_value(&self) -> bool {
        matches!(self.kind, Kind::Bare | Kind::Quoted)
    }

    /// Its text, without quotes.
    pub(super) fn text<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let bytes = &text[self.span.clone()];
        match (self.kind, bytes) {
            (Kind::Quoted, [b';', inner @ .., b'\n', b';']) => {
                inner.strip_suffix(b"\r").unwrap_or(inner)
            }
            (Kind::Quoted, [_, inner @ .., _]) => inner,
            _ => bytes,
        }
    }

    /// Its text where it is a value that is given.
    pub(super) fn given<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let value = self.text(text);
        let none = self.kind == Kind::Bare && matches!(value, b"." | b"?");
        (!none).then_some(value)
    }
}

const KEYWORDS: [&[u8]; 5] = [b"data_", b"loop_", b"save_", b"global_", b"stop_"];

/// Whether a word begins like another, in any case.
pub(super) fn begins(word: &[u8], start: &[u8]) -> bool {
    let part = word.get(..start.len());
    part.is_some_and(|part| part.eq_ignore_ascii_case(start))
}

/// The words of a text, one after the other.
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    /// The line reached, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next word; none at the end.
    ///
    /// # Errors
    /// Where a quoted value does not end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, StructureError> {
        self.skip_blanks();
        let Some((&first, rest)) = self.text[self.at..].split_first() else {
            return Ok(None);
        };
        let at_line_start = self.at == 0 || self.text[self.at - 1] == b'\n';
        let (kind, length) = match first {
            b';' if at_line_start => (Kind::Quoted, text_field(rest).map(|n| n + 1)),
            b'\'' | b'"' => (Kind::Quoted, quoted(rest, first).map(|n| n + 1)),
            _ => {
                let length = word(rest) + 1;
                let bytes = &self.text[self.at..self.at + length];
                (kind_of(bytes), Some(length))
            }
        };
        let line = self.line;
        let Some(length) = length else {
            let missing = "the end of a value in quotes";
            return Err(StructureError::Cut { line, missing });
        };
        let span = self.at..self.at + length;
        self.line += ends_of_lines(&self.text[span.clone()]);
        self.at = span.end;
        Ok(Some(Token { kind, span, line }))
    }

    /// Goes past white space and comments.
    fn skip_blanks(&mut self) {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'#' => {
                    let rest = &self.text[self.at..];
                    self.at += memchr(b'\n', rest).unwrap_or(rest.len());
                }
                byte if byte.is_ascii_whitespace() => {
                    self.line += u64::from(byte == b'\n');
                    self.at += 1;
                }
                _ => break,
            }
        }
    }
}

fn ends_of_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).fold(0, |count, _| count + 1)
}

/// Bytes up to white space.
fn word(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(u8::is_ascii_whitespace);
    end.unwrap_or(bytes.len())
}

/// Bytes up to and with the closing quote: the one before white space; none where the line ends before it.
fn quoted(bytes: &[u8], quote: u8) -> Option<usize> {
    let line = &bytes[..memchr(b'\n', bytes).unwrap_or(bytes.len())];
    let closes = |&at: &usize| line.get(at + 1).is_none_or(u8::is_ascii_whitespace);
    memchr::memchr_iter(quote, line)
        .find(closes)
        .map(|at| at + 1)
}

/// Bytes up to and with the semicolon that ends a text field: one at a line's start, before white space.
fn text_field(bytes: &[u8]) -> Option<usize> {
    let closes = |&at: &usize| bytes.get(at + 2).is_none_or(u8::is_ascii_whitespace);
    let end = memmem::find_iter(bytes, b"\n;").find(closes);
    end.map(|at| at + 2)
}

fn kind_of(word: &[u8]) -> Kind {
    if word.starts_with(b"_") {
        Kind::Tag
    } else if KEYWORDS.iter().any(|keyword| begins(word, keyword)) {
        Kind::Keyword
    } else {
        Kind::Bare
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(Kind, String, u64)> {
        let mut tokens = Tokens::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(token) = tokens.next().unwrap() {
            let word = String::from_utf8(token.text(text.as_bytes()).to_vec()).unwrap();
            found.push((token.kind, word, token.line));
        }
        found
    }

    #[test]
    fn quotes_end_before_white_space_alone() {
        let text =
            "data_x # a comment\n_a.b 'O5'b 2' \"a;b\"\n;two\n;lines\n;\n;not at a line's start";
        let text = text.replace("\n;not", "\n ;not");
        assert_eq!(
            words(&text)[..5],
            [
                (Kind::Keyword, "data_x".into(), 1),
                (Kind::Tag, "_a.b".into(), 2),
                (Kind::Quoted, "O5'b 2".into(), 2),
                (Kind::Quoted, "a;b".into(), 2),
                (Kind::Quoted, "two\n;lines".into(), 3),
            ]
        );
        assert_eq!(words(&text)[5], (Kind::Bare, ";not".into(), 6));
    }

    #[test]
    fn what_does_not_end_is_named_by_its_first_line() {
        for text in ["a\n'b c\nd' ", "a\n;b\nc\n"] {
            let mut tokens = Tokens::new(text.as_bytes());
            tokens.next().unwrap();
            let error = tokens.next().unwrap_err().to_string();
            assert!(error.starts_with("line 2: the file ends before"), "{error}");
        }
    }
}
