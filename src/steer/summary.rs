//! Counts and means of a run, for each concept, arm and scale.

use super::record::Record;
use serde::Serialize;

/// What became of the sequences of one treatment; a mean without a sequence is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// Id of the concept, or `latent:N`.
    pub(crate) concept: String,
    /// The arm.
    pub(crate) arm: &'static str,
    /// The scale, where it has one.
    pub(crate) scale: Option<f64>,
    /// Sequences that were generated.
    pub(crate) sequences: u64,
    /// Share of them whose concept score rose.
    pub(crate) risen: Option<f64>,
    /// Mean change of the concept score.
    pub(crate) score_change: Option<f64>,
    /// Mean change of the log-likelihood a residue, in nats.
    pub(crate) log_likelihood_change: Option<f64>,
    /// Mean identity to the original.
    pub(crate) identity: Option<f64>,
    /// Share of sequences that have more matches of the motif than their original.
    pub(crate) motif_gained: Option<f64>,
}

/// Sums over the sequences of one treatment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    of: Summary,
    scored: u64,
    risen: u64,
    score: f64,
    log_likelihood: f64,
    identity: f64,
    searched: u64,
    gained: u64,
}

impl Sums {
    /// Adds a sequence.
    pub(crate) fn add(&mut self, record: &Record) {
        if self.of.sequences == 0 {
            self.of.concept.clone_from(&record.goal.id);
            self.of.arm = record.treatment.arm.name();
            self.of.scale = record.treatment.scale;
        }
        self.of.sequences += 1;
        if let Some([before, after]) = record.scores() {
            self.scored += 1;
            self.risen += u64::from(after.mean > before.mean);
            self.score += after.mean - before.mean;
        }
        self.log_likelihood += record.generated.after.log_likelihood - record.before.log_likelihood;
        self.identity += record.identity();
        if let Some(matches) = record.matches() {
            self.searched += 1;
            self.gained += u64::from(matches.after > matches.before);
        }
    }

    /// Shares and means; none of a treatment without a sequence.
    #[must_use]
    pub(crate) fn finish(self) -> Option<Summary> {
        let mean = |sum: f64, count: u64| (count > 0).then(|| sum / count as f64);
        let all = self.of.sequences;
        (all > 0).then(|| Summary {
            risen: mean(self.risen as f64, self.scored),
            score_change: mean(self.score, self.scored),
            log_likelihood_change: mean(self.log_likelihood, all),
            identity: mean(self.identity, all),
            motif_gained: mean(self.gained as f64, self.searched),
            ..self.of
        })
    }
}
