//! `UniProt`'s flat file (`.dat`): <https://web.expasy.org/docs/userman.html>.
//!
//! An entry's lines that matter are kept until its end, so that nothing of a bad entry becomes a
//! label; entries of proteins that are not asked for are passed over.

use super::{
    collect::{Collector, DropReason, Fingerprint, Observation, Source},
    comment,
    concept::ConceptKind,
    error::AnnotError,
    flat_feature, interproscan,
    lines::Lines,
    position::Place,
    uniprot_cell::eco_ids,
};
use crate::seq::checksum;
use std::io::BufRead;

/// First characters of a file of entries.
pub(super) const FIRST: &str = "ID   ";

/// Data classes of the ID line, today's and older releases'.
const DATA_CLASSES: [&str; 4] = ["Reviewed", "Unreviewed", "STANDARD", "PRELIMINARY"];

/// Reads entries.
///
/// # Errors
/// [`AnnotError::Record`] for an entry that is cut off, malformed, or whose sequence does not have
/// the length and CRC64 that it says, unless bad records are skipped; the reader's errors.
pub fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    let mut lines = Lines::new(reader);
    let mut entry = Entry::default();
    loop {
        let Some((line, text)) = lines.next_line()? else {
            if entry.started {
                entry.note(AnnotError::record(
                    entry.line,
                    format!("entry {} is cut off: no // line at its end", entry.name()),
                ));
                entry.finish(collector)?;
            }
            return Ok(());
        };
        if text.starts_with("//") {
            if entry.started {
                entry.finish(collector)?;
            }
        } else if entry.started || !text.trim().is_empty() {
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
    /// Kept lines: kind, line number, and where in `text`.
    kept: Vec<(Code, u64, usize, usize)>,
    text: String,
    length: Option<u32>,
    crc64: Option<u64>,
    in_sequence: bool,
    sequence: Vec<u8>,
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
        let code = text.get(..5).unwrap_or(text);
        let rest = text.get(5..).unwrap_or_default();
        if code == "AC   " {
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
            "FT   " => self.keep(Code::Feature, line, rest),
            "DR   " if WANTED_REFERENCES.iter().any(|r| rest.starts_with(r)) => {
                self.keep(Code::Reference, line, rest);
            }
            "KW   " => self.keep(Code::Keyword, line, rest),
            "CC   " => self.comment_line(line, rest),
            "SQ   " => self.sequence_line(line, rest),
            "     " if self.in_sequence => {
                let letters = rest.bytes().filter(|b| !b.is_ascii_whitespace());
                self.sequence.extend(letters);
            }
            _ => {}
        }
    }

    fn keep(&mut self, code: Code, line: u64, text: &str) {
        let start = self.text.len();
        self.text.push_str(text.trim_end());
        self.kept.push((code, line, start, self.text.len()));
    }

    /// Comments begin with `-!- TOPIC:`; their other lines are indented.
    fn comment_line(&mut self, line: u64, text: &str) {
        if let Some(topic) = text.strip_prefix("-!- ") {
            self.in_comment = WANTED_COMMENTS
                .iter()
                .any(|wanted| topic.starts_with(wanted));
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

    /// Checks the sequence against the SQ line.
    fn check(&mut self) {
        if self.unwanted || self.error.is_some() || !self.in_sequence {
            return;
        }
        let (line, name) = (self.line, self.name().to_owned());
        let found = u32::try_from(self.sequence.len()).unwrap_or(u32::MAX);
        if let Some(length) = self.length.filter(|&length| length != found) {
            self.note(AnnotError::record(
                line,
                format!("entry {name} has {found} residues, but its SQ line says {length}"),
            ));
            return;
        }
        let crc64 = checksum::crc64(&self.sequence);
        if let Some(says) = self.crc64.filter(|&says| says != crc64) {
            self.note(AnnotError::record(
                line,
                format!("entry {name}: CRC64 of the sequence is {crc64:016X}, but its SQ line says {says:016X}"),
            ));
        }
    }

    /// Makes labels of the entry and forgets it.
    fn finish(&mut self, collector: &mut Collector) -> Result<(), AnnotError> {
        collector.record();
        if !self.has_accessions {
            let line = self.line;
            self.note(AnnotError::record(line, "an entry without an AC line"));
        }
        self.check();
        let result = match self.error.take() {
            Some(error) => collector.bad(error),
            None if self.unwanted => {
                collector.drop(DropReason::OtherProtein);
                Ok(())
            }
            None => self.put(collector).or_else(|error| collector.bad(error)),
        };
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
        self.accessions.clear();
        self.kept.clear();
        self.text.clear();
        self.sequence.clear();
    }

    fn put(&self, collector: &mut Collector) -> Result<(), AnnotError> {
        let Some(protein) = collector.choose_accession(accessions(&self.accessions)) else {
            return Err(AnnotError::record(
                self.line,
                "an entry without an accession",
            ));
        };
        if self.in_sequence {
            let fingerprint = Fingerprint {
                length: self.length,
                crc64: Some(checksum::crc64(&self.sequence)),
                md5: None,
            };
            collector.check_sequence(protein, fingerprint, self.line)?;
        }
        let lines = |wanted: Code| {
            self.kept
                .iter()
                .filter(move |(code, ..)| *code == wanted)
                .map(|&(_, line, start, end)| (line, &self.text[start..end]))
        };
        for (line, text) in lines(Code::Reference) {
            put_reference(collector, protein, line, text)?;
        }
        let keywords = joined(lines(Code::Keyword).map(|(_, text)| text));
        let keywords = keywords.trim_end().trim_end_matches('.');
        for keyword in outside_braces(keywords) {
            let name = keyword.split('{').next().unwrap_or_default().trim();
            if name.is_empty() {
                continue;
            }
            collector.put(&Observation {
                kind: ConceptKind::Keyword,
                id: &collector.keyword_id(name),
                name,
                evidence: &eco_ids(keyword),
                ..self.whole(protein)
            })?;
        }
        self.put_comments(collector, protein, lines(Code::Comment))?;
        flat_feature::put_all(collector, protein, lines(Code::Feature))
    }

    fn whole<'a>(&self, protein: &'a str) -> Observation<'a> {
        Observation {
            protein,
            kind: ConceptKind::Feature,
            id: "",
            name: "",
            place: Place::Whole,
            source: Source::UniProt,
            evidence: "",
            line: self.line,
        }
    }

    fn put_comments<'a>(
        &self,
        collector: &mut Collector,
        protein: &str,
        lines: impl Iterator<Item = (u64, &'a str)>,
    ) -> Result<(), AnnotError> {
        let mut comments: Vec<String> = Vec::new();
        for (_, text) in lines {
            match (text.strip_prefix("-!- "), comments.last_mut()) {
                (Some(topic), _) => comments.push(topic.to_owned()),
                (None, Some(comment)) => append(comment, text.trim()),
                (None, None) => {}
            }
        }
        for text in &comments {
            let found = if text.starts_with(WANTED_COMMENTS[0]) {
                comment::cofactors(text)
            } else {
                comment::locations(text)
            };
            for concept in found {
                collector.put(&Observation {
                    id: &concept.id,
                    name: &concept.name,
                    evidence: &concept.evidence,
                    ..self.whole(protein)
                })?;
            }
        }
        Ok(())
    }
}

