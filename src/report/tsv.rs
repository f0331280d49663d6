//! A table of ranges, one line a range, with a header.

use super::{Catalogue, ProteinRanges, RangeWriter, number};
use std::io::{self, Write};

/// Columns of the table.
pub const COLUMNS: [&str; 9] = [
    "protein",
    "start",
    "end",
    "latent",
    "concept",
    "name",
    "score",
    "max_activation",
    "probability",
];

/// Writes tab-separated values.
pub struct TsvWriter<'a, W: Write> {
    out: csv::Writer<W>,
    catalogue: &'a Catalogue,
}

impl<'a, W: Write> TsvWriter<'a, W> {
    /// A writer of ranges of the latents of a catalogue.
    pub fn new(out: W, catalogue: &'a Catalogue) -> Self {
        let out = csv::WriterBuilder::new().delimiter(b'\t').from_writer(out);
        Self { out, catalogue }
    }
}

impl<W: Write> RangeWriter for TsvWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(self.out.write_record(COLUMNS)?)
    }

    fn protein(&mut self, protein: &ProteinRanges<'_>) -> io::Result<()> {
        for range in protein.ranges {
            let info = &self.catalogue.latents[range.latent as usize];
            self.out.write_record([
                protein.protein,
                &range.start.to_string(),
                &range.end.to_string(),
                &range.latent.to_string(),
                info.concept.as_deref().unwrap_or_default(),
                &info.name,
                &number(range.score),
                &number(range.max_activation),
                &range.probability.map(number).unwrap_or_default(),
            ])?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
