//! `UniProt`'s TSV, as its REST interface and web site write it: columns by label or by field name.

use super::{
    comment,
    uniprot_cell::{self, CellFeature},
};
use crate::annot::{
    collect::{Collector, DropReason, Fingerprint, Observation, Source},
    concept::ConceptKind,
    error::AnnotError,
    evidence::eco_ids,
    feature,
    interpro::interproscan,
    lines::{Line, Lines},
    position::{self, Place, Position},
};
use crate::seq::checksum;
use std::io::BufRead;

/// Names of the column of the accession.
pub(crate) const ENTRY: [&str; 2] = ["Entry", "accession"];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Entry,
    Length,
    Sequence,
    Features,
    GoIds,
    GoNames,
    InterPro,
    Pfam,
    Keywords,
    KeywordIds,
    Cofactor,
    Location,
    Ignored,
}

impl Column {
    fn of(name: &str) -> Self {
        let name = name.trim();
        let lower = name.to_ascii_lowercase();
        if ENTRY.contains(&name) {
            return Self::Entry;
        }
        let label = lower
            .strip_suffix("[ft]")
            .map_or(lower.as_str(), str::trim_end);
        if let Some(key) = lower.strip_prefix("ft_") {
            return if feature::is_known(key) {
                Self::Features
            } else {
                Self::Ignored
            };
        }
        match lower.as_str() {
            "length" => Self::Length,
            "sequence" => Self::Sequence,
            "gene ontology ids" | "go_id" => Self::GoIds,
            "gene ontology (go)"
            | "gene ontology (biological process)"
            | "gene ontology (cellular component)"
            | "gene ontology (molecular function)"
            | "go"
            | "go_p"
            | "go_c"
            | "go_f" => Self::GoNames,
            "interpro" | "xref_interpro" | "cross-reference (interpro)" => Self::InterPro,
            "pfam" | "xref_pfam" | "cross-reference (pfam)" => Self::Pfam,
            "keywords" | "keyword" => Self::Keywords,
            "keyword id" | "keywordid" => Self::KeywordIds,
            "cofactor" | "cc_cofactor" => Self::Cofactor,
            "subcellular location [cc]"
            | "subcellular location[cc]"
            | "cc_subcellular_location" => Self::Location,
            _ if feature::is_known(label) => Self::Features,
            _ => Self::Ignored,
        }
    }
}

/// Reads entries row by row.
///
/// # Errors
/// [`AnnotError::Column`] without an entry column; [`AnnotError::Record`] for a bad row and
/// [`AnnotError::OtherSequence`] for one whose length or sequence is not the one given, unless bad records are
/// skipped; the reader's errors.
pub(crate) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    let mut lines = Lines::new(reader);
    let (line, header) = loop {
        match lines.next_line()? {
            None => return Ok(()),
            Some(Line { text, .. }) if text.trim().is_empty() || text.starts_with('!') => {}
            Some(Line { number, text }) => break (number, text.to_owned()),
        }
    };
    let mut columns: Vec<Column> = header.split('\t').map(Column::of).collect();
    if !columns.contains(&Column::Entry) {
        return Err(AnnotError::Column {
            line,
            wanted: ENTRY.join(" or "),
            found: header.replace('\t', ", "),
        });
    }
    if columns.contains(&Column::KeywordIds) {
        // the ids say all that the names say
        for column in &mut columns {
            if *column == Column::Keywords {
                *column = Column::Ignored;
            }
        }
    }
    while let Some(Line { number: line, text }) = collector.next_line(&mut lines)? {
        if text.trim().is_empty() {
            continue;
        }
        collector.record(|collector| row(line, text, &columns, collector))?;
    }
    Ok(())
}

fn row(
    line: u64,
    text: &str,
    columns: &[Column],
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    let fields: Vec<&str> = text.split('\t').collect();
    if fields.len() != columns.len() {
        return Err(AnnotError::record(
            line,
            format!("{} columns; the header has {}", fields.len(), columns.len()),
        ));
    }
    let cells = || columns.iter().zip(fields.iter().map(|field| field.trim()));
    let first = |wanted| cells().find(|(column, _)| **column == wanted);
    let content = |wanted| first(wanted).map_or("", |(_, field)| field);
    let protein = content(Column::Entry);
    if protein.is_empty() {
        return Err(AnnotError::record(line, "no accession"));
    }
    let sequence = content(Column::Sequence);
    check_sequence(line, protein, content(Column::Length), sequence, collector)?;
    let before = collector.row_count();
    for (column, field) in cells() {
        cell(line, protein, *column, field, collector)?;
    }
    if collector.row_count() > before {
        collector.keep_sequence(protein, sequence.as_bytes());
    }
    Ok(())
}

