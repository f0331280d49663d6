//! From evidence of residues to the log-odds that a decoder reads: in fitting, scoring and where ranges bound others alike.

use super::{
    calibration::{Calibration, Stored},
    decode::{Item, Residues},
};

/// How evidence of a concept becomes log-odds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    /// From evidence to log-odds.
    pub(super) calibration: &'a Calibration,
    /// Log-odds of residues that tables leave out.
    pub(super) floor: f64,
    /// Log-odds of the class frequency.
    pub(super) base: f64,
}

impl Reader<'_> {
    /// What a table keeps of the evidence of a protein, in `log_odds`, between the ranges that bound the concept.
    pub(super) fn read<'l>(
        &self,
        evidence: &[f32],
        borders: &'l [Item],
        log_odds: &'l mut Vec<f64>,
    ) -> Residues<'l> {
        let stored = Stored { floor: self.floor };
        let round = |&x: &f32| stored.round(self.calibration.log_odds(f64::from(x)));
        log_odds.clear();
        log_odds.extend(evidence.iter().map(round));
        Residues {
            log_odds,
            floor: self.floor,
            base: self.base,
            borders,
        }
    }
}
