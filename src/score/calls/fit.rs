//! How calls are read: chosen, calibrated and judged on validation proteins.

use super::{FLOOR, ProteinMeans};
use crate::score::{
    calibration::{Calibration, Histogram, sigmoid},
    dictionary::{CallReading, CallSource},
    function::{
        FunctionError,
        terms::{Propagation, TermGraph},
    },
    logistic::{self, Logistic, Scaling, Targets},
    precision::{Judged, PooledPrecision},
};
use rayon::prelude::*;

/// Validation proteins that must have a concept.
const LEAST_POSITIVES: usize = 5;
/// Numbers that a matrix of features may hold; beyond, no probe is fitted.
const MOST_NUMBERS: usize = 1 << 30;
/// A weight below this share of the largest, on features of one spread, is left out.
const LEAST_SHARE: f32 = 1e-3;

/// What calls are fitted to.
#[derive(Clone, Debug, Default)]
pub struct Fit {
    /// Concepts of the vocabulary that proteins are called to have, ascending.
    pub concepts: Vec<u32>,
    /// Ids of all concepts, by index.
    pub ids: Vec<String>,
    /// Their parents.
    pub parents: Vec<Vec<u32>>,
    /// Concepts that latents were given.
    pub defined: usize,
    /// Latents.
    pub latents: usize,
    /// Training proteins.
    pub train: Vec<ProteinMeans>,
    /// Concepts of each, ascending.
    pub train_truths: Vec<Vec<u32>>,
    /// Proteins for choosing.
    pub valid: Vec<ProteinMeans>,
    /// Concepts of each, ascending.
    pub valid_truths: Vec<Vec<u32>>,
    /// Fold of each: homologues share one.
    pub folds: Vec<usize>,
}

/// A way to read a concept, with what it gives on validation proteins that had no part in its calibration.
struct Candidate {
    source: CallSource,
    calibration: Calibration,
    probabilities: Vec<f64>,
    loss: f64,
}

/// A concept, and how it is called, or why it is not.
pub type Fitted = (u32, Result<CallReading, String>);

/// How each concept is called, or why it is not.
///
/// # Errors
/// [`FunctionError`] where parents are no hierarchy.
pub fn fit(task: &Fit) -> Result<Vec<Fitted>, FunctionError> {
    let graph = TermGraph::new(task.ids.clone(), task.parents.clone())?;
    let probe = task.probe();
    let chosen: Vec<Result<Candidate, String>> = (0..task.concepts.len())
        .into_par_iter()
        .map(|place| task.choose(place, probe.as_ref()))
        .collect();
    let judged = task.judge(&graph, &chosen);
    let pooled = PooledPrecision::new(judged.iter().flatten().copied());
    // only what is called can be implied
    let usable: Vec<bool> = chosen
        .iter()
        .zip(&judged)
        .map(|(c, j)| c.is_ok() && !j.is_empty())
        .collect();
    let readings = chosen.into_iter().zip(&judged).zip(&task.concepts);
    let readings = readings.map(|((candidate, judged), &concept)| {
        let candidate = candidate?;
        if judged.is_empty() {
            return Err(format!(
                "no validation protein has a probability of {FLOOR}"
            ));
        }
        let above = graph.with_ancestors([concept]);
        let is_called = |&c: &u32| {
            let place = task.concepts.binary_search(&c);
            c != concept && place.is_ok_and(|place| usable[place])
        };
        Ok(CallReading {
            implies: above.into_iter().filter(is_called).collect(),
            source: candidate.source,
            calibration: candidate.calibration,
            precision: pooled.table(judged),
        })
    });
    Ok(task.concepts.iter().copied().zip(readings).collect())
}

impl Fit {
    fn features(&self, proteins: &[ProteinMeans]) -> Vec<f32> {
        let mut all = vec![0.0; proteins.len() * self.latents];
        for (row, means) in all.chunks_exact_mut(self.latents.max(1)).zip(proteins) {
            for &(latent, value) in &means.latents {
                row[latent as usize] = value;
            }
        }
        all
    }

