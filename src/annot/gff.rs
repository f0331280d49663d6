//! GFF3 as `UniProt` and `InterProScan` write it, with what either does beside the specification:
//! a tab at the end of lines, labels for types, quoted values, tags that occur several times.

use super::{
    collect::{Collector, DropReason, Fingerprint, Observation, Source},
    concept::{ConceptKind, ENTRY},
    error::AnnotError,
    evidence::{eco_ids, of_remark},
    feature,
    interpro::interproscan::{Match, MatchedEntry},
    lines::{Line, Lines, is_directive},
    percent::{decode, decoded},
    position::{self, End, Place, Position},
};
use crate::seq::checksum;
use std::{collections::HashMap, io::BufRead};

/// The directive that begins a file.
pub(super) const FIRST: &str = "##gff-version";

/// The directive that ends the features: sequences follow.
const SEQUENCES: &str = "##FASTA";

/// The directive that gives a protein's length: `##sequence-region P00750 1 562`.
const REGION: &str = "##sequence-region";

/// Column 2 of `UniProt`'s features.
pub(super) const UNIPROT_SOURCE: &str = "UniProtKB";

/// Type of `InterProScan`'s line of a whole protein.
const POLYPEPTIDE: &str = "polypeptide";

/// Type of `InterProScan`'s matches.
const PROTEIN_MATCH: &str = "protein_match";

/// Whose GFF it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// `UniProt`'s: types are labels of features.
    UniProt,
    /// `InterProScan`'s: `InterPro` entries among the cross-references.
    InterProScan,
}

impl Flavour {
    /// Whose GFF begins like this; none where its features are of another kind (genes, transcripts). Without any
    /// feature it is `InterProScan`'s, which found nothing.
    pub(super) fn of(beginning: &str) -> Option<Self> {
        let mut features = beginning
            .lines()
            .take_while(|line| !is_end_of_features(line))
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .peekable();
        let Some(first) = features.peek() else {
            return Some(Self::InterProScan);
        };
        if column(first, 1) == Some(UNIPROT_SOURCE) {
            return Some(Self::UniProt);
        }
        features
            .any(|line| {
                matches!(column(line, 2), Some(POLYPEPTIDE | PROTEIN_MATCH))
                    || column(line, 8).is_some_and(|attributes| attributes.contains("InterPro"))
            })
            .then_some(Self::InterProScan)
    }
}

/// A column of a line, from 0.
fn column(line: &str, index: usize) -> Option<&str> {
    line.split('\t').nth(index).map(str::trim)
}

/// Whether the features end here and sequences begin.
fn is_end_of_features(line: &str) -> bool {
    is_directive(line, SEQUENCES) || line.starts_with('>')
}

/// Reads features up to the sequences at the end.
///
/// # Errors
/// [`AnnotError::Record`] for a line that is no feature, [`AnnotError::OtherSequence`] for a protein of another
/// length or MD5 than the one given, unless bad records are skipped; the reader's errors.
pub(crate) fn read(
    reader: impl BufRead,
    flavour: Flavour,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    let mut lines = Lines::new(reader);
    let mut proteins = Proteins::default();
    let mut in_sequences = false;
    while let Some(Line { number: line, text }) = collector.next_line(&mut lines)? {
        if is_end_of_features(text) {
            in_sequences = true;
        } else if is_directive(text, FIRST) {
            // the files of several runs, one behind the other
            in_sequences = false;
        }
        if in_sequences || text.trim().is_empty() {
            continue;
        }
        if let Some(region) = text.strip_prefix(REGION)
            && is_directive(text, REGION)
        {
            match flavour {
                Flavour::UniProt => proteins.region(line, region, collector)?,
                Flavour::InterProScan => proteins.note_region(line, region),
            }
        }
        if text.starts_with('#') {
            continue;
        }
        collector.record(|collector| {
            let item = Feature::parse(line, text)?;
            match flavour {
                Flavour::UniProt => uniprot(line, &item, collector),
                Flavour::InterProScan => interproscan(line, &item, &mut proteins, collector),
            }
        })?;
    }
    Ok(())
}

