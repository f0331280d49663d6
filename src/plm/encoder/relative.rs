//! Numbers that are added to scores by head and distance (Raffel et al. 2020), as transformers' T5 computes them.

use crate::plm::{architecture::Positions, error::PlmError, panel::LANES, weights::ModelFolder};

/// A number for each kind of distance and head.
pub(super) struct Biases {
    /// Kinds by heads.
    values: Vec<f32>,
    heads: usize,
    buckets: usize,
    distance: usize,
}

/// The numbers of all distances in sequences up to some length.
pub(super) struct DistanceTable {
    /// Tokens of the longest sequence.
    pub(super) length: usize,
    /// Of each head those of query minus key, from `1 - length` to `length - 1 + LANES`.
    values: Vec<f32>,
}

impl Biases {
    /// Loads them; they stand in the first block for all.
    ///
    /// # Errors
    /// [`PlmError`] where the tensor is missing or does not fit.
    pub(super) fn load(folder: &ModelFolder) -> Result<Self, PlmError> {
        let config = &folder.architecture;
        let (Positions::Relative { buckets, distance }, Some(name)) =
            (config.positions, config.names.relative_bias)
        else {
            let text = format!("{} has no relative positions", config.family);
            return Err(PlmError::Config(text));
        };
        Ok(Self {
            values: folder.matrix(name, buckets, config.heads)?.to_vec(),
            heads: config.heads,
            buckets,
            distance,
        })
    }

    /// The kind of the distance from a query to a key: exact for the nearest, then by logarithms; of keys behind the
    /// query in the second half.
    fn bucket(&self, query: usize, key: usize) -> usize {
        let half = self.buckets / 2;
        let exact = half / 2;
        let away = query.abs_diff(key);
        let kind = if away < exact {
            away
        } else {
            // in single precision, as the reference
            let spread = (self.distance as f64 / exact as f64).ln() as f32;
            let share = (away as f32 / exact as f32).ln() / spread;
            let steps = share * (half - exact) as f32;
            (exact + whole(steps)).min(half - 1)
        };
        if key > query { half + kind } else { kind }
    }

    /// The numbers of all distances in sequences of up to so many tokens.
    pub(super) fn table(&self, length: usize) -> DistanceTable {
        let stride = DistanceTable::stride(length);
        let mut values = vec![0f32; self.heads * stride];
        for at in 0..stride {
            // query minus key is at - (length - 1)
            let (query, key) = (at, length - 1);
            let bucket = self.bucket(query, key);
            for head in 0..self.heads {
                values[head * stride + at] = self.values[bucket * self.heads + head];
            }
        }
        DistanceTable { length, values }
    }
}

impl DistanceTable {
    fn stride(length: usize) -> usize {
        2 * length - 1 + LANES
    }

    /// What is added for a head's key to the scores of [`LANES`] queries from `first` on.
    pub(super) fn of_queries(&self, head: usize, key: usize, first: usize) -> &[f32] {
        &self.from(head, key, first)[..LANES]
    }

    /// What is added for a head's key to the scores of `queries` queries from 0.
    pub(super) fn of_key(&self, head: usize, key: usize, queries: usize) -> &[f32] {
        &self.from(head, key, 0)[..queries]
    }

    fn from(&self, head: usize, key: usize, first: usize) -> &[f32] {
        let stride = Self::stride(self.length);
        &self.values[head * stride..][..stride][first + self.length - 1 - key..]
    }
}

/// The whole part of a number that is not negative.
#[expect(clippy::cast_sign_loss, reason = "it is not negative")]
fn whole(number: f32) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_fall_into_their_buckets() {
        let biases = Biases {
            values: (0..64).map(|i| i as f32).collect(),
            heads: 2,
            buckets: 32,
            distance: 128,
        };
        // transformers' _relative_position_bucket of key - query
        for (away, bucket) in [
            (0, 0),
            (-1, 1),
            (1, 17),
            (-7, 7),
            (7, 23),
            (8, 24),
            (-11, 8),
            (12, 25),
            (-15, 9),
            (16, 26),
            (-32, 12),
            (64, 30),
            (-90, 14),
            (91, 31),
            (-128, 15),
            (4000, 31),
        ] {
            let query = 5000usize;
            let key = query.saturating_add_signed(away);
            assert_eq!(biases.bucket(query, key), bucket, "{away}");
        }
        let table = biases.table(40);
        for (query, key) in [(0, 0), (39, 0), (0, 39), (17, 22)] {
            let want = (biases.bucket(query, key) * 2 + 1) as f32;
            assert_eq!(table.of_key(1, key, 40)[query], want);
            assert_eq!(table.of_queries(1, key, query)[0], want);
        }
    }
}
