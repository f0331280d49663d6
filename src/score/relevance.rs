//! How relevant latents are to concepts: F1 of every pair of them ("concept F1" of `InterPLM`: precision by items, recall by
//! instances), each threshold chosen on some items and reported on others.

use super::{
    alignment::{aurocs, count},
    rank::Score,
    sheet::Sheet,
};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, ops::Range};

/// Latents of a concept that are looked at: the ten that are most relevant.
pub const BEST: usize = 10;
/// F1 above which a latent and a concept are said to agree.
const STRONG: f64 = 0.5;
/// A latent tells concepts apart where no unrelated one is as close as this to its best F1.
const CLOSE: f64 = 0.1;
/// F1 from which a latent is of any concept.
const LEAST: f64 = 0.2;

/// What a latent is worth for a concept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pairing {
    /// The latent.
    pub latent: u32,
    /// What it was chosen by.
    pub chosen: f64,
    /// The same score where it is reported.
    pub reported: f64,
}

impl Pairing {
    /// The better one first; of equals the lower latent.
    fn order(&self, other: &Self) -> Ordering {
        let by_score = other.chosen.total_cmp(&self.chosen);
        by_score.then(self.latent.cmp(&other.latent))
    }
}

/// Items by which latents and thresholds are chosen, and those on which they are reported, with what counts.
pub struct Task<'a> {
    /// Items for choosing.
    pub choosing: &'a Sheet,
    /// Items for reporting.
    pub reporting: &'a Sheet,
    /// Concepts that count.
    pub counted: &'a [bool],
    /// Whether one concept is an ancestor of the other.
    pub related: &'a (dyn Fn(u32, u32) -> bool + Sync),
}

/// Means over the concepts that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatentMeans {
    /// Concepts that count.
    pub concepts: usize,
    /// Area under the ROC curve of each concept's best latent.
    pub auroc_best: Option<f64>,
    /// F1 of each concept's best latent.
    pub f1_best: Option<f64>,
    /// Mean F1 of each concept's ten best latents ("relevance-based").
    pub f1_mean_of_ten: Option<f64>,
    /// Largest F1 of these.
    pub f1_max_of_ten: Option<f64>,
    /// Latents with an F1 above one half for any of the concepts, where they are chosen and where they are reported.
    pub latents_above_half: usize,
    /// Concepts of which there is such a latent.
    pub concepts_above_half: usize,
}

/// How many concepts a latent is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entanglement {
    /// Latents with an F1 of 0.2 or more for any concept that counts.
    pub latents: usize,
    /// Mean number of other concepts, none an ancestor or descendant of the best, whose F1 is within 0.1 of the best.
    pub mean_others: Option<f64>,
    /// Share of these latents without any such concept.
    pub alone: Option<f64>,
}

/// What latents are worth for concepts; tables of disjoint latents of one model make one of all.
#[derive(Clone, Debug, Default)]
pub struct Relevance {
    /// For each concept the latent with the largest area under its ROC curve.
    auroc: Vec<Option<Pairing>>,
    /// For each concept the latents with the largest F1, best first.
    f1: Vec<Vec<Pairing>>,
    /// Concepts with a latent of an F1 above one half.
    strong: Vec<bool>,
    strong_latents: usize,
    entangled: Counts,
}

/// Counts over latents of any concept.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    latents: usize,
    others: u64,
    alone: usize,
}

impl Relevance {
    /// Of so many latents, `maxima` their largest activations.
    #[must_use]
    pub fn new(task: &Task<'_>, latents: Range<usize>, maxima: &[f32]) -> Self {
        let concepts = task.choosing.concepts();
        let empty = || Self {
            auroc: vec![None; concepts],
            f1: vec![Vec::new(); concepts],
            strong: vec![false; concepts],
            ..Self::default()
        };
        latents
            .into_par_iter()
            .filter(|&latent| !task.choosing.hits(latent).is_empty())
            .fold(empty, |mut table, latent| {
                table.add(task, latent, maxima[latent]);
                table
            })
            .reduce(empty, Self::merge)
    }

