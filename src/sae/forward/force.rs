//! Forced activation: the latents of predicted concepts are lifted to the mean of the unknown ones (arXiv 2509.05309,
//! after the selection, so that more than K latents may be active).

use crate::{
    math::{real::Real, simd::LANES},
    sae::{
        config::{ForcedBy, ForcedMean, Objective, Shape},
        hierarchy::Hierarchy,
        sparse::{RowEntries, SparseRows},
    },
    wide,
};

/// How latents are forced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forcing<'a, T> {
    mean: ForcedMean,
    /// Whose predictions count for which concepts; none: each concept's own alone.
    hierarchy: Option<&'a Hierarchy>,
    shape: Shape,
    /// Second number of an entry that was not there; none where entries have no second number.
    absent: Option<T>,
}

impl<'a, T: Real> Forcing<'a, T> {
    /// Of a model of this shape; none where it forces nothing.
    pub(crate) fn new(
        objective: &Objective,
        shape: Shape,
        hierarchy: &'a Hierarchy,
    ) -> Option<Self> {
        if !objective.forced_activation || !objective.variant.ties_latents() || shape.defined == 0 {
            return None;
        }
        let rule = objective.variant.rule::<T>();
        Some(Self {
            mean: objective.forced_mean,
            hierarchy: match objective.forced_by {
                ForcedBy::Own => None,
                ForcedBy::Coherent => Some(hierarchy),
            },
            shape,
            absent: rule.has_second().then(|| rule.absent_second()),
        })
    }

    /// Appends a row of these entries, with the concepts lifted that its `logits` `[m]` predict.
    pub(crate) fn append(
        &self,
        entries: RowEntries<'_, T>,
        logits: &[T],
        predicted: &mut Vec<u32>,
        out: &mut SparseRows<T>,
    ) {
        let defined = self.shape.defined;
        let split = entries.latents.partition_point(|&l| (l as usize) < defined);
        let mean = self.mean_of(&entries.values[split..]);
        if mean <= T::ZERO {
            self.copy(entries, 0, entries.latents.len(), out);
            return;
        }
        self.predicted(logits, predicted);
        let mut next = 0;
        for &concept in &*predicted {
            let from = next;
            while next < split && entries.latents[next] < concept {
                next += 1;
            }
            self.copy(entries, from, next, out);
            let own = next < split && entries.latents[next] == concept;
            let value = if own { entries.values[next] } else { T::ZERO };
            let lifted = mean > value;
            out.push(concept, if lifted { mean } else { value }, lifted);
            if let Some(absent) = self.absent {
                out.second
                    .push(if own { entries.second[next] } else { absent });
            }
            next += usize::from(own);
        }
        self.copy(entries, next, entries.latents.len(), out);
    }

    /// The mean of unknown latents' activations, which `others` are.
    fn mean_of(&self, others: &[T]) -> T {
        let mut sum = T::ZERO;
        for &value in others {
            sum += value;
        }
        let count = match self.mean {
            ForcedMean::All => self.shape.unknown(),
            ForcedMean::Active => active(others),
        };
        if count == 0 {
            T::ZERO
        } else {
            sum / T::of(count as f64)
        }
    }

    /// Concepts that are predicted, with a probability above one half, ascending.
    fn predicted(&self, logits: &[T], out: &mut Vec<u32>) {
        out.clear();
        wide!(|| positive(logits, out));
        if let Some(hierarchy) = self.hierarchy {
            for own in 0..out.len() {
                out.extend_from_slice(hierarchy.ancestors(out[own]));
            }
            out.sort_unstable();
            out.dedup();
        }
    }

    /// Appends entries as they are.
    fn copy(&self, entries: RowEntries<'_, T>, from: usize, to: usize, out: &mut SparseRows<T>) {
        out.latents.extend_from_slice(&entries.latents[from..to]);
        out.values.extend_from_slice(&entries.values[from..to]);
        out.forced.resize(out.latents.len(), false);
        if self.absent.is_some() {
            out.second.extend_from_slice(&entries.second[from..to]);
        }
    }
}

/// Appends the places of positive numbers. Few concepts of many are predicted: [`LANES`] are looked at together.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into a caller that `wide!` compiles"
)]
#[inline(always)]
fn positive<T: Real>(logits: &[T], out: &mut Vec<u32>) {
    let (blocks, rest) = logits.as_chunks::<LANES>();
    let mut first = 0;
    for block in blocks {
        let mut above = 0u32;
        for (lane, &logit) in block.iter().enumerate() {
            above |= u32::from(logit > T::ZERO) << lane;
        }
        while above != 0 {
            out.push(first + above.trailing_zeros());
            above &= above - 1;
        }
        first += LANES as u32;
    }
    let places = (first..).zip(rest);
    out.extend(places.filter_map(|(place, &logit)| (logit > T::ZERO).then_some(place)));
}

/// Entries that are active.
pub(crate) fn active<T: Real>(values: &[T]) -> usize {
    values.iter().filter(|&&value| value > T::ZERO).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positive_numbers_are_found_in_blocks_and_behind_them() {
        for count in [0, 7, LANES, 2 * LANES + 7] {
            let logits: Vec<f32> = (0..count)
                .map(|i| {
                    if i % 5 == 0 || i % 31 == 30 {
                        0.5
                    } else {
                        -1.0
                    }
                })
                .chain([0.0, f32::NAN, 2.0])
                .collect();
            let mut found = Vec::new();
            positive(&logits, &mut found);
            let above = (0..).zip(&logits).filter(|&(_, &logit)| logit > 0.0);
            assert_eq!(found, above.map(|(i, _)| i).collect::<Vec<u32>>());
        }
    }
}
