//! What the page says of each concept and latent.

use super::{
    known::Known,
    related::Near,
    survey::Survey,
    tally::{Tally, rounded},
};
use crate::{
    annot::concept::Concept,
    report::page::data::{ConceptPage, LatentRow, PrecisionLevel, TopProtein, Use},
    score::{
        decode::Decoder,
        dictionary::{CallSource, ConceptEntry, Entry, EvidenceSource, LatentKind, Status},
        precision::PrecisionStep,
        ranges::Instances,
    },
};
use std::collections::BTreeMap;

/// Annotations on judged proteins from which a precision below what is stated is believed.
const ENOUGH: u64 = 10;
/// Annotations of validation proteins below which a precision rests on few.
const FEW: u64 = 10;
/// Proteins that are told of a latent.
const TOP: usize = 5;

/// The pages of all concepts, without their examples.
pub(super) fn pages(
    known: &Known,
    survey: &Survey<'_>,
    near: &BTreeMap<u32, Near>,
) -> Vec<ConceptPage> {
    let mut children = vec![Vec::new(); known.concepts.len()];
    for concept in &known.concepts {
        for &parent in &concept.parents {
            if let Some(list) = children.get_mut(parent as usize) {
                list.push(concept.index);
            }
        }
    }
    let instances = Instances::new(&known.concepts);
    let all = known.concepts.iter().zip(children);
    let page = |(concept, children): (&Concept, Vec<u32>)| {
        let tally = &survey.tallies[concept.index as usize];
        let mut page = page(known, survey, concept, tally);
        page.bonds = instances.is_bond(concept.index);
        page.children = children;
        if let Some(near) = near.get(&concept.index) {
            page.near_concepts.clone_from(&near.concepts);
            page.near_latents.clone_from(&near.latents);
        }
        page
    };
    all.map(page).collect()
}

fn page(known: &Known, survey: &Survey<'_>, concept: &Concept, tally: &Tally) -> ConceptPage {
    let entry = known.entry(concept.index);
    let (status, reason) = status(known, concept, tally);
    let ranges = entry.and_then(|e| e.ranges.as_ref());
    let calls = entry.and_then(|e| e.calls.as_ref());
    let (is_read, counts) = (known.is_read(concept.index), &survey.counts);
    let is_counted = is_read && counts.proteins > 0 && (calls.is_none() || counts.has_calls);
    let is_judged = is_counted && counts.judged > 0;
    let scored = ranges.map(|r| r.test.truths);
    let scored = scored.or(calls.map(|c| c.test.positives).filter(|&n| n > 0));
    ConceptPage {
        id: concept.id.clone(),
        name: concept.name.clone(),
        kind: concept.kind,
        level: concept.level,
        status,
        reason,
        proteins: concept.proteins,
        instances: if is_judged {
            Some(tally.truths)
        } else {
            scored
        },
        f1: match ranges {
            Some(ranges) => ranges.test.f1.map(rounded),
            None => tally.f1().filter(|_| is_judged).map(rounded),
        },
        f1_interval: ranges
            .and_then(|r| r.test.f1_interval)
            .map(|ends| ends.map(rounded)),
        auroc: auroc(known, concept).map(rounded),
        best_precision: known.best_precision(concept.index).map(rounded),
        written: is_counted.then_some(tally.written),
        written_proteins: is_counted.then_some(tally.proteins),
        found_by: entry.and_then(|e| found_by(known, e)),
        bonds: false,
        latent: known.latent(concept.index).filter(|_| is_read),
        levels: match (ranges, calls) {
            (Some(r), _) => levels(&r.precision, Some(r.validation.truths)),
            (None, Some(c)) => levels(&c.precision, None),
            (None, None) => Vec::new(),
        },
        // shares of a maximum are no probabilities
        bins: match known.calibrated_by() {
            Some(_) => tally.bins(),
            None => Vec::new(),
        },
        parents: concept.parents.clone(),
        children: Vec::new(),
        near_concepts: Vec::new(),
        near_latents: Vec::new(),
        examples: Vec::new(),
    }
}

/// Whether a concept can be used, and why not, or what speaks against it.
fn status(known: &Known, concept: &Concept, tally: &Tally) -> (Use, Option<String>) {
    let status = known.status(concept.index);
    let entry = known.entry(concept.index);
    let share = |value: f64| format!("{:.0} %", 100.0 * value);
    let asked = share(known.min_precision);
    match status {
        Use::Usable => match against(known, concept, tally) {
            Some(why) => (Use::Doubtful, Some(why)),
            None => (status, None),
        },
        Use::Below => {
            let best = known.best_precision(concept.index).unwrap_or_default();
            let text = format!(
                "Nothing of it is right with a probability of {asked}: {} at best.",
                share(best)
            );
            (status, Some(text))
        }
        Use::Unusable => {
            let why = entry.and_then(|e| e.unusable.clone());
            let why = why.unwrap_or_else(|| "the dictionary does not read it".into());
            (status, Some(format!("It has no annotations: {why}.")))
        }
        Use::Doubtful | Use::Unknown => (status, None),
    }
}

