//! A view of an OBO text that keeps only the clauses which say something about classes.
//!
//! Definitions, synonyms and cross-references are three quarters of an ontology's text and carry no
//! axiom. They are blanked before the parser sees them, line for line, so that line numbers stay
//! right; on the way the text is hashed, and byte-order mark and carriage returns are removed.

use sha2::{Digest, Sha256};
use std::io::{self, BufRead, Read};

/// Bytes prepared at a time.
const CHUNK: usize = 1 << 16;

const HEADER_TAGS: [&str; 4] = ["data-version", "date", "default-namespace", "ontology"];

const TERM_TAGS: [&str; 12] = [
    "id",
    "name",
    "namespace",
    "alt_id",
    "is_a",
    "intersection_of",
    "union_of",
    "equivalent_to",
    "disjoint_from",
    "relationship",
    "is_obsolete",
    "replaced_by",
];

const TYPEDEF_TAGS: [&str; 10] = [
    "id",
    "name",
    "xref",
    "is_a",
    "is_transitive",
    "transitive_over",
    "holds_over_chain",
    "is_metadata_tag",
    "is_class_level",
    "is_obsolete",
];

/// The stanza that a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stanza {
    Header,
    Term,
    Typedef,
    /// Instances are no classes.
    Instance,
    /// Left to the parser to refuse.
    Other,
}

impl Stanza {
    fn of(line: &[u8]) -> Self {
        if line.starts_with(b"[Term]") {
            Self::Term
        } else if line.starts_with(b"[Typedef]") {
            Self::Typedef
        } else if line.starts_with(b"[Instance]") {
            Self::Instance
        } else {
            Self::Other
        }
    }

    fn keeps(self, line: &[u8]) -> bool {
        let tags: &[&str] = match self {
            Self::Header => &HEADER_TAGS,
            Self::Term => &TERM_TAGS,
            Self::Typedef => &TYPEDEF_TAGS,
            Self::Instance => return false,
            Self::Other => return true,
        };
        let Some(colon) = line.iter().position(|&b| b == b':') else {
            // no clause at all: the parser names it
            return !line.is_empty() && line[0] != b'!' && self != Self::Header;
        };
        let tag = line[..colon].trim_ascii_end();
        line[0] != b'!' && tags.iter().any(|t| t.as_bytes() == tag)
    }
}

/// A [`BufRead`] over the clauses of an OBO text that matter here.
pub(super) struct Clauses<R> {
    inner: R,
    out: Vec<u8>,
    position: usize,
    raw: Vec<u8>,
    stanza: Stanza,
    line: usize,
    hasher: Sha256,
}

impl<R: BufRead> Clauses<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            out: Vec::with_capacity(CHUNK + 4096),
            position: 0,
            raw: Vec::new(),
            stanza: Stanza::Header,
            line: 0,
            hasher: Sha256::new(),
        }
    }

    /// SHA-256 of the text read so far, in lower-case hexadecimal.
    pub(super) fn sha256(&self) -> String {
        crate::hash::hex(&self.hasher.clone().finalize())
    }

    /// Prepares one line; false at the end of the text.
    fn prepare_line(&mut self) -> io::Result<bool> {
        self.raw.clear();
        if self.inner.read_until(b'\n', &mut self.raw)? == 0 {
            return Ok(false);
        }
        self.hasher.update(&self.raw);
        self.line += 1;
        let mut line = self.raw.as_slice();
        if self.line == 1 {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        let line = line.trim_ascii();
        if line.first() == Some(&b'[') {
            self.stanza = Stanza::of(line);
        } else if !self.stanza.keeps(line) {
            self.out.push(b'\n');
            return Ok(true);
        }
        if self.stanza == Stanza::Instance {
            self.out.push(b'\n');
            return Ok(true);
        }
        if std::str::from_utf8(line).is_err() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("line {}: not valid UTF-8", self.line),
            ));
        }
        self.out.extend_from_slice(line);
        self.out.push(b'\n');
        Ok(true)
    }
}

impl<R: BufRead> BufRead for Clauses<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.out.len() {
            self.out.clear();
            self.position = 0;
            while self.out.len() < CHUNK && self.prepare_line()? {}
        }
        Ok(&self.out[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount;
    }
}

impl<R: BufRead> Read for Clauses<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(buffer.len());
        buffer[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_where_they_are() {
        let text = "\u{feff}format-version: 1.2\r\nontology: x\r\n[Term]\r\nid: A:1\r\ndef: \"no\" []\r\nis_a: A:2";
        let mut out = String::new();
        let mut clauses = Clauses::new(text.as_bytes());
        clauses.read_to_string(&mut out).unwrap();
        assert_eq!(out, "\nontology: x\n[Term]\nid: A:1\n\nis_a: A:2\n");
    }

    #[test]
    fn the_hash_is_of_the_whole_text() {
        let mut clauses = Clauses::new("abc".as_bytes());
        clauses.read_to_string(&mut String::new()).unwrap();
        assert_eq!(
            clauses.sha256(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
