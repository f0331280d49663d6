//! `InterProScan`'s XML, versions 5 and 6, of proteins or of the open reading frames of nucleotides.

use super::{
    collect::{Collector, DropReason, Fingerprint},
    error::AnnotError,
    interproscan,
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
pub fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
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
    if checksum::md5(&letters) != says {
        return Err(AnnotError::record(
            line,
            "the MD5 of a protein is not that of its sequence",
        ));
    }
    let fingerprint = Fingerprint {
        length: u32::try_from(letters.len()).ok(),
        md5: Some(says),
        crc64: None,
    };
    for reference in node.all("xref") {
        let id = reference.attribute("id");
        if id.is_empty() {
            return Err(AnnotError::record(line, "a protein without an id"));
        }
        let id = collector.choose_by_md5(id, says).to_owned();
        collector.check_sequence(&id, fingerprint, line)?;
        let matches = node.all("matches").flat_map(|matches| &matches.children);
        for found in matches {
            one_match(line, &id, found, collector)?;
        }
    }
    Ok(())
}

fn one_match(
    line: u64,
    protein: &str,
    found: &Node,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    let signature = found.child("signature");
    let accession = signature.map_or("", |signature| signature.attribute("ac"));
    interproscan::signature(collector, line, protein, accession)?;
    let Some(entry) = signature.and_then(|signature| signature.child("entry")) else {
        collector.drop(DropReason::NoConcept);
        return Ok(());
    };
    let name = match entry.attribute("desc") {
        "" => entry.attribute("name"),
        description => description,
    };
    for location in found.all("locations").flat_map(|l| &l.children) {
        let ends = (
            number(location.attribute("start")),
            number(location.attribute("end")),
        );
        let (Some(start), Some(end)) = ends else {
            return Err(AnnotError::record(
                line,
                format!("{protein}: a match without start and end"),
            ));
        };
        let place = Place::Range(start, end);
        interproscan::matched(collector, line, protein, entry.attribute("ac"), name, place)?;
    }
    for term in entry.all("go-xref") {
        interproscan::go_term(collector, line, protein, term.attribute("id"))?;
    }
    Ok(())
}
