//! Rows of a step: activations and labels.

use super::real::Real;

/// Rows of activations with their labels in compressed rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch<T> {
    /// Activations, scaled, `[rows, d]`.
    pub x: Vec<T>,
    /// Start of each row's labels, and the end of the last, `[rows + 1]`.
    pub offsets: Vec<usize>,
    /// Concepts of each row, each once.
    pub labels: Vec<u32>,
    /// Whether a row takes part in the annotation loss, `[rows]`.
    pub annotated: Vec<bool>,
}

impl<T: Real> Batch<T> {
    /// Forgets all rows, keeps the memory.
    pub fn clear(&mut self) {
        self.x.clear();
        self.offsets.clear();
        self.offsets.push(0);
        self.labels.clear();
        self.annotated.clear();
    }

    /// Rows held.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.annotated.len()
    }

    /// Ends a row whose activations and labels have been appended.
    pub fn end_row(&mut self, annotated: bool) {
        self.offsets.push(self.labels.len());
        self.annotated.push(annotated);
    }

    /// Concepts of a row.
    #[must_use]
    pub fn labels_of(&self, row: usize) -> &[u32] {
        &self.labels[self.offsets[row]..self.offsets[row + 1]]
    }
}
