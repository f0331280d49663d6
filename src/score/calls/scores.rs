//! How right calls are, on proteins that had no part in choosing how they are made.

use super::{Caller, Proteins};
use crate::score::{
    dictionary::CallScores, fitting::intervals, matching::Tally, precision::DEFAULT_PRECISION,
    rank::auroc,
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What is said of one protein: the probability of each concept, and what it is called to have at the default.
struct Said {
    probabilities: Vec<f32>,
    called: Vec<u32>,
}

impl Caller {
    /// Scores of the calls of each of these concepts by the model's own evidence.
    pub(super) fn score(
        &self,
        proteins: &Proteins,
        concepts: &[u32],
        seed: u64,
    ) -> Vec<CallScores> {
        let said: Vec<Said> = (proteins.means.par_iter())
            .map(|means| {
                let evidence = self.evidence(means, None);
                let calls = self.calls(&evidence, false);
                let likely = calls
                    .into_iter()
                    .filter(|c| f64::from(c.1) >= DEFAULT_PRECISION);
                let own = |&c: &u32| evidence.get(c as usize).map_or(0.0, |&p| p as f32);
                Said {
                    probabilities: concepts.iter().map(own).collect(),
                    called: likely.map(|c| c.0).collect(),
                }
            })
            .collect();
        let places = concepts.par_iter().enumerate();
        places
            .map(|(place, &concept)| of_concept(proteins, &said, place, concept, seed))
            .collect()
    }
}

fn of_concept(
    proteins: &Proteins,
    said: &[Said],
    place: usize,
    concept: u32,
    seed: u64,
) -> CallScores {
    let has = |terms: &Vec<u32>| terms.binary_search(&concept).is_ok();
    let positive: Vec<bool> = proteins.truths.iter().map(has).collect();
    let probabilities: Vec<f32> = said.iter().map(|s| s.probabilities[place]).collect();
    let mut clusters: BTreeMap<u32, Tally> = BTreeMap::new();
    for ((said, &positive), &cluster) in said.iter().zip(&positive).zip(&proteins.clusters) {
        if said.called.binary_search(&concept).is_ok() {
            let tally = clusters.entry(cluster).or_default();
            tally.predicted += 1;
            tally.right += u64::from(positive);
        }
    }
    let clusters: Vec<Tally> = clusters.into_values().collect();
    let total = clusters
        .iter()
        .fold(Tally::default(), |sum, &t| sum.plus(t));
    // of the clusters that have calls: the others change no precision
    let [interval] = intervals(
        &clusters,
        clusters.len(),
        seed,
        u64::from(concept),
        [Tally::precision],
    );
    CallScores {
        positives: positive.iter().filter(|&&p| p).count() as u64,
        called: total.predicted,
        right: total.right,
        precision: total.precision(),
        precision_interval: interval,
        auroc: auroc(&probabilities, &positive),
    }
}
