//! `UniProt`'s XML (<https://www.uniprot.org/docs/uniprot.xsd>), on `quick-xml`.
//!
//! The `uniprot` crate (0.7) does not serve: its closed list of features lacks those of before 2022 (metal and
//! nucleotide binding), takes splice variants for sites, drops the isoform that a position is counted along,
//! and its errors have no line; one unknown word ends the reading.

use super::comment::{self, Commented, Comments};
use crate::annot::{
    collect::{Collector, DropReason, Fingerprint, Observation},
    concept::ConceptKind,
    error::AnnotError,
    evidence::of_remark,
    feature,
    interpro::interproscan,
    position::{self, End, Place, Position},
    xml::{self, Node},
};
use crate::seq::checksum;
use std::{collections::HashMap, io::BufRead};

/// Type of the evidence of publications, before ECO took its place.
const LITERATURE: &str = "Literature";

/// The ECO term of experiments that are published.
const EXPERIMENT: &str = "ECO:0000269";

/// Reads entries.
///
/// # Errors
/// [`AnnotError::Record`] for XML that is malformed or cut off, or for a bad entry unless bad
/// records are skipped; the reader's errors.
pub(crate) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    xml::records(reader, "entry", |line, node| {
        collector.record(|collector| Entry::new(line, node).put(collector))
    })
}

struct Entry<'a> {
    line: u64,
    node: &'a Node,
    /// ECO ids by the keys that features refer to.
    evidence: HashMap<&'a str, &'a str>,
}

impl<'a> Entry<'a> {
    fn new(line: u64, node: &'a Node) -> Self {
        let evidence = node
            .all("evidence")
            .map(|e| (e.attribute("key"), e.attribute("type")))
            .filter_map(|(key, kind)| match kind {
                LITERATURE => Some((key, EXPERIMENT)),
                eco => eco.starts_with("ECO:").then_some((key, eco)),
            })
            .collect();
        Self {
            line,
            node,
            evidence,
        }
    }

    /// ECO ids of an `evidence="1 2"`, or of a `status="by similarity"` before 2015.
    fn eco(&self, node: &Node) -> String {
        let mut ids: Vec<&str> = node
            .attribute("evidence")
            .split_whitespace()
            .filter_map(|key| self.evidence.get(key).copied())
            .chain(of_remark(node.attribute("status")))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids.join(",")
    }

    fn put(&self, collector: &mut Collector) -> Result<(), AnnotError> {
        let accessions = || {
            self.node
                .all("accession")
                .map(|a| a.text.trim())
                .filter(|a| !a.is_empty())
        };
        if accessions().next().is_none() {
            return Err(AnnotError::record(
                self.line,
                "an entry without an accession",
            ));
        }
        let Some(protein) = collector.choose_accession(accessions()) else {
            collector.count_dropped(DropReason::OtherProtein);
            return Ok(());
        };
        let sequence = self.check_sequence(collector, protein)?;
        let before = collector.row_count();
        self.put_statements(collector, protein)?;
        if collector.row_count() > before {
            collector.keep_sequence(protein, &sequence);
        }
        Ok(())
    }

    fn put_statements(&self, collector: &mut Collector, protein: &str) -> Result<(), AnnotError> {
        for comment in self.node.all("comment") {
            self.put_comment(collector, protein, comment)?;
        }
        for reference in self.node.all("dbReference") {
            self.put_reference(collector, protein, reference)?;
        }
        for keyword in self.node.all("keyword") {
            let id = match keyword.attribute("id") {
                "" => keyword.text.trim(),
                id => id,
            };
            collector.put(&Observation {
                kind: ConceptKind::Keyword,
                id: &collector.keyword_id(id),
                name: keyword.text.trim(),
                evidence: &self.eco(keyword),
                ..Observation::of_uniprot(protein, self.line)
            })?;
        }
        for feature in self.node.all("feature") {
            if let Err(error) = self.put_feature(collector, protein, feature) {
                collector.bad(error)?;
            }
        }
        Ok(())
    }

    /// The sequence, compared with its own checksum and with the one given; empty where there is none.
    fn check_sequence(
        &self,
        collector: &mut Collector,
        protein: &str,
    ) -> Result<Vec<u8>, AnnotError> {
        let Some(sequence) = self.node.child("sequence") else {
            return Ok(Vec::new());
        };
        let letters: Vec<u8> = sequence
            .text
            .bytes()
            .filter(|b| !b.is_ascii_whitespace())
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        if letters.is_empty() {
            return Ok(letters);
        }
        let crc64 = checksum::crc64(&letters);
        let length = u32::try_from(letters.len()).unwrap_or(u32::MAX);
        let says = u64::from_str_radix(sequence.attribute("checksum"), 16).ok();
        let says_length = sequence.attribute("length").parse().ok();
        if says.is_some_and(|says| says != crc64) || says_length.is_some_and(|l: u32| l != length) {
            return Err(AnnotError::numbering(
                self.line,
                [protein],
                format!(
                    "entry {protein}: its sequence has {length} residues and CRC64 {crc64:016X}, but it says {} and {}",
                    sequence.attribute("length"),
                    sequence.attribute("checksum")
                ),
            ));
        }
        let fingerprint = Fingerprint {
            length: Some(length),
            crc64: Some(crc64),
            md5: None,
        };
        collector.check_sequence(protein, fingerprint, self.line)?;
        Ok(letters)
    }