/// What lines of whole proteins say of the features that follow.
#[derive(Debug, Default)]
struct Proteins {
    /// Those that were found by the MD5 of their sequence, with the names that they were asked for by.
    by_md5: HashMap<String, Vec<String>>,
    /// Regions of which no feature was met: `InterProScan` has regions of nucleotides too.
    regions: HashMap<String, KnownRegion>,
}

/// Where a file says how long a sequence is.
#[derive(Clone, Copy, Debug)]
struct KnownRegion {
    length: u32,
    line: u64,
}

/// A region that is a whole sequence, as it is written.
struct WholeRegion<'a> {
    id: &'a str,
    length: Option<u32>,
}

impl<'a> WholeRegion<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut words = text.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(id), Some("1"), Some(end)) => Some(Self {
                id,
                length: position::number(end),
            }),
            _ => None,
        }
    }
}

impl Proteins {
    /// `##sequence-region P00750 1 562`: a length to compare, where it is one of a whole protein.
    fn region(
        &mut self,
        line: u64,
        text: &str,
        collector: &mut Collector,
    ) -> Result<(), AnnotError> {
        if let Some(region) = WholeRegion::parse(text) {
            let fingerprint = Fingerprint {
                length: region.length,
                ..Fingerprint::default()
            };
            let checked = sequence_id(line, region.id)
                .and_then(|id| self.check(line, &id, fingerprint, collector));
            return checked.or_else(|error| collector.bad(error));
        }
        Ok(())
    }

    fn note_region(&mut self, line: u64, text: &str) {
        if let Some(region) = WholeRegion::parse(text)
            && let (Some(id), Some(length)) = (decode(region.id), region.length)
        {
            let known = KnownRegion { length, line };
            self.regions.insert(id.into_owned(), known);
        }
    }

    /// Compares the length of a protein's region, once it is known that it is one of a protein.
    fn check_region(&mut self, id: &String, collector: &mut Collector) -> Result<(), AnnotError> {
        let Some(KnownRegion { length, line }) = self.regions.remove(id) else {
            return Ok(());
        };
        let fingerprint = Fingerprint {
            length: Some(length),
            ..Fingerprint::default()
        };
        let names = self.by_md5.get(id);
        let mut names = names.map_or(std::slice::from_ref(id), Vec::as_slice).iter();
        names.try_for_each(|name| collector.check_sequence(name, fingerprint, line))
    }

    fn check(
        &mut self,
        line: u64,
        id: &str,
        fingerprint: Fingerprint,
        collector: &mut Collector,
    ) -> Result<(), AnnotError> {
        let proteins = match fingerprint.md5 {
            Some(md5) => collector.proteins_of(std::iter::once(id), md5),
            None => vec![id.to_owned()],
        };
        let mut names = proteins.iter();
        let checked = names.try_for_each(|p| collector.check_sequence(p, fingerprint, line));
        if checked.is_ok() && proteins != [id] {
            self.by_md5.insert(id.to_owned(), proteins);
        }
        checked
    }
}

/// The part of a line that matters.
struct Feature<'a> {
    protein: String,
    kind: String,
    start: &'a str,
    end: &'a str,
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
        let protein = sequence_id(line, seqid.trim())?;
        if protein.is_empty() {
            return Err(AnnotError::record(line, "no sequence id (column 1)"));
        }
        Ok(Self {
            protein,
            kind: decoded(kind.trim()).into_owned(),
            start,
            end,
            attributes: attributes.trim(),
        })
    }

    fn position(&self, line: u64) -> Result<Position, AnnotError> {
        match (End::parse(self.start), End::parse(self.end)) {
            (Some(start), Some(end)) => Ok(position::join(start, end)),
            _ => Err(AnnotError::record(
                line,
                format!(
                    "{:?} to {:?} of {} is no range",
                    self.start, self.end, self.protein
                ),
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
                decoded(value.strip_suffix('"').unwrap_or(value)).into_owned()
            })
    }

    /// The whole value of a tag, commas and all, decoded.
    fn text(&self, tag: &str) -> String {
        let text = self.attributes.split(';').find_map(|attribute| {
            let (name, value) = attribute.trim().split_once('=')?;
            name.eq_ignore_ascii_case(tag).then_some(value)
        });
        decoded(text.unwrap_or_default()).into_owned()
    }
}