/// Compares length and sequence, where the columns are there, with each other and with the sequence given.
fn check_sequence(
    line: u64,
    protein: &str,
    length: &str,
    sequence: &str,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    if !sequence.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(AnnotError::record(
            line,
            format!("the sequence of {protein} holds more than letters of residues"),
        ));
    }
    // an entry that was deleted has neither
    let says = position::number(length);
    let found = u32::try_from(sequence.len()).unwrap_or(u32::MAX);
    if let Some(says) = says
        && says != found
        && found > 0
    {
        return Err(AnnotError::numbering(
            line,
            [protein],
            format!("{protein} has {found} residues, but its length is given as {says}"),
        ));
    }
    let fingerprint = Fingerprint {
        length: says.or(Some(found).filter(|&found| found > 0)),
        crc64: (found > 0).then(|| checksum::crc64(sequence.as_bytes())),
        md5: None,
    };
    collector.check_sequence(protein, fingerprint, line)
}

fn cell(
    line: u64,
    protein: &str,
    column: Column,
    text: &str,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    let items = || {
        text.split(';')
            .map(str::trim)
            .filter(|item| !item.is_empty())
    };
    match column {
        Column::Entry | Column::Length | Column::Sequence | Column::Ignored => {}
        Column::Features => {
            let features = uniprot_cell::parse(text)
                .map_err(|message| AnnotError::record(line, format!("{protein}: {message}")))?;
            for item in &features {
                if let Err(error) = put_feature(line, protein, item, collector) {
                    collector.bad(error)?;
                }
            }
        }
        Column::GoIds => {
            for id in items() {
                collector.put(&Observation::of_term(protein, id, "", line))?;
            }
        }
        Column::GoNames => {
            for item in items() {
                put_named_term(line, protein, item, collector)?;
            }
        }
        Column::InterPro => {
            for entry in items() {
                interproscan::matched(collector, line, protein, entry, "", Place::Whole)?;
            }
        }
        Column::Pfam => {
            for family in items() {
                interproscan::signature(collector, line, protein, family)?;
            }
        }
        Column::Keywords | Column::KeywordIds => {
            for keyword in items() {
                collector.put(&Observation {
                    kind: ConceptKind::Keyword,
                    id: &collector.keyword_id(keyword),
                    name: if column == Column::Keywords {
                        keyword
                    } else {
                        ""
                    },
                    ..Observation::of_uniprot(protein, line)
                })?;
            }
        }
        Column::Cofactor | Column::Location => {
            let found = if column == Column::Cofactor {
                comment::cofactors(text)
            } else {
                comment::locations(text)
            };
            found.put(collector, protein, line)?;
        }
    }
    Ok(())
}

/// A term with its name: `ATP binding [GO:0005524]`.
fn put_named_term(
    line: u64,
    protein: &str,
    item: &str,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    let inside = item.strip_suffix(']');
    let (name, id) = inside
        .and_then(|item| item.rsplit_once('['))
        .ok_or_else(|| {
            AnnotError::record(line, format!("{item:?} of {protein} is no `name [GO:id]`"))
        })?;
    collector.put(&Observation {
        name: name.trim(),
        ..Observation::of_term(protein, id, "", line)
    })
}

fn put_feature(
    line: u64,
    protein: &str,
    item: &CellFeature<'_>,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    let (start, end) = match position::parse(item.position) {
        Some(Position::Known(start, end)) => (start, end),
        Some(Position::Uncertain) => {
            collector.count_dropped(DropReason::UncertainPosition);
            return Ok(());
        }
        Some(Position::OtherIsoform) => {
            collector.count_dropped(DropReason::Isoform);
            return Ok(());
        }
        None => {
            return Err(AnnotError::record(
                line,
                format!(
                    "{:?} is no position of {} in {protein}",
                    item.position, item.key
                ),
            ));
        }
    };
    let id = feature::concept_id(item.key, item.qualifier("note"), item.qualifier("ligand"));
    collector.put(&Observation {
        protein,
        kind: ConceptKind::Feature,
        id: &id,
        name: &feature::concept_name(item.key, &id, item.qualifier("ligand_id")),
        place: Place::of_feature(item.key, start, end),
        source: Source::UniProt,
        evidence: &eco_ids(item.qualifier("evidence")),
        line,
    })
}
