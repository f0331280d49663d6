//! How ranges of a concept are read: chosen on some proteins, by F1 of ranges.
//!
//! Every candidate decoder reads every protein once. What a fold had no part in is then a difference of sums, so the
//! ranges by which precision is judged come from decoders that never saw their cluster.

mod bootstrap;
mod candidates;

pub use bootstrap::intervals;
pub use candidates::Training;

use super::{
    calibration::{self, Calibration, Histogram},
    decode::{Decoder, Item, Residues},
    matching::{self, Known, Tally},
    precision::Judged,
    reader::Reader,
};
use candidates::Candidates;

/// Folds of cross-validation.
pub const FOLDS: usize = 5;
/// Instances that a concept needs among the proteins for choosing.
pub const MIN_INSTANCES: usize = 5;
/// Proteins that must carry them.
pub const MIN_PROTEINS: usize = 3;
/// How far below the log-odds of the class frequency the floor lies at least.
const DEPTH: f64 = 2.0;
/// Share of the residues that the floor may take.
const SILENT: f64 = 0.5;

/// What is known of one protein and one concept.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    /// Evidence of each residue.
    pub evidence: &'a [f32],
    /// Labelled instances.
    pub truths: &'a [Item],
    /// The cluster that its protein is of.
    pub cluster: u32,
    /// Ranges of the concept that bounds this one, found without this cluster.
    pub borders: &'a [Item],
    /// Of what its labels say something.
    pub known: Known,
}

impl Sample<'_> {
    fn fold(&self) -> usize {
        fold_of(self.cluster)
    }

    /// Counts of its ranges, without those of which nothing is known.
    fn tally(&self, items: &[Item], exact: bool) -> Tally {
        if self.known == Known::ALL {
            return Tally::of(items, self.truths, exact);
        }
        let mut items = items.to_vec();
        self.known.retain(&mut items);
        Tally::of(&items, self.truths, exact)
    }
}

/// The fold of a cluster.
#[must_use]
pub fn fold_of(cluster: u32) -> usize {
    cluster as usize % FOLDS
}

/// Why a concept is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Too little to choose by.
    #[error(
        "{instances} instances in {proteins} proteins for choosing, {MIN_INSTANCES} in {MIN_PROTEINS} are needed"
    )]
    Few {
        /// Instances.
        instances: usize,
        /// Proteins that carry them.
        proteins: usize,
    },
    /// The model has nothing that could speak for it.
    #[error("no latent of the model stands for it")]
    NoEvidence,
    /// Evidence does not rise with the concept.
    #[error("what the model says does not speak for it")]
    NoSlope,
    /// A dictionary does not say how it is read.
    #[error("the dictionary does not say how it is read")]
    Unread,
    /// No decoder finds anything.
    #[error("no range is right, however it is read")]
    NothingRight,
}

/// How a concept is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// From evidence to log-odds.
    pub calibration: Calibration,
    /// Log-odds of the class frequency.
    pub base: f64,
    /// Log-odds of residues that tables leave out.
    pub floor: f64,
    /// The decoder.
    pub decoder: Decoder,
    /// For each fold the decoder that the others chose.
    pub fold_decoders: Vec<Decoder>,
    /// Counts under it, on the proteins by which it was chosen.
    pub chosen_on: Tally,
    /// The F1 that it was chosen for, over grades of overlap: of exact positions where instances are single residues.
    pub f1: f64,
    /// Ranges of every fold under the decoder that the other folds chose.
    pub judged: Vec<Judged>,
}

/// Whether there is enough to choose by.
///
/// # Errors
/// [`Unusable::Few`].
pub fn check_support<'a>(truths: impl IntoIterator<Item = &'a [Item]>) -> Result<(), Unusable> {
    let carried = truths.into_iter().filter(|t| !t.is_empty());
    let counts = carried.fold((0, 0), |(i, p), t| (i + t.len(), p + 1));
    check_counts(counts.0, counts.1)
}

/// Whether these are enough to choose by.
///
/// # Errors
/// [`Unusable::Few`].
pub fn check_counts(instances: usize, proteins: usize) -> Result<(), Unusable> {
    if instances < MIN_INSTANCES || proteins < MIN_PROTEINS {
        return Err(Unusable::Few {
            instances,
            proteins,
        });
    }
    Ok(())
}

