//! Stretches between the ranges of another concept: parts of a protein that begin and end where those do, as the loops
//! of a membrane protein between its transmembrane segments.

use super::{Item, Residues};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stretches that another concept's ranges leave, where evidence speaks for the concept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gaps {
    /// Index of the concept whose ranges they lie between.
    pub between: u32,
    /// Mean log-odds that a stretch exceeds.
    pub threshold: f64,
}

/// All stretches of a protein that its borders leave, with their own scores; none without borders.
#[must_use]
pub fn stretches(residues: Residues<'_>) -> Vec<(Item, f64)> {
    let length = residues.log_odds.len() as u32;
    let mut all = Vec::new();
    let mut next = 1;
    let ends = residues.borders.iter().map(|b| (b.start, b.end));
    for (start, end) in ends.chain([(length + 1, length)]) {
        if start > next {
            let stretch = Item::range(next, start - 1);
            all.push((stretch, stretch.score(residues.log_odds)));
        }
        next = next.max(end + 1);
    }
    // the whole protein lies between nothing
    all.retain(|(item, _)| item.end - item.start + 1 < length);
    all
}

impl Gaps {
    /// The stretches of a protein that the concept is in.
    #[must_use]
    pub fn decode(&self, residues: Residues<'_>) -> Vec<Item> {
        self.of(&stretches(residues))
    }

    /// Those of all stretches that the concept is in.
    #[must_use]
    pub fn of(&self, stretches: &[(Item, f64)]) -> Vec<Item> {
        let above = stretches
            .iter()
            .filter(|(_, score)| *score > self.threshold);
        above.map(|&(item, _)| item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn residues<'a>(log_odds: &'a [f64], borders: &'a [Item]) -> Residues<'a> {
        Residues {
            log_odds,
            floor: -9.0,
            base: -4.0,
            borders,
        }
    }

    #[test]
    fn stretches_begin_and_end_at_borders() {
        let mut log_odds = vec![1.0; 12];
        log_odds[8..].fill(-2.0);
        let borders = [Item::range(4, 5), Item::range(8, 8)];
        let gaps = Gaps {
            between: 7,
            threshold: 0.0,
        };
        let found = gaps.decode(residues(&log_odds, &borders));
        assert_eq!(found, [Item::range(1, 3), Item::range(6, 7)]);
        assert_eq!(gaps.decode(residues(&log_odds, &[])), []);
        let whole = [Item::range(1, 12)];
        assert_eq!(gaps.decode(residues(&log_odds, &whole)), []);
    }

    proptest! {
        #[test]
        fn stretches_and_borders_are_the_protein(
            cuts in prop::collection::btree_set(1_u32..60, 2..12), length in 60_u32..80,
        ) {
            let cuts: Vec<u32> = cuts.into_iter().collect();
            let borders: Vec<Item> = cuts.chunks_exact(2).map(|c| Item::range(c[0], c[1])).collect();
            let log_odds = vec![0.0; length as usize];
            let mut all: Vec<Item> = stretches(residues(&log_odds, &borders)).into_iter().map(|(i, _)| i).collect();
            all.extend(&borders);
            all.sort_unstable();
            prop_assert_eq!(all[0].start, 1);
            prop_assert_eq!(all[all.len() - 1].end, length);
            prop_assert!(all.windows(2).all(|w| w[0].end + 1 == w[1].start));
        }
    }
}
