//! How right the ranges of all concepts are, on proteins that had no part in how they are found.

use super::{
    dictionary::RangeScores,
    matching::Tally,
    ranges::{Found, Outcome, Scored},
};
use crate::annot::concept::Concept;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Instances that a concept needs among the proteins for choosing, and for reporting, to count in means.
const MIN_INSTANCES: u64 = 10;
/// Mean length in training from which a concept is one of regions.
const REGION_LENGTH: f64 = 5.0;
/// Bins of reliability.
const BINS: usize = 10;
/// Level at which a concept counts as below the precision that was asked for, over all concepts.
const SIGNIFICANCE: f64 = 0.01;

/// Ranges of all concepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeMetrics {
    /// The probability of being right from which ranges are written.
    pub min_precision: f64,
    /// Over concepts with ten instances among the proteins for choosing and for reporting.
    pub all: RangeMeans,
    /// Over those of them whose instances in training are five residues or longer on average.
    pub regions: RangeMeans,
    /// All ranges of all usable concepts.
    pub pooled: RangeScores,
    /// Those that are written.
    pub written: Written,
    /// Whether ranges are right as often as is said of them.
    pub reliability: Reliability,
    /// The same with every protein's labels given to another: nothing should be written.
    pub shuffled_labels: Option<Written>,
    /// The same of an untrained autoencoder's best latents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_sae: Option<RandomSae>,
    /// One entry a concept of residues with enough instances to choose by.
    pub concepts: Vec<RangeConcept>,
}

/// Ranges of an autoencoder that learned nothing: of each concept the latent that ranks residues of the proteins for
/// choosing best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomSae {
    /// Over the concepts that count in means.
    pub all: RangeMeans,
    /// Over those of regions.
    pub regions: RangeMeans,
    /// What would be written.
    pub written: Written,
}

/// Means over concepts; one without ranges has an F1 of 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeMeans {
    /// Concepts.
    pub concepts: usize,
    /// Mean F1, right from an intersection over union of one half on.
    pub f1: Option<f64>,
    /// Mean F1, right from one shared residue on.
    pub f1_touch: Option<f64>,
}

/// Ranges that are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// Concepts that have any.
    pub concepts: usize,
    /// Ranges.
    pub ranges: u64,
    /// Those that are right.
    pub right: u64,
    /// Share that is right.
    pub precision: Option<f64>,
    /// Instances found, of all usable concepts.
    pub recall: Option<f64>,
    /// Ids of concepts whose precision is below what was asked for (binomial, 1 % over all concepts together).
    pub below: Vec<String>,
}

/// Expected against observed precision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reliability {
    /// Mean over ranges of how far expected and observed precision of their bin are apart.
    pub error: Option<f64>,
    /// Bins of equal count, by rising probability.
    pub bins: Vec<ReliabilityBin>,
}

/// A bin of reliability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// Ranges.
    pub ranges: usize,
    /// Mean probability of being right.
    pub expected: f64,
    /// Share that is right.
    pub observed: f64,
}

/// Ranges of one concept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeConcept {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Why it has no ranges; none where it may have some.
    pub unusable: Option<String>,
    /// How ranges are found.
    pub decoder: Option<String>,
    /// Mean length of its instances in training.
    pub mean_length: f64,
    /// Instances among the proteins for choosing.
    pub chosen_by: u64,
    /// All its ranges.
    pub scores: RangeScores,
    /// Share of its ranges that share a residue with an instance.
    pub precision_touch: Option<f64>,
    /// Share of its instances that share a residue with a range.
    pub recall_touch: Option<f64>,
    /// Harmonic mean of both.
    pub f1_touch: Option<f64>,
    /// Median distance of the starts of a range and the instance that it was matched to.
    pub start_error: Option<f64>,
    /// Median distance of the ends.
    pub end_error: Option<f64>,
    /// Ranges per instance that any shares a residue with.
    pub pieces: Option<f64>,
    /// Those that are written.
    pub written: RangeScores,
}

