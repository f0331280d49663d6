//! An untrained autoencoder that is scored beside the model: what chance gives.

use super::{
    ranges::RangeScorer,
    reading::Pass,
    rows::{Collector, PartRows},
};
use crate::{Result, sae::Sae, score::range_metrics::RangeMetrics, split::partition::Partition};

/// Ranges of an untrained autoencoder.
pub(super) struct Control<'a> {
    sae: &'a Sae,
    collector: Collector<'a>,
    scorer: RangeScorer<'a>,
}

impl<'a> Control<'a> {
    pub(super) fn new(sae: &'a Sae, scorer: RangeScorer<'a>, split: Option<&'a Partition>) -> Self {
        let mut collector = Collector::new(sae, split, false, false);
        collector.with_residues = true;
        Self {
            sae,
            collector,
            scorer,
        }
    }

    /// Its way through the tables.
    pub(super) fn pass(&mut self) -> Pass<'a, '_> {
        let scorer = &mut self.scorer;
        let each = move |rows: &PartRows| scorer.protein(rows);
        Pass::new(self.sae, &mut self.collector, each)
    }

    /// The scores of a model with those of the control, by the same way to finish both.
    ///
    /// # Errors
    /// What `finish` returns.
    pub(super) fn beside(
        self,
        ranges: RangeMetrics,
        finish: impl FnOnce(RangeScorer<'a>, &[f32]) -> Result<RangeMetrics>,
    ) -> Result<RangeMetrics> {
        let control = finish(self.scorer, &self.sae.latent_max)?;
        Ok(ranges.beside(&control))
    }
}
