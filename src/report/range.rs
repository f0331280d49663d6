//! From activations to ranges of residues.
//!
//! A range of latent k is a run of residues with `z_k / latent_max_k` >= threshold, gaps of at most
//! `max_gap` residues bridged, runs shorter than `min_run` dropped. Its score is its largest
//! `z_k / latent_max_k`, which may exceed 1 on new proteins.

use super::Catalogue;

/// Share of its maximum from which a latent counts, where nothing else is said.
pub const DEFAULT_THRESHOLD: f32 = 0.15;
/// Probability from which a concept counts, where nothing else is said.
pub const DEFAULT_PROBABILITY: f32 = 0.5;

/// A range of residues that a latent stands for, or an end of a bond.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureRange {
    /// The entry of the catalogue.
    pub entry: u32,
    /// First residue, 1-based.
    pub start: u32,
    /// Last residue, inclusive.
    pub end: u32,
    /// First and last residue of the whole, of which this is one line: of a bond both ends, else start and end.
    pub whole: [u32; 2],
    /// The probability that it is right; where nobody knows, the largest activation over the latent's maximum, or the
    /// model's largest probability.
    pub score: f32,
    /// Largest activation, where ranges are runs of them.
    pub max_activation: Option<f32>,
    /// Mean of the model's probability over those residues of the range that list it; it is not calibrated.
    pub mean_pi: Option<f32>,
    /// How it was found, where that is a concept's own way.
    pub decoder: Option<&'static str>,
    /// The probability that it is right.
    pub probability: Option<f32>,
}

/// When residues make a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeRules {
    /// Threshold for every latent; `None`: each latent's own, else the default.
    pub threshold: Option<f32>,
    /// Shortest run that is kept, in residues.
    pub min_run: u32,
    /// Longest gap that is bridged, in residues.
    pub max_gap: u32,
    /// Whether probabilities of concepts are used instead of activations.
    pub by_probability: bool,
}

/// A run that may go on.
#[derive(Clone, Copy, Default)]
struct Run {
    start: u32,
    /// Last residue that qualified; 0: no run.
    end: u32,
    score: f32,
    max: f32,
    probability_sum: f64,
    probabilities: u32,
}

/// Finds the ranges of one protein after the other.
///
/// ```
/// use protsae::report::{Catalogue, LatentInfo, RangeFinder, RangeRules};
///
/// let mut latent = LatentInfo::unnamed(0, 2.0); // its largest activation over the training rows
/// latent.wanted = true;
/// let catalogue = Catalogue { latents: vec![latent] };
/// let rules = RangeRules { threshold: Some(0.5), min_run: 2, max_gap: 1, by_probability: false };
/// let mut finder = RangeFinder::new(&catalogue, rules);
/// for (position, activation) in (1..).zip([0.0, 1.2, 1.8, 0.0, 1.0, 0.0, 0.0]) {
///     finder.residue(position, &[0], &[activation], &[], &[]);
/// }
/// let mut ranges = Vec::new();
/// finder.finish(&mut ranges);
/// assert_eq!((ranges[0].start, ranges[0].end), (2, 5));
/// assert_eq!(ranges[0].score, 0.9);
/// ```
pub struct RangeFinder {
    rules: RangeRules,
    /// Least value of each latent; infinite where it is not wanted.
    least: Vec<f32>,
    /// What a value is multiplied by to give a score.
    scale: Vec<f32>,
    runs: Vec<Run>,
    touched: Vec<u32>,
    found: Vec<FeatureRange>,
}

