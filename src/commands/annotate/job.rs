//! Tables of features, protein by protein, to a writer of ranges.

use crate::{
    Error, Result,
    cli::{Source, progress::Progress},
    commands::{decoding::Decoding, missing::Missing, shared::WholeProteins},
    report::{FeatureRange, ProteinRanges, RangeFinder, RangeWriter, Track},
    table::{
        TableError,
        features::{FeatureBatch, FeatureReader},
        schema,
    },
};

/// What was written.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) proteins: u64,
    pub(super) residues: u64,
    pub(super) ranges: u64,
}

/// How ranges are found.
pub(super) enum Finder {
    /// Runs of activations, or of the model's probabilities.
    Runs(RangeFinder),
    /// Each concept's own way, from calibrated probabilities.
    Decoding(Decoding),
}

/// The work on all inputs.
pub(super) struct Job<'a, 'b> {
    finder: Finder,
    /// What labels have is left out, where they are given.
    missing: Option<&'a mut Missing<'b>>,
    writer: &'a mut dyn RangeWriter,
    whole: WholeProteins,
    ranges: Vec<FeatureRange>,
    tracks: Vec<Track>,
    /// Position of the protein's last residue so far; 0: no protein has begun.
    length: u32,
    counts: Counts,
}

impl<'a, 'b> Job<'a, 'b> {
    pub(super) fn new(
        finder: Finder,
        missing: Option<&'a mut Missing<'b>>,
        writer: &'a mut dyn RangeWriter,
    ) -> Self {
        Self {
            finder,
            missing,
            writer,
            whole: WholeProteins::default(),
            ranges: Vec::new(),
            tracks: Vec::new(),
            length: 0,
            counts: Counts::default(),
        }
    }

    /// Reads all inputs and writes their ranges.
    pub(super) fn run(mut self, readers: Vec<(&Source, FeatureReader)>) -> Result<Counts> {
        let total = readers.iter().map(|(_, r)| r.rows().ok().flatten()).sum();
        let mut progress = Progress::new("residues", total);
        self.writer.begin()?;
        for (source, reader) in readers {
            for batch in reader {
                let batch = batch.map_err(source.in_input())?;
                self.batch(&batch, source)?;
                progress.add(batch.rows() as u64);
            }
            self.end_protein()?;
            self.whole.end_of_table();
        }
        progress.finish();
        self.writer.end()?;
        Ok(self.counts)
    }

    fn batch(&mut self, batch: &FeatureBatch, source: &Source) -> Result<()> {
        let columns = batch.columns().map_err(source.in_input())?;
        let (listed, known, what) = match &self.finder {
            Finder::Runs(finder) => {
                let listed = [&columns.latent.values, &columns.concept.values];
                (listed.to_vec(), finder.latents(), "latent")
            }
            Finder::Decoding(decoding) => (
                vec![&columns.concept.values],
                decoding.concepts(),
                "concept",
            ),
        };
        let mut listed = listed.into_iter().flat_map(|v| v.iter());
        if let Some(bad) = listed.find(|&&k| k as usize >= known) {
            return Err(Error::mismatch(format!(
                "{source} names {what} {bad}, the model or dictionary has {known}"
            )));
        }
        for run in batch.runs() {
            let protein = batch.protein(run.start);
            if self.whole.current != protein || self.length == 0 {
                self.end_protein()?;
            }
            self.whole.next(protein).map_err(source.in_input())?;
            for row in run {
                let position = columns.position[row];
                if position != self.length + 1 {
                    return Err(TableError::Value {
                        column: schema::POSITION,
                        row,
                        problem: format!(
                            "residue {position} of protein '{protein}' follows residue {}; proteins must be whole",
                            self.length
                        ),
                    })
                    .map_err(source.in_input());
                }
                self.length = position;
                let (concepts, probabilities) =
                    (columns.concept.row(row), columns.probability.row(row));
                match &mut self.finder {
                    Finder::Runs(finder) => finder.residue(
                        position,
                        columns.latent.row(row),
                        columns.activation.row(row),
                        concepts,
                        probabilities,
                    ),
                    Finder::Decoding(decoding) => {
                        decoding.residue(position, concepts, probabilities);
                    }
                }
            }
        }
        Ok(())
    }

    fn end_protein(&mut self) -> Result<()> {
        if self.length == 0 {
            return Ok(());
        }
        let length = std::mem::take(&mut self.length);
        self.counts.ranges += match &mut self.finder {
            Finder::Runs(finder) => {
                finder.finish(&mut self.ranges);
                self.ranges.len() as u64
            }
            Finder::Decoding(decoding) => {
                decoding.finish(length, &mut self.ranges, &mut self.tracks)
            }
        };
        if let Some(missing) = &mut self.missing {
            let (ranges, tracks) = (&mut self.ranges, &mut self.tracks);
            self.counts.ranges -= missing.retain(&self.whole.current, ranges, tracks);
        }
        self.counts.proteins += 1;
        self.counts.residues += u64::from(length);
        let protein = ProteinRanges {
            protein: &self.whole.current,
            length,
            ranges: &self.ranges,
            tracks: &self.tracks,
        };
        Ok(self.writer.protein(&protein)?)
    }
}