impl RangeMetrics {
    /// Of these outcomes of concepts.
    #[must_use]
    pub fn new(outcomes: &[Outcome], concepts: &[Concept], min_precision: f64) -> Self {
        let entries: Vec<RangeConcept> = outcomes
            .iter()
            .filter_map(|o| Some(concept(o, concepts.get(o.concept as usize)?, min_precision)))
            .collect();
        let counted =
            |c: &&RangeConcept| c.chosen_by >= MIN_INSTANCES && c.scores.truths >= MIN_INSTANCES;
        let counted: Vec<&RangeConcept> = entries.iter().filter(counted).collect();
        let regions = counted.iter().filter(|c| c.mean_length >= REGION_LENGTH);
        let usable = || outcomes.iter().filter_map(|o| o.result.as_ref().ok());
        let found = || usable().flat_map(|(_, scored)| &scored.found);
        let total = usable().fold(Tally::default(), |sum, (_, s)| sum.plus(s.total));
        Self {
            min_precision,
            all: means(counted.iter().copied()),
            regions: means(regions.copied()),
            pooled: RangeScores::of(total),
            written: Written::new(&entries, min_precision),
            reliability: Reliability::new(found()),
            shuffled_labels: None,
            random_sae: None,
            concepts: entries,
        }
    }

    /// With those of an untrained autoencoder as a control.
    #[must_use]
    pub fn beside(self, control: &Self) -> Self {
        let random_sae = Some(RandomSae {
            all: control.all,
            regions: control.regions,
            written: control.written.clone(),
        });
        Self { random_sae, ..self }
    }
}

fn means<'a>(concepts: impl Iterator<Item = &'a RangeConcept>) -> RangeMeans {
    let all: Vec<&RangeConcept> = concepts.collect();
    let mean = |f: fn(&RangeConcept) -> Option<f64>| {
        let sum: f64 = all.iter().map(|c| f(c).unwrap_or(0.0)).sum();
        (!all.is_empty()).then(|| sum / all.len() as f64)
    };
    RangeMeans {
        concepts: all.len(),
        f1: mean(|c| c.scores.f1),
        f1_touch: mean(|c| c.f1_touch),
    }
}

fn concept(outcome: &Outcome, concept: &Concept, min_precision: f64) -> RangeConcept {
    let mut entry = RangeConcept {
        id: concept.id.clone(),
        name: concept.name.clone(),
        unusable: None,
        decoder: None,
        mean_length: outcome.mean_length,
        chosen_by: outcome.chosen_by,
        scores: RangeScores::of(Tally {
            truths: outcome.reported,
            ..Tally::default()
        }),
        precision_touch: None,
        recall_touch: None,
        f1_touch: None,
        start_error: None,
        end_error: None,
        pieces: None,
        written: RangeScores::default(),
    };
    let (reading, scored) = match &outcome.result {
        Ok(found) => found,
        Err(why) => {
            entry.unusable = Some(why.to_string());
            return entry;
        }
    };
    entry.decoder = Some(reading.decoder.name().into());
    entry.scores = reading.test.clone();
    touch(&mut entry, scored);
    let kept = |f: &&Found| f.probability >= min_precision;
    let kept: Vec<&Found> = scored.found.iter().filter(kept).collect();
    entry.written = RangeScores::of(Tally {
        truths: scored.total.truths,
        predicted: kept.len() as u64,
        right: kept.iter().filter(|f| f.right).count() as u64,
        graded: 0,
    });
    entry
}

fn touch(entry: &mut RangeConcept, scored: &Scored) {
    let tally = scored.total;
    let share = |n: u64, of: u64| (of > 0).then(|| n as f64 / of as f64);
    entry.precision_touch = share(scored.touching, tally.predicted);
    entry.recall_touch = share(scored.touched_instances, tally.truths);
    entry.f1_touch = match (entry.precision_touch, entry.recall_touch) {
        (Some(p), Some(r)) if p + r > 0.0 => Some(2.0 * p * r / (p + r)),
        (_, Some(_)) => Some(0.0),
        _ => None,
    };
    let touched = || scored.found.iter().filter_map(|f| f.touched);
    entry.start_error = median(touched().map(|t| t.start.unsigned_abs()).collect());
    entry.end_error = median(touched().map(|t| t.end.unsigned_abs()).collect());
    entry.pieces = share(scored.pieces, scored.touched_instances);
}