    fn put_comment(
        &self,
        collector: &mut Collector,
        protein: &str,
        comment: &Node,
    ) -> Result<(), AnnotError> {
        let mut found = Comments::default();
        match comment.attribute("type") {
            // those of isoforms and chains name a molecule
            "cofactor" | "subcellular location" if comment.child("molecule").is_some() => {
                found.of_forms = 1;
            }
            // free text before 2014; beside cofactors it is a note
            "cofactor" if comment.child("cofactor").is_none() => {
                let of_form = comment::names_isoform(comment.text_of("text"));
                found.of_forms = of_form.into();
                found.untold = (!of_form).into();
            }
            "cofactor" => {
                for cofactor in comment.all("cofactor") {
                    let reference = cofactor.child("dbReference");
                    let chebi = reference.map_or("", |reference| reference.attribute("id"));
                    let name = cofactor.text_of("name");
                    if comment::names_form(name) {
                        found.of_forms += 1;
                    } else if !name.is_empty() {
                        let evidence = self.eco(cofactor);
                        (found.concepts).push(Commented::cofactor(name, chebi, evidence));
                    }
                }
                found.untold = u64::from(found.concepts.is_empty() && found.of_forms == 0);
            }
            "subcellular location" => {
                let places = comment
                    .all("subcellularLocation")
                    .flat_map(|place| &place.children);
                for place in places {
                    let name = place.text.trim();
                    if !["location", "topology"].contains(&place.name.as_str()) || name.is_empty() {
                        continue;
                    }
                    // what follows the name of a form is said of it too, as in the flat file
                    if comment::names_form(name) {
                        found.of_forms += 1;
                    } else if found.of_forms == 0 {
                        (found.concepts).push(Commented::location(name, self.eco(place)));
                    }
                }
            }
            _ => {}
        }
        found.put(collector, protein, self.line)
    }

    fn put_reference(
        &self,
        collector: &mut Collector,
        protein: &str,
        reference: &Node,
    ) -> Result<(), AnnotError> {
        let id = reference.attribute("id");
        let property = |wanted: &str| {
            reference
                .all("property")
                .find(|p| p.attribute("type") == wanted)
                .map_or("", |p| p.attribute("value"))
        };
        match reference.attribute("type") {
            // old releases write codes, `IEA:InterPro`
            "GO" => {
                let evidence = match property("evidence") {
                    eco if eco.starts_with("ECO:") => eco,
                    code => code.split(':').next().unwrap_or_default(),
                };
                collector.put(&Observation::of_term(protein, id, evidence, self.line))
            }
            "Pfam" => interproscan::signature(collector, self.line, protein, id),
            "InterPro" => interproscan::matched(
                collector,
                self.line,
                protein,
                id,
                property("entry name"),
                Place::Whole,
            ),
            _ => Ok(()),
        }
    }

    fn put_feature(
        &self,
        collector: &mut Collector,
        protein: &str,
        node: &Node,
    ) -> Result<(), AnnotError> {
        let key = feature::key(node.attribute("type"));
        let location = node.child("location");
        if location.is_some_and(|location| !location.attribute("sequence").is_empty()) {
            collector.count_dropped(DropReason::Isoform);
            return Ok(());
        }
        let place = location.and_then(range).ok_or_else(|| {
            AnnotError::record(
                self.line,
                format!("entry {protein}: a feature {key} without a location"),
            )
        })?;
        let Position::Known(start, end) = place else {
            collector.count_dropped(DropReason::UncertainPosition);
            return Ok(());
        };
        let ligands: Vec<(&str, &str)> = node
            .all("ligand")
            .map(|ligand| {
                let reference = ligand.child("dbReference");
                (
                    ligand.text_of("name"),
                    reference.map_or("", |r| r.attribute("id")),
                )
            })
            .collect();
        let note = node.attribute("description");
        let evidence = self.eco(node);
        let none = [("", "")];
        for (ligand, chebi) in if ligands.is_empty() {
            &none[..]
        } else {
            &ligands
        } {
            let id = feature::concept_id(&key, note, ligand);
            collector.put(&Observation {
                id: &id,
                name: &feature::concept_name(&key, &id, chebi),
                place: Place::of_feature(&key, start, end),
                evidence: &evidence,
                ..Observation::of_uniprot(protein, self.line)
            })?;
        }
        Ok(())
    }
}

/// `<position position="1"/>`, or `<begin .../>` and `<end .../>`.
fn range(location: &Node) -> Option<Position> {
    let end_of = |node: &Node| match node.attribute("status") {
        "unknown" | "uncertain" => Some(End::Uncertain),
        _ => End::parse(node.attribute("position")),
    };
    if let Some(position) = location.child("position") {
        let end = end_of(position)?;
        return Some(position::join(end, end));
    }
    let begin = end_of(location.child("begin")?)?;
    Some(position::join(begin, end_of(location.child("end")?)?))
}
