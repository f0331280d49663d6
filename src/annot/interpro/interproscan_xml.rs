//! `InterProScan`'s XML, versions 5 and 6, of proteins or of the open reading frames of nucleotides.

use super::interproscan::{Match, MatchedEntry, distinct};
use crate::annot::{
    collect::{Collector, Fingerprint},
    error::AnnotError,
    position::{Place, number},
    xml::{self, Node},
};
use crate::seq::checksum;
use std::io::BufRead;

/// Reads matches.
///
/// # Errors
/// [`AnnotError::Record`] for XML that is malformed or cut off, or for a bad protein unless bad
/// records are skipped; the reader's errors.
pub(crate) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    xml::records(reader, "protein", |line, node| {
        collector.record(|collector| protein(line, node, collector))
    })
}

fn protein(line: u64, node: &Node, collector: &mut Collector) -> Result<(), AnnotError> {
    let sequence = node.child("sequence");
    let says = sequence.and_then(|s| checksum::parse_md5(s.attribute("md5")));
    let letters: Vec<u8> = sequence
        .map(|s| {
            s.text
                .bytes()
                .filter(|b| !b.is_ascii_whitespace())
                .collect()
        })
        .unwrap_or_default();
    let (Some(says), false) = (says, letters.is_empty()) else {
        return Err(AnnotError::record(
            line,
            "a protein without a sequence and its MD5",
        ));
    };
    let letters = letters.to_ascii_uppercase();
    let ids = node.all("xref").map(|reference| reference.attribute("id"));
    if checksum::md5(&letters) != says {
        let message = "the MD5 of a protein is not that of its sequence";
        return Err(AnnotError::numbering(line, ids, message));
    }
    let fingerprint = Fingerprint {
        length: u32::try_from(letters.len()).ok(),
        md5: Some(says),
        crc64: None,
    };
    if ids.clone().any(str::is_empty) {
        return Err(AnnotError::record(line, "a protein without an id"));
    }
    let matches = node.all("matches").flat_map(|matches| &matches.children);
    let matches: Vec<Match> = matches
        .map(|found| described(line, found))
        .collect::<Result<_, _>>()?;
    for id in collector.proteins_of(ids, says) {
        collector.check_sequence(&id, fingerprint, line)?;
        for found in &matches {
            found.put(collector, line, &id)?;
        }
    }
    Ok(())
}

fn described(line: u64, found: &Node) -> Result<Match<'_>, AnnotError> {
    let signature = found.child("signature");
    let entry = signature.and_then(|signature| signature.child("entry"));
    let mut places = Vec::new();
    for location in found.all("locations").flat_map(|l| &l.children) {
        // the parts of a domain into which another one is inserted
        let fragments = location.all("location-fragments").flat_map(|f| &f.children);
        let fragments: Vec<&Node> = fragments.collect();
        let parts = if fragments.len() > 1 {
            fragments.as_slice()
        } else {
            &[location]
        };
        for part in parts {
            let ends = (
                number(part.attribute("start")),
                number(part.attribute("end")),
            );
            let (Some(start), Some(end)) = ends else {
                return Err(AnnotError::record(line, "a match without start and end"));
            };
            places.push(Place::Range(start, end));
        }
    }
    let terms = entry.into_iter().chain([found]);
    let terms = terms.flat_map(|node| node.all("go-xref"));
    Ok(Match {
        signature: signature.map_or("", |signature| signature.attribute("ac")),
        entries: (entry.into_iter())
            .map(|entry| {
                let name = match entry.attribute("desc") {
                    "" => entry.attribute("name"),
                    description => description,
                };
                MatchedEntry {
                    accession: entry.attribute("ac"),
                    name,
                }
            })
            .collect(),
        places,
        terms: distinct(terms.map(|term| term.attribute("id"))),
    })
}
