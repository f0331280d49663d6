//! One aspect: its proteins, what they have, and the scoring of methods on them.

use super::{Curve, Scored, Setting};
use crate::score::function::{
    cafa, deepgo,
    result::{Cell, Evaluator, Knowledge},
    terms::{TermGraph, TermScores},
};

/// What is scored in an aspect.
pub(super) struct Aspect {
    /// Namespace.
    pub(super) name: String,
    pub(super) graph: TermGraph,
    /// Proteins, sorted.
    pub(super) proteins: Vec<String>,
    /// Terms of each with their ancestors, ascending.
    pub(super) truths: Vec<Vec<u32>>,
    /// What was known of each, in the same form, and how much.
    pub(super) known: Option<(Vec<Vec<u32>>, Vec<Knowledge>)>,
    /// Terms of training proteins, in the same form.
    pub(super) training: Vec<Vec<u32>>,
    /// Terms that could be predicted.
    pub(super) universe: Vec<bool>,
    /// Information content.
    pub(super) information: Vec<f64>,
}

/// Fills the scores of a protein, by its place among the aspect's, for the terms; they are 0 before.
pub(super) type Fill<'a> = dyn Fn(usize, &mut [f64]) + 'a;

impl Aspect {
    /// The information content of the terms, from all truths and training proteins.
    pub(super) fn count_information(&mut self) {
        let all = self.truths.iter().chain(&self.training);
        self.information = self.graph.information_content(all.map(Vec::as_slice));
    }

    /// Scores a method, on all proteins and on those of each kind of knowledge.
    pub(super) fn score(
        &self,
        setting: &Setting<'_>,
        method: &str,
        fill: &Fill<'_>,
        scored: &mut Scored,
    ) {
        let everyone = (0..self.proteins.len()).collect();
        let mut parts: Vec<(Option<Knowledge>, Vec<usize>)> = vec![(None, everyone)];
        if let Some((_, knowledge)) = &self.known {
            for kind in Knowledge::ALL {
                let of_kind = (0..knowledge.len()).filter(|&p| knowledge[p] == kind);
                parts.push((Some(kind), of_kind.collect()));
            }
        }
        for (kind, proteins) in parts {
            let rows = proteins.iter().map(|&protein| {
                let mut scores = vec![0.0; self.graph.len()];
                fill(protein, &mut scores);
                scores
            });
            let predictions = TermScores::propagated(&self.graph, setting.args.prop, rows);
            let (mut cell, mut curve) = match setting.args.evaluator {
                Evaluator::Deepgo => self.deepgo(setting, &proteins, &predictions),
                Evaluator::Cafa => self.cafa(setting, kind, &proteins, &predictions),
            };
            for (own_method, own_aspect) in [
                (&mut cell.method, &mut cell.aspect),
                (&mut curve.method, &mut curve.aspect),
            ] {
                method.clone_into(own_method);
                self.name.clone_into(own_aspect);
            }
            (cell.knowledge, curve.knowledge) = (kind, kind);
            scored.cells.push(cell);
            scored.curves.push(curve);
        }
    }

    /// The rows of some proteins.
    fn take(all: &[Vec<u32>], proteins: &[usize]) -> Vec<Vec<u32>> {
        proteins.iter().map(|&p| all[p].clone()).collect()
    }

    fn groups(&self, setting: &Setting<'_>, proteins: &[usize]) -> Vec<usize> {
        let names = proteins.iter().map(|&p| self.proteins[p].as_str());
        setting.groups.of(names)
    }

    fn deepgo(
        &self,
        setting: &Setting<'_>,
        proteins: &[usize],
        predictions: &TermScores,
    ) -> (Cell, Curve) {
        // an ontology's roots are those without parents; a vocabulary has none
        let has_roots = setting.ontology.is_some();
        let counts = |(term, &possible): (u32, &bool)| {
            possible && !(has_roots && self.graph.parents(term).is_empty())
        };
        let counts: Vec<bool> = (0..).zip(&self.universe).map(counts).collect();
        let task = deepgo::Task {
            graph: &self.graph,
            truths: &Self::take(&self.truths, proteins),
            counts: &counts,
            information: &self.information,
            groups: &self.groups(setting, proteins),
            replicates: setting.args.bootstrap,
            seed: setting.seed,
        };
        let (cell, points) = task.score(predictions);
        (cell, Curve::of_points(points))
    }

    fn cafa(
        &self,
        setting: &Setting<'_>,
        kind: Option<Knowledge>,
        proteins: &[usize],
        predictions: &TermScores,
    ) -> (Cell, Curve) {
        let n = self.graph.len();
        let mut of_interest = vec![setting.of_interest.is_none(); n];
        for id in setting.of_interest.iter().flatten() {
            if let Some(term) = self.graph.find(id) {
                of_interest[term as usize] = true;
            }
        }
        let is_orphan = |term: usize| self.graph.parents(term as u32).is_empty();
        let counts: Vec<bool> = (0..n)
            .map(|t| of_interest[t] && !(setting.args.no_orphans && is_orphan(t)))
            .collect();
        let information: Option<Vec<f64>> = setting.weights.as_ref().map(|weights| {
            let weight = |id: &String| weights.get(id).copied().unwrap_or_default();
            self.graph.ids().iter().map(weight).collect()
        });
        let weighted: Vec<bool> = (information.iter().flatten().zip(&of_interest))
            .map(|(&weight, &of_interest)| of_interest && weight > 0.0)
            .collect();
        // nothing is known of the others that could be left out
        let known = (self.known.as_ref())
            .filter(|_| kind.is_none_or(|kind| kind == Knowledge::Partial))
            .map(|(known, _)| Self::take(known, proteins));
        let task = cafa::Task {
            truths: &Self::take(&self.truths, proteins),
            counts: &counts,
            weighted: information.as_deref().map(|information| cafa::Weighted {
                counts: &weighted,
                information,
            }),
            known: known.as_deref(),
            of_interest: setting.of_interest.is_some() || self.known.is_some(),
            normalization: setting.args.norm,
            groups: &self.groups(setting, proteins),
            replicates: setting.args.bootstrap,
            seed: setting.seed,
        };
        let (cell, curves) = task.score(predictions);
        (cell, Curve::of_rows(&curves))
    }
}
