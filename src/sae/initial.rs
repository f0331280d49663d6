//! What the parameters of a model are before it is trained.

use super::{
    config::{AxiomNorm, AxiomRadius, Objective, Shape},
    params::{LatentTensor, Params},
};
use crate::math::{
    random::{Purpose, normal, stream},
    real::Real,
};

/// Latents that share one seeded stream of initial weights.
const INIT_ROWS: usize = 64;

impl<T: Real> Params<T> {
    /// All zero, with what the objective needs.
    #[must_use]
    pub fn zeros_for(shape: Shape, objective: &Objective) -> Self {
        let d = shape.width;
        let bn = if objective.axiom_norm == AxiomNorm::Batchnorm {
            d
        } else {
            0
        };
        let (center, b_center) = if objective.has_fixed_center(&shape) {
            (d, shape.defined)
        } else {
            (0, 0)
        };
        let zeros = |size: usize| vec![T::ZERO; size];
        let own = objective.variant.rule::<T>().tensors().iter();
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
            predictor_center: zeros(center),
            b_center: zeros(b_center),
            own: own
                .map(|&(name, _)| LatentTensor {
                    name,
                    values: zeros(shape.latents),
                })
                .collect(),
        }
    }

    /// Initial values: encoder rows normal with variance 1/d, decoder rows equal to them, centres
    /// of zero classes and relations alike, r and `b_enc` 0. The predictor is centred by `b_dec`
    /// ([`Params::set_center`]).
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
        params.b_center.fill(T::of(predictor_bias));
        if objective.axiom_radius == AxiomRadius::Signed {
            // balls of the same size as those of concepts
            params.b_zero.fill(T::of(predictor_bias));
        }
        params.b_dec.copy_from_slice(b_dec);
        params.bn_gamma.fill(T::ONE);
        let initial = objective.variant.rule::<T>().tensors();
        for (tensor, &(_, value)) in params.own.iter_mut().zip(initial) {
            tensor.values.fill(T::of(value));
        }
        params.set_center(b_dec);
        params
    }
}