impl RangeFinder {
    /// A finder for the latents of a catalogue.
    #[must_use]
    pub fn new(catalogue: &Catalogue, rules: RangeRules) -> Self {
        let mut least = Vec::with_capacity(catalogue.latents.len());
        let mut scale = Vec::with_capacity(catalogue.latents.len());
        for info in &catalogue.latents {
            // a latent that was never active in training has no scale: any activation is its maximum
            let maximum = if info.maximum > 0.0 {
                info.maximum
            } else {
                f32::MIN_POSITIVE
            };
            let default = if rules.by_probability {
                DEFAULT_PROBABILITY
            } else {
                DEFAULT_THRESHOLD
            };
            let own = info.threshold.filter(|_| !rules.by_probability);
            let threshold = rules.threshold.or(own).unwrap_or(default);
            let unit = if rules.by_probability { 1.0 } else { maximum };
            least.push(if info.wanted {
                threshold * unit
            } else {
                f32::INFINITY
            });
            scale.push(if info.maximum > 0.0 || rules.by_probability {
                1.0 / unit
            } else {
                0.0
            });
        }
        Self {
            rules,
            runs: vec![Run::default(); least.len()],
            least,
            scale,
            touched: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Latents that the finder knows.
    #[must_use]
    pub fn latents(&self) -> usize {
        self.least.len()
    }

    /// Adds the next residue of the protein: values of latents, probabilities of concepts, each by
    /// ascending index. Indices must be below [`RangeFinder::latents`].
    pub fn residue(
        &mut self,
        position: u32,
        latents: &[u32],
        activations: &[f32],
        concepts: &[u32],
        probabilities: &[f32],
    ) {
        let (indices, values) = if self.rules.by_probability {
            (concepts, probabilities)
        } else {
            (latents, activations)
        };
        for (&latent, &value) in indices.iter().zip(values) {
            let k = latent as usize;
            // strictly above 0 as well: a threshold of 0 means "active at all"
            if value < self.least[k] || value <= 0.0 {
                continue;
            }
            self.extend(latent, position, value);
            let run = &mut self.runs[k];
            if let Ok(at) = concepts.binary_search(&latent)
                && let Some(&p) = probabilities.get(at)
            {
                run.probability_sum += f64::from(p);
                run.probabilities += 1;
            }
        }
    }

    fn extend(&mut self, latent: u32, position: u32, value: f32) {
        let k = latent as usize;
        let run = self.runs[k];
        if run.end != 0 && position - run.end > self.rules.max_gap.saturating_add(1) {
            self.close(latent);
        } else if run.end == 0 {
            self.touched.push(latent);
        }
        let run = &mut self.runs[k];
        if run.end == 0 {
            *run = Run {
                start: position,
                ..Run::default()
            };
        }
        run.end = position;
        run.max = run.max.max(value);
        run.score = run.max * self.scale[k];
    }

    /// Ends a run; it stays on the list of touched latents.
    fn close(&mut self, latent: u32) {
        let run = std::mem::take(&mut self.runs[latent as usize]);
        if run.end != 0 && run.end - run.start + 1 >= self.rules.min_run {
            let n = run.probabilities;
            self.found.push(FeatureRange {
                entry: latent,
                start: run.start,
                end: run.end,
                whole: [run.start, run.end],
                score: run.score,
                max_activation: (!self.rules.by_probability).then_some(run.max),
                mean_pi: (n > 0).then(|| (run.probability_sum / f64::from(n)) as f32),
                ..FeatureRange::default()
            });
        }
    }

    /// Ends the protein and moves its ranges, by start, end and latent, into `ranges`.
    pub fn finish(&mut self, ranges: &mut Vec<FeatureRange>) {
        for latent in std::mem::take(&mut self.touched) {
            self.close(latent);
        }
        ranges.clear();
        ranges.append(&mut self.found);
        ranges.sort_unstable_by_key(|r| (r.start, r.end, r.entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::LatentInfo;

    fn ranges(rules: RangeRules, rows: &[(u32, f32)]) -> Vec<(u32, u32, f32)> {
        let mut info = LatentInfo::unnamed(0, 2.0);
        info.wanted = true;
        let catalogue = Catalogue {
            latents: vec![info],
        };
        let mut finder = RangeFinder::new(&catalogue, rules);
        for &(position, value) in rows {
            finder.residue(position, &[0], &[value], &[], &[]);
        }
        let mut found = Vec::new();
        finder.finish(&mut found);
        found.iter().map(|r| (r.start, r.end, r.score)).collect()
    }

    const RULES: RangeRules = RangeRules {
        threshold: None,
        min_run: 1,
        max_gap: 0,
        by_probability: false,
    };

    #[test]
    fn runs_end_at_gaps_and_below_the_threshold() {
        let rows = [(1, 1.0), (2, 3.0), (3, 0.2), (4, 0.5), (6, 0.3)];
        let found = ranges(RULES, &rows);
        assert_eq!(found, [(1, 2, 1.5), (4, 4, 0.25), (6, 6, 0.15)]);
    }

    #[test]
    fn gaps_are_bridged_and_short_runs_dropped() {
        let rules = RangeRules {
            max_gap: 1,
            min_run: 3,
            ..RULES
        };
        let rows = [(1, 1.0), (3, 1.0), (6, 1.0), (7, 1.0)];
        assert_eq!(ranges(rules, &rows), [(1, 3, 0.5)]);
    }

    #[test]
    fn the_largest_gap_bridges_everything() {
        let rules = RangeRules {
            max_gap: u32::MAX,
            ..RULES
        };
        let rows = [(1, 1.0), (u32::MAX, 1.0)];
        assert_eq!(ranges(rules, &rows), [(1, u32::MAX, 0.5)]);
    }

    #[test]
    fn a_finder_begins_anew_with_every_protein() {
        let mut info = LatentInfo::unnamed(0, 1.0);
        info.wanted = true;
        let catalogue = Catalogue {
            latents: vec![info],
        };
        let mut finder = RangeFinder::new(&catalogue, RULES);
        let mut found = Vec::new();
        finder.residue(9, &[0], &[1.0], &[0], &[0.5]);
        finder.finish(&mut found);
        assert_eq!(found[0].mean_pi, Some(0.5));
        finder.residue(1, &[0], &[1.0], &[], &[]);
        finder.finish(&mut found);
        assert_eq!(
            (found.len(), found[0].start, found[0].mean_pi),
            (1, 1, None)
        );
    }
}
