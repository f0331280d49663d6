//! `InterProScan`'s JSON: one document with `results`, or (version 6) one result a line.
//!
//! Results are read one by one: memory holds one protein.

use super::interproscan;
use crate::annot::{
    collect::{Collector, Fingerprint},
    error::AnnotError,
    position::Place,
};
use crate::seq::checksum;
use crate::seq::lines::CountLines;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{cell::Cell, fmt, io::BufRead};

/// A value, or nothing where `null` stands for it.
fn or_nothing<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A protein with its matches.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Protein {
    #[serde(deserialize_with = "or_nothing")]
    sequence: String,
    #[serde(deserialize_with = "or_nothing")]
    md5: String,
    #[serde(deserialize_with = "or_nothing")]
    matches: Vec<Match>,
    #[serde(deserialize_with = "or_nothing")]
    xref: Vec<Xref>,
    /// Of a nucleotide sequence: the proteins that it may code for.
    #[serde(rename = "openReadingFrames")]
    frames: Option<Vec<Frame>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Frame {
    protein: Protein,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Xref {
    #[serde(deserialize_with = "or_nothing")]
    id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Match {
    #[serde(deserialize_with = "or_nothing")]
    signature: Signature,
    #[serde(deserialize_with = "or_nothing")]
    locations: Vec<Location>,
    /// Terms of the signature itself.
    #[serde(rename = "goXRefs")]
    go: Option<Vec<Xref>>,
}

impl Match {
    fn described(&self) -> interproscan::Match<'_> {
        let entry = self.signature.entry.as_ref();
        let terms = entry.and_then(|entry| entry.go.as_ref());
        let terms = terms.into_iter().chain(&self.go).flatten();
        interproscan::Match {
            signature: &self.signature.accession,
            entries: (entry.into_iter())
                .map(|entry| {
                    let name = entry.description.as_deref().or(entry.name.as_deref());
                    interproscan::MatchedEntry {
                        accession: entry.accession.as_deref().unwrap_or(""),
                        name: name.unwrap_or(""),
                    }
                })
                .collect(),
            places: self.locations.iter().flat_map(Location::places).collect(),
            terms: interproscan::distinct(terms.map(|term| term.id.as_str())),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Signature {
    #[serde(deserialize_with = "or_nothing")]
    accession: String,
    entry: Option<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    accession: Option<String>,
    name: Option<String>,
    description: Option<String>,
    #[serde(rename = "goXRefs")]
    go: Option<Vec<Xref>>,
}

#[derive(Debug, Deserialize)]
struct Location {
    start: u32,
    end: u32,
    /// The parts of a domain into which another one is inserted.
    #[serde(default, rename = "location-fragments")]
    fragments: Option<Vec<Fragment>>,
}

#[derive(Debug, Deserialize)]
struct Fragment {
    start: u32,
    end: u32,
}

impl Location {
    /// Its fragments, where it has several; else itself.
    fn places(&self) -> Vec<Place> {
        match self.fragments.as_deref().unwrap_or_default() {
            [] | [_] => vec![Place::Range(self.start, self.end)],
            several => (several.iter())
                .map(|part| Place::Range(part.start, part.end))
                .collect(),
        }
    }
}

/// Reads matches.
///
/// # Errors
/// [`AnnotError::Record`] for JSON that is malformed or cut off, or for a bad protein unless bad
/// records are skipped; the reader's errors.
pub(crate) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    let (reader, lines) = CountLines::new(reader);
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    // errors of records pass through serde's as text; the first is kept as it is
    let mut failed = None;
    while deserializer.end().is_err() {
        let mut taker = Taker {
            collector: &mut *collector,
            lines: &lines,
            failed: &mut failed,
        };
        let read = Document(&mut taker).deserialize(&mut deserializer);
        if let Some(error) = failed.take() {
            return Err(error);
        }
        read.map_err(|error| {
            if error.is_io() {
                AnnotError::Io(error.into())
            } else {
                AnnotError::record(error.line() as u64, format!("JSON: {error}"))
            }
        })?;
    }
    Ok(())
}

/// What takes each protein as it is read.
struct Taker<'a> {
    collector: &'a mut Collector,
    lines: &'a Cell<u64>,
    failed: &'a mut Option<AnnotError>,
}

impl Taker<'_> {
    /// Takes a protein; its error is kept aside while serde's carries it out.
    fn take<E: serde::de::Error>(&mut self, protein: &Protein) -> Result<(), E> {
        if let Some(frames) = protein.frames.as_ref().filter(|frames| !frames.is_empty()) {
            let mut frames = frames.iter();
            return frames.try_for_each(|frame| self.take(&frame.protein));
        }
        let line = self.lines.get() + 1;
        (self.collector)
            .record(|collector| put(protein, line, collector))
            .map_err(|error| {
                let text = E::custom(&error);
                *self.failed = Some(error);
                text
            })
    }
}

/// A whole document, or one protein.
struct Document<'a, 'b>(&'a mut Taker<'b>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InterProScan results")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut single = Protein::default();
        let mut is_single = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "results" => map.next_value_seed(Results(&mut *self.0))?,
                "sequence" => single.sequence = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "md5" => {
                    single.md5 = map.next_value::<Option<_>>()?.unwrap_or_default();
                    is_single = true;
                }
                "matches" => single.matches = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "xref" => single.xref = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "openReadingFrames" => single.frames = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if is_single {
            self.0.take::<A::Error>(&single)?;
        }
        Ok(())
    }
}

struct Results<'a, 'b>(&'a mut Taker<'b>);

impl<'de> DeserializeSeed<'de> for Results<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Results<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of results")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut results: A) -> Result<(), A::Error> {
        while let Some(protein) = results.next_element::<Protein>()? {
            self.0.take::<A::Error>(&protein)?;
        }
        Ok(())
    }
}

/// Makes labels of a protein; `line` is where it ends.
fn put(protein: &Protein, line: u64, collector: &mut Collector) -> Result<(), AnnotError> {
    let letters = protein.sequence.to_ascii_uppercase();
    let Some(md5) = checksum::parse_md5(&protein.md5) else {
        return Err(AnnotError::record(
            line,
            "a result without the MD5 of its sequence",
        ));
    };
    let ids = protein.xref.iter().map(|reference| reference.id.as_str());
    if ids.clone().any(str::is_empty) {
        return Err(AnnotError::record(line, "a result without an id"));
    }
    if !letters.is_empty() && checksum::md5(letters.as_bytes()) != md5 {
        let message = "the MD5 of a result is not that of its sequence";
        return Err(AnnotError::numbering(line, ids, message));
    }
    let fingerprint = Fingerprint {
        length: u32::try_from(letters.len())
            .ok()
            .filter(|&length| length > 0),
        md5: Some(md5),
        crc64: None,
    };
    let matches: Vec<_> = protein.matches.iter().map(Match::described).collect();
    for id in collector.proteins_of(ids, md5) {
        collector.check_sequence(&id, fingerprint, line)?;
        for found in &matches {
            found.put(collector, line, &id)?;
        }
    }
    Ok(())
}
