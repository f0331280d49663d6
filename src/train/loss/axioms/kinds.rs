//! Hinges of the normal forms, and the vector that each one's length is of.

use crate::{
    math::{real::Real, vector::axpy},
    sae::{
        config::{AxiomNorm, AxiomRadius},
        params::Params,
    },
    train::loss::axiom_norm::SlotNorms,
};

/// A term without a relation.
pub(crate) const NO_RELATION: u32 = u32::MAX;

/// A hinge of a normal form.
pub(crate) struct Kind {
    pub(crate) form: usize,
    /// Places in the axiom of the two classes.
    pub(crate) a: usize,
    pub(crate) b: usize,
    /// Place of the relation and its sign.
    pub(crate) relation: Option<(usize, i8)>,
    pub(crate) alpha: i8,
    pub(crate) beta_a: i8,
    pub(crate) beta_b: i8,
    pub(crate) margin: i8,
    /// Columns that batch normalisation runs over.
    pub(crate) slot_a: usize,
    pub(crate) slot_b: usize,
}

const fn kind(form: usize, a: usize, b: usize, beta_a: i8, beta_b: i8) -> Kind {
    Kind {
        form,
        a,
        b,
        relation: None,
        alpha: 1,
        beta_a,
        beta_b,
        margin: -1,
        slot_a: 0,
        slot_b: 0,
    }
}

pub(crate) const KINDS: [Kind; 7] = [
    Kind {
        slot_b: 1,
        ..kind(0, 0, 1, 1, -1)
    },
    Kind {
        slot_a: 2,
        slot_b: 3,
        ..kind(1, 0, 1, -1, -1)
    },
    Kind {
        slot_a: 4,
        slot_b: 2,
        ..kind(1, 2, 0, 0, -1)
    },
    Kind {
        slot_a: 4,
        slot_b: 3,
        ..kind(1, 2, 1, 0, -1)
    },
    Kind {
        relation: Some((0, 1)),
        slot_a: 5,
        slot_b: 6,
        ..kind(2, 1, 2, 1, -1)
    },
    Kind {
        relation: Some((1, -1)),
        slot_a: 7,
        slot_b: 8,
        ..kind(3, 0, 2, -1, -1)
    },
    Kind {
        alpha: -1,
        margin: 1,
        slot_a: 9,
        slot_b: 10,
        ..kind(4, 0, 1, 1, 1)
    },
];

/// One hinge of one axiom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) kind: u8,
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) relation: u32,
}

/// Row of a class centre.
pub(crate) fn centre<T: Real>(params: &Params<T>, class: usize) -> &[T] {
    let d = params.shape.width;
    let m = params.shape.defined;
    if class < m {
        &params.enc[class * d..][..d]
    } else {
        &params.w_zero[(class - m) * d..][..d]
    }
}

/// Radius of a class.
pub(crate) struct Radius<T> {
    pub(crate) value: T,
    /// d value / d (the class's bias).
    pub(crate) slope: T,
}

/// Radius of a class.
pub(crate) fn radius<T: Real>(params: &Params<T>, kind: AxiomRadius, class: usize) -> Radius<T> {
    let bias = params.class_bias(class);
    match kind {
        AxiomRadius::Signed => {
            let radius = bias + T::of(AxiomRadius::SHIFT);
            let is_ball = radius > T::ZERO;
            Radius {
                value: if is_ball { radius } else { T::ZERO },
                slope: if is_ball { T::ONE } else { T::ZERO },
            }
        }
        AxiomRadius::Abs => Radius {
            value: bias.abs(),
            slope: sign(bias),
        },
    }
}

/// -1, 0 or 1.
fn sign<T: Real>(value: T) -> T {
    if value > T::ZERO {
        T::ONE
    } else if value < T::ZERO {
        -T::ONE
    } else {
        T::ZERO
    }
}

/// `out += pull (c_a + s v - c_b)`, centres normalised.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
pub(crate) fn add_difference<T: Real>(
    params: &Params<T>,
    norms: &SlotNorms<T>,
    norm: AxiomNorm,
    term: &Term,
    pull: T,
    out: &mut [T],
) {
    let kind = &KINDS[term.kind as usize];
    let (class_a, class_b) = (term.a as usize, term.b as usize);
    let (a, b) = (centre(params, class_a), centre(params, class_b));
    match norm {
        AxiomNorm::None => {
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *out += pull * (a - b);
            }
        }
        AxiomNorm::Unit => {
            let (scale_a, scale_b) = (norms.inverse(class_a), norms.inverse(class_b));
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *out += pull * (a * scale_a - b * scale_b);
            }
        }
        AxiomNorm::Batchnorm => {
            let of_a = norms.column(kind.slot_a);
            let of_b = norms.column(kind.slot_b);
            for (i, out) in out.iter_mut().enumerate() {
                let a = (a[i] - of_a.mean[i]) * of_a.scale[i] * params.bn_gamma[i];
                let b = (b[i] - of_b.mean[i]) * of_b.scale[i] * params.bn_gamma[i];
                *out += pull * (a - b);
            }
        }
    }
    if let Some((_, sign)) = kind.relation {
        let d = params.shape.width;
        let vector = &params.relations[term.relation as usize * d..][..d];
        axpy(T::of(f64::from(sign)) * pull, vector, out);
    }
}
