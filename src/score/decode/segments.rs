//! Segments of explicit duration: a two-state semi-Markov model, decoded exactly.
//!
//! Of all ways to cut a protein into segments and residues outside, the one with the largest sum of, over segments,
//! ln(start) + penalty + sum of alpha (l - base + offset) + ln duration(length), and ln(1 - start) for each residue outside. A
//! residue at the floor neither begins nor ends a segment. Equal sums: outside before inside, short before long.
//!
//! Divided by what the protein would have outside throughout, V(i), the best of its first i residues, is
//! max(V(i - 1), max over lengths d of V(i - d) - S(i - d) + S(i) + gain(d)), S the sums of alpha l: one maximum of a sum of two
//! rows for each residue that may end a segment.

use super::{Item, Residues};
use crate::wide;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Numbers whose maximum is taken side by side.
const LANES: usize = 32;

/// Parameters of segments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segments {
    /// Weight of evidence: neighbouring residues are not independent.
    pub alpha: f64,
    /// Added to the log-odds of each residue.
    pub offset: f64,
    /// Added for each segment.
    pub penalty: f64,
    /// Segments per residue.
    pub start: f64,
    /// Natural logarithms of the probabilities of the lengths 1, 2, ...
    pub durations: Vec<f64>,
}

/// What a length gains, and the rows of the recursion; reused from protein to protein.
#[derive(Clone, Debug, Default)]
pub struct Recursion {
    /// Gains of lengths, the longest first, padded in front.
    gains: Vec<f64>,
    /// Largest logarithm of a duration, start and penalty included.
    most: f64,
    /// What a residue inside has beyond alpha l.
    inside: f64,
    alpha: f64,
    /// V(i) - S(i), or no number at all where no segment may begin after residue i; padded in front.
    begin: Vec<f64>,
    best: Vec<f64>,
    sums: Vec<f64>,
}

impl Recursion {
    /// For these parameters and this class frequency.
    #[must_use]
    pub fn new(parameters: &Segments, base: f64) -> Self {
        let outside = (1.0 - parameters.start).ln();
        let inside = parameters.alpha * (parameters.offset - base) - outside;
        let begin = parameters.start.ln() + parameters.penalty;
        let ln = |d: &f64| begin + d;
        let longest = parameters.durations.len();
        let padded = longest.next_multiple_of(LANES);
        let mut gains = vec![f64::NEG_INFINITY; padded];
        for (at, d) in parameters.durations.iter().enumerate() {
            gains[padded - 1 - at] = ln(d) + (at + 1) as f64 * inside;
        }
        let most = parameters.durations.iter().map(ln);
        Self {
            gains,
            most: most.fold(f64::NEG_INFINITY, f64::max),
            inside,
            alpha: parameters.alpha,
            ..Self::default()
        }
    }

    /// Whether any segment at all could be worth more than none: the largest sum over a stretch is a bound.
    fn may_have_any(&self, residues: Residues<'_>) -> bool {
        let (mut run, mut most) = (0.0_f64, f64::NEG_INFINITY);
        for &l in residues.log_odds {
            run = run.max(0.0) + self.alpha * l + self.inside;
            most = most.max(run);
        }
        // the sums below are rounded in another order
        most + self.most > -1e-6
    }

    /// The segments of a protein, by start.
    pub fn decode(&mut self, residues: Residues<'_>) -> Vec<Item> {
        if !self.may_have_any(residues) {
            return Vec::new();
        }
        let n = residues.log_odds.len();
        let longest = self.gains.len();
        self.best.clear();
        self.best.resize(n + 1, 0.0);
        self.sums.clear();
        self.sums.push(0.0);
        self.begin.clear();
        self.begin.resize(longest + n, f64::NEG_INFINITY);
        for (i, &l) in residues.log_odds.iter().enumerate() {
            let sum = self.sums[i] + self.alpha * l;
            self.sums.push(sum);
            let mut best = self.best[i];
            if l > residues.floor {
                self.begin[longest + i] = best - self.sums[i];
                let window = &self.begin[i + 1..=i + longest];
                let inside = sum + largest(window, &self.gains);
                if inside > best {
                    best = inside;
                }
            }
            self.best[i + 1] = best;
        }
        self.trace(n)
    }

    /// The path back from the end.
    fn trace(&self, n: usize) -> Vec<Item> {
        let longest = self.gains.len();
        let mut items = Vec::new();
        let mut end = n;
        while end > 0 {
            if self.best[end] == self.best[end - 1] {
                end -= 1;
                continue;
            }
            let window = &self.begin[end..end + longest];
            let most = largest(window, &self.gains);
            let lengths = window.iter().zip(&self.gains).rev();
            let mut lengths = lengths.map(|(b, g)| b + g);
            // the maximum is one of the sums; a length of 0 would not end
            let length = lengths.position(|sum| sum == most).unwrap_or(0) + 1;
            let start = end.saturating_sub(length);
            items.push(Item::range(start as u32 + 1, end as u32));
            end = start;
        }
        items.reverse();
        items
    }
}

