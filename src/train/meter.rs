//! What is reported of training: lines of `log.jsonl` and the numbers of `summary.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    backend::Trainer,
    cpu::{block::Sums, step_buffers::StepLosses},
    data::batch::Batch,
    loss::axioms::{FORM_NAMES, FORMS},
};
use crate::{sae::error::SaeError, wide};

/// A latent that is active on more than this share of rows is dense.
pub(crate) const DENSE: f64 = 0.1;

/// Fidelity and use of latents, over some rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Measures {
    /// Rows.
    pub rows: u64,
    /// Mean squared error per row, in the model's units.
    pub l_rec: f64,
    /// Mean weighted cross-entropy per row and concept; none without concepts or annotated rows.
    pub l_annot: Option<f64>,
    /// Squared error over squared distance to the mean; none where all rows are equal.
    pub fvu: Option<f64>,
    /// Active latents per row.
    pub l0: f64,
    /// Latents that were never active.
    pub dead: u64,
    /// Latents that were active on more than a tenth of the rows.
    pub dense: u64,
    /// Share of pairs of row and concept with a probability above one half in which the concept's
    /// latent is active; none where there is no such pair.
    pub participation: Option<f64>,
    /// Mean share of the reconstruction's length that defined latents carry.
    pub defined_share: f64,
}

/// A line of `log.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum LogLine {
    /// Means since the line before.
    Step(StepLine),
    /// The end of an epoch.
    Epoch(EpochLine),
}

/// Means over the steps since the line before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct StepLine {
    /// Steps so far.
    pub step: u64,
    /// Epoch, from 1.
    pub epoch: u32,
    /// Learning rate of the last step.
    pub lr: f64,
    /// What is minimised.
    pub loss: f64,
    /// Mean of the variant's own loss.
    pub l_penalty: f64,
    /// Mean of the axiom loss, unweighted.
    pub l_axiom: f64,
    /// Its part from NF1.
    pub l_nf1: f64,
    /// Its part from NF2.
    pub l_nf2: f64,
    /// Its part from NF3.
    pub l_nf3: f64,
    /// Its part from NF4.
    pub l_nf4: f64,
    /// Its part from disjointness.
    pub l_disjoint: f64,
    /// Mean of the implication loss per row and concept, unweighted.
    pub l_implication: f64,
    /// Share of the hinges of NF1 that are active.
    pub active_nf1: f64,
    /// Share of the hinges of NF2 that are active.
    pub active_nf2: f64,
    /// Share of the hinges of NF3 that are active.
    pub active_nf3: f64,
    /// Share of the hinges of NF4 that are active.
    pub active_nf4: f64,
    /// Share of the hinges of disjointness that are active.
    pub active_disjoint: f64,
    /// The other losses, and use of latents.
    #[serde(flatten)]
    pub train: Measures,
}

/// The end of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EpochLine {
    /// Epoch, from 1.
    pub epoch: u32,
    /// Steps so far.
    pub step: u64,
    /// Over the epoch's steps, as they were when they were made.
    pub train: Measures,
    /// Over the validation rows, with the model as it is now.
    pub valid: Option<Measures>,
    /// Whether this is the best model so far.
    pub selected: bool,
}

/// Sums over steps. Checkpoints hold them: what a resumed run says of its rows covers those before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunningMeasures {
    steps: u64,
    rows: u64,
    annotated: u64,
    loss: f64,
    axiom: f64,
    forms: [f64; FORMS],
    active_hinges: [f64; FORMS],
    implication: f64,
    annot: f64,
    sums: Sums,
    counts: Vec<u64>,
}

impl RunningMeasures {
    /// Nothing yet, for so many latents.
    #[must_use]
    pub(crate) fn new(latents: usize) -> Self {
        Self {
            steps: 0,
            rows: 0,
            annotated: 0,
            loss: 0.0,
            axiom: 0.0,
            forms: [0.0; FORMS],
            active_hinges: [0.0; FORMS],
            implication: 0.0,
            annot: 0.0,
            sums: Sums::default(),
            counts: vec![0; latents],
        }
    }

    /// Latents that it counts.
    #[must_use]
    pub(crate) fn latents(&self) -> usize {
        self.counts.len()
    }

