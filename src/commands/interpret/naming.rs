//! From sheets to a dictionary: every latent's concept, chosen on one part and scored on another.

use super::reading::{Reading, Sheets};
use crate::{
    annot::concept::{Concept, ConceptsFile},
    score::{
        alignment::{LatentCounts, Overlap, THRESHOLDS, aurocs, count},
        association::{LogFactorials, q_values},
        dictionary::{ConceptName, DICTIONARY_FORMAT_1, Dictionary, Entry, LatentKind, Status},
        sheet::{Sheet, judged_on},
    },
    table::SaeIdentity,
};
use rayon::prelude::*;

/// When a latent has a name.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) min_f1: f64,
    pub(super) fdr: f64,
}

/// A concept and a threshold that were chosen for a latent.
struct Choice {
    concept: usize,
    threshold: usize,
    f1: f64,
    p_value: Option<f64>,
}

fn sheet_of<'s>(sheets: &'s Sheets, concept: &Concept) -> &'s Sheet {
    if judged_on(concept.level, true) {
        &sheets.residues
    } else {
        &sheets.proteins
    }
}

/// Makes the dictionary.
pub(super) fn dictionary(
    reading: &mut Reading<'_>,
    concepts: &ConceptsFile,
    identity: SaeIdentity,
    rules: Rules,
) -> Dictionary {
    let concepts = &concepts.concepts;
    let choose_on = reading.valid.as_ref().unwrap_or(&reading.test);
    let logs = LogFactorials::up_to(choose_on.association.items());
    let choices: Vec<Option<Choice>> = (0..reading.active.len())
        .into_par_iter()
        .map(|k| {
            let given = (k < reading.defined)
                .then_some(k)
                .filter(|&k| k < concepts.len());
            choose(choose_on, concepts, k, reading.maxima[k], given, &logs)
        })
        .collect();
    let p_values: Vec<f64> = choices.iter().flatten().filter_map(|c| c.p_value).collect();
    // those that the proteins for choosing could be tested with, whatever else the tables hold
    let tested = (0..reading.active.len())
        .filter(|&k| !choose_on.association.hits(k).is_empty())
        .count();
    let tests = tested * supported(choose_on, concepts);
    let mut q_values = q_values(&p_values, tests.max(p_values.len())).into_iter();
    let q: Vec<Option<f64>> = choices
        .iter()
        .map(|c| {
            c.as_ref()
                .and_then(|c| c.p_value)
                .and_then(|_| q_values.next())
        })
        .collect();
    let mut latents: Vec<Entry> = choices
        .par_iter()
        .zip(q)
        .enumerate()
        .map(|(k, (choice, q))| entry(reading, concepts, k, choice.as_ref(), q, rules))
        .collect();
    for (entry, top) in latents.iter_mut().zip(std::mem::take(&mut reading.top)) {
        entry.top_proteins = top;
    }
    Dictionary {
        format: DICTIONARY_FORMAT_1.into(),
        sae: Some(identity),
        residues: reading.residues,
        proteins: reading.proteins,
        latents,
        concepts: None,
    }
}

/// Concepts that any protein for choosing carries.
fn supported(sheets: &Sheets, concepts: &[Concept]) -> usize {
    let carried = |c: &&Concept| sheets.association.positives(c.index as usize) > 0;
    concepts.iter().filter(carried).count()
}

/// The best concept for a latent (or the given one) and the threshold that suits it best.
fn choose(
    sheets: &Sheets,
    concepts: &[Concept],
    latent: usize,
    maximum: f32,
    given: Option<usize>,
    logs: &LogFactorials,
) -> Option<Choice> {
    let on_residues = count(&sheets.residues, latent, maximum);
    let on_proteins = count(&sheets.proteins, latent, maximum);
    let best = |concept: &Concept| {
        let c = concept.index as usize;
        let counts: &LatentCounts = if judged_on(concept.level, true) {
            &on_residues
        } else {
            &on_proteins
        };
        let detection = counts.best(sheet_of(sheets, concept), c)?;
        Some((c, detection))
    };
    let candidates = match given {
        Some(c) => &concepts[c..=c],
        None => concepts,
    };
    let (concept, detection) = candidates
        .iter()
        .filter_map(best)
        .reduce(|a, b| if b.1.f1() > a.1.f1() { b } else { a })?;
    let association = count(&sheets.association, latent, maximum);
    let Overlap { marked, both } = association.overlap(concept, detection.threshold);
    let all = sheets.association.items();
    let carriers = sheets.association.positives(concept);
    Some(Choice {
        concept,
        threshold: detection.threshold,
        f1: detection.f1(),
        p_value: (carriers > 0 && marked > 0).then(|| logs.fisher(both, marked, carriers, all)),
    })
}

fn entry(
    reading: &Reading<'_>,
    concepts: &[Concept],
    latent: usize,
    choice: Option<&Choice>,
    q_value: Option<f64>,
    rules: Rules,
) -> Entry {
    let defined = latent < reading.defined;
    // one that was active in training is alive, though the tables may lack those proteins
    let dead = reading.active[latent] == 0 && reading.maxima[latent] <= 0.0;
    let named =
        choice.is_some_and(|c| c.f1 >= rules.min_f1) && q_value.is_some_and(|q| q <= rules.fdr);
    let status = match (defined, dead) {
        (_, true) => Status::Dead,
        (true, false) => Status::Defined,
        (false, false) if named => Status::Named,
        (false, false) => Status::Unnamed,
    };
    let concept = if defined {
        concepts.get(latent)
    } else {
        choice
            .filter(|_| status == Status::Named)
            .and_then(|c| concepts.get(c.concept))
    };
    let mut entry = Entry {
        index: latent as u32,
        kind: if defined {
            LatentKind::Defined
        } else {
            LatentKind::Unknown
        },
        concept: concept.map(|c| ConceptName {
            id: c.id.clone(),
            name: c.name.clone(),
            kind: c.kind,
        }),
        status,
        f1: None,
        precision: None,
        recall: None,
        auroc: None,
        q_value: None,
        threshold: None,
        support: 0,
        density: reading.active[latent] as f64 / (reading.residues.max(1)) as f64,
        maximum: f64::from(reading.maxima[latent]),
        top_proteins: Vec::new(),
    };
    let Some(concept) = concept else {
        return entry;
    };
    let c = concept.index as usize;
    let test = sheet_of(&reading.test, concept);
    entry.support = test.positives(c) as u64;
    entry.auroc = aurocs(test, latent)[c];
    if let Some(choice) = choice {
        entry.q_value = q_value;
        entry.threshold = Some(THRESHOLDS[choice.threshold]);
        let counts = count(test, latent, reading.maxima[latent]);
        if let Some(detection) = counts.detection(test, c, choice.threshold) {
            entry.f1 = Some(detection.f1());
            entry.precision = Some(detection.precision);
            entry.recall = Some(detection.recall);
        }
    }
    entry
}
