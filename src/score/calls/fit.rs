//! How calls are read: chosen, calibrated and judged on validation proteins.

mod held_out;
mod neighbours;
mod tables;

use super::{Caller, FLOOR, ProteinMeans, Shares};
use crate::score::{
    calibration::Calibration,
    dictionary::{CallReading, CallScores, CallSource},
    function::{FunctionError, terms::TermGraph},
    logistic::{self, Logistic, Scaling, Targets},
};
use held_out::{HeldOut, log_loss};
use rayon::prelude::*;

/// Validation proteins that must have a concept.
const LEAST_POSITIVES: usize = 5;
/// Numbers that a matrix of features may hold; beyond, no probe is fitted.
const MOST_NUMBERS: usize = 1 << 30;
/// A weight below this share of the largest, on features of one spread, is left out.
const LEAST_SHARE: f32 = 1e-3;

/// Proteins of one part.
#[derive(Clone, Debug, Default)]
pub struct Proteins {
    /// What the model says of each.
    pub means: Vec<ProteinMeans>,
    /// Concepts of each, ascending.
    pub truths: Vec<Vec<u32>>,
    /// Cluster of each: homologues share one.
    pub clusters: Vec<u32>,
}

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
    /// Training proteins; their clusters are not asked.
    pub train: Proteins,
    /// Proteins for choosing.
    pub valid: Proteins,
    /// What the training proteins nearest to each of them have; none where there are no training proteins.
    pub valid_shares: Option<Vec<Shares>>,
    /// Proteins for reporting; none where those for choosing are reported as well.
    pub test: Option<Proteins>,
    /// Of the draws of intervals.
    pub seed: u64,
}

