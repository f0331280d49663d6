//! GFF3 as `UniProt` and `InterProScan` write it, with what either does beside the specification:
//! a tab at the end of lines, labels for types, quoted values, tags that occur several times.

use super::{
    collect::{Collector, DropReason, Fingerprint, Observation, Source},
    concept::ConceptKind,
    error::AnnotError,
    feature, interproscan,
    lines::Lines,
    position::{self, End, Place, Position},
    uniprot_cell::eco_ids,
};
use crate::seq::checksum;
use std::io::BufRead;

/// First characters of a file.
pub(super) const FIRST: &str = "##gff-version";

/// Whose GFF it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// `UniProt`'s: types are labels of features.
    UniProt,
    /// `InterProScan`'s: `InterPro` entries among the cross-references.
    InterProScan,
}

/// Reads features up to the sequences at the end.
///
/// # Errors
/// [`AnnotError::Record`] for a line that is no feature, unless bad records are skipped; the
/// reader's errors.
pub fn read(
    reader: impl BufRead,
    flavour: Flavour,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    let mut lines = Lines::new(reader);
    while let Some((line, text)) = lines.next_line()? {
        if text.starts_with("##FASTA") || text.starts_with('>') {
            return Ok(());
        }
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        collector.record();
        if let Err(error) = feature_line(line, text, flavour, collector) {
            collector.bad(error)?;
        }
    }
    Ok(())
}

/// The part of a line that matters.
struct Feature<'a> {
    protein: String,
    kind: String,
    ends: (&'a str, &'a str),
    attributes: &'a str,
}

impl<'a> Feature<'a> {
    fn parse(line: u64, text: &'a str) -> Result<Self, AnnotError> {
        let fields: Vec<&str> = text.split('\t').collect();
        let columns = match fields.as_slice() {
            // UniProt ends its lines with a tab
            [columns @ .., ""] if columns.len() == 9 => columns,
            columns => columns,
        };
        let &[seqid, _, kind, start, end, _, _, _, attributes] = columns else {
            return Err(AnnotError::record(
                line,
                format!(
                    "{} columns; a GFF3 feature has 9, separated by tabs",
                    columns.len()
                ),
            ));
        };
        let protein = decoded(seqid.trim());
        if protein.is_empty() {
            return Err(AnnotError::record(line, "no sequence id (column 1)"));
        }
        Ok(Self {
            protein,
            kind: decoded(kind.trim()),
            ends: (start, end),
            attributes: attributes.trim(),
        })
    }

    fn position(&self, line: u64) -> Result<Position, AnnotError> {
        let (start, end) = self.ends;
        match (End::parse(start), End::parse(end)) {
            (Some(start), Some(end)) => Ok(position::join(start, end)),
            _ => Err(AnnotError::record(
                line,
                format!("{start:?} to {end:?} of {} is no range", self.protein),
            )),
        }
    }

    /// Values of a tag, wherever it occurs: without quotes, decoded.
    fn values(&self, tag: &'a str) -> impl Iterator<Item = String> + 'a {
        let prefix = format!("{tag}=");
        self.attributes
            .split(';')
            .filter_map(move |attribute| attribute.trim().strip_prefix(prefix.as_str()))
            .flat_map(|values| values.split(','))
            .map(|value| {
                let value = value.trim();
                let value = value.strip_prefix('"').unwrap_or(value);
                decoded(value.strip_suffix('"').unwrap_or(value))
            })
    }

    /// The whole value of a tag, commas and all, decoded.
    fn text(&self, tag: &str) -> String {
        let text = self.attributes.split(';').find_map(|attribute| {
            let (name, value) = attribute.trim().split_once('=')?;
            name.eq_ignore_ascii_case(tag).then_some(value)
        });
        decoded(text.unwrap_or_default())
    }
}

fn feature_line(
    line: u64,
    text: &str,
    flavour: Flavour,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    let feature = Feature::parse(line, text)?;
    match flavour {
        Flavour::UniProt => uniprot(line, &feature, collector),
        Flavour::InterProScan => interproscan(line, &feature, collector),
    }
}

fn uniprot(line: u64, item: &Feature<'_>, collector: &mut Collector) -> Result<(), AnnotError> {
    let Position::Known(start, end) = item.position(line)? else {
        collector.drop(DropReason::UncertainPosition);
        return Ok(());
    };
    let key = feature::key(&item.kind);
    let id = feature::concept_id(&key, &item.text("Note"), &item.text("ligand"));
    collector.put(&Observation {
        protein: &item.protein,
        kind: ConceptKind::Feature,
        id: &id,
        name: &feature::concept_name(&key, &id, &item.text("ligand_id")),
        place: Place::of_feature(&key, start, end),
        source: Source::UniProt,
        evidence: &eco_ids(item.attributes),
        line,
    })
}

fn interproscan(
    line: u64,
    item: &Feature<'_>,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    let md5 = item.values("md5").find_map(|md5| checksum::parse_md5(&md5));
    if item.kind == "polypeptide" {
        // the line of the whole protein, which may carry its MD5
        let length = match item.position(line)? {
            Position::Known(1, length) => Some(length),
            _ => None,
        };
        let fingerprint = Fingerprint {
            length,
            md5,
            crc64: None,
        };
        return collector.check_sequence(&item.protein, fingerprint, line);
    }
    let Position::Known(start, end) = item.position(line)? else {
        collector.drop(DropReason::UncertainPosition);
        return Ok(());
    };
    interproscan::signature(collector, line, &item.protein, &item.text("Name"))?;
    let entries = item
        .values("Dbxref")
        .filter_map(|value| value.strip_prefix("InterPro:").map(str::to_owned))
        .chain(item.values("InterPro"))
        .filter(|entry| entry != "-");
    let mut any = false;
    for entry in entries {
        any = true;
        let place = Place::Range(start, end);
        interproscan::matched(collector, line, &item.protein, &entry, "", place)?;
    }
    for term in item.values("Ontology_term") {
        // early builds of version 6 repeat the tag inside its value
        let term = term.strip_prefix("Ontology_term=").unwrap_or(&term);
        if term.starts_with("GO:") {
            any = true;
            interproscan::go_term(collector, line, &item.protein, term)?;
        }
    }
    if !any {
        collector.drop(DropReason::NoConcept);
    }
    Ok(())
}

/// Percent-decoding; what is no code stays as it is.
fn decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = code {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_codes_are_decoded() {
        assert_eq!(
            decoded("Phosphoserine%3B by PLK1"),
            "Phosphoserine; by PLK1"
        );
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%zz%41"), "%zzA");
    }

    #[test]
    fn tags_may_be_quoted_or_repeated() {
        let text = "P1\tPfam\tprotein_match\t1\t9\t.\t+\t.\tName=x;Ontology_term=\"GO:0000001\",\"GO:0000002\";Dbxref=\"InterPro:IPR000001\"";
        let feature = Feature::parse(1, text).unwrap();
        let terms: Vec<String> = feature.values("Ontology_term").collect();
        assert_eq!(terms, ["GO:0000001", "GO:0000002"]);
        assert_eq!(
            feature.values("Dbxref").collect::<Vec<_>>(),
            ["InterPro:IPR000001"]
        );
    }
}
