//! How annotations of one concept are read from a model, and how right they are.

use crate::{
    annot::concept::{ConceptKind, Level},
    score::{
        calibration::{Calibration, Stored},
        decode::Decoder,
        matching::Tally,
        precision::{PrecisionStep, probability},
        reader::Reader,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One concept of the vocabulary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConceptEntry {
    /// Its index in the vocabulary, and in tables.
    pub index: u32,
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: ConceptKind,
    /// Whether ranges or whole proteins are annotated with it.
    pub level: Level,
    /// Whether absence of a label says nothing, except between the first and the last label of such concepts in a protein.
    pub partial: bool,
    /// Why it is of no use; none where it is of use.
    pub unusable: Option<String>,
    /// How its ranges are read; none for a concept of whole proteins, or of no use.
    pub ranges: Option<RangeReading>,
    /// How proteins are called; none for a concept of ranges, or of no use.
    pub calls: Option<CallReading>,
}

/// How ranges of a concept are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeReading {
    /// What is read.
    pub evidence: Evidence,
    /// From evidence to log-odds, at natural class frequencies.
    pub calibration: Calibration,
    /// Log-odds of the class frequency.
    pub base: f64,
    /// Log-odds of a residue that has no entry in a table, and the least.
    pub floor: f64,
    /// From log-odds to ranges.
    pub decoder: Decoder,
    /// The probability that a range is right, by its mean log-odds.
    pub precision: Vec<PrecisionStep>,
    /// Scores on the proteins by which all of this was chosen.
    pub validation: RangeScores,
    /// Scores on proteins that had no part in it.
    pub test: RangeScores,
}

/// Where a concept's evidence is found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What is read of it.
    pub source: EvidenceSource,
    /// The latent: a concept's own, or one that agrees with it.
    pub latent: u32,
    /// What the value is divided by: 1 for a logit.
    pub maximum: f64,
}

/// What is read of a latent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceSource {
    /// The logit of the concept's predictor.
    Logit,
    /// The activation, over the latent's maximum.
    Activation,
}

/// How whole proteins are called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallReading {
    /// What is read.
    pub source: CallSource,
    /// From it to log-odds.
    pub calibration: Calibration,
    /// Concepts that follow from it and are called too: its ancestors in the vocabulary, ascending.
    pub implies: Vec<u32>,
    /// The probability that a call is right, by its probability.
    pub precision: Vec<PrecisionStep>,
    /// How the nearest training proteins count beside it; none where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_neighbours: Option<NeighbourReading>,
    /// Scores of calls without neighbours on proteins that had no part in this.
    #[serde(default)]
    pub test: CallScores,
}

/// How the nearest training proteins count: log-odds are (1 - weight) x those of the source + weight x theirs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeighbourReading {
    /// From the share of the neighbours, by similarity, that have the concept, to log-odds; none where that does not
    /// speak for it, and the weight is 0.
    pub calibration: Option<Calibration>,
    /// The neighbours' weight, from 0 to 1.
    pub weight: f64,
    /// The probability that a call is right, by its probability with neighbours.
    pub precision: Vec<PrecisionStep>,
}

/// How right calls of whole proteins are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallScores {
    /// Proteins that have the concept.
    pub positives: u64,
    /// Calls that are right with a probability of 0.8 or more, which protsae-annotate writes by default.
    pub called: u64,
    /// Those of them that are right.
    pub right: u64,
    /// Share of the calls that are right.
    pub precision: Option<f64>,
    /// 95 % interval of it, by drawing the clusters that have calls again.
    pub precision_interval: Option<[f64; 2]>,
    /// Area under the ROC curve of the probability, with that of what lies below the concept.
    pub auroc: Option<f64>,
}

/// What calls of proteins are read from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "score", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CallSource {
    /// The mean of the logit over residues.
    LogitMean {
        /// The latent.
        latent: u32,
    },
    /// A logistic regression on the mean activations of latents.
    Probe {
        /// Latents, ascending.
        latents: Vec<u32>,
        /// Their weights; as many.
        weights: Vec<f64>,
        /// What is added.
        bias: f64,
    },
}

/// How right ranges are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeScores {
    /// Labelled instances.
    pub truths: u64,
    /// Ranges.
    pub predicted: u64,
    /// Ranges that are right, one to one with instances.
    pub right: u64,
    /// Share of the ranges that are right.
    pub precision: Option<f64>,
    /// Share of the instances that are found.
    pub recall: Option<f64>,
    /// Harmonic mean of both.
    pub f1: Option<f64>,
    /// 95 % interval of F1, by drawing clusters again.
    pub f1_interval: Option<[f64; 2]>,
    /// 95 % interval of the precision.
    pub precision_interval: Option<[f64; 2]>,
}

