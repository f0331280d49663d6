//! Which calls are written: those of a row, the most specific of them, and what the rules of the ontology make of them.

use crate::{
    annot::{
        concept::{Concept, ConceptKind, Level},
        go::rules::Rules,
    },
    ontology::Ontology,
    report::calls::{Aspect, Call, Corroboration},
    sae::folder::Sae,
    score::dictionary::Dictionary,
    table::{calls::CallList, proteins::ProteinFeatures},
};
use std::collections::{BTreeMap, HashSet};

/// What is called what: concepts by number.
pub(in crate::commands::annotate) struct Names {
    pub(super) concepts: Vec<Named>,
    /// Whether parents are known.
    pub(super) has_parents: bool,
}

/// A concept.
pub(super) struct Named {
    id: String,
    name: String,
    pub(super) kind: ConceptKind,
    pub(super) level: Level,
    namespace: Option<String>,
    parents: Vec<u32>,
}

impl Names {
    /// The concepts of a model, else those of a dictionary.
    pub(in crate::commands::annotate) fn new(
        sae: Option<&Sae>,
        dictionary: Option<&Dictionary>,
    ) -> Self {
        let of_model = |concept: &Concept| Named {
            id: concept.id.clone(),
            name: concept.name.clone(),
            kind: concept.kind,
            level: concept.level,
            namespace: concept.namespace.clone(),
            parents: concept.parents.clone(),
        };
        let concepts = match (sae, dictionary) {
            (Some(sae), _) => sae.concepts.concepts.iter().map(of_model).collect(),
            (None, Some(dictionary)) => (dictionary.concepts().iter())
                .map(|entry| Named {
                    id: entry.id.clone(),
                    name: entry.name.clone(),
                    kind: entry.kind,
                    level: entry.level,
                    namespace: None,
                    parents: Vec::new(),
                })
                .collect(),
            (None, None) => Vec::new(),
        };
        Self {
            concepts,
            has_parents: sae.is_some(),
        }
    }
}

/// A concept that a row says something of.
pub(super) struct Candidate {
    /// Its place among the row's calls.
    pub(super) at: usize,
    pub(super) concept: u32,
    pub(super) score: f64,
}

/// The concepts that a row says something of.
pub(super) fn candidates(row: &ProteinFeatures) -> impl Iterator<Item = Candidate> {
    let (concepts, scores) = match &row.calls {
        Some(calls) => (&calls.concepts, &calls.probabilities),
        None => (&row.concepts, &row.probability_mean),
    };
    let scored = concepts.iter().zip(scores).enumerate();
    scored.map(|(at, (&concept, &score))| Candidate {
        at,
        concept,
        score: f64::from(score),
    })
}

/// A call of a concept, the one at this place among a row's calls.
pub(super) fn call(named: &Named, score: f64, calls: Option<&CallList>, at: usize) -> Call {
    let neighbours = calls.and_then(|calls| calls.neighbours.as_ref());
    let donor = neighbours
        .and_then(|n| n.donors.get(at))
        .filter(|donor| !donor.is_empty());
    let donor_score = neighbours.and_then(|n| n.donor_scores.get(at));
    Call {
        concept: named.id.clone(),
        name: named.name.clone(),
        kind: named.kind,
        aspect: named
            .namespace
            .as_deref()
            .and_then(|n| Aspect::of(n, false)),
        score,
        corroborated_by: donor
            .map(|_| Corroboration::Neighbour)
            .into_iter()
            .collect(),
        donor_score: donor.and(donor_score).map(|&s| f64::from(s)),
        donor: donor.cloned(),
    }
}

/// Calls of which no other implies another, by the parents of the vocabulary.
pub(super) fn most_specific(concepts: &[Named], said: Vec<(u32, Call)>) -> Vec<Call> {
    let mut implied: HashSet<u32> = HashSet::new();
    let mut open: Vec<u32> = Vec::new();
    for (concept, _) in &said {
        open.extend(&concepts[*concept as usize].parents);
    }
    while let Some(concept) = open.pop() {
        if implied.insert(concept)
            && let Some(named) = concepts.get(concept as usize)
        {
            open.extend(&named.parents);
        }
    }
    let kept = said.into_iter().filter(|(c, _)| !implied.contains(c));
    kept.map(|(_, call)| call).collect()
}

/// Calls as the rules of the ontology have them; those that are no terms stay as they are.
pub(super) fn ruled(
    rules: &mut Rules<'_>,
    ontology: &Ontology,
    concepts: &[Named],
    said: Vec<(u32, Call)>,
    all: bool,
) -> Vec<Call> {
    let (terms, others): (Vec<_>, Vec<_>) = said
        .into_iter()
        .partition(|(_, call)| call.kind == ConceptKind::Go);
    let mut calls: Vec<Call> = if all {
        others.into_iter().map(|(_, call)| call).collect()
    } else {
        most_specific(concepts, others)
    };
    let ids = terms
        .iter()
        .map(|(_, call)| (call.concept.as_str(), call.score));
    let applied = rules.apply(ids, all);
    // what speaks for a term speaks for what it implies; of several the likeliest
    let mut support: BTreeMap<u32, &Call> = BTreeMap::new();
    for (_, call) in &terms {
        for &class in rules.implied(&call.concept) {
            let best = support.entry(class).or_insert(call);
            if call.score > best.score {
                *best = call;
            }
        }
    }
    for (class, score) in applied {
        let complex = rules.is_complex(class);
        let Some(from) = support.get(&class) else {
            continue;
        };
        calls.push(Call {
            concept: ontology.classes[class as usize].clone(),
            name: ontology
                .term(class)
                .map_or(String::new(), |t| t.name.clone()),
            kind: ConceptKind::Go,
            aspect: Aspect::of(ontology.namespace(class), complex),
            score,
            corroborated_by: from.corroborated_by.clone(),
            donor: from.donor.clone(),
            donor_score: from.donor_score,
        });
    }
    calls
}
