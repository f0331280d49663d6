//! A chain as the page draws it.

use super::{Shown, Structure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

/// Units of an ångström.
const TENTHS: f64 = 10.0;

/// What stands for a coordinate that is missing.
const MISSING: i16 = i16::MIN;

/// The C-alphas of a protein for `structure.js`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// Base64 of x, y, z of each position of the protein, in order: tenths of an ångström from their middle, as 16-bit
    /// integers, little-endian; -32768 three times where a position has no C-alpha. Eight characters a position.
    pub ca: String,
}

impl Trace {
    /// The trace of the chain that shows a protein.
    #[must_use]
    pub fn new(structure: &Structure, shown: &Shown) -> Self {
        let residues = &structure.chains()[shown.chain].residues;
        let alphas: Vec<Option<[f32; 3]>> = shown
            .residues
            .iter()
            .map(|residue| residues[(*residue)?].alpha)
            .collect();
        let count = alphas.iter().flatten().count().max(1) as f64;
        let middle: [f64; 3] = std::array::from_fn(|axis| {
            let values = alphas.iter().flatten().map(|a| f64::from(a[axis]));
            values.sum::<f64>() / count
        });
        let mut bytes = Vec::with_capacity(6 * alphas.len());
        for alpha in &alphas {
            for axis in 0..3 {
                let tenths = alpha.map_or(MISSING, |alpha| {
                    let tenths = (TENTHS * (f64::from(alpha[axis]) - middle[axis])).round();
                    let most = f64::from(i16::MAX);
                    tenths.clamp(-most, most) as i16
                });
                bytes.extend(tenths.to_le_bytes());
            }
        }
        Self {
            ca: STANDARD.encode(bytes),
        }
    }
}
