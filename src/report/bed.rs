//! BED6, through rust-bio: 0-based half-open ranges, scores from 0 to 1000.

use super::{Catalogue, ProteinRanges, RangeWriter};
use bio::io::bed;
use std::io::{self, Write};

/// Writes BED.
pub struct BedWriter<'a, W: Write> {
    out: bed::Writer<W>,
    catalogue: &'a Catalogue,
}

impl<'a, W: Write> BedWriter<'a, W> {
    /// A writer of ranges of the latents of a catalogue.
    pub fn new(out: W, catalogue: &'a Catalogue) -> Self {
        Self {
            out: bed::Writer::new(out),
            catalogue,
        }
    }
}

impl<W: Write> RangeWriter for BedWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn protein(&mut self, protein: &ProteinRanges<'_>) -> io::Result<()> {
        for range in protein.ranges {
            let info = &self.catalogue.latents[range.latent as usize];
            let mut record = bed::Record::new();
            record.set_chrom(protein.protein);
            record.set_start(u64::from(range.start) - 1);
            record.set_end(u64::from(range.end));
            record.set_name(&info.name);
            record.set_score(&format!("{:.0}", range.score.clamp(0.0, 1.0) * 1000.0));
            record.push_aux(".");
            self.out.write(&record).map_err(io::Error::other)?;
        }
        Ok(())
    }
}