fn median(mut values: Vec<u64>) -> Option<f64> {
    values.sort_unstable();
    let middle = values.len() / 2;
    let high = *values.get(middle)? as f64;
    if values.len() % 2 == 1 {
        return Some(high);
    }
    Some(f64::midpoint(values[middle - 1] as f64, high))
}

impl Written {
    fn new(concepts: &[RangeConcept], min_precision: f64) -> Self {
        let with: Vec<&RangeConcept> = concepts
            .iter()
            .filter(|c| c.written.predicted > 0)
            .collect();
        let sum = |f: fn(&RangeScores) -> u64| with.iter().map(|c| f(&c.written)).sum::<u64>();
        let (ranges, right) = (sum(|s| s.predicted), sum(|s| s.right));
        let usable = concepts.iter().filter(|c| c.unusable.is_none());
        let truths: u64 = usable.map(|c| c.scores.truths).sum();
        let level = SIGNIFICANCE / with.len().max(1) as f64;
        let is_below = |c: &&&RangeConcept| {
            at_most(c.written.right, c.written.predicted, min_precision) < level
        };
        Self {
            concepts: with.len(),
            ranges,
            right,
            precision: (ranges > 0).then(|| right as f64 / ranges as f64),
            recall: (truths > 0).then(|| right as f64 / truths as f64),
            below: with.iter().filter(is_below).map(|c| c.id.clone()).collect(),
        }
    }
}

/// The probability of at most `k` successes in `n` trials of this probability.
fn at_most(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    let odds = (p / (1.0 - p)).ln();
    let mut ln = n as f64 * (1.0 - p).ln();
    let mut sum = ln.exp();
    for i in 1..=k {
        ln += odds + ((n - i + 1) as f64 / i as f64).ln();
        sum += ln.exp();
    }
    sum.min(1.0)
}

impl Reliability {
    fn new<'a>(found: impl Iterator<Item = &'a Found>) -> Self {
        let mut all: Vec<&Found> = found.collect();
        // equal probabilities stay in the order of concepts and proteins, whether right or wrong
        all.sort_by(|a, b| a.probability.total_cmp(&b.probability));
        let mut bins = Vec::new();
        for bin in 0..BINS {
            let part = &all[bin * all.len() / BINS..(bin + 1) * all.len() / BINS];
            if part.is_empty() {
                continue;
            }
            let n = part.len() as f64;
            bins.push(ReliabilityBin {
                ranges: part.len(),
                expected: part.iter().map(|f| f.probability).sum::<f64>() / n,
                observed: part.iter().filter(|f| f.right).count() as f64 / n,
            });
        }
        let far = |b: &ReliabilityBin| b.ranges as f64 * (b.expected - b.observed).abs();
        let error = bins.iter().map(far).sum::<f64>() / all.len().max(1) as f64;
        Self {
            error: (!all.is_empty()).then_some(error),
            bins,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binomial_tails_are_those_of_tables() {
        assert!((at_most(0, 10, 0.5) - 1.0 / 1024.0).abs() < 1e-12);
        assert!((at_most(3, 10, 0.8) - 8.643_584e-4).abs() < 1e-9);
        assert_eq!(at_most(7, 7, 0.8), 1.0);
        assert!(at_most(600, 1000, 0.8) < 1e-20);
    }

    #[test]
    fn what_is_said_and_what_is_so_agree_or_not() {
        let found = |probability, right| Found {
            score: 0.0,
            probability,
            right,
            touched: None,
        };
        let all: Vec<Found> = (0..100)
            .map(|i| {
                found(
                    if i < 50 { 0.1 } else { 0.9 },
                    i % 10 == 0 || i >= 50 && i % 10 != 1,
                )
            })
            .collect();
        let reliability = Reliability::new(all.iter());
        assert!(reliability.error.unwrap() < 1e-9, "{reliability:?}");
        let wrong: Vec<Found> = (0..100).map(|_| found(0.9, false)).collect();
        assert!((Reliability::new(wrong.iter()).error.unwrap() - 0.9).abs() < 1e-12);
        assert_eq!(Reliability::new([].iter()).error, None);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3, 1, 2]), Some(2.0));
        assert_eq!(median(vec![4, 1]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }
}
