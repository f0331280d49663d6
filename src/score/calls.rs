//! Calls of whole proteins: which concepts a protein has, and how likely each call is right.
//!
//! A concept's score is the mean logit over residues or a logistic regression on the mean activations of latents; Platt's
//! two numbers make it a probability, which rises to ancestors; the table of precision turns that into the probability
//! that a call is right, which rises to ancestors once more. So what is called at a higher precision is called at a lower
//! one too, with all that it implies. Where they are asked, the nearest training proteins count beside the concept's own
//! evidence, each concept by a weight of its own.

mod fit;
mod nearest;
mod scores;

pub use fit::{Fit, Fitted, Proteins, fit};
pub use nearest::{Near, Shares, TrainingProteins};

use super::{
    calibration::sigmoid,
    dictionary::{CallReading, CallSource, ConceptEntry},
    function::{
        FunctionError,
        terms::{Propagation, TermGraph},
    },
    precision::{PrecisionStep, probability},
};

/// Least probability of what is judged and called: rarer guesses are none.
pub const FLOOR: f64 = 0.05;

/// Means over the residues of a protein.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProteinMeans {
    /// Logits of the concepts that latents were given; empty where they are not needed.
    pub logits: Vec<f32>,
    /// Latents that are ever active, ascending, with their activations.
    pub latents: Vec<(u32, f32)>,
}

impl ProteinMeans {
    /// Of all residues: logits `residues x m`, and each residue's active latents one behind the other.
    #[must_use]
    pub fn of(residues: usize, logits: &[f32], latents: &[u32], values: &[f32]) -> Self {
        let n = residues.max(1);
        let concepts = logits.len() / n;
        let mut sums = vec![0.0_f64; concepts];
        for row in logits.chunks_exact(concepts.max(1)) {
            for (sum, &logit) in sums.iter_mut().zip(row) {
                *sum += f64::from(logit);
            }
        }
        let mut active: Vec<(u32, f32)> = (latents.iter().copied())
            .zip(values.iter().copied())
            .collect();
        // a stable sort: each latent's values are added in the order of the residues
        active.sort_by_key(|&(latent, _)| latent);
        let mean = |same: &[(u32, f32)]| {
            let sum: f64 = same.iter().map(|&(_, value)| f64::from(value)).sum();
            (same[0].0, (sum / n as f64) as f32)
        };
        Self {
            logits: sums.iter().map(|sum| (sum / n as f64) as f32).collect(),
            latents: active.chunk_by(|a, b| a.0 == b.0).map(mean).collect(),
        }
    }
}

impl CallReading {
    /// The probability of the concept, by its own evidence alone.
    #[must_use]
    pub fn probability(&self, means: &ProteinMeans) -> f64 {
        sigmoid(self.log_odds(means))
    }

    fn log_odds(&self, means: &ProteinMeans) -> f64 {
        self.calibration.log_odds(self.source.value(means))
    }

    /// Its log-odds, with what the share of the neighbours that have the concept says where it is given.
    fn log_odds_with(&self, means: &ProteinMeans, share: Option<f32>) -> f64 {
        let own = self.log_odds(means);
        let (Some(near), Some(share)) = (&self.with_neighbours, share) else {
            return own;
        };
        let Some(calibration) = &near.calibration else {
            return own;
        };
        mix(near.weight, own, calibration.log_odds(f64::from(share)))
    }

    /// The table of precision of its calls, with or without neighbours.
    fn table(&self, with_neighbours: bool) -> &[PrecisionStep] {
        let near = self.with_neighbours.as_ref().filter(|_| with_neighbours);
        near.map_or(&self.precision, |near| &near.precision)
    }
}

/// Log-odds of both, averaged; what has no weight says nothing, even where it is infinite.
fn mix(weight: f64, own: f64, near: f64) -> f64 {
    let part = |weight: f64, log_odds: f64| {
        if weight > 0.0 { weight * log_odds } else { 0.0 }
    };
    part(1.0 - weight, own) + part(weight, near)
}

