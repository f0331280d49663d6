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

/// A format of files, whose writer `W` makes; what is told apart by `T` beside is only of some formats.
#[derive(Clone, Copy, Debug)]
pub struct Format<W, T = ()> {
    /// Its name, for options.
    pub name: &'static str,
    /// Suffixes of file names that ask for it, without the dot.
    pub suffixes: &'static [&'static str],
    /// What its records are of.
    pub level: Level,
    /// Where it is compressed.
    pub packing: Packing,
    /// What else is known of it.
    pub traits: T,
    /// Makes its writer.
    pub writer: W,
}

/// Makes the writer of a format of ranges.
pub type MakeWriter =
    for<'a> fn(&'a mut (dyn Write + Send), &'a Catalogue) -> Box<dyn RangeWriter + 'a>;

/// A format of ranges.
pub type RangeFormat = Format<MakeWriter>;

/// All formats.
pub const FORMATS: [RangeFormat; 6] = [
    RangeFormat {
        name: "gff3",
        suffixes: &["gff3", "gff"],
        level: Level::Residues,
        packing: Packing::BySuffix,
        traits: (),
        writer: |out, catalogue| Box::new(Gff3Writer::new(out, catalogue)),
    },
    RangeFormat {
        name: "bed",
        suffixes: &["bed"],
        level: Level::Residues,
        packing: Packing::BySuffix,
        traits: (),
        writer: |out, catalogue| Box::new(BedWriter::new(out, catalogue)),
    },
    RangeFormat {
        name: "tsv",
        suffixes: &["tsv", "txt"],
        level: Level::Residues,
        packing: Packing::BySuffix,
        traits: (),
        writer: |out, catalogue| Box::new(TsvWriter::new(out, catalogue)),
    },
    RangeFormat {
        name: "json",
        suffixes: &["json"],
        level: Level::Residues,
        packing: Packing::BySuffix,
        traits: (),
        writer: |out, catalogue| Box::new(JsonWriter::new(out, catalogue)),
    },
    RangeFormat {
        name: "parquet",
        suffixes: &["parquet"],
        level: Level::Residues,
        packing: Packing::Within,
        traits: (),
        writer: |out, catalogue| Box::new(ParquetWriter::new(out, catalogue)),
    },
    RangeFormat {
        name: "bedgraph",
        suffixes: &["bedgraph", "bg"],
        level: Level::Tracks,
        packing: Packing::BySuffix,
        traits: (),
        writer: |out, catalogue| Box::new(BedGraphWriter::new(out, catalogue)),
    },
];

/// The format of a name.
#[must_use]
pub fn by_name<W: Copy, T: Copy>(formats: &[Format<W, T>], name: &str) -> Option<Format<W, T>> {
    formats.iter().find(|format| format.name == name).copied()
}

/// The format that a file name asks for, which has no suffix of a compression any more.
#[must_use]
pub fn by_file_name<W: Copy, T: Copy>(
    formats: &[Format<W, T>],
    name: &str,
) -> Option<Format<W, T>> {
    let (_, suffix) = name.rsplit_once('.')?;
    let asked = formats.iter().find(|f| f.suffixes.contains(&suffix));
    asked.copied()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Demands that each name and each suffix is of one format.
    pub(in crate::report) fn are_told_apart<W: Copy, T: Copy>(formats: &[Format<W, T>]) {
        let mut names: Vec<&str> = formats.iter().map(|f| f.name).collect();
        let mut suffixes: Vec<&str> = formats.iter().flat_map(|f| f.suffixes).copied().collect();
        let count = (names.len(), suffixes.len());
        names.sort_unstable();
        names.dedup();
        suffixes.sort_unstable();
        suffixes.dedup();
        assert_eq!((names.len(), suffixes.len()), count);
        assert!(names.iter().all(|name| by_name(formats, name).is_some()));
    }

    #[test]
    fn names_and_suffixes_are_of_one_format_each() {
        are_told_apart(&FORMATS);
        let name = |file: &str| by_file_name(&FORMATS, file).map(|format| format.name);
        assert_eq!(name("a.b.gff"), Some("gff3"));
        assert_eq!((name("gff3"), name("a.x")), (None, None));
    }
}
