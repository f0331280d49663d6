//! Attention over groups of sequences of nearly one length.

use super::super::relative::DistanceTable;
use super::Result;
use crate::plm::batch::Batch;
use candle_core::{D, DType, Device, Tensor};

/// Most padding of a group: a twentieth of its tokens.
const PADDING: usize = 20;
/// Most scores that exist at once, unless one sequence has more: 1 GiB in single precision.
const SCORES: usize = 1 << 28;

/// Sequences that attend together, padded to the longest.
struct Group {
    sequences: usize,
    length: usize,
    /// Which token stands at each place, `sequences * length`; padding repeats a token.
    tokens: Tensor,
    /// What is added to scores of padding, `sequences x 1 x 1 x length`; `None` without padding.
    mask: Option<Tensor>,
    /// What is added to scores by distance, `1 x heads x length x length`; `None` where nothing is.
    biases: Option<Tensor>,
}

/// All groups of a batch.
pub(crate) struct Groups {
    groups: Vec<Group>,
    /// Where each token is in the groups' results.
    places: Tensor,
}

/// Sequences of each group, the longest first.
fn divide(lengths: &[usize], heads: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&s| std::cmp::Reverse(lengths[s]));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for s in order {
        let fits = groups.last().is_some_and(|group| {
            let longest = lengths[group[0]];
            let scores = (group.len() + 1) * heads * longest * longest;
            (longest - lengths[s]) * PADDING < longest && scores <= SCORES
        });
        match groups.last_mut() {
            Some(group) if fits => group.push(s),
            _ => groups.push(vec![s]),
        }
    }
    groups
}

impl Groups {
    /// The groups of a batch; `distances` tells what is added to scores.
    pub(crate) fn new(
        batch: &Batch,
        heads: usize,
        distances: Option<&DistanceTable>,
        device: &Device,
    ) -> Result<Self> {
        let lengths: Vec<usize> = (0..batch.sequences())
            .map(|s| batch.range(s).len())
            .collect();
        let mut places = vec![0u32; batch.tokens().len()];
        let mut offset = 0;
        let mut groups = Vec::new();
        for members in divide(&lengths, heads) {
            let length = lengths[members[0]];
            let mut tokens = Vec::with_capacity(members.len() * length);
            let mut mask = Vec::with_capacity(members.len() * length);
            for &s in &members {
                let range = batch.range(s);
                for at in 0..length {
                    if at < range.len() {
                        places[range.start + at] = (offset + tokens.len()) as u32;
                    }
                    tokens.push((range.start + at.min(range.len() - 1)) as u32);
                    mask.push(if at < range.len() {
                        0f32
                    } else {
                        f32::NEG_INFINITY
                    });
                }
            }
            offset += tokens.len();
            let padded = mask.iter().any(|&m| m < 0.0);
            let shape = (members.len(), 1, 1, length);
            groups.push(Group {
                sequences: members.len(),
                length,
                tokens: Tensor::new(tokens.as_slice(), device)?,
                mask: padded
                    .then(|| Tensor::from_vec(mask, shape, device))
                    .transpose()?,
                biases: distances
                    .map(|table| biases(table, heads, length, device))
                    .transpose()?,
            });
        }
        Ok(Self {
            groups,
            places: Tensor::new(places.as_slice(), device)?,
        })
    }

    /// From rotated and scaled queries, keys, and values, each `tokens x heads x head_width`.
    pub(crate) fn attend(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<Tensor> {
        let results = self
            .groups
            .iter()
            .map(|group| group.attend(queries, keys, values))
            .collect::<Result<Vec<_>>>()?;
        Tensor::cat(&results, 0)?.index_select(&self.places, 0)
    }
}

/// What is added to the scores of sequences of a length, `1 x heads x length x length`.
fn biases(table: &DistanceTable, heads: usize, length: usize, device: &Device) -> Result<Tensor> {
    let mut values = Vec::with_capacity(heads * length * length);
    for head in 0..heads {
        for key in 0..length {
            values.extend_from_slice(table.of_key(head, key, length));
        }
    }
    // rows are of keys so far
    Tensor::from_vec(values, (1, heads, length, length), device)?.transpose(2, 3)
}

impl Group {
    /// The group's rows as `sequences x heads x length x head_width`.
    fn select(&self, x: &Tensor) -> Result<Tensor> {
        let (_, heads, width) = x.dims3()?;
        x.index_select(&self.tokens, 0)?
            .reshape((self.sequences, self.length, heads, width))?
            .transpose(1, 2)?
            .contiguous()
    }

    fn attend(&self, queries: &Tensor, keys: &Tensor, values: &Tensor) -> Result<Tensor> {
        let (_, heads, width) = values.dims3()?;
        let keys = self.select(keys)?.transpose(2, 3)?;
        let scores = self.select(queries)?.matmul(&keys)?.to_dtype(DType::F32)?;
        let scores = match &self.biases {
            Some(biases) => scores.broadcast_add(biases)?,
            None => scores,
        };
        let scores = match &self.mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let exponentials = scores
            .broadcast_sub(&scores.max_keepdim(D::Minus1)?)?
            .exp()?;
        let shares = exponentials.broadcast_div(&exponentials.sum_keepdim(D::Minus1)?)?;
        shares
            .to_dtype(values.dtype())?
            .matmul(&self.select(values)?)?
            .transpose(1, 2)?
            .reshape((self.sequences * self.length, heads, width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_sequence_is_in_one_group_with_little_padding(
            lengths in prop::collection::vec(1usize..1025, 1..60),
        ) {
            let groups = divide(&lengths, 20);
            let mut seen: Vec<usize> = groups.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for group in groups {
                let longest = lengths[group[0]];
                let tokens: usize = group.iter().map(|&s| lengths[s]).sum();
                prop_assert!((group.len() * longest - tokens) * PADDING <= group.len() * longest);
            }
        }
    }
}
