//! Runs of residues above a threshold.

use super::{Item, Residues};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Runs of residues with log-odds above a threshold, gaps bridged, short ones dropped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// Log-odds that residues exceed.
    pub threshold: f64,
    /// Longest gap that is bridged, in residues.
    pub max_gap: u32,
    /// Shortest run that is kept, in residues.
    pub min_run: u32,
}

/// Runs without bridging, as first and last residue, 1-based.
#[must_use]
pub fn above(residues: Residues<'_>, threshold: f64) -> Vec<(u32, u32)> {
    // what is at the floor says nothing, whatever the threshold
    let threshold = threshold.max(residues.floor);
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for (position, &l) in (1..).zip(residues.log_odds) {
        if l <= threshold {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.1 + 1 == position => run.1 = position,
            _ => runs.push((position, position)),
        }
    }
    runs
}

/// Bridges gaps between runs and drops those that stay short.
#[must_use]
pub fn bridge(runs: &[(u32, u32)], max_gap: u32, min_run: u32) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for &(start, end) in runs {
        match items.last_mut() {
            Some(item) if start - item.end - 1 <= max_gap => item.end = end,
            _ => items.push(Item::range(start, end)),
        }
    }
    items.retain(|item| item.end - item.start + 1 >= min_run);
    items
}

impl Runs {
    /// The runs of a protein.
    #[must_use]
    pub fn decode(&self, residues: Residues<'_>) -> Vec<Item> {
        bridge(&above(residues, self.threshold), self.max_gap, self.min_run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_bridged_before_short_runs_are_dropped() {
        let log_odds = [1.0, 0.0, 2.0, -9.0, -9.0, 1.0, -9.0, -9.0, -9.0, 3.0, 3.0];
        let residues = Residues {
            log_odds: &log_odds,
            floor: -9.0,
            base: -4.0,
            borders: &[],
        };
        let decode = |threshold, max_gap, min_run| {
            let runs = Runs {
                threshold,
                max_gap,
                min_run,
            };
            let items = runs.decode(residues);
            items.iter().map(|i| (i.start, i.end)).collect::<Vec<_>>()
        };
        assert_eq!(decode(0.5, 0, 1), [(1, 1), (3, 3), (6, 6), (10, 11)]);
        assert_eq!(decode(0.5, 2, 3), [(1, 6)]);
        assert_eq!(decode(-20.0, 0, 3), [(1, 3)]);
        assert_eq!(decode(3.0, 9, 1), []);
    }
}