impl CallSource {
    /// What is read of a protein.
    #[must_use]
    pub fn value(&self, means: &ProteinMeans) -> f64 {
        match self {
            Self::LogitMean { latent } => {
                let logit = means.logits.get(*latent as usize);
                logit.map_or(f64::NEG_INFINITY, |&x| f64::from(x))
            }
            Self::Probe {
                latents,
                weights,
                bias,
            } => {
                let mut sum = *bias;
                let mut active = means.latents.iter().peekable();
                for (latent, weight) in latents.iter().zip(weights) {
                    while active.next_if(|(other, _)| other < latent).is_some() {}
                    if let Some((_, value)) = active.next_if(|(other, _)| other == latent) {
                        sum += weight * f64::from(*value);
                    }
                }
                sum
            }
        }
    }
}

/// Calls proteins by the readings of a dictionary.
#[derive(Clone, Debug)]
pub struct Caller {
    graph: TermGraph,
    readings: Vec<Option<CallReading>>,
}

impl Caller {
    /// Readings of concepts; none where no concept has one.
    ///
    /// # Errors
    /// [`FunctionError`] where what concepts imply is no hierarchy of these concepts.
    pub fn new(entries: &[ConceptEntry]) -> Result<Option<Self>, FunctionError> {
        if entries.iter().all(|entry| entry.calls.is_none()) {
            return Ok(None);
        }
        let ids = entries.iter().map(|entry| entry.id.clone()).collect();
        let readings = entries.iter().map(|entry| entry.calls.clone()).collect();
        Self::of(ids, readings).map(Some)
    }

    /// By readings of all concepts, by index.
    fn of(ids: Vec<String>, readings: Vec<Option<CallReading>>) -> Result<Self, FunctionError> {
        let implied = |reading: &Option<CallReading>| {
            let calls = reading.as_ref();
            calls.map_or(Vec::new(), |calls| calls.implies.clone())
        };
        Ok(Self {
            graph: TermGraph::new(ids, readings.iter().map(implied).collect())?,
            readings,
        })
    }

    /// Whether every concept that is called says how neighbours count.
    #[must_use]
    pub fn knows_neighbours(&self) -> bool {
        let mut readings = self.readings.iter().flatten();
        readings.all(|reading| reading.with_neighbours.is_some())
    }

    /// Concepts with the probability that it is right to call them, from [`FLOOR`] on, ascending; with what the
    /// neighbours have, where their shares are given.
    #[must_use]
    pub fn call(&self, means: &ProteinMeans, near: Option<&Shares>) -> Vec<(u32, f32)> {
        self.calls(&self.evidence(means, near), near.is_some())
    }

    /// The probability of each concept, at least that of what lies below it.
    fn evidence(&self, means: &ProteinMeans, near: Option<&Shares>) -> Vec<f64> {
        let of = |(concept, reading): (u32, &Option<CallReading>)| {
            let share = near.map(|near| near.of(concept));
            (reading.as_ref()).map_or(0.0, |r| sigmoid(r.log_odds_with(means, share)))
        };
        let mut scores: Vec<f64> = (0..).zip(&self.readings).map(of).collect();
        self.graph.propagate(&mut scores, Propagation::Max);
        scores
    }

    /// Calls by the tables of precision.
    fn calls(&self, evidence: &[f64], with_neighbours: bool) -> Vec<(u32, f32)> {
        let of = |(&score, reading): (&f64, &Option<CallReading>)| match reading {
            Some(reading) if score >= FLOOR => probability(reading.table(with_neighbours), score),
            _ => 0.0,
        };
        let mut scores: Vec<f64> = evidence.iter().zip(&self.readings).map(of).collect();
        self.graph.propagate(&mut scores, Propagation::Max);
        let calls = (0..).zip(&scores).filter(|(_, score)| **score >= FLOOR);
        calls
            .map(|(concept, &score)| (concept, score as f32))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        annot::concept::{ConceptKind, Level},
        score::{
            calibration::Calibration,
            dictionary::{CallScores, NeighbourReading},
        },
    };
    use proptest::prelude::*;