/// What speaks against what is written of a concept.
fn against(known: &Known, concept: &Concept, tally: &Tally) -> Option<String> {
    let most = tally.most_precision().filter(|_| tally.judged >= ENOUGH);
    if most.is_some_and(|most| most < known.min_precision) {
        let precision = tally.precision().unwrap_or_default();
        return Some(format!(
            "Of {} written on the proteins that it is judged on, {} are right ({:.0} %): fewer than is stated of them.",
            tally.judged,
            tally.right,
            100.0 * precision
        ));
    }
    let mut scores = known.scores.iter().filter_map(|s| s.ranges.as_ref());
    if scores.any(|ranges| ranges.written.below.contains(&concept.id)) {
        return Some(
            "Its ranges are right less often than is stated of them (protsae-evaluate).".into(),
        );
    }
    let entry = known.entry(concept.index)?;
    let of_calls = || entry.calls.as_ref().map(|c| &c.precision);
    let table = (entry.ranges.as_ref().map(|r| &r.precision)).or_else(of_calls)?;
    let usable = table.iter().filter(|s| s.precision >= known.min_precision);
    let rests_on: u64 = usable.map(|step| step.ranges).sum();
    // of none: it is as certain as what implies it
    (1..FEW).contains(&rests_on).then(|| {
        format!("Its precision rests on {rests_on} annotations of validation proteins alone.")
    })
}

/// Levels of a table by falling probability; `truths` are the instances that could be found.
fn levels(table: &[PrecisionStep], truths: Option<u64>) -> Vec<PrecisionLevel> {
    let mut right = 0.0;
    let level = |step: &PrecisionStep| {
        right += step.precision * step.ranges as f64;
        PrecisionLevel {
            precision: rounded(step.precision),
            recall: truths
                .filter(|&truths| truths > 0)
                .map(|truths| rounded((right / truths as f64).min(1.0))),
            annotations: step.ranges,
        }
    };
    table.iter().rev().map(level).collect()
}

fn auroc(known: &Known, concept: &Concept) -> Option<f64> {
    let aligned = known.scores.iter().filter_map(|s| s.alignment.as_ref());
    let mut aligned = aligned.flat_map(|alignment| &alignment.concepts);
    let of_calls = || known.entry(concept.index)?.calls.as_ref()?.test.auroc;
    let of_latent = || {
        let entry = (known.dictionary.as_ref()?.content.latents).get(concept.index as usize)?;
        entry.auroc.filter(|_| entry.kind == LatentKind::Defined)
    };
    aligned
        .find(|scores| scores.id == concept.id)
        .and_then(|scores| scores.auroc_pi)
        .or_else(of_calls)
        .or_else(of_latent)
}

/// How a concept is found, in words.
fn found_by(known: &Known, entry: &ConceptEntry) -> Option<String> {
    if let Some(reading) = &entry.ranges {
        let evidence = match reading.evidence.source {
            EvidenceSource::Logit => "of the concept's predictor",
            EvidenceSource::Activation => "of a latent's activation",
        };
        let how = match &reading.decoder {
            Decoder::Runs(_) => "Runs of residues above a threshold".to_owned(),
            Decoder::Segments(_) => "Segments of likely lengths".to_owned(),
            Decoder::Bonds(_) => "Pairs of residues that go together".to_owned(),
            Decoder::Gaps(gaps) => {
                let border = known.concepts.get(gaps.between as usize);
                let name = border.map_or("another concept", |c| c.name.as_str());
                format!("Stretches between ranges of {name}")
            }
        };
        return Some(format!("{how}, by the probability {evidence}"));
    }
    let calls = entry.calls.as_ref()?;
    Some(match &calls.source {
        CallSource::LogitMean { .. } => "Called by the mean of the predictor's logit".into(),
        CallSource::Probe { latents, .. } => format!(
            "Called by a logistic regression on the mean activations of {} latents",
            latents.len()
        ),
    })
}

/// Latents of no concept in training that agree with one.
pub(super) fn latents(known: &Known) -> Vec<LatentRow> {
    let Some(read) = &known.dictionary else {
        return Vec::new();
    };
    let named = |entry: &&Entry| entry.kind == LatentKind::Unknown && entry.status == Status::Named;
    let row = |entry: &Entry| {
        let concept = entry.concept.as_ref()?;
        let top = entry.top_proteins.iter().take(TOP);
        Some(LatentRow {
            index: entry.index,
            concept: concept.id.clone(),
            name: concept.name.clone(),
            f1: entry.f1.map(rounded),
            auroc: entry.auroc.map(rounded),
            density: (entry.density * 1e6).round() / 1e6,
            top: top
                .map(|protein| TopProtein {
                    protein: protein.protein.clone(),
                    share: rounded(protein.activation / entry.maximum.max(f64::MIN_POSITIVE)),
                    range: longest(&protein.ranges),
                })
                .collect(),
        })
    };
    let latents = read.content.latents.iter();
    latents.filter(named).filter_map(row).collect()
}

/// The longest of some ranges, of several the first.
fn longest(ranges: &[[u32; 2]]) -> Option<[u32; 2]> {
    let length = |range: &[u32; 2]| range[1].saturating_sub(range[0]);
    let by_length = |a: &&[u32; 2], b: &&[u32; 2]| length(a).cmp(&length(b)).then(b.cmp(a));
    ranges.iter().max_by(by_length).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_fall_and_find_more_and_more() {
        let step = |score, precision, ranges| PrecisionStep {
            score,
            precision,
            ranges,
        };
        let table = [step(-1.0, 0.5, 20), step(2.0, 0.9, 10)];
        let all = levels(&table, Some(20));
        let told: Vec<_> = all.iter().map(|l| (l.precision, l.recall)).collect();
        assert_eq!(told, [(0.9, Some(0.45)), (0.5, Some(0.95))]);
        // more than all cannot be found
        assert_eq!(levels(&table, Some(5))[1].recall, Some(1.0));
        assert!(levels(&table, None).iter().all(|l| l.recall.is_none()));
    }

    #[test]
    fn of_the_longest_ranges_the_first_is_told() {
        assert_eq!(longest(&[[1, 2], [5, 9], [20, 24]]), Some([5, 9]));
        assert_eq!(longest(&[]), None);
    }
}
