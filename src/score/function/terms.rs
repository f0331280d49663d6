//! Terms with their parents, and scores that follow them.

use super::FunctionError;
use crate::{
    annot::concept::Concept,
    ontology::{Class, Ontology, Resolved, graph::Hierarchy},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// How a term's score depends on those of its descendants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Propagation {
    /// The largest of its own and its descendants'.
    #[default]
    Max,
    /// Its own where it has one, else the largest of its children's.
    Fill,
}

/// Terms of one aspect and their direct parents; without cycles.
#[derive(Clone, Debug, Default)]
pub struct TermGraph {
    ids: Vec<String>,
    /// Terms by id, by alternative ids too.
    index: HashMap<String, u32>,
    parents: Vec<Vec<u32>>,
    /// Children before their parents.
    order: Vec<u32>,
}

impl TermGraph {
    /// A graph of these terms; `parents[t]` are numbers of terms.
    ///
    /// # Errors
    /// [`FunctionError::Cycle`], [`FunctionError::Parent`].
    pub fn new(ids: Vec<String>, parents: Vec<Vec<u32>>) -> Result<Self, FunctionError> {
        let mut children_left = vec![0_u32; ids.len()];
        for (term, list) in ids.iter().zip(&parents) {
            for &parent in list {
                let slot = children_left.get_mut(parent as usize);
                *slot.ok_or_else(|| FunctionError::Parent {
                    term: term.clone(),
                    parent,
                    terms: ids.len(),
                })? += 1;
            }
        }
        let mut order: Vec<u32> = (0..ids.len() as u32)
            .filter(|&t| children_left[t as usize] == 0)
            .collect();
        let mut next = 0;
        while let Some(&term) = order.get(next) {
            next += 1;
            for &parent in &parents[term as usize] {
                let left = &mut children_left[parent as usize];
                *left -= 1;
                if *left == 0 {
                    order.push(parent);
                }
            }
        }
        if let Some(term) = children_left.iter().position(|&left| left > 0) {
            return Err(FunctionError::Cycle(ids[term].clone()));
        }
        let index = ids.iter().cloned().zip(0..).collect();
        Ok(Self {
            ids,
            index,
            parents,
            order,
        })
    }

    /// The current terms of a namespace. Where a path leads through other namespaces and back, its end is a parent.
    /// `follow` also takes ids of obsolete terms for those that replaced them.
    ///
    /// # Errors
    /// [`FunctionError::Cycle`].
    pub fn of_namespace(
        ontology: &Ontology,
        hierarchy: &Hierarchy,
        namespace: &str,
        follow: bool,
    ) -> Result<Self, FunctionError> {
        let mut classes: Vec<Class> = (ontology.order.iter().copied())
            .filter(|&class| is_current(ontology, class) && ontology.namespace(class) == namespace)
            .collect();
        classes.sort_unstable_by(|&a, &b| id(ontology, a).cmp(id(ontology, b)));
        let numbers: HashMap<Class, u32> = classes.iter().copied().zip(0..).collect();
        let parents = classes
            .iter()
            .map(|&class| nearest(hierarchy, class, &numbers))
            .collect();
        let ids = classes.iter().map(|&c| id(ontology, c).to_owned());
        let mut graph = Self::new(ids.collect(), parents)?;
        for (class, name) in (0..).zip(&ontology.classes) {
            let meant = match ontology.resolve_class(class) {
                Resolved::Replaced(class) if follow => Some(class),
                _ => ontology.alternative(class),
            };
            if let Some(&number) = meant.and_then(|class| numbers.get(&class)) {
                graph.index.entry(name.clone()).or_insert(number);
            }
        }
        Ok(graph)
    }

    /// Some concepts of a vocabulary, with those of their parents that are among them.
    ///
    /// # Errors
    /// [`FunctionError::Cycle`].
    pub fn of_concepts(concepts: &[&Concept]) -> Result<Self, FunctionError> {
        let numbers: HashMap<u32, u32> = concepts.iter().map(|c| c.index).zip(0..).collect();
        let parents = concepts.iter().map(|concept| {
            let known = concept.parents.iter().filter_map(|p| numbers.get(p));
            known.copied().collect()
        });
        let ids = concepts.iter().map(|c| c.id.clone()).collect();
        Self::new(ids, parents.collect())
    }

