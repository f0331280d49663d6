//! The parameters of a model.

use super::{
    config::{AxiomNorm, Shape},
    random::{Purpose, normal, stream},
    real::Real,
};

/// Latents that share one seeded stream of initial weights.
const INIT_ROWS: usize = 64;

/// The parameters of a model, or anything of the same shapes (gradients).
#[derive(Clone, Debug, PartialEq)]
pub struct Params<T> {
    /// Sizes.
    pub shape: Shape,
    /// Encoder rows, [n, d]: `W_pred` (m rows, the class centres), then `W_unk`.
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
    /// Relation vectors, [R, d].
    pub relations: Vec<T>,
    /// Scale of the axioms' batch normalisation, `[d]`, empty without it.
    pub bn_gamma: Vec<T>,
    /// Shift of the axioms' batch normalisation, `[d]`, empty without it.
    pub bn_beta: Vec<T>,
}

impl<T: Real> Params<T> {
    /// All zero.
    #[must_use]
    pub fn zeros(shape: Shape, norm: AxiomNorm) -> Self {
        let d = shape.width;
        let bn = if norm == AxiomNorm::Batchnorm { d } else { 0 };
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
        }
    }

    /// Initial values: encoder rows normal with variance 1/d, decoder rows equal to them, centres
    /// of zero classes and relations alike, r and `b_enc` 0.
    ///
    /// Independent of the number of threads: every 64 rows have a stream of their own.
    #[must_use]
    pub fn initial(
        shape: Shape,
        norm: AxiomNorm,
        seed: u64,
        predictor_bias: f64,
        b_dec: &[T],
    ) -> Self {
        let d = shape.width;
        let deviation = 1.0 / (d as f64).sqrt();
        let mut params = Self::zeros(shape, norm);
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
        let (pred, unk) = self.enc.split_at(m * d);
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
        ]
        .into_iter()
        .filter(|(name, shape, _)| !name.starts_with("bn_") || shape[0] > 0)
    }

    /// Every tensor by its name, to be written.
    pub fn tensors_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut [T])> {
        let (pred, unk) = self.enc.split_at_mut(self.shape.defined * self.shape.width);
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
        ]
        .into_iter()
        .filter(|(name, values)| !name.starts_with("bn_") || !values.is_empty())
    }
}