fn accessions(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|a| !a.is_empty())
}

/// `GO; GO:0006355; P:regulation of transcription; IEA:InterPro.` or `InterPro; IPR007031; Poxvirus_VLTF3.`
fn put_reference(
    collector: &mut Collector,
    protein: &str,
    line: u64,
    text: &str,
) -> Result<(), AnnotError> {
    let mut parts = text.trim_end_matches('.').split("; ").map(str::trim);
    let database = parts.next().unwrap_or_default();
    let (Some(id), Some(name)) = (parts.next(), parts.next()) else {
        return Err(AnnotError::record(
            line,
            format!("{text:?} is no cross-reference of {protein}"),
        ));
    };
    if database == "Pfam" {
        return interproscan::signature(collector, line, protein, id);
    }
    if database == "InterPro" {
        return interproscan::matched(collector, line, protein, id, name, Place::Whole);
    }
    if !super::gaf::is_curie(id) {
        return Err(AnnotError::record(line, format!("{id:?} is no GO term id")));
    }
    let evidence = parts.next().unwrap_or_default();
    collector.put(&Observation {
        protein,
        kind: ConceptKind::Go,
        id,
        name: "",
        place: Place::Whole,
        source: Source::Go,
        evidence: evidence.split(':').next().unwrap_or_default(),
        line,
    })
}

/// Lines as one text; `UniProt` breaks lines at spaces and after hyphens.
pub(super) fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for line in lines {
        append(&mut text, line.trim());
    }
    text
}

/// Appends a continuation line.
pub(super) fn append(text: &mut String, line: &str) {
    if !text.is_empty() && !text.ends_with('-') {
        text.push(' ');
    }
    text.push_str(line);
}

/// Parts between semicolons that are not inside `{...}`.
fn outside_braces(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0u32;
    text.split(move |c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && c == ';'
    })
}