    /// Rows of proteins that have each concept.
    fn positives(&self, truths: &[Vec<u32>]) -> Vec<Vec<u32>> {
        let rows = |concept: &u32| {
            let has = (0..).zip(truths);
            let has = has.filter(|(_, terms)| terms.binary_search(concept).is_ok());
            has.map(|(row, _)| row).collect()
        };
        self.concepts.iter().map(rows).collect()
    }

    /// Regressions of all concepts on latents; none without training proteins, or of too many.
    fn probe(&self) -> Option<(Logistic, Scaling)> {
        let rows = self.train.len().max(self.valid.len());
        if self.train.is_empty() || rows.saturating_mul(self.latents) > MOST_NUMBERS {
            return None;
        }
        let mut train = self.features(&self.train);
        let scaling = Scaling::of(&train, self.latents);
        scaling.apply(&mut train);
        let positives = self.positives(&self.train_truths);
        let targets = Targets {
            rows: self.train.len(),
            positives: &positives,
        };
        let models = logistic::fit(&train, self.latents, targets);
        drop(train);
        let mut valid = self.features(&self.valid);
        scaling.apply(&mut valid);
        let positives = self.positives(&self.valid_truths);
        let targets = Targets {
            rows: self.valid.len(),
            positives: &positives,
        };
        Some((logistic::choose(&models, &valid, targets), scaling))
    }

    /// The better of the ways to read a concept: that of the smaller loss on proteins left out of its calibration.
    fn choose(
        &self,
        place: usize,
        probe: Option<&(Logistic, Scaling)>,
    ) -> Result<Candidate, String> {
        let concept = self.concepts[place];
        let has = |terms: &Vec<u32>| terms.binary_search(&concept).is_ok();
        let positive: Vec<bool> = self.valid_truths.iter().map(has).collect();
        let positives = positive.iter().filter(|&&p| p).count();
        if positives < LEAST_POSITIVES {
            return Err(format!(
                "{positives} validation proteins have it, {LEAST_POSITIVES} are needed"
            ));
        }
        if positives == positive.len() {
            return Err("every validation protein has it".into());
        }
        let mut sources = Vec::new();
        if (concept as usize) < self.defined {
            sources.push(CallSource::LogitMean { latent: concept });
        }
        if let Some((model, scaling)) = probe {
            let own = model.unscaled(place, scaling, LEAST_SHARE);
            sources.push(CallSource::Probe {
                latents: own.features,
                weights: own.weights,
                bias: own.bias,
            });
        }
        let candidates = sources
            .into_iter()
            .filter_map(|s| self.candidate(s, &positive));
        let best = candidates.reduce(|best, next| if next.loss < best.loss { next } else { best });
        best.ok_or_else(|| "its evidence does not speak for it".into())
    }

    /// A source, calibrated; none where it does not speak for the concept, in any fold.
    fn candidate(&self, source: CallSource, positive: &[bool]) -> Option<Candidate> {
        let values: Vec<f32> = (self.valid.iter())
            .map(|means| source.value(means) as f32)
            .collect();
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let folds = self.folds.iter().max().map_or(0, |most| most + 1);
        let empty = Histogram::new(low, high);
        let mut of_fold = vec![empty.clone(); folds];
        let mut whole = empty;
        for ((&value, &positive), &fold) in values.iter().zip(positive).zip(&self.folds) {
            of_fold[fold].add(value, positive);
            whole.add(value, positive);
        }
        let calibration = whole.platt();
        if !calibration.is_sound() {
            return None;
        }
        let without: Vec<Calibration> = (of_fold.iter())
            .map(|fold| {
                let mut others = whole.clone();
                others.merge(fold, -1.0);
                others.platt()
            })
            .collect();
        if !without.iter().all(Calibration::is_sound) {
            return None;
        }
        let log_odds = values.iter().zip(&self.folds);
        let log_odds: Vec<f64> = log_odds
            .map(|(&value, &fold)| without[fold].log_odds(f64::from(value)))
            .collect();
        let loss = |(&x, &p): (&f64, &bool)| {
            let x = if p { -x } else { x };
            // ln(1 + e^x) without overflow
            x.max(0.0) + (-x.abs()).exp().ln_1p()
        };
        Some(Candidate {
            source,
            calibration,
            loss: log_odds.iter().zip(positive).map(loss).sum(),
            probabilities: log_odds.into_iter().map(sigmoid).collect(),
        })
    }

