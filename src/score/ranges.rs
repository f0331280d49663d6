//! Ranges of all concepts of a vocabulary: evidence is gathered protein by protein, each concept's reading is chosen on
//! some proteins and scored on others.

mod adjacency;
mod borders;
mod gather;
mod instances;
mod scores;

pub use gather::{Gathered, Part, PartRows, Target};
pub use instances::Instances;
pub use scores::{Found, Scored};

use super::{
    dictionary::{Evidence, EvidenceSource, RangeReading, RangeScores},
    fitting::{self, Fit, Sample, Unusable},
    matching::Tally,
    precision::{PooledPrecision, PrecisionStep},
};
use crate::math::random::{Purpose, shuffle, stream};
use borders::Borders;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What became of a concept.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Index of the concept.
    pub concept: u32,
    /// Mean length of its instances in training.
    pub mean_length: f64,
    /// Instances among the proteins for choosing.
    pub chosen_by: u64,
    /// Instances among the proteins for reporting.
    pub reported: u64,
    /// How it is read, and its ranges on the proteins for reporting; or why it is of no use.
    pub result: Result<(RangeReading, Scored), Unusable>,
}

/// Where values of latents are found that have no logit: by part, in the order in which residues were gathered.
pub trait Latents: Sync {
    /// Activations of a latent on all residues of a part.
    fn values(&self, part: Part, latent: u32) -> Vec<f32>;
}

/// Numbers of clusters by protein.
pub type Clusters = BTreeMap<String, u32>;

/// What is tried for each concept, in order.
pub type Candidates = BTreeMap<u32, Vec<Evidence>>;

/// Numbers groups of proteins in an order that follows from names and seed alone: proteins that no group has are
/// groups of their own.
#[must_use]
pub fn number_clusters<'a>(
    groups: &'a [Vec<String>],
    proteins: impl IntoIterator<Item = &'a str>,
    seed: u64,
) -> Clusters {
    let grouped: HashMap<&str, &str> = groups
        .iter()
        .filter_map(|group| Some((group.first()?.as_str(), group)))
        .flat_map(|(first, group)| group.iter().map(move |name| (name.as_str(), first)))
        .collect();
    let proteins: Vec<&str> = proteins.into_iter().collect();
    let group = |name: &'a str| grouped.get(name).copied().unwrap_or(name);
    let mut firsts: Vec<&str> = proteins.iter().map(|&name| group(name)).collect();
    firsts.sort_unstable();
    firsts.dedup();
    // accessions that follow one another are often of one family
    shuffle(&mut stream(seed, Purpose::Bootstrap, u64::MAX), &mut firsts);
    let numbers: HashMap<&str, u32> = firsts.into_iter().zip(0..).collect();
    let number = |name: &'a str| numbers.get(group(name)).copied().unwrap_or_default();
    proteins
        .into_iter()
        .map(|name| (name.to_owned(), number(name)))
        .collect()
}

/// Chooses how every concept is read, and scores it.
#[must_use]
pub fn read_all(
    gathered: &Gathered<'_>,
    candidates: &Candidates,
    latents: &impl Latents,
    clusters: &Clusters,
    seed: u64,
) -> Vec<Outcome> {
    let fits = fit_all(gathered, candidates, latents, clusters);
    let judged = fits.iter().flat_map(|fitted| fitted.fit.iter());
    let judged = judged.flat_map(|(_, fit)| &fit.judged).copied();
    let pooled = PooledPrecision::new(judged);
    let readings = fits.into_iter().map(|fitted| {
        let reading = fitted.fit.map(|(evidence, fit)| {
            let precision = pooled.table(&fit.judged);
            reading(evidence, fit, precision)
        });
        (fitted.target, reading)
    });
    let mut outcomes = report(gathered, readings.collect(), latents, clusters, seed);
    outcomes.extend(gathered.few.iter().map(|&(concept, why)| Outcome {
        concept,
        mean_length: 0.0,
        chosen_by: 0,
        reported: 0,
        result: Err(why),
    }));
    outcomes
}

/// Scores concepts that are read in a known way; what has none is of no use.
#[must_use]
pub fn score_all(
    gathered: &Gathered<'_>,
    readings: &BTreeMap<u32, RangeReading>,
    latents: &impl Latents,
    clusters: &Clusters,
    seed: u64,
) -> Vec<Outcome> {
    let readings = gathered.targets.iter().map(|target| {
        let reading = readings.get(&target.concept).cloned();
        (target, reading.ok_or(Unusable::Unread))
    });
    report(gathered, readings.collect(), latents, clusters, seed)
}

/// What was found for a concept.
struct Fitted<'a> {
    target: &'a Target,
    fit: Result<(Evidence, Fit), Unusable>,
}

/// Finds how every concept is best read: first those that no other bounds, then those between their ranges.
fn fit_all<'a>(
    gathered: &'a Gathered<'_>,
    candidates: &Candidates,
    latents: &impl Latents,
    clusters: &Clusters,
) -> Vec<Fitted<'a>> {
    let is_bounded = |target: &&Target| target.training.border().is_some();
    let (bounded, free): (Vec<&Target>, Vec<&Target>) =
        gathered.targets.iter().partition(is_bounded);
    let fit = |targets: Vec<&'a Target>, borders: &Borders| -> Vec<Fitted<'a>> {
        let one = |target| Fitted {
            target,
            fit: best_fit(gathered, target, candidates, latents, clusters, borders),
        };
        targets.into_par_iter().map(one).collect()
    };
    let mut fits = fit(free, &Borders::default());
    let named: BTreeSet<u32> = bounded.iter().filter_map(|t| t.training.border()).collect();
    let bounding = fits.iter().filter_map(|fitted| {
        let (evidence, fit) = fitted.fit.as_ref().ok()?;
        let is_named = named.contains(&fitted.target.concept);
        is_named.then_some((fitted.target, evidence, fit))
    });
    let borders = Borders::of_fits(gathered, bounding, latents, clusters);
    fits.extend(fit(bounded, &borders));
    fits.sort_by_key(|fitted| fitted.target.concept);
    fits
}

