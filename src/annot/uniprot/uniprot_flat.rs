//! `UniProt`'s flat file (`.dat`): <https://web.expasy.org/docs/userman.html>.
//!
//! An entry's lines that matter are kept until its end, so that nothing of a bad entry becomes a
//! label; entries of proteins that are not asked for are passed over.

mod statements;

use crate::annot::{
    collect::{Collector, DropReason},
    error::AnnotError,
    feature_names::FeatureNames,
    lines::{Line, Lines, is_directive, trimmed, trimmed_end},
};
use crate::seq::checksum;
use statements::accessions;
use std::{io::BufRead, ops::Range};

/// First characters of a file of entries.
pub(crate) const FIRST: &str = "ID   ";

/// The line that ends an entry.
const END: &str = "//";

/// Data classes of the ID line, today's and older releases'.
const DATA_CLASSES: [&str; 4] = ["Reviewed", "Unreviewed", "STANDARD", "PRELIMINARY"];

/// Reads entries.
///
/// # Errors
/// [`AnnotError::Record`] for an entry that is cut off, malformed, or whose sequence does not have
/// the length and CRC64 that it says, unless bad records are skipped; the reader's errors.
pub(crate) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    let mut lines = Lines::new(reader);
    let mut entry = Entry::default();
    loop {
        if let Some(error) = lines.take_broken()? {
            if entry.started {
                entry.note(error);
            } else {
                collector.record(|_| Err(error))?;
            }
            continue;
        }
        let Some(Line { number: line, text }) = lines.take() else {
            if entry.started {
                entry.note(AnnotError::record(
                    entry.line,
                    format!("entry {} is cut off: no // line at its end", entry.name()),
                ));
                entry.finish(collector)?;
            }
            return Ok(());
        };
        if is_directive(text, END) {
            if entry.started {
                entry.finish(collector)?;
            }
        } else if entry.started || !trimmed(text).is_empty() {
            entry.add(line, text, collector);
        }
    }
}

/// The kinds of lines that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Feature,
    Reference,
    Keyword,
    Comment,
}

/// A line that is kept.
#[derive(Debug)]
struct KeptLine {
    code: Code,
    /// Its number in the file.
    line: u64,
    /// Where in the entry's text it is.
    place: Range<usize>,
}

/// The entry that is being read; its buffers serve for all.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says what of an entry has been seen, in no fixed order"
)]
#[derive(Debug, Default)]
struct Entry {
    started: bool,
    line: u64,
    has_accessions: bool,
    /// All `AC` lines were read, and whether none of them names a protein that is asked for.
    decided: bool,
    unwanted: bool,
    in_comment: bool,
    accessions: String,
    kept: Vec<KeptLine>,
    text: String,
    /// Length and checksum that the `SQ` line says, and the checksum of the sequence itself.
    length: Option<u32>,
    crc64: Option<u64>,
    found_crc64: Option<u64>,
    in_sequence: bool,
    sequence: Vec<u8>,
    names: FeatureNames,
    error: Option<AnnotError>,
}

// `DR` lines, of which only three kinds matter, are a third of a file
const WANTED_REFERENCES: [&str; 3] = ["GO; ", "InterPro; ", "Pfam; "];
const WANTED_COMMENTS: [&str; 2] = ["COFACTOR", "SUBCELLULAR LOCATION"];

impl Entry {
    fn name(&self) -> &str {
        self.accessions
            .split(';')
            .next()
            .map_or("without an accession", str::trim)
    }

    /// Remembers the first error.
    fn note(&mut self, error: AnnotError) {
        self.error.get_or_insert(error);
    }

    fn add(&mut self, line: u64, text: &str, collector: &mut Collector) {
        if !self.started {
            self.started = true;
            self.line = line;
            self.id_line(line, text);
            return;
        }
        let code = text.as_bytes().first_chunk::<5>().unwrap_or(b"     ");
        let rest = text.get(5..).unwrap_or_default();
        if code == b"AC   " {
            self.has_accessions = true;
            self.accessions.push_str(rest.trim());
            return;
        }
        if self.has_accessions && !self.decided {
            self.decided = true;
            self.unwanted = !accessions(&self.accessions).any(|a| collector.wants(a));
        }
        if self.unwanted || self.error.is_some() {
            return;
        }
        match code {
            b"FT   " => self.keep(Code::Feature, line, rest),
            b"DR   " if WANTED_REFERENCES.iter().any(|r| rest.starts_with(r)) => {
                self.keep(Code::Reference, line, rest);
            }
            b"KW   " => self.keep(Code::Keyword, line, rest),
            b"CC   " => self.comment_line(line, rest),
            b"SQ   " => self.sequence_line(line, rest),
            b"     " if self.in_sequence => self.add_residues(rest.as_bytes()),
            _ => {}
        }
    }

