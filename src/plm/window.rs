//! Long proteins by overlapping windows.
//!
//! Windows begin every `length - overlap` residues; the last ends with the protein and may be
//! shorter. Where two windows overlap, in k residues, the i-th of them (from 1) is
//! (k + 1 - i) / (k + 1) of the left window and i / (k + 1) of the right one: a linear ramp from
//! one to the other.

use super::error::PlmError;
use std::ops::Range;

/// Residues of a window unless the user says otherwise: what most families were trained on (1024 tokens), less two
/// special tokens. No family has positions for fewer.
pub const DEFAULT_LENGTH: usize = 1022;
/// Residues that two windows share unless the user says otherwise.
pub const DEFAULT_OVERLAP: usize = 256;

/// How proteins are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    length: usize,
    overlap: usize,
}

/// A row's share in the blend of the two windows that see a residue.
#[must_use]
pub fn right_share(i: usize, overlap: usize) -> f32 {
    i as f32 / (overlap + 1) as f32
}

impl Windows {
    /// Windows of `length` residues that overlap by `overlap`.
    ///
    /// # Errors
    /// [`PlmError::Usage`] where the overlap is more than half of the length: more than two
    /// windows would meet.
    pub fn new(length: usize, overlap: usize) -> Result<Self, PlmError> {
        if length == 0 || overlap > length / 2 {
            return Err(PlmError::Usage(format!(
                "windows of {length} residues cannot overlap by {overlap}: at most half of their length"
            )));
        }
        Ok(Self { length, overlap })
    }

    /// Residues of the longest window.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// The windows of a protein of `residues` residues: 0-based, half-open, in order; each but the
    /// last shares `overlap` residues with the next.
    #[must_use]
    pub fn of(&self, residues: usize) -> Vec<Range<usize>> {
        let mut windows = Vec::new();
        let mut start = 0;
        loop {
            let end = (start + self.length).min(residues);
            windows.push(start..end);
            if end == residues {
                return windows;
            }
            start = end - self.overlap;
        }
    }
}

/// Of each window of a protein the residues that it sees best: the borders lie in the middles of overlaps, so that each
/// residue is of one window.
#[must_use]
pub fn seen_best(windows: &[Range<usize>]) -> Vec<Range<usize>> {
    let middle = |left: &Range<usize>, right: &Range<usize>| (left.end + right.start).div_ceil(2);
    let border = |number: usize| match number.checked_sub(1) {
        Some(before) if number < windows.len() => middle(&windows[before], &windows[number]),
        Some(last) => windows[last].end,
        None => 0,
    };
    let numbers = 0..windows.len();
    numbers
        .map(|number| border(number)..border(number + 1))
        .collect()
}

/// Joins the rows of a protein's windows as they come, and gives out each residue as soon as no
/// later window sees it.
#[derive(Debug, Default)]
pub struct Blend {
    /// Rows that the next window will see again.
    held: Vec<f32>,
}

/// Residues that no later window sees.
#[derive(Debug, PartialEq)]
pub struct Blended<'a> {
    /// Which, from 0.
    pub residues: Range<usize>,
    /// Their rows, `[residues, width]`.
    pub rows: &'a [f32],
}

impl Blend {
    /// Takes the rows of window `index` (changed in place) and returns those that are done with.
    ///
    /// # Panics
    /// Where rows and windows disagree in number.
    pub fn push<'a>(
        &mut self,
        windows: &[Range<usize>],
        index: usize,
        width: usize,
        rows: &'a mut [f32],
    ) -> Blended<'a> {
        let window = windows[index].clone();
        assert_eq!(rows.len(), window.len() * width, "rows of a window");
        let shared = self.held.len() / width.max(1);
        for (i, (row, left)) in rows
            .chunks_exact_mut(width)
            .zip(self.held.chunks_exact(width))
            .enumerate()
        {
            let right = right_share(i + 1, shared);
            for (value, left) in row.iter_mut().zip(left) {
                *value = left * (1.0 - right) + *value * right;
            }
        }
        self.held.clear();
        let end = windows.get(index + 1).map_or(window.end, |next| next.start);
        let (done, held) = rows.split_at((end - window.start) * width);
        self.held.extend_from_slice(held);
        Blended {
            residues: window.start..end,
            rows: done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn windows_cover_every_residue_and_overlap_in_pairs(
            residues in 1usize..5000, length in 1usize..1100, part in 0usize..=100,
        ) {
            let overlap = length * part / 200;
            let windows = Windows::new(length, overlap).expect("at most half").of(residues);
            prop_assert_eq!(windows[0].start, 0);
            prop_assert_eq!(windows[windows.len() - 1].end, residues);
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[0].end - pair[1].start, overlap);
                prop_assert!(pair[1].end > pair[0].end);
            }
            for three in windows.windows(3) {
                prop_assert!(three[2].start >= three[0].end);
            }
            prop_assert!(windows.iter().all(|w| w.len() <= length));
        }

        #[test]
        fn equal_windows_blend_to_themselves(residues in 1usize..400, length in 2usize..60) {
            let windows = Windows::new(length, length / 2).expect("half").of(residues);
            let (mut blend, mut got) = (Blend::default(), Vec::new());
            for (i, window) in windows.iter().enumerate() {
                let mut rows: Vec<f32> = window.clone().flat_map(|p| [p as f32, 2.0]).collect();
                let done = blend.push(&windows, i, 2, &mut rows);
                prop_assert_eq!(done.residues.start, got.len() / 2);
                got.extend_from_slice(done.rows);
            }
            for (p, row) in got.chunks_exact(2).enumerate() {
                prop_assert!((row[0] - p as f32).abs() < 1e-4 && (row[1] - 2.0).abs() < 1e-6);
            }
            prop_assert_eq!(got.len(), residues * 2);
        }
    }

    #[test]
    fn every_residue_is_seen_best_by_one_window() {
        let windows = Windows::new(10, 4).unwrap();
        for length in 1..60 {
            let windows = windows.of(length);
            let best = seen_best(&windows);
            let all: Vec<usize> = best.iter().cloned().flatten().collect();
            assert_eq!(all, (0..length).collect::<Vec<_>>());
            for (own, window) in best.iter().zip(&windows) {
                assert!(window.start <= own.start && own.end <= window.end);
            }
        }
        assert_eq!(seen_best(&windows.of(16)), [0..8, 8..16]);
    }

    #[test]
    fn the_ramp_goes_from_left_to_right() {
        let windows = Windows::new(6, 3).expect("half").of(9);
        assert_eq!(windows, [0..6, 3..9]);
        let mut blend = Blend::default();
        let mut left = vec![0f32; 6];
        let mut right = vec![1f32; 6];
        let done = blend.push(&windows, 0, 1, &mut left);
        assert_eq!((done.residues, done.rows), (0..3, &[0f32; 3][..]));
        let done = blend.push(&windows, 1, 1, &mut right);
        let rows = &[0.25, 0.5, 0.75, 1.0, 1.0, 1.0][..];
        assert_eq!((done.residues, done.rows), (3..9, rows));
    }

    #[test]
    fn an_overlap_beyond_half_is_refused() {
        assert!(Windows::new(10, 6).is_err() && Windows::new(0, 0).is_err());
    }
}
