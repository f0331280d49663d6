//! bedGraph: the calibrated probability of concepts along proteins, one track for each concept that has ranges in a
//! protein. 0-based half-open; runs of one value are one line.

use super::{Catalogue, ProteinRanges, RangeWriter, Track, field, number};
use std::io::{self, Write};

/// Writes bedGraph.
pub struct BedGraphWriter<'a, W: Write> {
    out: W,
    catalogue: &'a Catalogue,
}

impl<'a, W: Write> BedGraphWriter<'a, W> {
    /// A writer of the concepts of a catalogue.
    pub fn new(out: W, catalogue: &'a Catalogue) -> Self {
        Self { out, catalogue }
    }

    fn track(&mut self, protein: &str, track: &Track) -> io::Result<()> {
        let info = &self.catalogue.latents[track.entry as usize];
        let concept = info.concept.as_deref().unwrap_or(&info.name);
        // the name is quoted, and has no way to say a quotation mark
        let text = |text: &str| field(text).replace('"', "'");
        writeln!(
            self.out,
            "track type=bedGraph name=\"{} {}\" description=\"{}\"",
            text(protein),
            text(concept),
            text(&info.name)
        )?;
        let shown: Vec<(u32, String)> = (track.values.iter())
            .map(|&(position, value)| (position, number(value)))
            .collect();
        for run in shown.chunk_by(|a, b| a.0 + 1 == b.0 && a.1 == b.1) {
            let (start, end) = (run[0].0 - 1, run[run.len() - 1].0);
            writeln!(self.out, "{}\t{start}\t{end}\t{}", field(protein), run[0].1)?;
        }
        Ok(())
    }
}

impl<W: Write> RangeWriter for BedGraphWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn protein(&mut self, protein: &ProteinRanges<'_>) -> io::Result<()> {
        protein
            .tracks
            .iter()
            .try_for_each(|track| self.track(protein.protein, track))
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::LatentInfo;

    #[test]
    fn a_track_has_its_name_and_runs_of_equal_values() {
        let mut info = LatentInfo::unnamed(0, 1.0);
        info.set_concept("HELIX", crate::annot::concept::ConceptKind::Feature);
        let catalogue = Catalogue {
            latents: vec![info],
        };
        let mut out = Vec::new();
        let protein = ProteinRanges {
            protein: "P1",
            length: 9,
            ranges: &[],
            tracks: &[Track {
                entry: 0,
                values: vec![(2, 0.5), (3, 0.5), (4, 0.25), (7, 0.25)],
            }],
        };
        BedGraphWriter::new(&mut out, &catalogue)
            .protein(&protein)
            .unwrap();
        let expected = "track type=bedGraph name=\"P1 HELIX\" description=\"latent 0\"\n\
            P1\t1\t3\t0.5\nP1\t3\t4\t0.25\nP1\t6\t7\t0.25\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
