//! Where one shard ends and the next begins.

use crate::seq::shards;

/// Where one shard ends and the next begins.
pub(super) enum Cut {
    /// After so many proteins.
    Size(u64),
    /// After as many proteins as each is given.
    Counts(Vec<u64>),
}

impl Cut {
    /// So many shards, even in residues.
    pub(super) fn even(lengths: &[u32], count: u64) -> Self {
        let counts = shards::even(lengths, count as usize);
        Self::Counts(counts.into_iter().map(|records| records as u64).collect())
    }

    /// Proteins that a shard takes; none where there is no such shard.
    pub(super) fn room(&self, shard: usize) -> Option<u64> {
        match self {
            Self::Size(size) => Some(*size),
            Self::Counts(counts) => counts.get(shard).copied(),
        }
    }

    /// Shards that there are at least, whatever is read.
    pub(super) fn least(&self) -> usize {
        match self {
            Self::Size(_) => 1,
            Self::Counts(counts) => counts.len(),
        }
    }
}
