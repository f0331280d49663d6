//! From log-odds of residues to ranges: runs above a threshold, segments of explicit duration, stretches between the
//! ranges of another concept, bonds between sites.

pub mod bonds;
pub mod gaps;
pub mod lengths;
pub mod runs;
pub mod segments;

use bonds::Bonds;
use gaps::Gaps;
use runs::Runs;
use schemars::JsonSchema;
use segments::Segments;
use serde::{Deserialize, Serialize};

/// How the ranges of a concept are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum Decoder {
    /// Runs of residues above a threshold.
    Runs(Runs),
    /// Segments of explicit duration.
    Segments(Segments),
    /// Stretches between the ranges of another concept.
    Gaps(Gaps),
    /// Pairs of residues.
    Bonds(Bonds),
}

/// What a concept says of the residues of a protein.
#[derive(Clone, Copy, Debug)]
pub struct Residues<'a> {
    /// Log-odds of each, as [`super::calibration::Stored`] keeps them.
    pub log_odds: &'a [f64],
    /// The floor, at which a residue says nothing.
    pub floor: f64,
    /// Log-odds of the class frequency.
    pub base: f64,
    /// Ranges of the concept that bounds this one, by start, apart from one another; empty where none does.
    pub borders: &'a [Item],
}

/// A range or a bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// First residue, 1-based; of a bond its first end.
    pub start: u32,
    /// Last residue, inclusive; of a bond its second end.
    pub end: u32,
    /// Whether it joins two residues and leaves those between them out.
    pub bond: bool,
}

impl Item {
    /// A range.
    #[must_use]
    pub fn range(start: u32, end: u32) -> Self {
        Self {
            start,
            end,
            bond: false,
        }
    }

    /// A bond between two residues.
    #[must_use]
    pub fn bond(a: u32, b: u32) -> Self {
        Self {
            start: a.min(b),
            end: a.max(b),
            bond: true,
        }
    }

    /// Mean log-odds over its residues; of a bond, over its ends.
    #[must_use]
    pub fn score(&self, log_odds: &[f64]) -> f64 {
        let (first, last) = (self.start as usize - 1, self.end as usize - 1);
        if self.bond {
            return f64::midpoint(log_odds[first], log_odds[last]);
        }
        log_odds[first..=last].iter().sum::<f64>() / (last - first + 1) as f64
    }
}

impl Decoder {
    /// The ranges of a protein, by start.
    #[must_use]
    pub fn decode(&self, residues: Residues<'_>) -> Vec<Item> {
        // a protein of which the concept says nothing has no ranges, whatever the decoder
        if residues.log_odds.iter().all(|&l| l <= residues.floor) {
            return Vec::new();
        }
        match self {
            Self::Runs(runs) => runs.decode(residues),
            Self::Segments(segments) => segments.decode(residues),
            Self::Gaps(gaps) => gaps.decode(residues),
            Self::Bonds(bonds) => bonds.decode(residues),
        }
    }

    /// The concept whose ranges bound those of this one.
    #[must_use]
    pub fn bounded_by(&self) -> Option<u32> {
        match self {
            Self::Gaps(gaps) => Some(gaps.between),
            _ => None,
        }
    }

    /// The name in files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Runs(_) => "runs",
            Self::Segments(_) => "segments",
            Self::Gaps(_) => "gaps",
            Self::Bonds(_) => "bonds",
        }
    }

    /// What is wrong with its parameters, if anything.
    ///
    /// # Errors
    /// In words.
    pub fn check(&self) -> Result<(), String> {
        let (numbers, durations): (Vec<f64>, &[f64]) = match self {
            Self::Runs(r) => (vec![r.threshold], &[0.0]),
            Self::Segments(s) => (vec![s.alpha, s.offset, s.penalty], &s.durations),
            Self::Gaps(g) => (vec![g.threshold], &[0.0]),
            Self::Bonds(b) => (vec![b.threshold], &b.separations),
        };
        if durations.is_empty() {
            return Err("lengths are missing".into());
        }
        if let Some(bad) = numbers.iter().chain(durations).find(|v| !v.is_finite()) {
            return Err(format!("{bad} is no finite number"));
        }
        match self {
            Self::Segments(s) if !(s.start > 0.0 && s.start < 1.0) => Err(format!(
                "start is {}, expected a share between 0 and 1",
                s.start
            )),
            _ => Ok(()),
        }
    }
}