    fn keep(&mut self, code: Code, line: u64, text: &str) {
        let start = self.text.len();
        self.text.push_str(trimmed_end(text));
        let place = start..self.text.len();
        self.kept.push(KeptLine { code, line, place });
    }

    /// Comments begin with `-!- TOPIC:`; their other lines are indented.
    fn comment_line(&mut self, line: u64, text: &str) {
        if let Some(topic) = text.strip_prefix("-!- ") {
            self.in_comment = WANTED_COMMENTS.iter().any(|wanted| {
                topic
                    .strip_prefix(wanted)
                    .is_some_and(|rest| rest.starts_with(':'))
            });
        } else if !text.starts_with("    ") {
            self.in_comment = false;
        }
        if self.in_comment {
            self.keep(Code::Comment, line, text);
        }
    }

    fn id_line(&mut self, line: u64, text: &str) {
        let is_class = |word: &str| DATA_CLASSES.contains(&word.trim_end_matches(';'));
        let is_protein = text.starts_with(FIRST)
            && text.trim_end().ends_with(" AA.")
            && text.split_whitespace().nth(2).is_some_and(is_class);
        if !is_protein {
            let shown: String = text.chars().take(40).collect();
            self.note(AnnotError::record(
                line,
                format!(
                    "{shown:?} begins no UniProt entry: expected `ID   NAME   Reviewed;   256 AA.`"
                ),
            ));
        }
    }

    /// `SQ   SEQUENCE   256 AA;  29735 MW;  B4840739BF7D4121 CRC64;`
    fn sequence_line(&mut self, line: u64, rest: &str) {
        self.in_sequence = true;
        let mut parts = rest.split(';').map(str::trim);
        self.length = parts
            .next()
            .and_then(|part| part.strip_prefix("SEQUENCE")?.trim().strip_suffix("AA"))
            .and_then(|number| number.trim().parse().ok());
        if self.length.is_none() {
            self.note(AnnotError::record(line, "no length in the SQ line"));
        }
        // entries before 1999 have a CRC32
        self.crc64 = parts
            .find_map(|part| part.strip_suffix("CRC64"))
            .and_then(|crc| u64::from_str_radix(crc.trim(), 16).ok());
    }

    /// Adds the letters of a line, which stand in groups of ten.
    fn add_residues(&mut self, line: &[u8]) {
        let mut letters = [0; 64];
        for part in line.chunks(letters.len()) {
            // no branch for each letter: they are a tenth of a file
            let mut count = 0;
            for &byte in part {
                letters[count] = byte;
                count += usize::from(!byte.is_ascii_whitespace());
            }
            self.sequence.extend_from_slice(&letters[..count]);
        }
    }

    /// Checks the sequence against the SQ line.
    fn check(&mut self, collector: &Collector) {
        if self.unwanted || self.error.is_some() || !self.in_sequence {
            return;
        }
        let (line, name) = (self.line, self.name().to_owned());
        let found = u32::try_from(self.sequence.len()).unwrap_or(u32::MAX);
        if let Some(length) = self.length.filter(|&length| length != found) {
            let message =
                format!("entry {name} has {found} residues, but its SQ line says {length}");
            self.note_numbering(line, message, collector);
            return;
        }
        let crc64 = checksum::crc64(&self.sequence);
        self.found_crc64 = Some(crc64);
        if let Some(says) = self.crc64.filter(|&says| says != crc64) {
            let message = format!(
                "entry {name}: CRC64 of the sequence is {crc64:016X}, but its SQ line says {says:016X}"
            );
            self.note_numbering(line, message, collector);
        }
    }

    /// Remembers that positions of the entry's protein cannot be trusted; its other accessions may be those of further
    /// entries.
    fn note_numbering(&mut self, line: u64, message: String, collector: &Collector) {
        let protein = accessions(&self.accessions).find(|a| collector.wants(a));
        let error = AnnotError::numbering(line, protein, message);
        self.note(error);
    }

    /// Makes labels of the entry and forgets it.
    fn finish(&mut self, collector: &mut Collector) -> Result<(), AnnotError> {
        if !self.has_accessions {
            let line = self.line;
            self.note(AnnotError::record(line, "an entry without an AC line"));
        }
        self.check(collector);
        let result = collector.record(|collector| match self.error.take() {
            Some(error) => Err(error),
            None if self.unwanted => {
                collector.count_dropped(DropReason::OtherProtein);
                Ok(())
            }
            None => {
                let mut names = std::mem::take(&mut self.names);
                let put = self.put(collector, &mut names);
                self.names = names;
                put
            }
        });
        self.clear();
        result
    }

    fn clear(&mut self) {
        self.started = false;
        self.has_accessions = false;
        self.decided = false;
        self.unwanted = false;
        self.in_comment = false;
        self.in_sequence = false;
        self.length = None;
        self.crc64 = None;
        self.found_crc64 = None;
        self.accessions.clear();
        self.kept.clear();
        self.text.clear();
        self.sequence.clear();
    }
}
