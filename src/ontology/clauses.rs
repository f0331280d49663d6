//! A view of an OBO text that keeps only the clauses which say something about classes.
//!
//! Definitions, synonyms and cross-references are three quarters of an ontology's text and carry no
//! axiom. They are left out before the parser sees them; the numbers of the lines that stay are kept
//! for messages. On the way the text is hashed, and byte-order mark and carriage returns are removed.

use sha2::{Digest, Sha256};
use std::io::{self, BufRead, Read};

/// Bytes of a chunk, about: some thousand stanzas.
const CHUNK: usize = 1 << 17;

/// Lines longer than this are no clause: reading stops before memory does.
const MAX_LINE: u64 = 1 << 26;

const HEADER_TAGS: [&str; 4] = ["data-version", "date", "default-namespace", "ontology"];

const TERM_TAGS: [&str; 13] = [
    "id",
    "name",
    "namespace",
    "alt_id",
    "subset",
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

/// Whole stanzas of the text, without the clauses that do not matter here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The clauses, a line each.
    pub(super) text: String,
    /// Number in the file, from 1, of each of its lines.
    pub(super) lines: Vec<usize>,
}

/// Reads an OBO text as chunks.
pub(super) struct Clauses<R> {
    inner: R,
    raw: Vec<u8>,
    stanza: Stanza,
    line: usize,
    hasher: Sha256,
    /// The header of the stanza with which the next chunk begins.
    pending: Option<String>,
}

impl<R: BufRead> Clauses<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            raw: Vec::new(),
            stanza: Stanza::Header,
            line: 0,
            hasher: Sha256::new(),
            pending: None,
        }
    }

    /// SHA-256 of the text read so far, in lower-case hexadecimal.
    pub(super) fn sha256(&self) -> String {
        crate::hash::hex(&self.hasher.clone().finalize())
    }

    /// The next stanzas, some [`CHUNK`] bytes of them; none at the end of the text.
    pub(super) fn next_chunk(&mut self) -> io::Result<Option<Chunk>> {
        let mut chunk = Chunk::default();
        if let Some(header) = self.pending.take() {
            chunk.push(&header, self.line);
        }
        while self.read_line()? {
            let line = trimmed(&self.raw, self.line);
            let begins = line.first() == Some(&b'[');
            if begins {
                self.stanza = Stanza::of(line);
            }
            if self.stanza == Stanza::Instance || !(begins || self.stanza.keeps(line)) {
                continue;
            }
            let Ok(text) = std::str::from_utf8(line) else {
                if line.starts_with(b"date") && self.stanza == Stanza::Header {
                    continue;
                }
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("line {}: not valid UTF-8", self.line),
                ));
            };
            if begins && chunk.text.len() >= CHUNK {
                self.pending = Some(text.to_owned());
                return Ok(Some(chunk));
            }
            chunk.push(text, self.line);
        }
        Ok(Some(chunk).filter(|chunk| !chunk.lines.is_empty()))
    }

    fn read_line(&mut self) -> io::Result<bool> {
        self.raw.clear();
        let length = self
            .inner
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut self.raw)?;
        if length as u64 == MAX_LINE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("line {}: longer than {MAX_LINE} bytes", self.line + 1),
            ));
        }
        self.hasher.update(&self.raw);
        self.line += usize::from(length > 0);
        Ok(length > 0)
    }
}

/// A line without its end, blanks around it, and a byte-order mark before the first.
fn trimmed(mut line: &[u8], number: usize) -> &[u8] {
    if number == 1 {
        line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    }
    line.trim_ascii()
}

/// A chunk in two.
pub(super) struct Parts<'a> {
    pub(super) header: &'a str,
    pub(super) stanzas: &'a str,
    pub(super) header_lines: usize,
}

impl Chunk {
    fn push(&mut self, text: &str, line: usize) {
        self.text.push_str(text);
        self.text.push('\n');
        self.lines.push(line);
    }

    /// The lines before the first stanza, and what follows them.
    pub(super) fn split_header(&self) -> Parts<'_> {
        let is_header = |line: &&str| !line.starts_with('[');
        let header = self.text.split_inclusive('\n').take_while(is_header);
        let (lines, end) = header.fold((0, 0), |(n, end), line| (n + 1, end + line.len()));
        let (header, stanzas) = self.text.split_at(end);
        Parts {
            header,
            stanzas,
            header_lines: lines,
        }
    }

    /// Number in the file of one of the chunk's lines, both from 1.
    pub(super) fn line(&self, within: usize) -> usize {
        let at = within.clamp(1, self.lines.len().max(1)) - 1;
        self.lines.get(at).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_knows_where_it_was() {
        let text = "\u{feff}format-version: 1.2\r\nontology: x\r\n[Term]\r\nid: A:1\r\ndef: \"no\" []\r\nis_a: A:2";
        let mut clauses = Clauses::new(text.as_bytes());
        let chunk = clauses.next_chunk().unwrap().unwrap();
        assert_eq!(chunk.text, "ontology: x\n[Term]\nid: A:1\nis_a: A:2\n");
        assert_eq!(chunk.lines, [2, 3, 4, 6]);
        assert_eq!(clauses.next_chunk().unwrap(), None);
    }

    #[test]
    fn chunks_are_whole_stanzas() {
        let stanza = "[Term]\nid: A:1\n";
        let text = stanza.repeat(3 * CHUNK / stanza.len());
        let mut clauses = Clauses::new(text.as_bytes());
        let mut joined = String::new();
        let mut lines = Vec::new();
        while let Some(chunk) = clauses.next_chunk().unwrap() {
            assert!(chunk.text.starts_with("[Term]") && chunk.text.len() < 2 * CHUNK);
            joined.push_str(&chunk.text);
            lines.extend(chunk.lines);
        }
        assert_eq!(joined, text);
        assert!(lines.into_iter().eq(1..=text.lines().count()));
    }

    #[test]
    fn the_hash_is_of_the_whole_text() {
        let mut clauses = Clauses::new("abc".as_bytes());
        while clauses.next_chunk().unwrap().is_some() {}
        assert_eq!(
            clauses.sha256(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