    fn add(&mut self, task: &Task<'_>, latent: usize, maximum: f32) {
        let of_choosing = count(task.choosing, latent, maximum);
        let of_reporting = count(task.reporting, latent, maximum);
        let areas = aurocs(task.choosing, latent);
        let reported_areas = aurocs(task.reporting, latent);
        let mut own: Vec<(u32, f64)> = Vec::new();
        let mut any_strong = false;
        for concept in (0..task.counted.len()).filter(|&c| task.counted[c]) {
            let pairing = |chosen, reported| Pairing {
                latent: latent as u32,
                chosen,
                reported,
            };
            if let (Some(chosen), Some(reported)) = (areas[concept], reported_areas[concept]) {
                keep_better(&mut self.auroc[concept], pairing(chosen, reported));
            }
            let Some(chosen) = of_choosing.best(task.choosing, concept) else {
                continue;
            };
            let score = chosen.f1();
            if score == 0.0 {
                continue;
            }
            let detection = of_reporting.detection(task.reporting, concept, chosen.threshold);
            let reported = detection.map_or(0.0, |found| found.f1());
            if score > STRONG && reported > STRONG {
                self.strong[concept] = true;
                any_strong = true;
            }
            own.push((concept as u32, reported));
            insert(&mut self.f1[concept], pairing(score, reported));
        }
        self.strong_latents += usize::from(any_strong);
        self.entangled.add(&own, task.related);
    }

    /// That of the latents of both.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        if self.auroc.is_empty() {
            return other;
        }
        for (best, new) in self.auroc.iter_mut().zip(other.auroc) {
            if let Some(new) = new {
                keep_better(best, new);
            }
        }
        for (best, new) in self.f1.iter_mut().zip(other.f1) {
            for pairing in new {
                insert(best, pairing);
            }
        }
        for (strong, new) in self.strong.iter_mut().zip(other.strong) {
            *strong |= new;
        }
        self.strong_latents += other.strong_latents;
        self.entangled.latents += other.entangled.latents;
        self.entangled.others += other.entangled.others;
        self.entangled.alone += other.entangled.alone;
        self
    }

    /// Means over the concepts that count; one without a latent has an F1 of 0 and an area of one half.
    #[must_use]
    pub fn means(&self, counted: &[bool]) -> LatentMeans {
        let concepts: Vec<usize> = (0..counted.len()).filter(|&c| counted[c]).collect();
        let mean = |score: &dyn Fn(usize) -> f64| -> Score {
            let sum: f64 = concepts.iter().map(|&c| score(c)).sum();
            (!concepts.is_empty()).then(|| sum / concepts.len() as f64)
        };
        let f1 = |c: usize| self.f1.get(c).map_or(&[][..], Vec::as_slice);
        LatentMeans {
            concepts: concepts.len(),
            auroc_best: mean(&|c| {
                let best = self.auroc.get(c).copied().flatten();
                best.map_or(0.5, |best| best.reported)
            }),
            f1_best: mean(&|c| f1(c).first().map_or(0.0, |best| best.reported)),
            f1_mean_of_ten: mean(&|c| {
                f1(c).iter().map(|p| p.reported).sum::<f64>().max(0.0) / BEST as f64
            }),
            f1_max_of_ten: mean(&|c| f1(c).iter().map(|p| p.reported).fold(0.0, f64::max)),
            latents_above_half: self.strong_latents,
            concepts_above_half: self.strong.iter().filter(|&&strong| strong).count(),
        }
    }

    /// How many concepts latents are for.
    #[must_use]
    pub fn entanglement(&self) -> Entanglement {
        let latents = self.entangled.latents;
        let share = |count: f64| (latents > 0).then(|| count / latents as f64);
        Entanglement {
            latents,
            mean_others: share(self.entangled.others as f64),
            alone: share(self.entangled.alone as f64),
        }
    }
}