    /// Number of terms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no term.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Ids of the terms, by number.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// The term of an id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<u32> {
        self.index.get(id).copied()
    }

    /// Direct parents of a term.
    #[must_use]
    pub fn parents(&self, term: u32) -> &[u32] {
        &self.parents[term as usize]
    }

    /// Terms with their ancestors, ascending.
    #[must_use]
    pub fn with_ancestors(&self, terms: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut seen: HashSet<u32> = HashSet::new();
        found.extend(terms.into_iter().filter(|&t| seen.insert(t)));
        let mut next = 0;
        while let Some(&term) = found.get(next) {
            next += 1;
            let parents = self.parents(term).iter().copied();
            found.extend(parents.filter(|&p| seen.insert(p)));
        }
        found.sort_unstable();
        found
    }

    /// Scores of one protein, propagated in place: `scores[t]`, 0 for none.
    pub fn propagate(&self, scores: &mut [f64], propagation: Propagation) {
        let mut below = vec![0.0_f64; self.len()];
        for &term in &self.order {
            let t = term as usize;
            scores[t] = match propagation {
                Propagation::Fill if scores[t] != 0.0 => scores[t],
                _ => scores[t].max(below[t]),
            };
            for &parent in &self.parents[t] {
                below[parent as usize] = below[parent as usize].max(scores[t]);
            }
        }
    }

    /// How much a term says, log2 of the proteins of the parent with the fewest over its own; 0 without parents or proteins.
    /// `truths` are sets of terms that hold all their ancestors.
    #[must_use]
    pub fn information_content<'a>(&self, truths: impl Iterator<Item = &'a [u32]>) -> Vec<f64> {
        let mut counts = vec![0_u64; self.len()];
        for terms in truths {
            for &term in terms {
                counts[term as usize] += 1;
            }
        }
        let content = |term: u32| {
            let own = counts[term as usize];
            let parents = self.parents(term).iter().map(|&p| counts[p as usize]);
            let fewest = parents.min().filter(|_| own > 0);
            fewest.map_or(0.0, |parent| (parent as f64 / own as f64).log2())
        };
        (0..self.len() as u32).map(content).collect()
    }
}

fn id(ontology: &Ontology, class: Class) -> &str {
    &ontology.classes[class as usize]
}

fn is_current(ontology: &Ontology, class: Class) -> bool {
    ontology.term(class).is_some_and(|term| !term.obsolete)
}

/// The nearest ancestors of a class that have numbers.
fn nearest(hierarchy: &Hierarchy, class: Class, numbers: &HashMap<Class, u32>) -> Vec<u32> {
    let mut queue = hierarchy.parents(class).to_vec();
    let mut seen: HashSet<Class> = queue.iter().copied().collect();
    let mut found = Vec::new();
    while let Some(class) = queue.pop() {
        if let Some(&number) = numbers.get(&class) {
            found.push(number);
        } else {
            let parents = hierarchy.parents(class).iter().copied();
            queue.extend(parents.filter(|&parent| seen.insert(parent)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Scores of proteins, of which most are 0 and not held.
#[derive(Clone, Debug, Default)]
pub struct TermScores {
    ends: Vec<usize>,
    terms: Vec<u32>,
    scores: Vec<f64>,
}

impl TermScores {
    /// Propagated scores of proteins, each from its `scores[t]`.
    pub fn propagated(
        graph: &TermGraph,
        propagation: Propagation,
        proteins: impl IntoIterator<Item = Vec<f64>>,
    ) -> Self {
        let mut rows = Self::default();
        for mut scores in proteins {
            graph.propagate(&mut scores, propagation);
            rows.push(&scores);
        }
        rows
    }

    /// Adds a protein.
    pub fn push(&mut self, scores: &[f64]) {
        for (term, &score) in (0..).zip(scores) {
            if score > 0.0 {
                self.terms.push(term);
                self.scores.push(score);
            }
        }
        self.ends.push(self.terms.len());
    }

    /// Proteins.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no protein.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Terms of a protein, ascending, and their scores.
    pub fn row(&self, protein: usize) -> impl Iterator<Item = (u32, f64)> {
        let start = protein.checked_sub(1).map_or(0, |before| self.ends[before]);
        let range = start..self.ends[protein];
        let terms = self.terms[range.clone()].iter().copied();
        terms.zip(self.scores[range].iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A chain 3 -> 2 -> 1 -> 0 with a second way 3 -> 1.
    fn graph() -> TermGraph {
        let ids = ["A", "B", "C", "D"].map(str::to_owned).to_vec();
        TermGraph::new(ids, vec![vec![], vec![0], vec![1], vec![1, 2]]).unwrap()
    }

    #[test]
    fn scores_rise_to_ancestors_or_fill_what_has_none() {
        let mut scores = [0.0, 0.2, 0.5, 0.4];
        graph().propagate(&mut scores, Propagation::Max);
        assert_eq!(scores, [0.5, 0.5, 0.5, 0.4]);
        let mut scores = [0.0, 0.2, 0.0, 0.4];
        graph().propagate(&mut scores, Propagation::Fill);
        assert_eq!(scores, [0.2, 0.2, 0.4, 0.4]);
    }

    #[test]
    fn cycles_and_unknown_parents_are_refused() {
        let ids = || vec!["A".to_owned(), "B".to_owned()];
        let error = TermGraph::new(ids(), vec![vec![1], vec![0]]).unwrap_err();
        assert!(error.to_string().contains("cycle"), "{error}");
        let error = TermGraph::new(ids(), vec![vec![7], vec![]]).unwrap_err();
        assert!(error.to_string().contains("number 7"), "{error}");
    }

    proptest! {
        #[test]
        fn a_term_scores_no_less_than_its_descendants(own in prop::collection::vec(0.0_f64..1.0, 4)) {
            let graph = graph();
            let mut scores = own.clone();
            graph.propagate(&mut scores, Propagation::Max);
            for term in 0..4_u32 {
                for &ancestor in &graph.with_ancestors([term]) {
                    prop_assert!(scores[ancestor as usize] >= scores[term as usize]);
                }
                prop_assert!(scores[term as usize] >= own[term as usize]);
            }
        }
    }
}
