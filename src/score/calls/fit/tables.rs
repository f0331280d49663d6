//! How likely calls are right, by probabilities of validation proteins that were held against labels.

use super::Fit;
use crate::score::{
    calibration::sigmoid,
    calls::FLOOR,
    function::terms::{Propagation, TermGraph},
    precision::{Judged, PooledPrecision, PrecisionStep},
};

impl Fit {
    /// The tables of precision of concepts with these log-odds on validation proteins; empty where there are none, or
    /// nothing is likely enough to be judged.
    pub(super) fn tables(
        &self,
        graph: &TermGraph,
        log_odds: &[Option<&[f64]>],
    ) -> Vec<Vec<PrecisionStep>> {
        let judged = self.judge(graph, log_odds);
        let pooled = PooledPrecision::new(judged.iter().flatten().copied());
        judged.iter().map(|judged| pooled.table(judged)).collect()
    }

    /// Probabilities of concepts on validation proteins, with those of their descendants, held against labels.
    fn judge(&self, graph: &TermGraph, log_odds: &[Option<&[f64]>]) -> Vec<Vec<Judged>> {
        let mut judged = vec![Vec::new(); self.concepts.len()];
        for (row, truths) in self.valid.truths.iter().enumerate() {
            let mut scores = vec![0.0; graph.len()];
            for (concept, log_odds) in self.concepts.iter().zip(log_odds) {
                if let Some(log_odds) = log_odds {
                    scores[*concept as usize] = sigmoid(log_odds[row]);
                }
            }
            graph.propagate(&mut scores, Propagation::Max);
            for ((&concept, log_odds), judged) in
                self.concepts.iter().zip(log_odds).zip(&mut judged)
            {
                let score = scores[concept as usize];
                if log_odds.is_some() && score >= FLOOR {
                    judged.push(Judged {
                        score,
                        right: truths.binary_search(&concept).is_ok(),
                        // one call of a protein and concept
                        cluster: row as u32,
                    });
                }
            }
        }
        judged
    }
}