impl RangeScores {
    /// Scores of these counts, without intervals.
    #[must_use]
    pub fn of(tally: Tally) -> Self {
        Self {
            truths: tally.truths,
            predicted: tally.predicted,
            right: tally.right,
            precision: tally.precision(),
            recall: tally.recall(),
            f1: tally.f1(),
            f1_interval: None,
            precision_interval: None,
        }
    }
}

impl RangeReading {
    /// What a table keeps of a residue with this value of the latent.
    #[must_use]
    pub fn probability(&self, value: f32) -> Option<f32> {
        let evidence = match self.evidence.source {
            EvidenceSource::Logit => f64::from(value),
            // rounded, as where it was chosen
            EvidenceSource::Activation => {
                f64::from((f64::from(value) / self.evidence.maximum) as f32)
            }
        };
        self.stored()
            .probability(self.calibration.log_odds(evidence))
    }

    /// How its evidence becomes log-odds.
    pub(in crate::score) fn reader(&self) -> Reader<'_> {
        Reader {
            calibration: &self.calibration,
            floor: self.floor,
            base: self.base,
        }
    }

    /// How a table keeps its log-odds.
    #[must_use]
    pub fn stored(&self) -> Stored {
        Stored { floor: self.floor }
    }

    /// The probability that a range of this mean log-odds is right.
    #[must_use]
    pub fn range_probability(&self, score: f64) -> f64 {
        probability(&self.precision, score)
    }

    /// The highest probability that any range can have.
    #[must_use]
    pub fn best_precision(&self) -> f64 {
        self.precision.last().map_or(0.0, |step| step.precision)
    }
}

impl ConceptEntry {
    /// What is wrong with it, for a model with this many latents.
    pub(super) fn check(&self, latents: usize) -> Result<(), String> {
        if let Some(reading) = &self.ranges {
            let Evidence {
                latent, maximum, ..
            } = reading.evidence;
            if latent as usize >= latents {
                return Err(format!(
                    "its latent is {latent}, the dictionary has {latents}"
                ));
            }
            if !(maximum.is_finite() && maximum > 0.0) {
                return Err(format!("its latent's maximum is {maximum}"));
            }
            if !(reading.floor.is_finite() && reading.base.is_finite()) {
                return Err("its floor is no number".into());
            }
            check_calibration(&reading.calibration)?;
            check_table(&reading.precision)?;
            reading.decoder.check()?;
        }
        if let Some(calls) = &self.calls {
            calls.source.check(latents)?;
            check_calibration(&calls.calibration)?;
            check_table(&calls.precision)?;
            calls
                .with_neighbours
                .as_ref()
                .map_or(Ok(()), NeighbourReading::check)?;
        }
        Ok(())
    }
}

impl NeighbourReading {
    fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.weight) {
            return Err(format!("the weight of its neighbours is {}", self.weight));
        }
        match &self.calibration {
            Some(calibration) => check_calibration(calibration)?,
            None if self.weight > 0.0 => {
                return Err(format!(
                    "its neighbours have a weight of {} and no calibration",
                    self.weight
                ));
            }
            None => {}
        }
        check_table(&self.precision)
    }
}

impl CallSource {
    fn check(&self, latents: usize) -> Result<(), String> {
        match self {
            Self::LogitMean { latent } if *latent as usize >= latents => Err(format!(
                "its latent is {latent}, the dictionary has {latents}"
            )),
            Self::LogitMean { .. } => Ok(()),
            Self::Probe {
                latents: own,
                weights,
                bias,
            } => {
                let in_order = own.windows(2).all(|w| w[0] < w[1]);
                let finite = weights.iter().chain([bias]).all(|w| w.is_finite());
                let fits = own.last().is_none_or(|&last| (last as usize) < latents);
                if in_order && finite && fits && own.len() == weights.len() {
                    Ok(())
                } else {
                    Err("its weights are not one a latent, in order".into())
                }
            }
        }
    }
}

fn check_calibration(calibration: &Calibration) -> Result<(), String> {
    if calibration.is_sound() {
        Ok(())
    } else {
        Err("its calibration falls, or is no number".into())
    }
}

fn check_table(table: &[PrecisionStep]) -> Result<(), String> {
    let in_order =
        |w: &[PrecisionStep]| w[0].score < w[1].score && w[0].precision <= w[1].precision;
    let shares = |s: &PrecisionStep| s.score.is_finite() && (0.0..=1.0).contains(&s.precision);
    if table.windows(2).all(in_order) && table.iter().all(shares) {
        Ok(())
    } else {
        Err("its table of precision falls, or holds no probabilities".into())
    }
}
