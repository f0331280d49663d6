//! The text of a structure with other B-factors.

use super::{Shown, Structure};
use std::io::{self, Write};

/// B-factors of values from 0 to 1: viewers colour them as they do confidences (pLDDT).
const HUNDRED: f64 = 100.0;

/// The value of a position as a B-factor, with two decimals as both formats have it.
fn b_factor(value: Option<f32>) -> f64 {
    let value = value.filter(|value| value.is_finite());
    value.map_or(0.0, |value| HUNDRED * f64::from(value).clamp(0.0, 1.0))
}

impl Structure {
    /// Writes the file with the values of a protein's positions, from 0 to 1, as B-factors from 0 to 100 of all atoms of
    /// their residues, in all models. Every other atom has 0: a viewer would colour what else stands there by the same
    /// scale. All else is byte for byte as it was.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn write_b_factors(
        &self,
        mut out: impl Write,
        shown: &Shown,
        values: &[Option<f32>],
    ) -> io::Result<()> {
        let residues = self.chains[shown.chain].residues.len();
        let mut by_residue = vec![None; residues];
        for (residue, position) in shown.positions() {
            by_residue[residue] = values.get(position - 1).copied().flatten();
        }
        // columns 61 to 66 of PDB: %6.2f
        let width = match self.format {
            super::Format::Pdb => 6,
            super::Format::Mmcif => 0,
        };
        let mut done = 0;
        for site in &self.sites {
            let own = site.residue.filter(|&(chain, _)| chain == shown.chain);
            let value = b_factor(own.and_then(|(_, residue)| by_residue[residue]));
            out.write_all(&self.text[done..site.span.start])?;
            write!(
                out,
                "{:padding$}{value:width$.2}",
                "",
                padding = site.padding
            )?;
            done = site.span.end;
        }
        out.write_all(&self.text[done..])?;
        out.flush()
    }
}
