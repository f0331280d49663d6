//! The one table of the formats that ranges are written in: a format is added by a module and a line here.

use super::{
    Catalogue, RangeWriter, bed::BedWriter, bedgraph::BedGraphWriter, gff3::Gff3Writer,
    json::JsonWriter, parquet::ParquetWriter, tsv::TsvWriter,
};
use std::io::Write;

/// What the records of a format are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Ranges of residues.
    Residues,
    /// Whole proteins ([`super::calls::FORMATS`]).
    Proteins,
    /// Each residue of a protein that has ranges: calibrated probabilities are needed.
    Tracks,
}

/// Where a format is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// From outside, where the output's suffix asks for it.
    BySuffix,
    /// Within the format, so that no suffix may ask for more.
    Within,
}

/// Makes the writer of a format.
pub type MakeWriter =
    for<'a> fn(&'a mut (dyn Write + Send), &'a Catalogue) -> Box<dyn RangeWriter + 'a>;

/// A format of ranges.
#[derive(Clone, Copy, Debug)]
pub struct RangeFormat {
    /// Its name, for options.
    pub name: &'static str,
    /// Suffixes of file names that ask for it, without the dot.
    pub suffixes: &'static [&'static str],
    /// What its records are of.
    pub level: Level,
    /// Where it is compressed.
    pub packing: Packing,
    /// Makes its writer.
    pub writer: MakeWriter,
}

/// All formats.
pub const FORMATS: [RangeFormat; 6] = [
    RangeFormat {
        name: "gff3",
        suffixes: &["gff3", "gff"],
        level: Level::Residues,
        packing: Packing::BySuffix,
        writer: |out, catalogue| Box::new(Gff3Writer::new(out, catalogue)),
    },
    RangeFormat {
        name: "bed",
        suffixes: &["bed"],
        level: Level::Residues,
        packing: Packing::BySuffix,
        writer: |out, catalogue| Box::new(BedWriter::new(out, catalogue)),
    },
    RangeFormat {
        name: "tsv",
        suffixes: &["tsv", "txt"],
        level: Level::Residues,
        packing: Packing::BySuffix,
        writer: |out, catalogue| Box::new(TsvWriter::new(out, catalogue)),
    },
    RangeFormat {
        name: "json",
        suffixes: &["json"],
        level: Level::Residues,
        packing: Packing::BySuffix,
        writer: |out, catalogue| Box::new(JsonWriter::new(out, catalogue)),
    },
    RangeFormat {
        name: "parquet",
        suffixes: &["parquet"],
        level: Level::Residues,
        packing: Packing::Within,
        writer: |out, catalogue| Box::new(ParquetWriter::new(out, catalogue)),
    },
    RangeFormat {
        name: "bedgraph",
        suffixes: &["bedgraph", "bg"],
        level: Level::Tracks,
        packing: Packing::BySuffix,
        writer: |out, catalogue| Box::new(BedGraphWriter::new(out, catalogue)),
    },
];

/// The format of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<RangeFormat> {
    FORMATS.into_iter().find(|format| format.name == name)
}

/// The format that a file name asks for, which has no suffix of a compression any more.
#[must_use]
pub fn by_file_name(name: &str) -> Option<RangeFormat> {
    let (_, suffix) = name.rsplit_once('.')?;
    FORMATS
        .into_iter()
        .find(|format| format.suffixes.contains(&suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_suffixes_are_of_one_format_each() {
        let mut names: Vec<&str> = FORMATS.iter().map(|f| f.name).collect();
        let mut suffixes: Vec<&str> = FORMATS.iter().flat_map(|f| f.suffixes).copied().collect();
        let count = (names.len(), suffixes.len());
        names.sort_unstable();
        names.dedup();
        suffixes.sort_unstable();
        suffixes.dedup();
        assert_eq!((names.len(), suffixes.len()), count);
        assert!(names.iter().all(|name| by_name(name).is_some()));
        assert_eq!(by_file_name("a.b.gff").unwrap().name, "gff3");
        assert!(by_file_name("gff3").is_none() && by_file_name("a.x").is_none());
    }
}
