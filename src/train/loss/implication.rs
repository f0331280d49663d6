//! The implication loss: a child that is predicted more strongly than its parent, against what the ontology says.
//!
//! Positive weights make rare concepts too likely, by about the weight itself: q = sigmoid(logit - ln w) is roughly a
//! frequency, and of a child's the parent's is at least as large. A row adds the sum over edges of `[q_child - q_parent]+`.

use crate::{
    math::real::Real,
    sae::{config::Objective, hierarchy::Hierarchy},
    train::data::batch::ALL_GROUPS,
};

/// Rows that are compared side by side, one a lane.
pub(crate) const ROWS: usize = 16;

/// A number of each of [`ROWS`] rows.
type Lanes<T> = [T; ROWS];

/// The edges that a step looks at, and what it needs of concepts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Implications<T> {
    /// Child and parent of each edge.
    edges: Vec<[u32; 2]>,
    /// Concepts that are a child or a parent, ascending.
    concepts: Vec<u32>,
    /// The edges, by places in `concepts`.
    places: Vec<[u32; 2]>,
    /// Logarithms of these concepts' weights of positives.
    log_weights: Vec<T>,
    /// Weight of the loss beside the annotation loss.
    lambda: T,
}

/// Memory that is reused from rows to rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch<T> {
    /// Frequencies of the concepts that are a child or a parent; no number where a row's labels do not speak of them.
    q: Vec<Lanes<T>>,
    /// d loss / d q.
    pull: Vec<Lanes<T>>,
}

/// Which concepts the labels of some rows speak of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spoken<'a> {
    /// Groups that the labels of each row speak of, a bit each, at most [`ROWS`] rows.
    pub(crate) rows: &'a [u64],
    /// Groups of all concepts, `[m]`.
    pub(crate) groups: &'a [u8],
}

impl<T: Real> Implications<T> {
    /// Of a model with these weights of positives, `[m]`; none where nothing follows from anything.
    pub(crate) fn new(objective: &Objective, hierarchy: &Hierarchy, weights: &[T]) -> Option<Self> {
        let silent = objective.lambda_implication == 0.0 || !objective.variant.learns_predictor();
        if silent || hierarchy.edges().is_empty() {
            return None;
        }
        let edges = hierarchy.edges().to_vec();
        let mut concepts = edges.concat();
        concepts.sort_unstable();
        concepts.dedup();
        let place = |concept| concepts.partition_point(|&c| c < concept) as u32;
        let all = log_weights(weights);
        Some(Self {
            places: edges.iter().map(|edge| edge.map(place)).collect(),
            log_weights: concepts.iter().map(|&c| all[c as usize]).collect(),
            lambda: T::of(objective.lambda_implication),
            edges,
            concepts,
        })
    }

    /// Finds the loss of some rows of `logits` `[rows, m]`, and what it adds to their gradients by
    /// [`Implications::add`].
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    pub(crate) fn rows(&self, logits: &[T], spoken: Spoken<'_>, scratch: &mut Scratch<T>) -> f64 {
        self.frequencies(logits, spoken, scratch);
        let Scratch { q, pull } = scratch;
        pull.clear();
        pull.resize(q.len(), [T::ZERO; ROWS]);
        let mut losses = [T::ZERO; ROWS];
        for &[child, parent] in &self.places {
            let (child, parent) = (child as usize, parent as usize);
            let mut exceeds = [T::ZERO; ROWS];
            let compared = exceeds.iter_mut().zip(&mut losses);
            for ((exceeds, loss), (&of_child, &of_parent)) in
                compared.zip(q[child].iter().zip(&q[parent]))
            {
                let over = of_child > of_parent;
                *exceeds = if over { T::ONE } else { T::ZERO };
                *loss += if over { of_child - of_parent } else { T::ZERO };
            }
            for (pull, exceeds) in pull[child].iter_mut().zip(exceeds) {
                *pull += exceeds;
            }
            for (pull, exceeds) in pull[parent].iter_mut().zip(exceeds) {
                *pull -= exceeds;
            }
        }
        losses.iter().map(|loss| loss.f64()).sum()
    }

