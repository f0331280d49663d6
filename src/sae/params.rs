//! The parameters of a model.

use super::shape::Shape;
use crate::{
    math::{real::Real, vector::dot},
    wide,
};

/// Tensors that only some models have.
const OPTIONAL: [&str; 4] = ["bn_gamma", "bn_beta", "predictor_center", "b_pred_center"];

/// A tensor of a variant's own: a number a latent, `[n]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LatentTensor<T> {
    /// Its name in `model.safetensors`.
    pub name: &'static str,
    /// Its values.
    pub values: Vec<T>,
}

/// The parameters of a model, or anything of the same shapes (gradients).
#[derive(Clone, Debug, PartialEq)]
pub struct Params<T> {
    /// Sizes.
    pub shape: Shape,
    /// Encoder rows, `[n, d]`: `W_pred` (m rows, the class centres), then `W_unk`.
    pub enc: Vec<T>,
    /// Decoder rows, `[n, d]`.
    pub dec: Vec<T>,
    /// Predictor's bias for inputs centred by `b_dec`, `[m]`.
    pub b_pred: Vec<T>,
    /// Log-scale of the defined encoder rows, `[m]`.
    pub r_pred: Vec<T>,
    /// Encoder's bias, `[n]`.
    pub b_enc: Vec<T>,
    /// Decoder's bias, subtracted before encoding, `[d]`.
    pub b_dec: Vec<T>,
    /// Centres of the zero classes, `[z, d]`.
    pub w_zero: Vec<T>,
    /// Radii of the zero classes, `[z]`.
    pub b_zero: Vec<T>,
    /// Relation vectors, `[R, d]`.
    pub relations: Vec<T>,
    /// Scale of the axioms' batch normalisation, `[d]`, empty without it.
    pub bn_gamma: Vec<T>,
    /// Shift of the axioms' batch normalisation, `[d]`, empty without it.
    pub bn_beta: Vec<T>,
    /// What the predictor's input is centred by, `[d]`; empty where that is `b_dec`.
    pub predictor_center: Vec<T>,
    /// Predictor's bias at its own centre, `[m]`: what is learned in place of `b_pred`, which follows
    /// from it; empty where the centre is `b_dec`.
    pub b_center: Vec<T>,
    /// Tensors of the variant's own, `[n]` each.
    pub own: Vec<LatentTensor<T>>,
}

impl<T: Real> Params<T> {
    /// Values of the variant's own tensor of this number, `[n]`; empty where it has none.
    #[must_use]
    pub fn own(&self, number: usize) -> &[T] {
        self.own.get(number).map_or(&[], |tensor| &tensor.values)
    }

    /// The bias by which a class's radius goes: that of the predictor at its centre.
    #[must_use]
    pub fn class_bias(&self, class: usize) -> T {
        let m = self.shape.defined;
        match class.checked_sub(m) {
            Some(zero) => self.b_zero[zero],
            None if self.b_center.is_empty() => self.b_pred[class],
            None => self.b_center[class],
        }
    }

    /// Centres the predictor by `center` `[d]`, in units of the scaled input, if it has a centre of its
    /// own.
    pub fn set_center(&mut self, center: &[T]) {
        if !self.predictor_center.is_empty() {
            self.predictor_center.copy_from_slice(center);
            self.refresh_bias();
        }
    }

    /// Makes `b_pred` follow from the bias at the predictor's centre: `b_center + W_pred (b_dec - center)`.
    pub fn refresh_bias(&mut self) {
        if self.predictor_center.is_empty() {
            return;
        }
        let offset = self.center_offset();
        let rows = self.enc.chunks_exact(self.shape.width);
        wide!(|| {
            for ((b, &own), row) in self.b_pred.iter_mut().zip(&self.b_center).zip(rows) {
                *b = own + dot(row, &offset);
            }
        });
    }

    /// `b_dec` less the predictor's centre, `[d]`; empty where they are one.
    #[must_use]
    pub fn center_offset(&self) -> Vec<T> {
        let pairs = self.b_dec.iter().zip(&self.predictor_center);
        pairs.map(|(&b, &center)| b - center).collect()
    }

    /// Every tensor by its name in `model.safetensors`, with its shape.
    pub fn tensors(&self) -> impl Iterator<Item = (&'static str, Vec<usize>, &[T])> {
        let Shape {
            width: d,
            latents: n,
            defined: m,
            zero_classes: z,
            relations: r,
        } = self.shape;
        // nothing to split where only the other tensors are held
        let (pred, unk) = self.enc.split_at((m * d).min(self.enc.len()));
        let bn = self.bn_gamma.len();
        [
            ("w_pred", vec![m, d], pred),
            ("b_pred", vec![m], &self.b_pred[..]),
            ("r_pred", vec![m], &self.r_pred[..]),
            ("w_unk", vec![n - m, d], unk),
            ("b_enc", vec![n], &self.b_enc[..]),
            ("w_dec", vec![n, d], &self.dec[..]),
            ("b_dec", vec![d], &self.b_dec[..]),
            ("w_zero", vec![z, d], &self.w_zero[..]),
            ("b_zero", vec![z], &self.b_zero[..]),
            ("relations", vec![r, d], &self.relations[..]),
            ("bn_gamma", vec![bn], &self.bn_gamma[..]),
            ("bn_beta", vec![bn], &self.bn_beta[..]),
            (
                "predictor_center",
                vec![self.predictor_center.len()],
                &self.predictor_center[..],
            ),
            (
                "b_pred_center",
                vec![self.b_center.len()],
                &self.b_center[..],
            ),
        ]
        .into_iter()
        .filter(|(name, _, values)| !OPTIONAL.contains(name) || !values.is_empty())
        .chain((self.own.iter()).map(|own| (own.name, vec![own.values.len()], &own.values[..])))
    }

    /// Every tensor by its name, to be written.
    pub fn tensors_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut [T])> {
        let split = (self.shape.defined * self.shape.width).min(self.enc.len());
        let (pred, unk) = self.enc.split_at_mut(split);
        [
            ("w_pred", pred),
            ("b_pred", &mut self.b_pred[..]),
            ("r_pred", &mut self.r_pred[..]),
            ("w_unk", unk),
            ("b_enc", &mut self.b_enc[..]),
            ("w_dec", &mut self.dec[..]),
            ("b_dec", &mut self.b_dec[..]),
            ("w_zero", &mut self.w_zero[..]),
            ("b_zero", &mut self.b_zero[..]),
            ("relations", &mut self.relations[..]),
            ("bn_gamma", &mut self.bn_gamma[..]),
            ("bn_beta", &mut self.bn_beta[..]),
            ("predictor_center", &mut self.predictor_center[..]),
            ("b_pred_center", &mut self.b_center[..]),
        ]
        .into_iter()
        .filter(|(name, values)| !OPTIONAL.contains(name) || !values.is_empty())
        .chain((self.own.iter_mut()).map(|own| (own.name, &mut own.values[..])))
    }
}
