//! Normalisations of class centres inside the axiom loss.

use crate::{
    math::{
        real::Real,
        vector::{axpy, dot},
    },
    sae::{config::Shape, params::Params},
};

/// Columns of the axioms: a class position of a form each.
pub(crate) const SLOTS: usize = 11;
/// For each form, where its axioms' classes stand, and the column of each.
const COLUMNS: [&[(usize, usize)]; 5] = [
    &[(0, 0), (1, 1)],
    &[(0, 2), (1, 3), (2, 4)],
    &[(1, 5), (2, 6)],
    &[(0, 7), (2, 8)],
    &[(0, 9), (1, 10)],
];
/// Added to the variance, as `PyTorch` does.
const EPSILON: f64 = 1e-5;

/// Lengths of the centres, or statistics of each column of the axioms.
#[derive(Debug, Default)]
pub(crate) struct SlotNorms<T> {
    /// Axioms of a column that name the class, `[slots, classes]`; empty without batch normalisation.
    counts: Vec<u32>,
    rows: [usize; SLOTS],
    classes: usize,
    width: usize,
    /// `[slots, d]`
    mean: Vec<T>,
    /// 1 / standard deviation, `[slots, d]`
    scale: Vec<T>,
    /// 1 / length, `[classes]`; 0 for a centre at 0
    inverse: Vec<T>,
    /// Sums of a column's backward pass, `[d]` each.
    sums: [Vec<T>; 2],
}

/// What a column is normalised by, `[d]` each.
pub(crate) struct Column<'a, T> {
    pub(crate) mean: &'a [T],
    /// 1 / standard deviation.
    pub(crate) scale: &'a [T],
}

impl<T: Real> SlotNorms<T> {
    /// For batch normalisation of a model of this shape; of the default shape, without it.
    pub(crate) fn new(shape: Shape) -> Self {
        let d = shape.width;
        Self {
            counts: vec![0; SLOTS * shape.classes()],
            rows: [0; SLOTS],
            classes: shape.classes(),
            width: d,
            mean: vec![T::ZERO; SLOTS * d],
            scale: vec![T::ZERO; SLOTS * d],
            inverse: Vec::new(),
            sums: [vec![T::ZERO; d], vec![T::ZERO; d]],
        }
    }

    pub(crate) fn clear_counts(&mut self) {
        self.counts.fill(0);
        self.rows = [0; SLOTS];
    }

    /// Counts an axiom of a form.
    pub(crate) fn count(&mut self, form: usize, axiom: &[u32; 3]) {
        for &(place, slot) in COLUMNS[form] {
            self.counts[slot * self.classes + axiom[place] as usize] += 1;
            self.rows[slot] += 1;
        }
    }

    /// Axioms of a column.
    pub(crate) fn rows(&self, slot: usize) -> usize {
        self.rows[slot]
    }

    /// What a column is normalised by.
    pub(crate) fn column(&self, slot: usize) -> Column<'_, T> {
        let range = slot * self.width..(slot + 1) * self.width;
        Column {
            mean: &self.mean[range.clone()],
            scale: &self.scale[range],
        }
    }

    /// 1 / length of a centre.
    pub(crate) fn inverse(&self, class: usize) -> T {
        self.inverse[class]
    }

    pub(crate) fn unit_lengths(&mut self, params: &Params<T>) {
        let d = params.shape.width;
        self.inverse.clear();
        let centres = params.enc[..params.shape.defined * d]
            .chunks_exact(d)
            .chain(params.w_zero.chunks_exact(d));
        self.inverse.extend(centres.map(|c| {
            let length = dot(c, c).sqrt();
            if length > T::ZERO {
                T::ONE / length
            } else {
                T::ZERO
            }
        }));
    }

    pub(crate) fn statistics(&mut self, params: &Params<T>) {
        let d = self.width;
        for slot in 0..SLOTS {
            if self.rows[slot] == 0 {
                continue;
            }
            let share = T::ONE / T::of(self.rows[slot] as f64);
            let counts = &self.counts[slot * self.classes..][..self.classes];
            let mean = &mut self.mean[slot * d..][..d];
            let scale = &mut self.scale[slot * d..][..d];
            mean.fill(T::ZERO);
            scale.fill(T::ZERO);
            for (class, &count) in counts.iter().enumerate().filter(|&(_, &c)| c > 0) {
                axpy(T::of(f64::from(count)) * share, row(params, class), mean);
            }
            for (class, &count) in counts.iter().enumerate().filter(|&(_, &c)| c > 0) {
                let weight = T::of(f64::from(count)) * share;
                for ((s, &c), &mean) in scale.iter_mut().zip(row(params, class)).zip(&*mean) {
                    *s += weight * (c - mean) * (c - mean);
                }
            }
            for s in scale {
                *s = T::ONE / (*s + T::of(EPSILON)).sqrt();
            }
        }
    }

    /// Adds to `centres` and `gamma` what the gradient `partial` of a column's normalised centres,
    /// summed by class, means for them.
    pub(crate) fn backward(
        &mut self,
        params: &Params<T>,
        slot: usize,
        partial: &[T],
        centres: &mut [T],
        gamma: &mut [T],
    ) {
        let d = self.width;
        let share = T::ONE / T::of(self.rows[slot] as f64);
        let [sum, product] = &mut self.sums;
        sum.fill(T::ZERO);
        product.fill(T::ZERO);
        let counts = &self.counts[slot * self.classes..][..self.classes];
        let mean = &self.mean[slot * d..][..d];
        let scale = &self.scale[slot * d..][..d];
        for (class, partial) in partial.chunks_exact(d).take(self.classes).enumerate() {
            if counts[class] > 0 {
                let c = row(params, class);
                for i in 0..d {
                    sum[i] += partial[i];
                    product[i] += partial[i] * (c[i] - mean[i]) * scale[i];
                }
            }
        }
        crate::math::vector::add(product, gamma);
        for (class, partial) in partial.chunks_exact(d).take(self.classes).enumerate() {
            if counts[class] > 0 {
                let c = row(params, class);
                let weight = T::of(f64::from(counts[class])) * share;
                let out = &mut centres[class * d..][..d];
                for i in 0..d {
                    let normal = (c[i] - mean[i]) * scale[i];
                    out[i] += params.bn_gamma[i]
                        * scale[i]
                        * (partial[i] - weight * (sum[i] + normal * product[i]));
                }
            }
        }
    }
}

fn row<T: Real>(params: &Params<T>, class: usize) -> &[T] {
    let d = params.shape.width;
    match class.checked_sub(params.shape.defined) {
        None => &params.enc[class * d..][..d],
        Some(zero) => &params.w_zero[zero * d..][..d],
    }
}

/// Turns the gradient of a centre over its length into the gradient of the centre.
pub(crate) fn unit_backward<T: Real>(centre: &[T], inverse: T, gradient: &mut [T]) {
    let along = dot(centre, gradient) * inverse * inverse;
    for (g, &c) in gradient.iter_mut().zip(centre) {
        *g = (*g - along * c) * inverse;
    }
}