    /// Frequencies of concepts, from logits: a lane a row.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    fn frequencies(&self, logits: &[T], spoken: Spoken<'_>, scratch: &mut Scratch<T>) {
        let m = spoken.groups.len();
        // whatever is compared with it, it does not exceed
        let none = T::of(f64::NAN);
        scratch.q.resize(self.concepts.len(), [none; ROWS]);
        let of_concepts = self.concepts.iter().zip(&self.log_weights);
        for (q, (&concept, &w)) in scratch.q.iter_mut().zip(of_concepts) {
            let mut x = [none; ROWS];
            for (x, logits) in x.iter_mut().zip(logits.chunks_exact(m)) {
                *x = logits[concept as usize] - w;
            }
            for (q, x) in q.iter_mut().zip(x) {
                let tail = (-x.abs()).exp_of_negative();
                let large = T::ONE / (T::ONE + tail);
                *q = if x < T::ZERO { tail * large } else { large };
            }
        }
        let rows = spoken.rows.iter().enumerate();
        for (row, &groups) in rows.filter(|&(_, &groups)| groups != ALL_GROUPS) {
            for (q, &concept) in scratch.q.iter_mut().zip(&self.concepts) {
                if groups >> spoken.groups[concept as usize] & 1 == 0 {
                    q[row] = none;
                }
            }
        }
    }

    /// Adds the gradients of these rows' losses to those of their logits, `[rows, m]`; `factor` is
    /// d loss / d (annotation loss of a row and concept).
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    pub(crate) fn add(&self, scratch: &Scratch<T>, factor: T, gradients: &mut [T], m: usize) {
        let factor = factor * self.lambda;
        let of_concepts = scratch.q.iter().zip(&scratch.pull);
        for (&concept, (q, pull)) in self.concepts.iter().zip(of_concepts) {
            let mut slopes = [T::ZERO; ROWS];
            for ((slope, &q), &pull) in slopes.iter_mut().zip(q).zip(pull) {
                let of_logit = factor * pull * q * (T::ONE - q);
                // q may be no number
                *slope = if pull == T::ZERO { T::ZERO } else { of_logit };
            }
            for (gradients, gradient) in gradients.chunks_exact_mut(m).zip(slopes) {
                gradients[concept as usize] += gradient;
            }
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
        let points = [[1.0, -0.5, 0.3], [-3.0, 2.0, -40.0], [0.0, 0.1, 9.0]];
        let spoken = Spoken {
            rows: &[ALL_GROUPS; 3],
            groups: &[0, 0, 1],
        };
        let got = edges.rows(points.as_flattened(), spoken, &mut scratch);
        assert!((got - points.iter().map(loss).sum::<f64>()).abs() < 1e-12);
        let mut gradients = [[0.0; 3]; 3];
        edges.add(&scratch, 1.0 / 3.0, gradients.as_flattened_mut(), 3);
        for (x, gradient) in points.iter().zip(gradients) {
            for c in 0..3 {
                let at = |h: f64| {
                    let mut moved = *x;
                    moved[c] += h;
                    loss(&moved)
                };
                let want = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((gradient[c] - want).abs() < 1e-8, "{x:?} {c}");
            }
        }
    }

    #[test]
    fn rows_speak_of_the_groups_that_they_know() {
        let hierarchy = Hierarchy::of_parents(&[&[1, 2], &[2], &[]]);
        let objective = Objective {
            lambda_implication: 1.0,
            ..Objective::default()
        };
        let edges = Implications::new(&objective, &hierarchy, &[1.0; 3]).unwrap();
        let mut scratch = Scratch::default();
        let x = [1.0, -0.5, 0.3];
        let of = |rows: &[u64], scratch: &mut Scratch<f64>| {
            let spoken = Spoken {
                rows,
                groups: &[0, 0, 1],
            };
            let loss = edges.rows(&x.repeat(rows.len()), spoken, scratch);
            let mut gradients = vec![0.0; 3 * rows.len()];
            edges.add(scratch, 1.0, &mut gradients, 3);
            (loss, gradients)
        };
        let (whole, _) = of(&[ALL_GROUPS], &mut scratch);
        let (part, gradients) = of(&[0b01], &mut scratch);
        let q = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert!((part - (q(1.0) - q(-0.5))).abs() < 1e-12 && part < whole);
        assert!(gradients[0] > 0.0 && gradients[1] < 0.0 && gradients[2] == 0.0);
        let (all, gradients) = of(&[ALL_GROUPS, 0, 0b01], &mut scratch);
        assert!((all - whole - part).abs() < 1e-12);
        assert_eq!(gradients[3..6], [0.0; 3]);
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
