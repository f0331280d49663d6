//! Kinds of annotation files, told by content.

use super::{
    collect::Collector,
    error::AnnotError,
    feature_table,
    gff::{self, Flavour},
    go::{gaf, gpad},
    identifiers::{is_curie, is_entry},
    interpro::{interproscan, interproscan_json, interproscan_xml, protein2ipr},
    lines::is_directive,
    uniprot::{uniprot_flat, uniprot_tsv, uniprot_xml},
    xml,
};
use crate::seq::{checksum, lines::BYTE_ORDER_MARK};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    io::{BufRead, Cursor, Read},
    str::FromStr,
};

/// Bytes that are looked at to tell a format.
const PEEKED: u64 = 1 << 16;

/// A key of `UniProt`'s JSON, which is not read.
const UNIPROT_JSON: &str = "\"primaryAccession\"";

/// A kind of annotation file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// GO gene associations, GAF 2.0 to 2.2.
    Gaf,
    /// GO associations, GPAD 1.1 to 2.0.
    Gpad,
    /// Features, separated by commas.
    FeatureCsv,
    /// Features, separated by tabs.
    FeatureTsv,
    /// `UniProt`'s flat file.
    UniprotDat,
    /// `UniProt`'s XML.
    UniprotXml,
    /// `UniProt`'s TSV.
    UniprotTsv,
    /// `UniProt`'s GFF.
    UniprotGff,
    /// `InterProScan`'s TSV.
    InterproscanTsv,
    /// `InterProScan`'s GFF3.
    InterproscanGff,
    /// `InterProScan`'s JSON.
    InterproscanJson,
    /// `InterProScan`'s XML.
    InterproscanXml,
    /// `InterPro`'s matches of `UniProt`.
    Protein2ipr,
}

impl Format {
    /// All formats, in the order in which messages list them.
    pub const ALL: [Self; 13] = [
        Self::Gaf,
        Self::Gpad,
        Self::FeatureCsv,
        Self::FeatureTsv,
        Self::UniprotDat,
        Self::UniprotXml,
        Self::UniprotTsv,
        Self::UniprotGff,
        Self::InterproscanTsv,
        Self::InterproscanGff,
        Self::InterproscanJson,
        Self::InterproscanXml,
        Self::Protein2ipr,
    ];

    /// The word of the option.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gaf => "gaf",
            Self::Gpad => "gpad",
            Self::FeatureCsv => "feature-csv",
            Self::FeatureTsv => "feature-tsv",
            Self::UniprotDat => "uniprot-dat",
            Self::UniprotXml => "uniprot-xml",
            Self::UniprotTsv => "uniprot-tsv",
            Self::UniprotGff => "uniprot-gff",
            Self::InterproscanTsv => "interproscan-tsv",
            Self::InterproscanGff => "interproscan-gff",
            Self::InterproscanJson => "interproscan-json",
            Self::InterproscanXml => "interproscan-xml",
            Self::Protein2ipr => "protein2ipr",
        }
    }

    /// Tells the format of a text by its beginning; none where nothing but comments is there.
    ///
    /// # Errors
    /// [`AnnotError::UnknownFormat`].
    pub fn sniff(beginning: &[u8]) -> Result<Option<Self>, AnnotError> {
        let text = String::from_utf8_lossy(beginning);
        let text = text.trim_start_matches(BYTE_ORDER_MARK);
        if let Some(format) = Self::of_first_line(text) {
            return Ok(Some(format));
        }
        let Some(line) = text
            .lines()
            .find(|line| !line.trim().is_empty() && !line.starts_with('!'))
        else {
            return Ok(None);
        };
        Self::of_row(line)
            .map(Some)
            .ok_or_else(|| AnnotError::UnknownFormat {
                seen: format!("{:?}", line.chars().take(60).collect::<String>()),
            })
    }

    /// Formats that say what they are.
    fn of_first_line(text: &str) -> Option<Self> {
        let text = text.trim_start();
        let first = text.lines().next().unwrap_or_default();
        let xml = |roots: [&str; 2]| xml::root(text).is_some_and(|root| roots.contains(&root));
        if is_directive(first, "!gaf-version") {
            Some(Self::Gaf)
        } else if is_directive(first, "!gpa-version") || is_directive(first, "!gpad-version") {
            Some(Self::Gpad)
        } else if text.starts_with(uniprot_flat::FIRST) {
            Some(Self::UniprotDat)
        } else if is_directive(first, gff::FIRST) {
            Flavour::of(text).map(|flavour| match flavour {
                Flavour::UniProt => Self::UniprotGff,
                Flavour::InterProScan => Self::InterproscanGff,
            })
        } else if text.starts_with('{') && !text.contains(UNIPROT_JSON) {
            Some(Self::InterproscanJson)
        } else if xml(["protein-matches", "nucleotide-sequence-matches"]) {
            Some(Self::InterproscanXml)
        } else if xml(["uniprot", "mzLibProteinDb"]) {
            Some(Self::UniprotXml)
        } else {
            None
        }
    }

    /// Formats that are told by the columns of their first row.
    fn of_row(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        let columns = fields.len();
        let has = |name: &str| fields.iter().any(|f| f.eq_ignore_ascii_case(name));
        if interproscan::COLUMNS.contains(&columns) && is_md5(fields[1]) {
            Some(Self::InterproscanTsv)
        } else if gaf::COLUMNS.contains(&columns) && is_curie(fields[4]) {
            Some(Self::Gaf)
        } else if gpad::COLUMNS.contains(&columns)
            && is_curie(fields[3])
            && fields[5].starts_with("ECO:")
        {
            Some(Self::Gpad)
        } else if (9..=10).contains(&columns) && fields[1] == gff::UNIPROT_SOURCE {
            Some(Self::UniprotGff)
        } else if columns == protein2ipr::COLUMNS && is_entry(fields[1]) {
            Some(Self::Protein2ipr)
        } else if uniprot_tsv::ENTRY.iter().any(|name| fields.contains(name))
            && !has(feature_table::FEATURE)
        {
            Some(Self::UniprotTsv)
        } else if has(feature_table::FEATURE) && has(feature_table::START) {
            Some(Self::FeatureTsv)
        } else {
            let mut cells = line.split(',').map(|f| f.trim().trim_matches('"'));
            cells
                .any(|f| f.eq_ignore_ascii_case(feature_table::FEATURE))
                .then_some(Self::FeatureCsv)
        }
    }
}