/// A way to read a concept, with what it gives on validation proteins that had no part in its calibration.
struct Candidate {
    source: CallSource,
    calibration: Calibration,
    log_odds: Vec<f64>,
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
    let log_odds: Vec<Option<&[f64]>> = (chosen.iter())
        .map(|candidate| candidate.as_ref().ok().map(|c| &c.log_odds[..]))
        .collect();
    let tables = task.tables(&graph, &log_odds);
    let near = task.with_neighbours(&graph, &chosen);
    let mut near = near.unwrap_or_default().into_iter();
    // only what is called can be implied
    let usable: Vec<bool> = tables.iter().map(|table| !table.is_empty()).collect();
    let readings = chosen.into_iter().zip(tables).zip(&task.concepts);
    let readings = readings.map(|((candidate, precision), &concept)| {
        let with_neighbours = near.next().flatten();
        let candidate = candidate?;
        if precision.is_empty() {
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
            precision,
            with_neighbours,
            test: CallScores::default(),
        })
    });
    task.scored(readings.collect())
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
        let rows = self.train.means.len().max(self.valid.means.len());
        if self.train.means.is_empty() || rows.saturating_mul(self.latents) > MOST_NUMBERS {
            return None;
        }
        let mut train = self.features(&self.train.means);
        let scaling = Scaling::of(&train, self.latents);
        scaling.apply(&mut train);
        let positives = self.positives(&self.train.truths);
        let targets = Targets {
            rows: self.train.means.len(),
            positives: &positives,
        };
        let models = logistic::fit(&train, self.latents, targets);
        drop(train);
        let mut valid = self.features(&self.valid.means);
        scaling.apply(&mut valid);
        let positives = self.positives(&self.valid.truths);
        let targets = Targets {
            rows: self.valid.means.len(),
            positives: &positives,
        };
        Some((logistic::choose(&models, &valid, targets), scaling))
    }

    /// Whether each protein for choosing has a concept.
    fn positive(&self, concept: u32) -> Vec<bool> {
        let has = |terms: &Vec<u32>| terms.binary_search(&concept).is_ok();
        self.valid.truths.iter().map(has).collect()
    }

    /// The better of the ways to read a concept: that of the smaller loss on proteins left out of its calibration.
    fn choose(
        &self,
        place: usize,
        probe: Option<&(Logistic, Scaling)>,
    ) -> Result<Candidate, String> {
        let concept = self.concepts[place];
        let positive = self.positive(concept);
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
        let values: Vec<f32> = (self.valid.means.iter())
            .map(|means| source.value(means) as f32)
            .collect();
        let held_out = HeldOut::of(&values, positive, &self.valid.clusters)?;
        Some(Candidate {
            source,
            calibration: held_out.calibration,
            loss: log_loss(held_out.log_odds.iter().copied(), positive),
            log_odds: held_out.log_odds,
        })
    }

    /// Adds to readings how right their calls are on the proteins for reporting.
    fn scored(
        &self,
        readings: Vec<Result<CallReading, String>>,
    ) -> Result<Vec<Fitted>, FunctionError> {
        let mut all = vec![None; self.ids.len()];
        let mut called = Vec::new();
        let mut fitted = Vec::with_capacity(readings.len());
        for (&concept, reading) in self.concepts.iter().zip(readings) {
            match reading {
                Ok(reading) => {
                    all[concept as usize] = Some(reading);
                    called.push(concept);
                }
                Err(why) => fitted.push((concept, Err(why))),
            }
        }
        let mut caller = Caller::of(self.ids.clone(), all)?;
        let proteins = self.test.as_ref().unwrap_or(&self.valid);
        let scores = caller.score(proteins, &called, self.seed);
        for (concept, test) in called.into_iter().zip(scores) {
            let reading = caller.readings[concept as usize].take();
            fitted.extend(reading.map(|reading| (concept, Ok(CallReading { test, ..reading }))));
        }
        fitted.sort_by_key(|&(concept, _)| concept);
        Ok(fitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        math::random::{self, Purpose, normal},
        score::precision::PrecisionStep,
    };

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
                task.train.means.push(means);
                task.train.truths.push(truths);
            } else {
                task.valid.means.push(means);
                task.valid.truths.push(truths);
                task.valid.clusters.push(row);
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
        for (means, truths) in task.valid.means.iter().zip(&task.valid.truths) {
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
    #[test]
    fn neighbours_weigh_what_they_know() {
        let mut task = task();
        // of concept 2, that no evidence speaks for, nearly all; of concept 0 nothing
        let mut rng = random::stream(2, Purpose::Rows, 0);
        let share = |has: bool| {
            let share = if has { 0.8 } else { 0.1 };
            (share + 0.1 * normal(&mut rng)) as f32
        };
        let second: Vec<bool> = (task.valid.truths.iter()).map(|t| t.contains(&2)).collect();
        let shares = second.iter().copied().map(share);
        let shares = shares.map(|s| [(2, s)].into_iter().collect());
        task.valid_shares = Some(shares.collect());
        // something must speak for it to be read at all, in every fold
        task.valid.clusters = (0..400).map(|row| row / 5).collect();
        for (means, &has) in task.valid.means.iter_mut().zip(&second) {
            means.logits[2] += if has { 1.0 } else { 0.0 };
        }
        let readings = fit(&task).unwrap();
        let near = |at: usize| {
            let reading = readings[at].1.as_ref().unwrap();
            reading.with_neighbours.as_ref().unwrap()
        };
        assert!(near(0).weight == 0.0 && near(0).calibration.is_none());
        // the same probabilities, in tables that lean on those of all concepts
        let scores = |table: &[PrecisionStep]| table.iter().map(|s| s.score).collect::<Vec<_>>();
        let own = readings[0].1.as_ref().unwrap();
        assert_eq!(scores(&near(0).precision), scores(&own.precision));
        assert!(near(2).weight >= 0.5 && near(2).calibration.is_some());
        let best = near(2).precision.last().unwrap().precision;
        assert!(best > 0.9, "{best}");
    }

    #[test]
    fn calls_are_scored_on_proteins_that_had_no_part() {
        let mut task = task();
        let without_test = fit(&task).unwrap();
        let split = |proteins: &mut Proteins| Proteins {
            means: proteins.means.split_off(200),
            truths: proteins.truths.split_off(200),
            clusters: proteins.clusters.split_off(200),
        };
        let test = split(&mut task.valid);
        let positives = test.truths.iter().filter(|t| t.contains(&0)).count() as u64;
        task.test = Some(test);
        let scores = &fit(&task).unwrap()[0].1.as_ref().unwrap().test.clone();
        assert_eq!(scores.positives, positives);
        assert!(scores.right <= scores.called && scores.called > 20);
        let precision = scores.right as f64 / scores.called as f64;
        assert_eq!(scores.precision, Some(precision));
        let [low, high] = scores.precision_interval.unwrap();
        assert!(low <= precision && precision <= high && low > 0.5);
        assert!(scores.auroc.unwrap() > 0.9, "{scores:?}");
        // those for choosing are reported where there are no others
        let whole = &without_test[0].1.as_ref().unwrap().test;
        assert!(whole.positives > positives);
    }
}