    /// Probabilities of concepts on validation proteins, with those of their descendants, held against labels.
    fn judge(&self, graph: &TermGraph, chosen: &[Result<Candidate, String>]) -> Vec<Vec<Judged>> {
        let mut judged = vec![Vec::new(); self.concepts.len()];
        for (row, truths) in self.valid_truths.iter().enumerate() {
            let mut scores = vec![0.0; graph.len()];
            for (concept, candidate) in self.concepts.iter().zip(chosen) {
                if let Ok(candidate) = candidate {
                    scores[*concept as usize] = candidate.probabilities[row];
                }
            }
            graph.propagate(&mut scores, Propagation::Max);
            for ((&concept, candidate), judged) in self.concepts.iter().zip(chosen).zip(&mut judged)
            {
                let score = scores[concept as usize];
                if candidate.is_ok() && score >= FLOOR {
                    judged.push(Judged {
                        score,
                        right: truths.binary_search(&concept).is_ok(),
                        // one call of a protein and concept
                        cluster: row as u32,
                    });
                }
            }
        }
        judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{self, Purpose, normal};

    /// Concept 0 follows its logit, concept 1 latent 3; concept 2 nothing, and concept 3 is too rare.
    fn task() -> Fit {
        let mut rng = random::stream(1, Purpose::Rows, 0);
        let mut task = Fit {
            concepts: vec![0, 1, 2, 3],
            ids: (0..4).map(|i| format!("GO:{i}")).collect(),
            parents: vec![vec![]; 4],
            defined: 4,
            latents: 5,
            ..Fit::default()
        };
        for row in 0..900 {
            let [a, b] = [(); 2].map(|()| normal(&mut rng) as f32);
            let means = ProteinMeans {
                logits: vec![a, 0.1 * normal(&mut rng) as f32, normal(&mut rng) as f32, a],
                latents: vec![(1, normal(&mut rng) as f32), (3, b)],
            };
            let mut truths = Vec::new();
            let is = |x: f32, noise: f64| f64::from(3.0 * x) + noise > 2.0;
            if is(a, normal(&mut rng)) {
                truths.push(0);
            }
            if is(b, normal(&mut rng)) {
                truths.push(1);
            }
            if row % 5 == 0 {
                truths.push(2);
            }
            if row == 700 {
                truths.push(3);
            }
            if row < 500 {
                task.train.push(means);
                task.train_truths.push(truths);
            } else {
                task.valid.push(means);
                task.valid_truths.push(truths);
                task.folds.push(row % 5);
            }
        }
        task
    }

    #[test]
    fn each_concept_is_read_where_it_shows() {
        let readings = fit(&task()).unwrap();
        let reading = |at: usize| readings[at].1.as_ref();
        assert!(matches!(
            reading(0).unwrap().source,
            CallSource::LogitMean { latent: 0 }
        ));
        let CallSource::Probe { latents, .. } = &reading(1).unwrap().source else {
            panic!("{readings:?}");
        };
        assert!(latents.contains(&3));
        let best = |at: usize| reading(at).unwrap().precision.last().unwrap().precision;
        assert!(best(0) > 0.85 && best(1) > 0.85, "{readings:?}");
        assert!(reading(3).unwrap_err().contains("1 validation"));
        // what is called at a precision is right as often
        let task = task();
        let (mut called, mut right) = (0, 0);
        for (means, truths) in task.valid.iter().zip(&task.valid_truths) {
            for at in [0, 1] {
                let reading = reading(at).unwrap();
                let p = crate::score::precision::probability(
                    &reading.precision,
                    reading.probability(means),
                );
                if p >= 0.8 {
                    called += 1;
                    right += usize::from(truths.contains(&(at as u32)));
                }
            }
        }
        assert!(
            called > 50 && right * 10 > called * 8,
            "{right} of {called}"
        );
    }
}