fn is_md5(text: &str) -> bool {
    checksum::parse_md5(text).is_some()
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = AnnotError;

    fn from_str(text: &str) -> Result<Self, AnnotError> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| AnnotError::Option {
                value: text.to_owned(),
                what: "annotation format",
                known: Self::ALL.map(Self::as_str).join(", "),
            })
    }
}

/// Reads annotations of a given format, or of the one that the content shows; returns it.
///
/// # Errors
/// Those of the formats, and [`AnnotError::UnknownFormat`].
pub fn read(
    mut reader: impl BufRead,
    format: Option<Format>,
    name: &str,
    collector: &mut Collector,
) -> Result<Option<Format>, AnnotError> {
    let mut beginning = Vec::new();
    (&mut reader).take(PEEKED).read_to_end(&mut beginning)?;
    let format = match format {
        Some(format) => Some(format),
        None => Format::sniff(&beginning)?,
    };
    if beginning.starts_with(BYTE_ORDER_MARK.as_bytes()) {
        beginning.drain(..BYTE_ORDER_MARK.len());
    }
    let reader = Cursor::new(beginning).chain(reader);
    collector.begin(name, format.map_or("empty", Format::as_str));
    match format {
        None => {}
        Some(Format::Gaf) => gaf::read(reader, collector)?,
        Some(Format::Gpad) => gpad::read(reader, collector)?,
        Some(Format::FeatureCsv) => feature_table::read(reader, b',', collector)?,
        Some(Format::FeatureTsv) => feature_table::read(reader, b'\t', collector)?,
        Some(Format::UniprotDat) => uniprot_flat::read(reader, collector)?,
        Some(Format::UniprotXml) => uniprot_xml::read(reader, collector)?,
        Some(Format::UniprotTsv) => uniprot_tsv::read(reader, collector)?,
        Some(Format::UniprotGff) => gff::read(reader, Flavour::UniProt, collector)?,
        Some(Format::InterproscanTsv) => interproscan::read(reader, collector)?,
        Some(Format::InterproscanGff) => gff::read(reader, Flavour::InterProScan, collector)?,
        Some(Format::InterproscanJson) => interproscan_json::read(reader, collector)?,
        Some(Format::InterproscanXml) => interproscan_xml::read(reader, collector)?,
        Some(Format::Protein2ipr) => protein2ipr::read(reader, collector)?,
    }
    collector.end();
    Ok(format)
}
