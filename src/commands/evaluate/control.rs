//! What a model's scores stand beside: latents of an untrained autoencoder, shuffled labels, the PLM's own neurons.

use super::{
    alignment::{Aligned, Aligner},
    held_out::{Counted, HeldOut, Known, Maxima, Relevances},
    ranges::RangeScorer,
    reading::{self, Model, Pass},
    rows::{Collector, PartRows},
};
use crate::{
    Result,
    cli::{Context, Source},
    commands::shared,
    sae::Sae,
    score::{
        metrics::{Control, ControlKind, LevelMeans},
        range_metrics::RangeMetrics,
    },
    split::partition::Partition,
};

/// Activations of neurons that are held at once: an upper bound of their memory.
const MOST_HITS: u64 = 1 << 25;

/// Which controls are asked for.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ControlChoice {
    /// Latents of an untrained autoencoder of the same size
    RandomSae,
    /// The model's latents, with labels shuffled among residues of the same amino acid, and among proteins
    ShuffledLabels,
    /// The PLM's neurons, each where it is positive and where it is negative; the tables are read again for them, as often
    /// as memory asks for, so they must be files
    PlmNeurons,
    /// No control
    None,
}

/// An untrained autoencoder on its way through the tables.
pub(super) struct RandomSae<'a> {
    sae: &'a Sae,
    collector: Collector<'a>,
    ranges: Option<RangeScorer<'a>>,
    held_out: Option<HeldOut<'a>>,
}

impl<'a> RandomSae<'a> {
    pub(super) fn new(
        sae: &'a Sae,
        ranges: Option<RangeScorer<'a>>,
        held_out: Option<HeldOut<'a>>,
        split: Option<&'a Partition>,
    ) -> Self {
        let mut collector = Collector::new(sae, split, false, false);
        collector.with_residues = true;
        Self {
            sae,
            collector,
            ranges,
            held_out,
        }
    }

    /// Its way through the tables.
    pub(super) fn pass(&mut self) -> Pass<'a, '_> {
        let (ranges, held_out) = (&mut self.ranges, &mut self.held_out);
        let each = move |rows: &PartRows| {
            if let Some(held_out) = held_out {
                held_out.protein(rows);
            }
            ranges.as_mut().map_or(Ok(()), |r| r.protein(rows))
        };
        Pass::new(self.sae, &mut self.collector, each)
    }

    /// Its ranges beside those of a model, where both are asked for, by the same way to finish both.
    ///
    /// # Errors
    /// What `finish` returns.
    pub(super) fn beside(
        &mut self,
        ranges: RangeMetrics,
        finish: impl FnOnce(RangeScorer<'a>, &[f32]) -> Result<RangeMetrics>,
    ) -> Result<RangeMetrics> {
        let Some(own) = self.ranges.take() else {
            return Ok(ranges);
        };
        Ok(ranges.beside(&finish(own, &self.sae.latent_max)?))
    }

    /// What its latents are worth for the concepts that count; none where this is not asked for.
    pub(super) fn means(&self, aligned: &Aligned) -> Option<LevelMeans> {
        let held_out = self.held_out.as_ref()?;
        let relevances = held_out.relevances(&aligned.counted, &|_, _| false);
        Some(relevances.means(&aligned.counted))
    }
}

/// What the model's latents are worth for labels that mean nothing.
pub(super) fn shuffled(mut aligner: Aligner<'_>, aligned: &Aligned, seed: u64) -> Control {
    aligner.held_out.shuffle_labels(seed);
    let relevances = aligner.held_out.relevances(&aligned.counted, &|_, _| false);
    Control {
        control: ControlKind::ShuffledLabels,
        means: relevances.means(&aligned.counted),
    }
}

/// The neurons of the PLM, as many at a time as memory allows.
pub(super) struct Neurons<'a> {
    pub(super) context: &'a Context,
    pub(super) inputs: &'a [Source],
    pub(super) model: Model<'a>,
    pub(super) known: Known<'a>,
    /// Residues that are held of each neuron.
    pub(super) residues: u64,
}

/// What neurons are worth for some concepts: that is no matter of the model.
pub(super) struct KnownNeurons {
    counted: Counted,
    control: Control,
}

impl Neurons<'_> {
    /// What neurons are worth for the concepts that count, unless this is known of another model.
    ///
    /// # Errors
    /// Where a table cannot be read again.
    pub(super) fn score(
        &self,
        aligned: &Aligned,
        known: &mut Option<KnownNeurons>,
    ) -> Result<Control> {
        if let Some(known) = known.as_ref().filter(|k| k.counted == aligned.counted) {
            return Ok(known.control.clone());
        }
        let control = self.compute(aligned)?;
        *known = Some(KnownNeurons {
            counted: aligned.counted.clone(),
            control: control.clone(),
        });
        Ok(control)
    }

    fn compute(&self, aligned: &Aligned) -> Result<Control> {
        let Model { sae, folder } = self.model;
        let Known { labels, split, .. } = self.known;
        let width = sae.config.shape.width;
        let at_once = (MOST_HITS / self.residues.max(1)).clamp(1, width as u64) as usize;
        let mut all = Relevances::default();
        for first in (0..width).step_by(at_once) {
            let model = sae.neurons(first..(first + at_once).min(width));
            let seek = Maxima::Choosing;
            let mut held_out = HeldOut::new(&model, labels, split.is_some(), seek);
            let mut collector = Collector::new(&model, split, false, false);
            let each = |rows: &PartRows| {
                held_out.protein(rows);
                Ok(())
            };
            let readers = shared::open_activations(self.context, self.inputs, sae, folder)?;
            reading::read(readers, vec![Pass::new(&model, &mut collector, each)])?;
            all = all.merge(held_out.relevances(&aligned.counted, &|_, _| false));
        }
        Ok(Control {
            control: ControlKind::PlmNeurons,
            means: all.means(&aligned.counted),
        })
    }
}
