//! The order of rows in an epoch. It depends on the seed and on the proteins' accessions alone.
//!
//! Proteins are permuted; the rows of each large block of them are shuffled. So reading stays
//! within a few files' regions at a time, and memory within a block's references, however large
//! the tables are.

use super::dataset::{Dataset, RowRef};
use crate::math::random::{Purpose, shuffle, stream};

/// Least rows of a block of proteins.
const BLOCK: usize = 1 << 18;

/// Rows of an epoch, in order.
#[derive(Clone, Debug)]
pub(crate) struct EpochOrder {
    seed: u64,
    shuffled: bool,
    epoch: u32,
    proteins: Vec<u32>,
    next_protein: usize,
    blocks: u64,
    block: Vec<RowRef>,
    next_row: usize,
}

impl EpochOrder {
    /// The rows of `proteins` (numbers, ascending) in an epoch (from 1); unshuffled, protein by
    /// protein.
    #[must_use]
    pub(crate) fn new(proteins: &[u32], seed: u64, shuffled: bool, epoch: u32) -> Self {
        let mut proteins = proteins.to_vec();
        if shuffled {
            shuffle(
                &mut stream(seed, Purpose::Proteins, epoch.into()),
                &mut proteins,
            );
        }
        Self {
            seed,
            shuffled,
            epoch,
            proteins,
            next_protein: 0,
            blocks: 0,
            block: Vec::new(),
            next_row: 0,
        }
    }

    /// The next row.
    pub(crate) fn next(&mut self, data: &Dataset) -> Option<RowRef> {
        while self.next_row == self.block.len() {
            if !self.fill(data) {
                return None;
            }
        }
        let row = self.block[self.next_row];
        self.next_row += 1;
        Some(row)
    }

    /// Skips rows.
    pub(crate) fn skip(&mut self, data: &Dataset, mut rows: u64) {
        while rows > 0 {
            let left = (self.block.len() - self.next_row) as u64;
            if rows < left {
                self.next_row += rows as usize;
                return;
            }
            rows -= left;
            self.next_row = self.block.len();
            if rows == 0 || !self.fill(data) {
                return;
            }
        }
    }

    /// The next block of proteins; false at the end.
    fn fill(&mut self, data: &Dataset) -> bool {
        self.block.clear();
        self.next_row = 0;
        while self.block.len() < BLOCK {
            let Some(&protein) = self.proteins.get(self.next_protein) else {
                break;
            };
            self.next_protein += 1;
            let rows = (0..data.rows(protein)).map(|row| RowRef { protein, row });
            self.block.extend(rows);
        }
        if self.shuffled {
            let part = u64::from(self.epoch) << 32 | self.blocks;
            shuffle(&mut stream(self.seed, Purpose::Rows, part), &mut self.block);
        }
        self.blocks += 1;
        !self.block.is_empty()
    }
}
