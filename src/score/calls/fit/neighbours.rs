//! How much the nearest training proteins count beside a concept's own evidence.

use super::{
    Candidate, Fit,
    held_out::{HeldOut, log_loss},
};
use crate::score::{
    calibration::Calibration,
    calls::{Shares, mix},
    dictionary::NeighbourReading,
    function::terms::TermGraph,
};
use rayon::prelude::*;

/// Weights of the neighbours' log-odds that are tried.
const WEIGHTS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Both kinds of evidence together, on validation proteins.
struct Together {
    calibration: Option<Calibration>,
    weight: f64,
    log_odds: Vec<f64>,
}

impl Fit {
    /// For each concept that is read, how it is with neighbours; none where their shares are not known.
    pub(super) fn with_neighbours(
        &self,
        graph: &TermGraph,
        chosen: &[Result<Candidate, String>],
    ) -> Option<Vec<Option<NeighbourReading>>> {
        let shares = self.valid_shares.as_ref()?;
        let together: Vec<Option<Together>> = self
            .concepts
            .par_iter()
            .zip(chosen)
            .map(|(&concept, candidate)| {
                let own = candidate.as_ref().ok()?;
                Some(self.together(concept, own, shares))
            })
            .collect();
        let log_odds: Vec<Option<&[f64]>> = (together.iter())
            .map(|t| t.as_ref().map(|t| &t.log_odds[..]))
            .collect();
        let tables = self.tables(graph, &log_odds);
        let readings = together
            .into_iter()
            .zip(tables)
            .map(|(together, precision)| {
                together.map(|together| NeighbourReading {
                    calibration: together.calibration,
                    weight: together.weight,
                    precision,
                })
            });
        Some(readings.collect())
    }

    /// The weight of the least loss on proteins left out of both calibrations; of equals the lower.
    fn together(&self, concept: u32, own: &Candidate, shares: &[Shares]) -> Together {
        let positive = self.positive(concept);
        let values: Vec<f32> = shares.iter().map(|s| s.of(concept)).collect();
        let Some(near) = HeldOut::of(&values, &positive, &self.valid.clusters) else {
            return Together {
                calibration: None,
                weight: 0.0,
                log_odds: own.log_odds.clone(),
            };
        };
        let mixed = |weight: f64| {
            let both = own.log_odds.iter().zip(&near.log_odds);
            both.map(move |(&own, &near)| mix(weight, own, near))
        };
        let losses = WEIGHTS.map(|weight| (weight, log_loss(mixed(weight), &positive)));
        let (weight, _) = (losses.into_iter())
            .reduce(|best, next| if next.1 < best.1 { next } else { best })
            .unwrap_or_default();
        Together {
            calibration: Some(near.calibration),
            weight,
            log_odds: mixed(weight).collect(),
        }
    }
}
