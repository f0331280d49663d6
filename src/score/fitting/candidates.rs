//! The decoders that are tried for a concept.

use crate::score::decode::{
    Decoder, Item, Residues,
    bonds::Bonds,
    gaps::{self, Gaps},
    lengths::Lengths,
    runs::{self, Runs},
    segments::{Recursion, Segments},
};

/// Thresholds of runs and sites: -5 to 3.
const THRESHOLDS: [f64; 17] = [
    -5.0, -4.5, -4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0,
];
/// Weights of evidence in segments.
const ALPHAS: [f64; 5] = [0.05, 0.1, 0.2, 0.4, 1.0];
/// What is added to the log-odds of residues in segments.
const OFFSETS: [f64; 4] = [-1.0, -0.5, 0.0, 0.5];
/// What is added for each segment.
const PENALTIES: [f64; 2] = [0.0, -3.0];

/// What instances in training look like.
#[derive(Clone, Debug, Default)]
pub struct Training {
    lengths: Lengths,
    separations: Lengths,
    bonds: bool,
    bounded_by: Option<u32>,
}

impl Training {
    /// Of instances with these lengths; of a concept of bonds with these separations of their ends.
    #[must_use]
    pub fn new(lengths: Vec<u32>, separations: Vec<u32>, bonds: bool) -> Self {
        Self {
            lengths: Lengths::new(lengths),
            separations: Lengths::new(separations),
            bonds,
            bounded_by: None,
        }
    }

    /// Of instances that lie between those of another concept.
    #[must_use]
    pub fn bounded_by(self, concept: Option<u32>) -> Self {
        Self {
            bounded_by: concept,
            ..self
        }
    }

    /// The concept between whose instances these lie.
    #[must_use]
    pub fn border(&self) -> Option<u32> {
        self.bounded_by
    }

    /// Mean length of the instances.
    #[must_use]
    pub fn mean_length(&self) -> f64 {
        self.lengths.mean()
    }

    /// Instances in training.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lengths.count()
    }

    /// Whether positions must be exact: most instances are single residues, or bonds.
    #[must_use]
    pub fn is_of_sites(&self) -> bool {
        self.bonds || self.lengths.is_of_sites()
    }
}

/// The decoders that are tried, with what they share.
pub(super) struct Candidates {
    /// Longest gap and shortest run, for every threshold.
    bridges: Vec<(u32, u32)>,
    segments: Vec<(Segments, Recursion)>,
    gaps: Vec<Gaps>,
    bonds: Vec<Bonds>,
}

impl Candidates {
    pub(super) fn new(training: &Training, start: f64, base: f64) -> Self {
        // of concepts whose labels have one end for the most part, sites are the instances
        let mut bonds = Vec::new();
        if training.bonds {
            let separations = training.separations.ln_durations();
            bonds.extend(THRESHOLDS.map(|threshold| Bonds {
                threshold,
                separations: separations.clone(),
            }));
        }
        let mean = training.lengths.rounded_mean();
        let share = |of: u32| (mean / of).max(1);
        let mut bridges = vec![(0, 1)];
        if !training.is_of_sites() {
            bridges.extend([(2, 3), (5, share(3)), (10, share(2))]);
        }
        let durations = training.lengths.ln_durations();
        let mut segments = Vec::new();
        for alpha in ALPHAS {
            for offset in OFFSETS {
                for penalty in PENALTIES {
                    let one = Segments {
                        alpha,
                        offset,
                        penalty,
                        start,
                        durations: durations.clone(),
                    };
                    let recursion = Recursion::new(&one, base);
                    segments.push((one, recursion));
                }
            }
        }
        let gaps = training
            .bounded_by
            .into_iter()
            .flat_map(|between| THRESHOLDS.map(|threshold| Gaps { between, threshold }));
        Self {
            bridges,
            segments,
            gaps: gaps.collect(),
            bonds,
        }
    }

    pub(super) fn len(&self) -> usize {
        let runs = THRESHOLDS.len() * self.bridges.len();
        runs + self.segments.len() + self.gaps.len() + self.bonds.len()
    }

    /// Gives the ranges of a protein under each candidate, in the order of [`Candidates::decoders`].
    pub(super) fn each(&mut self, residues: Residues<'_>, mut give: impl FnMut(usize, &[Item])) {
        let silent = residues.log_odds.iter().all(|&l| l <= residues.floor);
        let mut at = 0;
        let mut next = |items: &[Item]| {
            give(at, items);
            at += 1;
        };
        if silent {
            (0..self.len()).for_each(|_| next(&[]));
            return;
        }
        for threshold in THRESHOLDS {
            let above = runs::above(residues, threshold);
            for &(max_gap, min_run) in &self.bridges {
                next(&runs::bridge(&above, max_gap, min_run));
            }
        }
        for (_, recursion) in &mut self.segments {
            next(&recursion.decode(residues));
        }
        if !self.gaps.is_empty() {
            let stretches = gaps::stretches(residues);
            for gaps in &self.gaps {
                next(&gaps.of(&stretches));
            }
        }
        for bonds in &self.bonds {
            next(&bonds.decode(residues));
        }
    }

    /// The candidates, in order.
    pub(super) fn decoders(self) -> Vec<Decoder> {
        let mut all = Vec::with_capacity(self.len());
        for threshold in THRESHOLDS {
            for &(max_gap, min_run) in &self.bridges {
                all.push(Decoder::Runs(Runs {
                    threshold,
                    max_gap,
                    min_run,
                }));
            }
        }
        let segments = self.segments.into_iter();
        all.extend(segments.map(|(segments, _)| Decoder::Segments(segments)));
        all.extend(self.gaps.into_iter().map(Decoder::Gaps));
        all.extend(self.bonds.into_iter().map(Decoder::Bonds));
        all
    }
}