fn uniprot(line: u64, item: &Feature<'_>, collector: &mut Collector) -> Result<(), AnnotError> {
    let Position::Known(start, end) = item.position(line)? else {
        collector.count_dropped(DropReason::UncertainPosition);
        return Ok(());
    };
    let key = feature::key(&item.kind);
    let id = feature::concept_id(&key, &item.text("Note"), &item.text("ligand"));
    let mut evidence = eco_ids(item.attributes);
    if evidence.is_empty() {
        // before 2015
        evidence = of_remark(&item.text("Status")).unwrap_or_default().into();
    }
    collector.put(&Observation {
        protein: &item.protein,
        kind: ConceptKind::Feature,
        id: &id,
        name: &feature::concept_name(&key, &id, &item.text("ligand_id")),
        place: Place::of_feature(&key, start, end),
        source: Source::UniProt,
        evidence: &evidence,
        line,
    })
}

fn interproscan(
    line: u64,
    item: &Feature<'_>,
    proteins: &mut Proteins,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    if item.kind == POLYPEPTIDE {
        // the line of the whole protein, which may carry its MD5
        let length = match item.position(line)? {
            Position::Known(1, length) => Some(length),
            _ => None,
        };
        let md5 = item.values("md5").find_map(|md5| checksum::parse_md5(&md5));
        let fingerprint = Fingerprint {
            length,
            md5,
            crc64: None,
        };
        proteins.check(line, &item.protein, fingerprint, collector)?;
        return proteins.check_region(&item.protein, collector);
    }
    if item.kind == PROTEIN_MATCH {
        proteins.check_region(&item.protein, collector)?;
    }
    let Position::Known(start, end) = item.position(line)? else {
        collector.count_dropped(DropReason::UncertainPosition);
        return Ok(());
    };
    let signature = item.text("Name");
    let entries: Vec<String> = item
        .values("Dbxref")
        .filter_map(|value| value.strip_prefix(ENTRY).map(str::to_owned))
        .chain(item.values("InterPro"))
        .collect();
    let terms: Vec<String> = item.values("Ontology_term").collect();
    let found = Match {
        signature: &signature,
        entries: (entries.iter())
            .map(|accession| MatchedEntry {
                accession,
                name: "",
            })
            .collect(),
        places: vec![Place::Range(start, end)],
        // early builds of version 6 repeat the tag inside its value
        terms: (terms.iter())
            .map(|term| term.strip_prefix("Ontology_term=").unwrap_or(term))
            .filter(|term| term.starts_with("GO:"))
            .collect(),
    };
    let names = proteins.by_md5.get(&item.protein);
    for protein in names.map_or(std::slice::from_ref(&item.protein), Vec::as_slice) {
        found.put(collector, line, protein)?;
    }
    Ok(())
}

/// A sequence id, decoded.
fn sequence_id(line: u64, text: &str) -> Result<String, AnnotError> {
    match decode(text) {
        Some(id) => Ok(id.into_owned()),
        None => Err(AnnotError::record(
            line,
            format!("the percent codes of the sequence id {text:?} are not UTF-8"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_utf8() {
        assert!(
            sequence_id(7, "prot%E9")
                .unwrap_err()
                .to_string()
                .starts_with("line 7: ")
        );
        assert_eq!(sequence_id(7, "prot%C3%A9").unwrap(), "prot\u{e9}");
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