    /// Concept 0 is the parent of 1 and 2.
    fn caller() -> Caller {
        let entry = |index: u32, source: CallSource| ConceptEntry {
            index,
            id: format!("GO:{index}"),
            name: String::new(),
            kind: ConceptKind::Go,
            level: Level::Protein,
            partial: false,
            unusable: None,
            ranges: None,
            calls: Some(CallReading {
                source,
                implies: if index == 0 { Vec::new() } else { vec![0] },
                calibration: Calibration::Platt {
                    slope: 1.0,
                    intercept: 0.0,
                },
                precision: [
                    (0.05, 0.1),
                    (0.5, 0.4 + f64::from(index) / 10.0),
                    (0.9, 0.95),
                ]
                .map(|(score, precision)| PrecisionStep {
                    score,
                    precision,
                    ranges: 10,
                })
                .to_vec(),
                with_neighbours: (index > 0).then(|| NeighbourReading {
                    calibration: Some(Calibration::Platt {
                        slope: 8.0,
                        intercept: -4.0,
                    }),
                    weight: f64::from(index) / 2.0,
                    precision: [(0.05, 0.2), (0.8, 0.9)]
                        .map(|(score, precision)| PrecisionStep {
                            score,
                            precision,
                            ranges: 10,
                        })
                        .to_vec(),
                }),
                test: CallScores::default(),
            }),
        };
        let probe = CallSource::Probe {
            latents: vec![2, 5],
            weights: vec![1.0, -2.0],
            bias: 0.5,
        };
        let entries = [
            entry(0, CallSource::LogitMean { latent: 0 }),
            entry(1, CallSource::LogitMean { latent: 1 }),
            entry(2, probe),
        ];
        Caller::new(&entries).unwrap().unwrap()
    }

    fn means(logits: [f32; 2], latents: &[(u32, f32)]) -> ProteinMeans {
        ProteinMeans {
            logits: logits.to_vec(),
            latents: latents.to_vec(),
        }
    }

    #[test]
    fn a_parent_is_as_likely_as_its_children() {
        // p: .01, .88, below the floor
        let calls = caller().call(&means([-5.0, 2.0], &[(1, 9.0), (5, 3.0)]), None);
        assert_eq!(calls, [(0, 0.5), (1, 0.5)]);
        let calls = caller().call(&means([-5.0, -5.0], &[(2, 3.0)]), None);
        assert_eq!(calls, [(0, 0.95), (2, 0.95)]);
        assert_eq!(caller().call(&means([-9.0, -9.0], &[(5, 9.0)]), None), []);
    }

    #[test]
    fn neighbours_count_by_their_weight() {
        let call = |share: f32| {
            let near: Shares = [(1, share), (2, share)].into_iter().collect();
            caller().call(&means([-9.0, 0.5], &[(5, 9.0)]), Some(&near))
        };
        // concept 1: half of .5 and of 4 is 2.25, p .90; concept 2 by the neighbours alone: 4, p .98
        assert_eq!(call(1.0), [(0, 0.95), (1, 0.9), (2, 0.9)]);
        // -1.75, p .15; -4, p .02
        assert_eq!(call(0.0), [(0, 0.2), (1, 0.2)]);
        assert!(!caller().knows_neighbours(), "concept 0 does not say");
    }

    proptest! {
        #[test]
        fn asking_for_more_only_takes_calls_away(
            a in -4.0_f32..4.0, b in -4.0_f32..4.0, x in 0.0_f32..4.0, low in 0.0_f32..1.0, more in 0.0_f32..1.0,
            shares in prop::option::of([0.0_f32..1.0, 0.0_f32..1.0])
        ) {
            let near: Option<Shares> = shares.map(|s| (1..).zip(s).collect());
            let calls = caller().call(&means([a, b], &[(2, x)]), near.as_ref());
            let above = |least: f32| -> Vec<u32> {
                calls.iter().filter(|c| c.1 >= least).map(|c| c.0).collect()
            };
            let (all, fewer) = (above(low), above(low + more));
            prop_assert!(fewer.iter().all(|c| all.contains(c)));
            // what is called has its parent
            prop_assert!(all.is_empty() || all.contains(&0));
        }

        #[test]
        fn what_has_no_weight_says_nothing(own in -9.0_f64..9.0, near in -9.0_f64..9.0, weight in 0.0_f64..1.0) {
            prop_assert_eq!(mix(0.0, own, f64::NEG_INFINITY), own);
            prop_assert_eq!(mix(1.0, f64::NEG_INFINITY, near), near);
            let both = mix(weight, own, near);
            prop_assert!(both >= own.min(near) - 1e-9 && both <= own.max(near) + 1e-9);
        }
    }
}
