//! Kinds of annotation files, told by content.

use super::{collect::Collector, error::AnnotError, feature_table, gaf, interproscan, uniprot_tsv};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    io::{self, BufRead, Cursor, Read},
    str::FromStr,
};

/// Bytes that are looked at to tell a format.
const PEEKED: u64 = 1 << 16;

/// A kind of annotation file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// GO gene associations, GAF 2.0 to 2.2.
    Gaf,
    /// Features, separated by commas.
    FeatureCsv,
    /// Features, separated by tabs.
    FeatureTsv,
    /// `InterProScan`'s TSV.
    InterproscanTsv,
    /// `UniProt`'s TSV.
    UniprotTsv,
}

impl Format {
    /// All formats, in the order in which messages list them.
    pub const ALL: [Self; 5] = [
        Self::Gaf,
        Self::FeatureCsv,
        Self::FeatureTsv,
        Self::InterproscanTsv,
        Self::UniprotTsv,
    ];

    /// The word of the option.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gaf => "gaf",
            Self::FeatureCsv => "feature-csv",
            Self::FeatureTsv => "feature-tsv",
            Self::InterproscanTsv => "interproscan-tsv",
            Self::UniprotTsv => "uniprot-tsv",
        }
    }

    /// Tells the format of a text by its beginning; none where nothing but comments is there.
    ///
    /// # Errors
    /// [`AnnotError::UnknownFormat`].
    pub fn sniff(beginning: &[u8]) -> Result<Option<Self>, AnnotError> {
        let text = String::from_utf8_lossy(beginning);
        let text = text.trim_start_matches('\u{feff}');
        if text.starts_with("!gaf-version") {
            return Ok(Some(Self::Gaf));
        }
        let Some(line) = text
            .lines()
            .find(|line| !line.trim().is_empty() && !line.starts_with('!'))
        else {
            return Ok(None);
        };
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        let has = |name: &str| fields.iter().any(|f| f.eq_ignore_ascii_case(name));
        let format = if gaf::COLUMNS.contains(&fields.len())
            && gaf::is_curie(fields[4])
            && !interproscan::is_md5(fields[1])
        {
            Self::Gaf
        } else if interproscan::COLUMNS.contains(&fields.len()) && interproscan::is_md5(fields[1]) {
            Self::InterproscanTsv
        } else if uniprot_tsv::ENTRY.iter().any(|name| fields.contains(name))
            && !has(feature_table::FEATURE)
        {
            Self::UniprotTsv
        } else if has(feature_table::FEATURE) && has(feature_table::START) {
            Self::FeatureTsv
        } else if line.split(',').any(|f| {
            f.trim()
                .trim_matches('"')
                .eq_ignore_ascii_case(feature_table::FEATURE)
        }) {
            Self::FeatureCsv
        } else {
            return Err(AnnotError::UnknownFormat {
                seen: format!("{:?}", line.chars().take(60).collect::<String>()),
            });
        };
        Ok(Some(format))
    }
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
    let reader = io::BufReader::with_capacity(1 << 16, Cursor::new(beginning).chain(reader));
    collector.begin(name, format.map_or("empty", Format::as_str));
    match format {
        None => {}
        Some(Format::Gaf) => gaf::read(reader, collector)?,
        Some(Format::FeatureCsv) => feature_table::read(reader, b',', collector)?,
        Some(Format::FeatureTsv) => feature_table::read(reader, b'\t', collector)?,
        Some(Format::InterproscanTsv) => interproscan::read(reader, collector)?,
        Some(Format::UniprotTsv) => uniprot_tsv::read(reader, collector)?,
    }
    collector.end();
    Ok(format)
}