    /// Forgets all.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.counts.len());
    }

    /// Adds a step, and in how many of its rows each latent was active.
    pub(crate) fn add(&mut self, losses: &StepLosses, activity: &[u32]) {
        self.steps += 1;
        self.rows += losses.rows as u64;
        self.annotated += losses.annotated as u64;
        self.loss += losses.total;
        self.axiom += losses.axiom;
        for (sum, form) in self.forms.iter_mut().zip(losses.forms) {
            *sum += form;
        }
        for (sum, share) in self.active_hinges.iter_mut().zip(losses.active_hinges) {
            *sum += share;
        }
        self.implication += losses.implication;
        self.annot += losses.annot * losses.annotated as f64;
        self.sums.add(&losses.sums);
        for (count, &active) in self.counts.iter_mut().zip(activity) {
            *count += u64::from(active);
        }
    }

    /// The measures; `variance` is the mean squared distance of rows to their mean, `defined` the
    /// number of concepts.
    #[must_use]
    pub(crate) fn measures(&self, variance: f64, defined: usize) -> Measures {
        let rows = self.rows.max(1) as f64;
        let l_rec = self.sums.rec / rows;
        let dense = DENSE * self.rows as f64;
        let annotated = defined > 0 && self.annotated > 0;
        Measures {
            rows: self.rows,
            l_rec,
            l_annot: annotated.then(|| self.annot / self.annotated as f64),
            fvu: (variance > 0.0).then(|| l_rec / variance),
            l0: self.sums.active as f64 / rows,
            dead: self.counts.iter().filter(|&&c| c == 0).count() as u64,
            dense: self.counts.iter().filter(|&&c| c as f64 > dense).count() as u64,
            participation: (self.sums.predicted > 0)
                .then(|| self.sums.participating as f64 / self.sums.predicted as f64),
            defined_share: self.sums.defined_share / rows,
        }
    }

    /// A line of the log.
    #[must_use]
    pub(crate) fn line(&self, step: u64, epoch: u32, lr: f64, train: Measures) -> StepLine {
        let steps = self.steps.max(1) as f64;
        debug_assert_eq!(FORM_NAMES[4], "disjoint");
        let [l_nf1, l_nf2, l_nf3, l_nf4, l_disjoint] = self.forms.map(|f| f / steps);
        let [
            active_nf1,
            active_nf2,
            active_nf3,
            active_nf4,
            active_disjoint,
        ] = self.active_hinges.map(|share| share / steps);
        StepLine {
            step,
            epoch,
            lr,
            loss: self.loss / steps,
            l_penalty: self.sums.penalty / self.rows.max(1) as f64,
            l_axiom: self.axiom / steps,
            l_nf1,
            l_nf2,
            l_nf3,
            l_nf4,
            l_disjoint,
            l_implication: self.implication / steps,
            active_nf1,
            active_nf2,
            active_nf3,
            active_nf4,
            active_disjoint,
            train,
        }
    }
}

/// Measures of a model over rows that it does not learn from, with the exact variance of these
/// rows and each latent's largest activation.
#[derive(Clone, Debug)]
pub(crate) struct EvaluationPass {
    meter: RunningMeasures,
    sum: Vec<f64>,
    squares: f64,
    /// Largest activation of each latent, `[n]`.
    pub latent_max: Vec<f32>,
}

impl EvaluationPass {
    /// Nothing yet, for so many latents and activations of this width.
    #[must_use]
    pub(crate) fn new(latents: usize, width: usize) -> Self {
        Self {
            meter: RunningMeasures::new(latents),
            sum: vec![0.0; width],
            squares: 0.0,
            latent_max: vec![0.0; latents],
        }
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// Where the device fails.
    pub(crate) fn add(
        &mut self,
        trainer: &mut dyn Trainer,
        batch: &Batch<f32>,
    ) -> Result<(), SaeError> {
        let losses = trainer.evaluate(batch)?;
        self.meter.add(&losses, trainer.activity());
        trainer.raise_maxima(&mut self.latent_max)?;
        for row in batch.x.chunks_exact(self.sum.len()) {
            self.squares += wide!(|| add_row(row, &mut self.sum));
        }
        Ok(())
    }

    /// The measures.
    #[must_use]
    pub(crate) fn measures(&self, defined: usize) -> Measures {
        let rows = self.meter.rows.max(1) as f64;
        let mean: f64 = self.sum.iter().map(|s| (s / rows) * (s / rows)).sum();
        self.meter.measures(self.squares / rows - mean, defined)
    }
}

/// Squares that are summed side by side.
const LANES: usize = 16;

/// Adds a row to `sums`, both `[d]`, and returns the sum of its squares.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into a caller that `wide!` compiles"
)]
#[inline(always)]
fn add_row(row: &[f32], sums: &mut [f64]) -> f64 {
    let mut squares = [0.0; LANES];
    for (sums, row) in sums.chunks_mut(LANES).zip(row.chunks(LANES)) {
        for ((square, sum), &x) in squares.iter_mut().zip(sums).zip(row) {
            let x = f64::from(x);
            *sum += x;
            *square += x * x;
        }
    }
    squares.iter().sum()
}
