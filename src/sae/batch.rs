//! Rows of a step: activations and labels.

use super::real::Real;

/// Rows of activations with their labels in compressed rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch<T> {
    /// Activations, scaled, `[rows, d]`; empty where the device holds them.
    pub x: Vec<T>,
    /// Where they stand in what the device holds, `[rows]`; otherwise empty.
    pub held: Vec<u32>,
    /// Start of each row's labels, and the end of the last, `[rows + 1]`.
    pub offsets: Vec<usize>,
    /// Concepts of each row, each once.
    pub labels: Vec<u32>,
    /// Groups of concepts that a row's labels speak of, a bit each, `[rows]`; for the others it
    /// takes no part in the annotation loss.
    pub groups: Vec<u64>,
}

/// Every group of concepts.
pub const ALL_GROUPS: u64 = u64::MAX;

impl<T: Real> Batch<T> {
    /// Forgets all rows, keeps the memory.
    pub fn clear(&mut self) {
        self.x.clear();
        self.held.clear();
        self.offsets.clear();
        self.offsets.push(0);
        self.labels.clear();
        self.groups.clear();
    }

    /// Rows held.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.groups.len()
    }

    /// Keeps the first rows.
    pub fn truncate(&mut self, rows: usize) {
        if rows < self.rows() {
            self.x.truncate(self.x.len() / self.rows() * rows);
            self.labels.truncate(self.offsets[rows]);
            self.offsets.truncate(rows + 1);
            self.groups.truncate(rows);
        }
    }

    /// Ends a row whose activations and labels have been appended.
    pub fn end_row(&mut self, annotated: bool) {
        self.end_row_of(if annotated { ALL_GROUPS } else { 0 });
    }

    /// Ends a row whose labels speak of some groups of concepts.
    pub fn end_row_of(&mut self, groups: u64) {
        self.offsets.push(self.labels.len());
        self.groups.push(groups);
    }

    /// Concepts of a row.
    #[must_use]
    pub fn labels_of(&self, row: usize) -> &[u32] {
        &self.labels[self.offsets[row]..self.offsets[row + 1]]
    }
}
