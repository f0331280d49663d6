//! The parameters of a model.

use super::config::{Objective, Shape, Variant};
use crate::math::{
    random::{Purpose, normal, stream},
    real::Real,
};

/// Latents that share one seeded stream of initial weights.
const INIT_ROWS: usize = 64;
/// Thresholds that jumprelu begins with; pre-activations begin with a variance of about 1.
const INITIAL_THRESHOLD: f64 = 1.0;

/// Tensors that only some variants have.
const OPTIONAL: [&str; 5] = ["bn_gamma", "bn_beta", "threshold", "b_mag", "r_mag"];

/// The parameters of a model, or anything of the same shapes (gradients).
#[derive(Clone, Debug, PartialEq)]
pub struct Params<T> {
    /// Sizes.
    pub shape: Shape,
    /// Encoder rows, `[n, d]`: `W_pred` (m rows, the class centres), then `W_unk`.
    pub enc: Vec<T>,
    /// Decoder rows, `[n, d]`.
    pub dec: Vec<T>,
    /// Predictor's bias, `[m]`; its absolute value is the class radius.
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
    /// Threshold of each latent, `[n]`; empty for variants without.
    pub threshold: Vec<T>,
    /// Bias of each latent's magnitude, `[n]`; empty for variants other than gated, whose `b_enc` is
    /// the gates' bias.
    pub b_mag: Vec<T>,
    /// Log-scale of each latent's magnitude, `[n]`; empty for variants other than gated.
    pub r_mag: Vec<T>,
}

impl<T: Real> Params<T> {
    /// All zero.
    #[must_use]
    pub fn zeros(shape: Shape, norm: super::config::AxiomNorm) -> Self {
        let d = shape.width;
        let bn = if norm == super::config::AxiomNorm::Batchnorm {
            d
        } else {
            0
        };
        let zeros = |size: usize| vec![T::ZERO; size];
        Self {
            shape,
            enc: zeros(shape.latents * d),
            dec: zeros(shape.latents * d),
            b_pred: zeros(shape.defined),
            r_pred: zeros(shape.defined),
            b_enc: zeros(shape.latents),
            b_dec: zeros(d),
            w_zero: zeros(shape.zero_classes * d),
            b_zero: zeros(shape.zero_classes),
            relations: zeros(shape.relations * d),
            bn_gamma: zeros(bn),
            bn_beta: zeros(bn),
            threshold: Vec::new(),
            b_mag: Vec::new(),
            r_mag: Vec::new(),
        }
    }

    /// All zero, with what the objective's variant needs.
    #[must_use]
    pub fn zeros_for(shape: Shape, objective: &Objective) -> Self {
        let mut params = Self::zeros(shape, objective.axiom_norm);
        let n = shape.latents;
        if objective.variant.has_threshold() {
            params.threshold = vec![T::ZERO; n];
        }
        if objective.variant == Variant::Gated {
            params.b_mag = vec![T::ZERO; n];
            params.r_mag = vec![T::ZERO; n];
        }
        params
    }

    /// Initial values: encoder rows normal with variance 1/d, decoder rows equal to them, centres
    /// of zero classes and relations alike, r and `b_enc` 0.
    ///
    /// Independent of the number of threads: every 64 rows have a stream of their own.
    #[must_use]
    pub fn initial(
        shape: Shape,
        objective: &Objective,
        seed: u64,
        predictor_bias: f64,
        b_dec: &[T],
    ) -> Self {
        let d = shape.width;
        let deviation = 1.0 / (d as f64).sqrt();
        let mut params = Self::zeros_for(shape, objective);
        let fill = |values: &mut [T], purpose: Purpose| {
            for (block, values) in values.chunks_mut(INIT_ROWS * d).enumerate() {
                let mut rng = stream(seed, purpose, block as u64);
                for value in values {
                    *value = T::of(deviation * normal(&mut rng));
                }
            }
        };
        fill(&mut params.enc, Purpose::Weights);
        fill(&mut params.w_zero, Purpose::ZeroClasses);
        fill(&mut params.relations, Purpose::Relations);
        params.dec.copy_from_slice(&params.enc);
        params.b_pred.fill(T::of(predictor_bias));
        params.b_dec.copy_from_slice(b_dec);
        params.bn_gamma.fill(T::ONE);
        if objective.variant == Variant::Jumprelu {
            params.threshold.fill(T::of(INITIAL_THRESHOLD));
        }
        params
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
            ("threshold", vec![self.threshold.len()], &self.threshold[..]),
            ("b_mag", vec![self.b_mag.len()], &self.b_mag[..]),
            ("r_mag", vec![self.r_mag.len()], &self.r_mag[..]),
        ]
        .into_iter()
        .filter(|(name, _, values)| !OPTIONAL.contains(name) || !values.is_empty())
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
            ("threshold", &mut self.threshold[..]),
            ("b_mag", &mut self.b_mag[..]),
            ("r_mag", &mut self.r_mag[..]),
        ]
        .into_iter()
        .filter(|(name, values)| !OPTIONAL.contains(name) || !values.is_empty())
    }
}
