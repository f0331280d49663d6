//! Everything but the large matrices: biases, scales, thresholds, relations; and the length of all
//! gradients together.

use crate::wide;
use rayon::prelude::*;

use super::Engine;
use crate::{
    math::{
        real::Real,
        vector::{add, dot},
    },
    sae::config::Variant,
    train::adam::{self, Rates},
};

/// Values per task.
const CHUNK: usize = 1 << 14;
/// Values whose squares are summed together.
const SQUARES: usize = 1 << 12;

/// Sum of squares.
fn squares<T: Real>(values: &[T]) -> f64 {
    let parts: Vec<f64> = values
        .par_chunks(SQUARES)
        .map(|chunk| wide!(|| dot(chunk, chunk)).f64())
        .collect();
    parts.iter().sum()
}

fn scale<T: Real>(values: &mut [T], factor: T) {
    values
        .par_chunks_mut(SQUARES)
        .for_each(|chunk| chunk.iter_mut().for_each(|v| *v *= factor));
}

impl<T: Real> Engine<T> {
    /// Shortens the held gradients, all together, to a length.
    pub(crate) fn shorten(&mut self, limit: f64) {
        let Some((enc, dec)) = &mut self.held else {
            return;
        };
        let mut total = squares(enc) + squares(dec);
        total += self.small.tensors().map(|(.., v)| squares(v)).sum::<f64>();
        let (d, m) = (self.params.shape.width, self.params.shape.defined);
        if let Some(axioms) = &self.axioms {
            for zero in (0..self.params.shape.zero_classes).filter(|z| axioms.names(m + z)) {
                total += squares(&axioms.centres[(m + zero) * d..][..d]);
            }
        }
        let length = total.sqrt();
        if length <= limit {
            return;
        }
        let factor = T::of(limit / length);
        scale(enc, factor);
        scale(dec, factor);
        for (_, values) in self.small.tensors_mut() {
            scale(values, factor);
        }
        if let Some(axioms) = &mut self.axioms {
            scale(&mut axioms.centres[m * d..], factor);
        }
    }

    /// Gradients of all parameters but the two matrices.
    pub(crate) fn small_gradients(&mut self) {
        let (d, m) = (self.params.shape.width, self.params.shape.defined);
        let out = &mut self.small;
        for (latent, scalars) in self.scalars.iter().enumerate() {
            out.b_enc[latent] = scalars.b_enc;
            match self.objective.variant {
                Variant::Jumprelu => out.threshold[latent] = scalars.extra,
                Variant::Gated => {
                    out.b_mag[latent] = scalars.extra;
                    out.r_mag[latent] = scalars.r_mag;
                }
                _ => {}
            }
            if latent < m {
                out.b_pred[latent] = scalars.b_pred;
                if self.objective.rescale {
                    out.r_pred[latent] = scalars.r;
                }
            }
        }
        out.b_dec.fill(T::ZERO);
        self.work.add_bias_gradient(&mut out.b_dec);
        for part in self.bias_parts.chunks_exact(d) {
            add(part, &mut out.b_dec);
        }
        if let Some(axioms) = &self.axioms {
            let (concepts, zero) = axioms.radii.split_at(m);
            add(concepts, &mut out.b_pred);
            out.b_zero.copy_from_slice(zero);
            out.relations.copy_from_slice(&axioms.relations);
            out.bn_gamma.copy_from_slice(&axioms.bn_gamma);
        }
    }

    /// Adam on all parameters but the two matrices.
    pub(crate) fn learn_small(&mut self, rates: Rates<T>) {
        let (w, m, v) = (
            &mut self.params,
            &mut self.state.first,
            &mut self.state.second,
        );
        let g = &self.small;
        for (w, m, v, g) in [
            (&mut w.b_pred, &mut m.b_pred, &mut v.b_pred, &g.b_pred),
            (&mut w.r_pred, &mut m.r_pred, &mut v.r_pred, &g.r_pred),
            (&mut w.b_enc, &mut m.b_enc, &mut v.b_enc, &g.b_enc),
            (&mut w.b_dec, &mut m.b_dec, &mut v.b_dec, &g.b_dec),
            (&mut w.b_zero, &mut m.b_zero, &mut v.b_zero, &g.b_zero),
            (
                &mut w.relations,
                &mut m.relations,
                &mut v.relations,
                &g.relations,
            ),
            (
                &mut w.bn_gamma,
                &mut m.bn_gamma,
                &mut v.bn_gamma,
                &g.bn_gamma,
            ),
            (
                &mut w.threshold,
                &mut m.threshold,
                &mut v.threshold,
                &g.threshold,
            ),
            (&mut w.b_mag, &mut m.b_mag, &mut v.b_mag, &g.b_mag),
            (&mut w.r_mag, &mut m.r_mag, &mut v.r_mag, &g.r_mag),
        ] {
            w.par_chunks_mut(CHUNK)
                .zip(m.par_chunks_mut(CHUNK))
                .zip(v.par_chunks_mut(CHUNK))
                .zip(g.par_chunks(CHUNK))
                .for_each(|(((w, m), v), g)| wide!(|| adam::update(w, m, v, g, rates)));
        }
        for threshold in &mut self.params.threshold {
            *threshold = threshold.larger(T::ZERO);
        }
    }
}
