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
            out.b_enc[latent] = scalars.own.b_enc;
            for (tensor, gradient) in out.own.iter_mut().zip(scalars.own.own) {
                tensor.values[latent] = gradient;
            }
        }
        // what is learned of a predictor with a centre of its own is the bias there
        let b_pred = if out.b_center.is_empty() {
            &mut out.b_pred
        } else {
            &mut out.b_center
        };
        for (concept, scalars) in self.scalars[..m].iter().enumerate() {
            b_pred[concept] = scalars.logit;
            if self.objective.rescale {
                out.r_pred[concept] = scalars.own.r;
            }
        }
        if let Some(axioms) = &self.axioms {
            let (concepts, zero) = axioms.radii.split_at(m);
            add(concepts, b_pred);
            out.b_zero.copy_from_slice(zero);
            out.relations.copy_from_slice(&axioms.relations);
            out.bn_gamma.copy_from_slice(&axioms.bn_gamma);
        }
        out.b_dec.fill(T::ZERO);
        self.work.add_bias_gradient(&mut out.b_dec);
        for part in self.bias_parts.chunks_exact(d) {
            add(part, &mut out.b_dec);
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
        let learn = |w: &mut Vec<T>, m: &mut Vec<T>, v: &mut Vec<T>, g: &Vec<T>| {
            w.par_chunks_mut(CHUNK)
                .zip(m.par_chunks_mut(CHUNK))
                .zip(v.par_chunks_mut(CHUNK))
                .zip(g.par_chunks(CHUNK))
                .for_each(|(((w, m), v), g)| wide!(|| adam::update(w, m, v, g, rates)));
        };
        learn(&mut w.b_pred, &mut m.b_pred, &mut v.b_pred, &g.b_pred);
        let (w_b, m_b, v_b) = (&mut w.b_center, &mut m.b_center, &mut v.b_center);
        learn(w_b, m_b, v_b, &g.b_center);
        learn(&mut w.r_pred, &mut m.r_pred, &mut v.r_pred, &g.r_pred);
        learn(&mut w.b_enc, &mut m.b_enc, &mut v.b_enc, &g.b_enc);
        learn(&mut w.b_dec, &mut m.b_dec, &mut v.b_dec, &g.b_dec);
        learn(&mut w.b_zero, &mut m.b_zero, &mut v.b_zero, &g.b_zero);
        let (w_r, m_r, v_r) = (&mut w.relations, &mut m.relations, &mut v.relations);
        learn(w_r, m_r, v_r, &g.relations);
        let (w_bn, m_bn, v_bn) = (&mut w.bn_gamma, &mut m.bn_gamma, &mut v.bn_gamma);
        learn(w_bn, m_bn, v_bn, &g.bn_gamma);
        let own = w.own.iter_mut().zip(&mut m.own).zip(&mut v.own);
        for (((w, m), v), g) in own.zip(&g.own) {
            learn(&mut w.values, &mut m.values, &mut v.values, &g.values);
        }
        self.objective
            .variant
            .rule::<T>()
            .constrain(&mut self.params.own);
    }
}
