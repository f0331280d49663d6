//! Ranges that were held against labels, and what is counted of them.

use crate::score::{
    decode::Item,
    dictionary::RangeScores,
    fitting,
    matching::{self, Tally},
};
use std::collections::BTreeMap;

/// A range on a protein for reporting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Mean log-odds of its residues.
    pub score: f64,
    /// The probability that it is right.
    pub probability: f64,
    /// Whether it is right.
    pub right: bool,
    /// How far its start and end are from those of the instance that it was matched to.
    pub touched: Option<Touched>,
}

/// An instance that a range shares residues with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The range's start minus the instance's.
    pub start: i64,
    /// The range's end minus the instance's.
    pub end: i64,
}

/// A concept's ranges on the proteins for reporting.
#[derive(Clone, Debug, Default)]
pub struct Scored {
    /// Every range, in order of proteins and starts.
    pub found: Vec<Found>,
    /// Instances that any range shares a residue with.
    pub touched_instances: u64,
    /// Ranges that share a residue with any instance.
    pub touching: u64,
    /// Pairs of a range and an instance that share a residue.
    pub pieces: u64,
    /// Counts of the clusters that count anything.
    clusters: BTreeMap<u32, Tally>,
    /// All clusters.
    all_clusters: usize,
    /// Everything.
    pub total: Tally,
}

impl Scored {
    pub(super) fn new(all_clusters: usize) -> Self {
        Self {
            all_clusters,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, cluster: u32, tally: Tally) {
        self.total = self.total.plus(tally);
        if tally != Tally::default() {
            let own = self.clusters.entry(cluster).or_default();
            *own = own.plus(tally);
        }
    }

    /// Adds the ranges of a protein; `judge` gives score and probability of each.
    pub(super) fn protein(
        &mut self,
        items: &[Item],
        truths: &[Item],
        judge: impl Fn(&Item) -> (f64, f64),
    ) {
        let first = self.found.len();
        self.found.extend(items.iter().map(|item| {
            let (score, probability) = judge(item);
            Found {
                score,
                probability,
                right: false,
                touched: None,
            }
        }));
        for pair in matching::pairs(items, truths) {
            let (item, truth) = (items[pair.item], truths[pair.truth]);
            let found = &mut self.found[first + pair.item];
            found.right = pair.is_right();
            found.touched = Some(Touched {
                start: i64::from(item.start) - i64::from(truth.start),
                end: i64::from(item.end) - i64::from(truth.end),
            });
        }
        let touches = |item: &&Item| truths.iter().any(|t| matching::overlap(item, t) > 0.0);
        self.touching += items.iter().filter(touches).count() as u64;
        for truth in truths {
            let touching = items.iter().filter(|i| matching::overlap(i, truth) > 0.0);
            let pieces = touching.count() as u64;
            self.pieces += pieces;
            self.touched_instances += u64::from(pieces > 0);
        }
    }
}

/// Scores with 95 % intervals.
pub(super) fn with_intervals(scored: &Scored, seed: u64, concept: u32) -> RangeScores {
    let clusters: Vec<Tally> = scored.clusters.values().copied().collect();
    let scores = [Tally::f1 as fn(&Tally) -> Option<f64>, Tally::precision];
    let part = u64::from(concept);
    let [f1, precision] = fitting::intervals(&clusters, scored.all_clusters, seed, part, scores);
    RangeScores {
        f1_interval: f1,
        precision_interval: precision,
        ..RangeScores::of(scored.total)
    }
}