/// Finds how a concept is best read.
///
/// # Errors
/// [`Unusable`], where it cannot be.
pub fn fit(samples: &[Sample<'_>], training: &Training) -> Result<Fit, Unusable> {
    check_support(samples.iter().map(|s| s.truths))?;
    let fitted = calibration::fit(&histograms(samples)).ok_or(Unusable::NoSlope)?;
    let calibration = fitted.calibration;
    let base = fitted.evidence.base();
    let floor = fitted
        .evidence
        .quantile(&calibration, SILENT)
        .max(base - DEPTH);
    let reader = Reader {
        calibration: &calibration,
        floor,
        base,
    };
    let instances: usize = samples.iter().map(|s| s.truths.len()).sum();
    let residues: usize = samples.iter().map(|s| s.evidence.len()).sum();
    let start = (instances as f64 / residues.max(1) as f64).clamp(1e-9, 0.5);
    let mut candidates = Candidates::new(training, start, base);
    let mut tallies = vec![[Tally::default(); FOLDS]; candidates.len()];
    let mut log_odds = Vec::new();
    for sample in samples {
        let residues = reader.read(sample.evidence, sample.borders, &mut log_odds);
        let fold = sample.fold();
        candidates.each(residues, |at, items| {
            let tally = sample.tally(items, training.is_of_sites());
            tallies[at][fold] = tallies[at][fold].plus(tally);
        });
    }
    let sum = |tally: &[Tally; FOLDS]| tally.iter().fold(Tally::default(), |a, &b| a.plus(b));
    let (best, f1) = best(tallies.iter().map(sum));
    if f1 <= 0.0 {
        return Err(Unusable::NothingRight);
    }
    let decoders = candidates.decoders();
    let mut judged = Vec::new();
    let mut fold_decoders = Vec::with_capacity(FOLDS);
    for fold in 0..FOLDS {
        let rest = tallies.iter().map(|t| sum(t).without(t[fold]));
        let decoder = &decoders[self::best(rest).0];
        for sample in samples.iter().filter(|s| s.fold() == fold) {
            let residues = reader.read(sample.evidence, sample.borders, &mut log_odds);
            judge(decoder, residues, sample, &mut judged);
        }
        fold_decoders.push(decoder.clone());
    }
    let decoder = decoders[best].clone();
    let mut chosen_on = Tally::default();
    for sample in samples {
        let residues = reader.read(sample.evidence, sample.borders, &mut log_odds);
        chosen_on = chosen_on.plus(sample.tally(&decoder.decode(residues), false));
    }
    Ok(Fit {
        calibration,
        base,
        floor,
        decoder,
        fold_decoders,
        chosen_on,
        f1,
        judged,
    })
}

/// The candidate with the largest F1 over grades of overlap, and it; of equals the first.
fn best(tallies: impl Iterator<Item = Tally>) -> (usize, f64) {
    let scores = tallies.map(|t| t.graded_f1()).enumerate();
    scores.fold(
        (0, 0.0),
        |best, next| if next.1 > best.1 { next } else { best },
    )
}

/// Adds the ranges of a protein, held against its labels.
fn judge(decoder: &Decoder, residues: Residues<'_>, sample: &Sample<'_>, judged: &mut Vec<Judged>) {
    let mut items = decoder.decode(residues);
    sample.known.retain(&mut items);
    let rights = matching::rights(&items, sample.truths);
    for (item, right) in items.iter().zip(rights) {
        let score = item.score(residues.log_odds);
        judged.push(Judged {
            score,
            right,
            cluster: sample.cluster,
        });
    }
}

/// Evidence counted by fold.
fn histograms(samples: &[Sample<'_>]) -> Vec<Histogram> {
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for &x in samples.iter().flat_map(|s| s.evidence) {
        low = low.min(x);
        high = high.max(x);
    }
    if low > high {
        (low, high) = (0.0, 0.0);
    }
    let mut folds = vec![Histogram::new(low, high); FOLDS];
    for sample in samples {
        let fold = &mut folds[sample.fold()];
        let carries = carries(sample.truths, sample.evidence.len());
        for ((position, &x), positive) in (1..).zip(sample.evidence).zip(carries) {
            if sample.known.has(position) {
                fold.add(x, positive);
            }
        }
    }
    folds
}

/// Whether each residue is of an instance; of a bond, its ends are.
fn carries(truths: &[Item], residues: usize) -> Vec<bool> {
    let mut carries = vec![false; residues];
    let mut mark = |first: u32, last: u32| {
        let range = first as usize - 1..(last as usize).min(residues);
        if let Some(range) = carries.get_mut(range) {
            range.fill(true);
        }
    };
    for truth in truths {
        if truth.bond {
            mark(truth.start, truth.start);
            mark(truth.end, truth.end);
        } else {
            mark(truth.start, truth.end);
        }
    }
    carries
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proteins of 200 residues with an instance of 21 each, and evidence that shows it but for one residue in seven.
    fn proteins(instances: bool) -> Vec<(Vec<f32>, Vec<Item>)> {
        (0..40_u32)
            .map(|p| {
                let start = 20 + 3 * p;
                let noise = |i: u32| ((i * 37 + p * 11) % 17) as f32 / 17.0;
                let inside = |i: u32| i >= start && i <= start + 20 && !(i + p).is_multiple_of(7);
                let evidence = (1..=200).map(|i| noise(i) + if inside(i) { 3.0 } else { 0.0 });
                let truths = if instances {
                    vec![Item::range(start, start + 20)]
                } else {
                    Vec::new()
                };
                (evidence.collect(), truths)
            })
            .collect()
    }

    fn samples(proteins: &[(Vec<f32>, Vec<Item>)]) -> Vec<Sample<'_>> {
        let all = (0..).zip(proteins);
        all.map(|(cluster, (evidence, truths))| Sample {
            evidence,
            truths,
            cluster,
            borders: &[],
            known: Known::ALL,
        })
        .collect()
    }

    #[test]
    fn planted_ranges_are_found_and_believed() {
        let proteins = proteins(true);
        let training = Training::new(vec![21; 30], Vec::new(), false);
        let fit = fit(&samples(&proteins), &training).unwrap();
        assert_eq!(fit.chosen_on.right, 40);
        assert_eq!(fit.chosen_on.predicted, 40);
        assert!(fit.judged.len() >= 40 && fit.judged.iter().filter(|j| j.right).count() >= 39);
    }

    #[test]
    fn what_cannot_be_chosen_says_why() {
        let none = proteins(false);
        let training = Training::new(vec![21; 30], Vec::new(), false);
        let few = fit(&samples(&none), &training).unwrap_err();
        assert_eq!(
            few,
            Unusable::Few {
                instances: 0,
                proteins: 0
            }
        );
        let mut against = proteins(true);
        for (evidence, _) in &mut against {
            for x in evidence {
                *x = -*x;
            }
        }
        assert_eq!(
            fit(&samples(&against), &training).unwrap_err(),
            Unusable::NoSlope
        );
    }
}
