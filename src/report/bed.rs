//! BED6, of rust-bio's records: 0-based half-open ranges, scores from 0 to 1000.
//!
//! Lines are written here: rust-bio's writer quotes fields as CSV does, and BED has no quoting.

use super::{Catalogue, ProteinRanges, RangeWriter, field};
use bio::io::bed;
use std::io::{self, Write};

/// What stands for a field without a value.
const NONE: &str = ".";

/// Writes BED.
pub struct BedWriter<'a, W: Write> {
    out: W,
    catalogue: &'a Catalogue,
}

impl<'a, W: Write> BedWriter<'a, W> {
    /// A writer of ranges of the latents of a catalogue.
    pub fn new(out: W, catalogue: &'a Catalogue) -> Self {
        Self { out, catalogue }
    }

    fn write(&mut self, record: &bed::Record) -> io::Result<()> {
        let text = |value: Option<&str>| value.filter(|v| !v.is_empty()).unwrap_or(NONE).to_owned();
        let (name, score) = (text(record.name()), text(record.score()));
        // proteins have no strand
        writeln!(
            self.out,
            "{}\t{}\t{}\t{}\t{score}\t{NONE}",
            field(record.chrom()),
            record.start(),
            record.end(),
            field(&name),
        )
    }
}

impl<W: Write> RangeWriter for BedWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn protein(&mut self, protein: &ProteinRanges<'_>) -> io::Result<()> {
        for range in protein.ranges {
            let info = &self.catalogue.latents[range.entry as usize];
            let mut record = bed::Record::new();
            record.set_chrom(protein.protein);
            record.set_start(u64::from(range.start) - 1);
            record.set_end(u64::from(range.end));
            record.set_name(&info.name);
            record.set_score(&format!("{:.0}", range.score.clamp(0.0, 1.0) * 1000.0));
            self.write(&record)?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{FeatureRange, LatentInfo};

    fn line(protein: &str, name: &str) -> String {
        let mut info = LatentInfo::unnamed(0, 1.0);
        info.name = name.into();
        let catalogue = Catalogue {
            latents: vec![info],
        };
        let range = FeatureRange {
            start: 10,
            end: 42,
            whole: [10, 42],
            score: 0.93,
            ..FeatureRange::default()
        };
        let mut out = Vec::new();
        let ranges = ProteinRanges {
            protein,
            length: 99,
            ranges: &[range],
            tracks: &[],
        };
        let mut writer = BedWriter::new(&mut out, &catalogue);
        writer.protein(&ranges).unwrap();
        writer.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_stand_unquoted_in_their_fields() {
        assert_eq!(
            line("P12345", "Motif: \"HIGH\" region, 1"),
            "P12345\t9\t42\tMotif: \"HIGH\" region, 1\t930\t.\n"
        );
        assert_eq!(
            line("a\"b", "two\tfields\nand lines"),
            "a\"b\t9\t42\ttwo fields and lines\t930\t.\n"
        );
        assert_eq!(line("P1", ""), "P1\t9\t42\t.\t930\t.\n");
    }
}
