//! The implication loss: a child that is predicted more strongly than its parent, against what the ontology says.
//!
//! Positive weights make rare concepts too likely, by about the weight itself: q = sigmoid(logit - ln w) is roughly a
//! frequency, and of a child's the parent's is at least as large. A row adds the sum over edges of `[q_child - q_parent]+`.

use crate::{
    math::real::Real,
    sae::{config::Objective, hierarchy::Hierarchy},
};

/// The edges that a step looks at, and what it needs of concepts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Implications<T> {
    edges: Vec<[u32; 2]>,
    /// Logarithms of the weights of positives, `[m]`.
    log_weights: Vec<T>,
    /// Weight of the loss beside the annotation loss.
    lambda: T,
}

/// Memory that is reused from row to row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch<T> {
    /// Frequencies of concepts, `[m]`.
    q: Vec<T>,
    /// d loss / d q, `[m]`.
    pull: Vec<T>,
}

impl<T: Real> Implications<T> {
    /// Of a model with these weights of positives, `[m]`; none where nothing follows from anything.
    pub(crate) fn new(objective: &Objective, hierarchy: &Hierarchy, weights: &[T]) -> Option<Self> {
        let silent = objective.lambda_implication == 0.0 || !objective.variant.learns_predictor();
        if silent || hierarchy.edges().is_empty() {
            return None;
        }
        Some(Self {
            edges: hierarchy.edges().to_vec(),
            log_weights: log_weights(weights),
            lambda: T::of(objective.lambda_implication),
        })
    }

    /// Finds a row's loss, and what it adds to the gradients of its `logits` `[m]` by
    /// [`Implications::add`]. `speaks` says whether the row's labels speak of a concept.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    pub(crate) fn row(
        &self,
        logits: &[T],
        speaks: impl Fn(usize) -> bool,
        scratch: &mut Scratch<T>,
    ) -> f64 {
        let Scratch { q, pull } = scratch;
        q.clear();
        q.extend(logits.iter().zip(&self.log_weights).map(|(&logit, &w)| {
            let x = logit - w;
            let tail = (-x.abs()).exp_of_negative();
            let large = T::ONE / (T::ONE + tail);
            if x < T::ZERO { tail * large } else { large }
        }));
        pull.clear();
        pull.resize(q.len(), T::ZERO);
        let mut loss = T::ZERO;
        for &[child, parent] in &self.edges {
            let (child, parent) = (child as usize, parent as usize);
            if q[child] > q[parent] && speaks(child) && speaks(parent) {
                loss += q[child] - q[parent];
                pull[child] += T::ONE;
                pull[parent] -= T::ONE;
            }
        }
        loss.f64()
    }

    /// Adds the gradients of the row's loss to those of its logits, `[m]`; `factor` is d loss /
    /// d (annotation loss of a row and concept).
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    pub(crate) fn add(&self, scratch: &Scratch<T>, factor: T, gradients: &mut [T]) {
        let factor = factor * self.lambda;
        for ((gradient, &q), &pull) in gradients.iter_mut().zip(&scratch.q).zip(&scratch.pull) {
            *gradient += factor * pull * q * (T::ONE - q);
        }
    }

    /// Child and parent of each edge.
    pub(crate) fn edges(&self) -> &[[u32; 2]] {
        &self.edges
    }
}

/// Logarithms of weights of positives.
pub(crate) fn log_weights<T: Real>(weights: &[T]) -> Vec<T> {
    weights.iter().map(|w| T::of(w.f64().ln())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(x: &[f64; 3]) -> f64 {
        let q = |i: usize, w: f64| 1.0 / (1.0 + w * (-x[i]).exp());
        let q = [q(0, 2.0), q(1, 1.0), q(2, 4.0)];
        (q[0] - q[1]).max(0.0) + (q[0] - q[2]).max(0.0) + (q[1] - q[2]).max(0.0)
    }

    #[test]
    fn gradients_equal_differences() {
        let hierarchy = Hierarchy::of_parents(&[&[1, 2], &[2], &[]]);
        let objective = Objective {
            lambda_implication: 3.0,
            ..Objective::default()
        };
        let edges = Implications::new(&objective, &hierarchy, &[2.0, 1.0, 4.0]).unwrap();
        let mut scratch = Scratch::default();
        for x in [[1.0, -0.5, 0.3], [-3.0, 2.0, -40.0], [0.0, 0.1, 9.0]] {
            let got = edges.row(&x, |_| true, &mut scratch);
            assert!((got - loss(&x)).abs() < 1e-12);
            let mut gradient = [0.0; 3];
            edges.add(&scratch, 1.0 / 3.0, &mut gradient);
            for c in 0..3 {
                let at = |h: f64| {
                    let mut moved = x;
                    moved[c] += h;
                    loss(&moved)
                };
                let want = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((gradient[c] - want).abs() < 1e-8, "{x:?} {c}");
            }
        }
        let of_two = edges.row(&[1.0, -0.5, 0.3], |c| c != 2, &mut scratch);
        assert!(of_two > 0.0 && of_two < loss(&[1.0, -0.5, 0.3]));
    }

    #[test]
    fn nothing_is_said_without_edges_or_weight() {
        let hierarchy = Hierarchy::of_parents(&[&[1], &[]]);
        let off = Objective {
            lambda_implication: 0.0,
            ..Objective::default()
        };
        assert!(Implications::new(&off, &hierarchy, &[1.0, 1.0]).is_none());
        let flat = Hierarchy::of_parents(&[&[], &[]]);
        assert!(Implications::new(&Objective::default(), &flat, &[1.0, 1.0]).is_none());
    }
}