/// Scores concepts on the proteins for reporting.
fn report(
    gathered: &Gathered<'_>,
    readings: Vec<(&Target, Result<RangeReading, Unusable>)>,
    latents: &impl Latents,
    clusters: &Clusters,
    seed: u64,
) -> Vec<Outcome> {
    let known = readings.iter();
    let known = known.filter_map(|(target, reading)| Some((*target, reading.as_ref().ok()?)));
    let named: BTreeSet<u32> = known
        .clone()
        .filter_map(|(_, r)| r.decoder.bounded_by())
        .collect();
    let bounding = known.filter(|(target, _)| named.contains(&target.concept));
    let borders = Borders::of_readings(gathered, bounding, latents);
    let scorer = Scorer {
        gathered,
        latents,
        clusters,
        borders: &borders,
        seed,
    };
    let outcomes = readings.into_par_iter();
    outcomes
        .map(|(target, reading)| scorer.outcome(target, reading))
        .collect()
}

/// What scoring of a concept needs.
struct Scorer<'a, 'g, L> {
    gathered: &'a Gathered<'g>,
    latents: &'a L,
    clusters: &'a Clusters,
    borders: &'a Borders,
    seed: u64,
}

impl<L: Latents> Scorer<'_, '_, L> {
    /// Scores a concept on the proteins for reporting.
    fn outcome(&self, target: &Target, reading: Result<RangeReading, Unusable>) -> Outcome {
        let instances = |rows: &PartRows| rows.truths(target).map(|t| t.len() as u64).sum();
        Outcome {
            concept: target.concept,
            mean_length: target.training.mean_length(),
            chosen_by: instances(self.gathered.choosing()),
            reported: instances(self.gathered.reporting()),
            result: reading.map(|mut reading| {
                let scored = self.score(target, &reading);
                reading.test = scores::with_intervals(&scored, self.seed, target.concept);
                (reading, scored)
            }),
        }
    }

    /// Reads the proteins for reporting.
    fn score(&self, target: &Target, reading: &RangeReading) -> Scored {
        let part = self.gathered.reporting();
        let evidence = reading.evidence;
        let values = evidence_values(self.gathered, part.part, target, evidence, self.latents);
        let mut scored = Scored::new(part.clusters(self.clusters));
        let mut log_odds = Vec::new();
        for protein in part.proteins(target) {
            let borders = (self.borders).of(reading.decoder.bounded_by(), protein.name);
            let evidence = &values[protein.residues.clone()];
            let residues = reading.reader().read(evidence, borders, &mut log_odds);
            let mut items = reading.decoder.decode(residues);
            protein.known.retain(&mut items);
            let tally = Tally::of(&items, protein.truths, false);
            let cluster = self.clusters.get(protein.name).copied().unwrap_or_default();
            scored.add(cluster, tally);
            scored.protein(&items, protein.truths, |item| {
                let score = item.score(&log_odds);
                (score, reading.range_probability(score))
            });
        }
        scored
    }
}

fn reading(evidence: Evidence, fit: Fit, precision: Vec<PrecisionStep>) -> RangeReading {
    RangeReading {
        evidence,
        calibration: fit.calibration,
        base: fit.base,
        floor: fit.floor,
        decoder: fit.decoder,
        precision,
        validation: RangeScores::of(fit.chosen_on),
        test: RangeScores::default(),
    }
}

/// Of all that could speak for a concept, what finds its ranges best.
fn best_fit(
    gathered: &Gathered<'_>,
    target: &Target,
    candidates: &Candidates,
    latents: &impl Latents,
    clusters: &Clusters,
    borders: &Borders,
) -> Result<(Evidence, Fit), Unusable> {
    let part = gathered.choosing();
    fitting::check_support(part.truths(target))?;
    let mut best: Result<(Evidence, Fit), Unusable> = Err(Unusable::NoEvidence);
    for evidence in candidates.get(&target.concept).into_iter().flatten() {
        let values = evidence_values(gathered, part.part, target, *evidence, latents);
        let samples: Vec<Sample<'_>> = part
            .proteins(target)
            .map(|protein| Sample {
                evidence: &values[protein.residues.clone()],
                truths: protein.truths,
                cluster: clusters.get(protein.name).copied().unwrap_or_default(),
                borders: borders.of(target.training.border(), protein.name),
                known: protein.known,
            })
            .collect();
        let fit = fitting::fit(&samples, &target.training);
        match (&best, fit) {
            (Ok((_, old)), Ok(fit)) if fit.f1 > old.f1 => best = Ok((*evidence, fit)),
            (Ok(_), _) => {}
            (Err(_), Ok(fit)) => best = Ok((*evidence, fit)),
            (Err(_), Err(why)) => best = Err(why),
        }
    }
    best
}

/// Evidence of every residue of a part, in the order in which they were gathered.
fn evidence_values(
    gathered: &Gathered<'_>,
    part: Part,
    target: &Target,
    evidence: Evidence,
    latents: &impl Latents,
) -> Vec<f32> {
    match evidence.source {
        EvidenceSource::Logit => gathered.of(part).logits(target).to_vec(),
        EvidenceSource::Activation => {
            let mut values = latents.values(part, evidence.latent);
            for value in &mut values {
                *value = (f64::from(*value) / evidence.maximum) as f32;
            }
            values
        }
    }
}