impl Counts {
    /// Adds a latent with its F1 of each concept.
    fn add(&mut self, scores: &[(u32, f64)], related: &dyn Fn(u32, u32) -> bool) {
        let first = scores
            .iter()
            .copied()
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        let Some((best, score)) = first.filter(|best| best.1 >= LEAST) else {
            return;
        };
        let is_close = |other: &&(u32, f64)| {
            other.0 != best && other.1 >= score - CLOSE && !related(best, other.0)
        };
        let others = scores.iter().filter(is_close).count();
        self.latents += 1;
        self.others += others as u64;
        self.alone += usize::from(others == 0);
    }
}

fn keep_better(best: &mut Option<Pairing>, new: Pairing) {
    if best.is_none_or(|best| new.order(&best).is_lt()) {
        *best = Some(new);
    }
}

/// Puts a pairing where it belongs among the best.
fn insert(best: &mut Vec<Pairing>, new: Pairing) {
    let at = best.partition_point(|old| old.order(&new).is_lt());
    if at < BEST {
        best.insert(at, new);
        best.truncate(BEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{annot::label_index::LabelRange, score::sheet::ResidueRow};

    /// Twelve residues with concept 0 on 1..4, 1 on 5..8 and 2 on 1..4 too.
    fn sheet(values: &[&[(u32, f32)]]) -> Sheet {
        let label = |concept, start, end| LabelRange {
            concept,
            instance: 1,
            start,
            end,
        };
        let labels = [label(0, 1, 4), label(1, 5, 8), label(2, 1, 4)];
        let mut sheet = Sheet::new(values.len(), 3);
        let rows: Vec<(Vec<u32>, Vec<f32>)> = (1..=12)
            .map(|position| {
                let active = (0u32..).zip(values).filter_map(|(latent, hits)| {
                    let hit = hits.iter().find(|hit| hit.0 == position)?;
                    Some((latent, hit.1))
                });
                active.unzip()
            })
            .collect();
        let rows = (1..)
            .zip(&rows)
            .map(|(position, (latents, values))| ResidueRow {
                position,
                latents,
                values,
            });
        sheet.add_residues(&labels, |_| true, rows);
        sheet
    }

    #[test]
    fn a_latent_of_two_concepts_is_entangled_unless_they_are_related() {
        let both = [(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)];
        let one = [(5, 1.0), (6, 0.9), (9, 0.1)];
        let sheet = sheet(&[&both, &one]);
        let strangers = |_, _| false;
        let kin = |a, b| a + b == 2;
        let task = |related| Task {
            choosing: &sheet,
            reporting: &sheet,
            counted: &[true; 3],
            related,
        };
        let found = Relevance::new(&task(&strangers), 0..2, &[1.0, 1.0]);
        let entanglement = found.entanglement();
        assert_eq!((entanglement.latents, entanglement.alone), (2, Some(0.5)));
        assert_eq!(entanglement.mean_others, Some(0.5));
        let found = Relevance::new(&task(&kin), 0..2, &[1.0, 1.0]);
        assert_eq!(found.entanglement().alone, Some(1.0));
    }

    #[test]
    fn means_are_of_the_best_ten_and_of_all_parts() {
        let both = [(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)];
        let one = [(5, 1.0), (6, 0.9), (9, 0.1)];
        let sheet = sheet(&[&both, &one]);
        let task = Task {
            choosing: &sheet,
            reporting: &sheet,
            counted: &[true, true, false],
            related: &|_, _| false,
        };
        let maxima = [1.0, 1.0];
        let means = Relevance::new(&task, 0..2, &maxima).means(task.counted);
        // above 0.15 of its maximum the second latent marks residues 5 and 6 alone
        assert_eq!((means.concepts, means.f1_best), (2, Some(1.0)));
        assert_eq!(means.f1_mean_of_ten, Some(0.1));
        assert_eq!(
            (means.latents_above_half, means.concepts_above_half),
            (2, 2)
        );
        let parts =
            Relevance::new(&task, 0..1, &maxima).merge(Relevance::new(&task, 1..2, &maxima));
        assert_eq!(parts.means(task.counted), means);
        let none = Relevance::default().means(&[false; 3]);
        assert_eq!((none.concepts, none.f1_best), (0, None));
    }
}
