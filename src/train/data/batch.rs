//! Rows of a step: activations and labels.

use crate::math::real::Real;
use std::{
    ops::{Deref, DerefMut},
    sync::atomic::{AtomicU64, Ordering},
};

/// Activations `[rows, d]` that can be told from all others: a device to which they were sent ahead knows them again.
#[derive(Debug, Default)]
pub struct Activations<T> {
    values: Vec<T>,
    /// A number of these values; 0 where nobody has asked since they were changed.
    number: AtomicU64,
}

impl<T> Activations<T> {
    /// A number that no other activations of this process have, and that these have until they may have been changed.
    pub fn number(&self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let known = self.number.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        let new = NEXT.fetch_add(1, Ordering::Relaxed);
        let order = Ordering::Relaxed;
        let set = self.number.compare_exchange(0, new, order, order);
        // another thread may have been faster
        set.map_or_else(|known| known, |_| new)
    }
}

impl<T> Deref for Activations<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.values
    }
}

impl<T> DerefMut for Activations<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        *self.number.get_mut() = 0;
        &mut self.values
    }
}

impl<T: Clone> Clone for Activations<T> {
    fn clone(&self) -> Self {
        self.values.clone().into()
    }
}

impl<T: PartialEq> PartialEq for Activations<T> {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl<T> From<Vec<T>> for Activations<T> {
    fn from(values: Vec<T>) -> Self {
        Self {
            values,
            number: AtomicU64::new(0),
        }
    }
}

/// Rows of activations with their labels in compressed rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch<T> {
    /// Activations, scaled, `[rows, d]`; empty where the device holds them.
    pub x: Activations<T>,
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
            let width = self.x.len() / self.rows();
            self.x.truncate(width * rows);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_are_known_again_until_they_are_changed() {
        let mut x: Activations<f32> = vec![1.0, 2.0].into();
        let number = x.number();
        assert_eq!((x.number(), x.len()), (number, 2));
        let copy = x.clone();
        assert_eq!(copy, x);
        assert_ne!(copy.number(), number);
        x[1] = 3.0;
        assert_ne!(x.number(), number);
        let number = x.number();
        // memory that goes round
        x.clear();
        x.extend([1.0, 3.0]);
        assert_ne!(x.number(), number);
    }

    #[test]
    fn fewer_rows_are_other_activations() {
        let mut batch = Batch {
            x: vec![1.0f32, 2.0, 3.0, 4.0].into(),
            ..Batch::default()
        };
        batch.offsets.push(0);
        batch.end_row(true);
        batch.end_row(true);
        let number = batch.x.number();
        batch.truncate(1);
        assert_eq!((batch.rows(), &batch.x[..]), (1, &[1.0, 2.0][..]));
        assert_ne!(batch.x.number(), number);
    }
}
