//! `InterProScan`'s TSV: 11 to 15 columns, versions 5 and 6.

use crate::annot::{
    collect::{Collector, DropReason, Fingerprint, Observation, Source},
    concept::{ConceptKind, ENTRY},
    error::AnnotError,
    evidence::AUTOMATIC,
    identifiers::{is_curie, is_entry},
    lines::{Columns, columns},
    position::{Place, number},
};
use crate::seq::checksum;
use std::io::BufRead;

/// Columns of a row; older files leave the last ones out.
pub(crate) const COLUMNS: std::ops::RangeInclusive<usize> = 11..=15;

/// Reads matches: an entry of `InterPro` labels the stretch of its match, its GO terms the protein.
///
/// # Errors
/// [`AnnotError::Record`] for a row that is no match, unless bad records are skipped; the
/// reader's errors.
pub(crate) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    collector.rows(reader, None, row)
}

fn row(line: u64, text: &str, collector: &mut Collector) -> Result<(), AnnotError> {
    let Columns { fields, count } = columns::<15>(text);
    if !COLUMNS.contains(&count) {
        return Err(AnnotError::record(
            line,
            format!("{count} columns; InterProScan writes 11 to 15, separated by tabs"),
        ));
    }
    let protein = fields[0];
    let Some(md5) = checksum::parse_md5(fields[1]).filter(|_| !protein.is_empty()) else {
        return Err(AnnotError::record(
            line,
            "columns 1 and 2 are no protein id and MD5 of its sequence",
        ));
    };
    let place = match (number(fields[2]), number(fields[6]), number(fields[7])) {
        (Some(length), Some(start), Some(end)) if end <= length => Place::Range(start, end),
        (Some(length), Some(start), Some(end)) => {
            let proteins = collector.proteins_of(std::iter::once(protein), md5);
            return Err(AnnotError::numbering(
                line,
                proteins.iter().map(String::as_str),
                format!("match from {start} to {end} of {protein}, which has {length} residues"),
            ));
        }
        _ => {
            return Err(AnnotError::record(
                line,
                "columns 3, 7 and 8 are no length, start and end of a match",
            ));
        }
    };
    let fingerprint = Fingerprint {
        length: number(fields[2]),
        md5: Some(md5),
        crc64: None,
    };
    let found = Match {
        signature: fields[4],
        entries: vec![MatchedEntry {
            accession: fields[11],
            name: fields[12],
        }],
        places: vec![place],
        terms: fields[13].split('|').collect(),
    };
    for protein in collector.proteins_of(std::iter::once(protein), md5) {
        collector.check_sequence(&protein, fingerprint, line)?;
        found.put(collector, line, &protein)?;
    }
    Ok(())
}

/// An entry of `InterPro`; what is missing as the format writes it.
pub(crate) struct MatchedEntry<'a> {
    pub(crate) accession: &'a str,
    pub(crate) name: &'a str,
}

/// A match of a signature on a protein.
pub(crate) struct Match<'a> {
    /// Accession of the signature.
    pub(crate) signature: &'a str,
    /// The entry of `InterPro` that the signature belongs to, where there is one (or several).
    pub(crate) entries: Vec<MatchedEntry<'a>>,
    /// Where it is.
    pub(crate) places: Vec<Place>,
    /// GO terms of the entry, or (PANTHER's) of the signature; missing ones as the format writes them.
    pub(crate) terms: Vec<&'a str>,
}

/// Terms, each once.
pub(crate) fn distinct<'a>(terms: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut terms: Vec<&str> = terms.collect();
    terms.sort_unstable();
    terms.dedup();
    terms
}

impl Match<'_> {
    /// Labels the places with the entry and the protein with the terms.
    pub(crate) fn put(
        &self,
        collector: &mut Collector,
        line: u64,
        protein: &str,
    ) -> Result<(), AnnotError> {
        signature(collector, line, protein, self.signature)?;
        let mut says_nothing = true;
        for entry in &self.entries {
            let Some(accession) = present(entry.accession) else {
                continue;
            };
            says_nothing = false;
            let name = present(entry.name).unwrap_or("");
            for &place in &self.places {
                matched(collector, line, protein, accession, name, place)?;
            }
        }
        for term in self.terms.iter().filter_map(|term| present(term)) {
            says_nothing = false;
            go_term(collector, line, protein, term)?;
        }
        if says_nothing {
            collector.count_dropped(DropReason::NoConcept);
        }
        Ok(())
    }
}

/// The content of a field, where there is any: missing values are written `-`, by version 6 also `None`.
fn present(field: &str) -> Option<&str> {
    Some(field).filter(|text| !matches!(*text, "-" | "" | "None"))
}

/// An entry of `InterPro` on a stretch of a protein.
pub(crate) fn matched(
    collector: &mut Collector,
    line: u64,
    protein: &str,
    entry: &str,
    name: &str,
    place: Place,
) -> Result<(), AnnotError> {
    if !is_entry(entry) {
        return Err(AnnotError::record(
            line,
            format!("{entry:?} is no accession of an InterPro entry"),
        ));
    }
    // accessions have one length: no allocation for each of a billion matches
    let mut id = *b"InterPro:IPR000000";
    id[ENTRY.len()..].copy_from_slice(entry.as_bytes());
    collector.put(&Observation {
        protein,
        kind: ConceptKind::Interpro,
        id: std::str::from_utf8(&id).expect("ASCII throughout"),
        name,
        place,
        source: Source::InterPro,
        evidence: "",
        line,
    })?;
    if collector.maps_to_go() {
        let id = std::str::from_utf8(&id).expect("ASCII throughout");
        collector.put_mapped(protein, id, line)?;
    }
    Ok(())
}

/// A signature of a member database: Pfam's may be mapped to GO.
pub(crate) fn signature(
    collector: &mut Collector,
    line: u64,
    protein: &str,
    accession: &str,
) -> Result<(), AnnotError> {
    if !collector.maps_to_go() || !accession.starts_with("PF") {
        return Ok(());
    }
    // Pfam may append a version
    let accession = accession.split('.').next().unwrap_or(accession);
    collector.put_mapped(protein, &format!("Pfam:{accession}"), line)
}

/// A GO term that follows from a match; version 5.6x and later append its source, `GO:0005524(InterPro)`.
pub(crate) fn go_term(
    collector: &mut Collector,
    line: u64,
    protein: &str,
    term: &str,
) -> Result<(), AnnotError> {
    let id = term.split('(').next().unwrap_or(term).trim();
    if !is_curie(id) {
        return Err(AnnotError::record(
            line,
            format!("{term:?} is no GO term id"),
        ));
    }
    collector.put(&Observation {
        source: Source::InterPro,
        ..Observation::of_term(protein, id, AUTOMATIC, line)
    })
}
