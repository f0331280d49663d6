//! Calls of whole proteins: which concepts a protein has, and how likely each call is right.
//!
//! A concept's score is the mean logit over residues or a logistic regression on the mean activations of latents; Platt's
//! two numbers make it a probability, which rises to ancestors; the table of precision turns that into the probability
//! that a call is right, which rises to ancestors once more. So what is called at a higher precision is called at a lower
//! one too, with all that it implies.

mod fit;

pub use fit::{Fit, fit};

use super::{
    calibration::sigmoid,
    dictionary::{CallReading, CallSource, ConceptEntry},
    function::{
        FunctionError,
        terms::{Propagation, TermGraph},
    },
    precision::probability,
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
        sigmoid(self.calibration.log_odds(self.source.value(means)))
    }
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
        let implied = entries.iter().map(|entry| {
            let calls = entry.calls.as_ref();
            calls.map_or(Vec::new(), |calls| calls.implies.clone())
        });
        Ok(Some(Self {
            graph: TermGraph::new(ids, implied.collect())?,
            readings: entries.iter().map(|entry| entry.calls.clone()).collect(),
        }))
    }

    /// Concepts with the probability that it is right to call them, from [`FLOOR`] on, ascending.
    #[must_use]
    pub fn call(&self, means: &ProteinMeans) -> Vec<(u32, f32)> {
        let reading = |reading: &Option<CallReading>| {
            reading
                .as_ref()
                .map_or(0.0, |reading| reading.probability(means))
        };
        let mut scores: Vec<f64> = self.readings.iter().map(reading).collect();
        self.graph.propagate(&mut scores, Propagation::Max);
        for (score, reading) in scores.iter_mut().zip(&self.readings) {
            *score = match reading {
                Some(reading) if *score >= FLOOR => probability(&reading.precision, *score),
                _ => 0.0,
            };
        }
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
        score::{calibration::Calibration, precision::PrecisionStep},
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
        let calls = caller().call(&means([-5.0, 2.0], &[(1, 9.0), (5, 3.0)]));
        assert_eq!(calls, [(0, 0.5), (1, 0.5)]);
        let calls = caller().call(&means([-5.0, -5.0], &[(2, 3.0)]));
        assert_eq!(calls, [(0, 0.95), (2, 0.95)]);
        assert_eq!(caller().call(&means([-9.0, -9.0], &[(5, 9.0)])), []);
    }

    proptest! {
        #[test]
        fn asking_for_more_only_takes_calls_away(
            a in -4.0_f32..4.0, b in -4.0_f32..4.0, x in 0.0_f32..4.0, low in 0.0_f32..1.0, more in 0.0_f32..1.0
        ) {
            let calls = caller().call(&means([a, b], &[(2, x)]));
            let above = |least: f32| -> Vec<u32> {
                calls.iter().filter(|c| c.1 >= least).map(|c| c.0).collect()
            };
            let (all, fewer) = (above(low), above(low + more));
            prop_assert!(fewer.iter().all(|c| all.contains(c)));
            // what is called has its parent
            prop_assert!(all.is_empty() || all.contains(&0));
        }
    }
}