/// The largest sum of numbers side by side; both rows are a multiple of [`LANES`] long.
fn largest(left: &[f64], right: &[f64]) -> f64 {
    let mut most = [f64::NEG_INFINITY; LANES];
    wide!(|| {
        for (l, r) in left
            .as_chunks::<LANES>()
            .0
            .iter()
            .zip(right.as_chunks::<LANES>().0)
        {
            for ((m, l), r) in most.iter_mut().zip(l).zip(r) {
                let sum = l + r;
                *m = if sum > *m { sum } else { *m };
            }
        }
    });
    most.into_iter().fold(f64::NEG_INFINITY, f64::max)
}

impl Segments {
    /// The segments of a protein.
    #[must_use]
    pub fn decode(&self, residues: Residues<'_>) -> Vec<Item> {
        Recursion::new(self, residues.base).decode(residues)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The value of a cut, by the definition.
    fn value(p: &Segments, residues: Residues<'_>, items: &[Item]) -> f64 {
        let mut outside = residues.log_odds.len();
        let mut value = 0.0;
        for item in items {
            let l = &residues.log_odds[item.start as usize - 1..item.end as usize];
            outside -= l.len();
            let inside: f64 = l
                .iter()
                .map(|l| p.alpha * (l - residues.base + p.offset))
                .sum();
            value += p.start.ln() + p.penalty + inside + p.durations[l.len() - 1];
        }
        value + outside as f64 * (1.0 - p.start).ln()
    }

    /// All ways to cut from residue `at` on.
    fn cuts(
        p: &Segments,
        residues: Residues<'_>,
        at: usize,
        so_far: &mut Vec<Item>,
        best: &mut f64,
    ) {
        let n = residues.log_odds.len();
        if at == n {
            *best = best.max(value(p, residues, so_far));
            return;
        }
        cuts(p, residues, at + 1, so_far, best);
        let may = |i: usize| residues.log_odds[i] > residues.floor;
        for end in at + 1..=(at + p.durations.len()).min(n) {
            if may(at) && may(end - 1) {
                so_far.push(Item::range(at as u32 + 1, end as u32));
                cuts(p, residues, end, so_far, best);
                so_far.pop();
            }
        }
    }

    proptest! {
        #[test]
        fn no_cut_is_better(
            log_odds in prop::collection::vec(prop_oneof![Just(-6.0), -6.0_f64..6.0], 1..11),
            durations in prop::collection::vec(-6.0_f64..0.0, 1..5),
            alpha in prop::sample::select(vec![0.05, 0.2, 1.0]),
            offset in prop::sample::select(vec![-1.0, 0.0, 0.5]),
            penalty in prop::sample::select(vec![0.0, -3.0]),
            base in -5.0_f64..0.0,
        ) {
            let parameters = Segments { alpha, offset, penalty, start: 0.05, durations };
            let residues = Residues { log_odds: &log_odds, floor: -6.0, base, borders: &[] };
            let found = parameters.decode(residues);
            let mut best = f64::NEG_INFINITY;
            cuts(&parameters, residues, 0, &mut Vec::new(), &mut best);
            prop_assert!((value(&parameters, residues, &found) - best).abs() < 1e-9);
            prop_assert!(found.windows(2).all(|w| w[0].end < w[1].start));
            let longest = parameters.durations.len() as u32;
            prop_assert!(found.iter().all(|i| i.end - i.start < longest));
            for item in &found {
                prop_assert!(log_odds[item.start as usize - 1] > -6.0 && log_odds[item.end as usize - 1] > -6.0);
            }
        }
    }

    #[test]
    fn neighbours_of_a_known_length_are_told_apart() {
        let mut durations = vec![-9.0; 12];
        durations[5] = -0.1;
        let parameters = Segments {
            alpha: 1.0,
            offset: 0.0,
            penalty: 0.0,
            start: 0.01,
            durations,
        };
        let mut log_odds = vec![-5.0; 30];
        log_odds[8..20].fill(2.0);
        let residues = Residues {
            log_odds: &log_odds,
            floor: -6.0,
            base: -2.0,
            borders: &[],
        };
        let found = parameters.decode(residues);
        assert_eq!(found, [Item::range(9, 14), Item::range(15, 20)]);
        let silent = Residues {
            log_odds: &[-6.0; 30],
            ..residues
        };
        assert_eq!(parameters.decode(silent), []);
    }
}
