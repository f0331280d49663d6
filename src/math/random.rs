//! Seeded randomness: one independent stream for every purpose and every part of the work, so that
//! nothing depends on what was drawn elsewhere.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Initial weights of encoder and decoder.
    Weights = 1,
    /// Initial centres of zero classes.
    ZeroClasses = 2,
    /// Initial relation vectors.
    Relations = 3,
    /// Axioms of a step.
    Axioms = 4,
    /// Order of proteins in an epoch.
    Proteins = 5,
    /// Order of rows in a block of proteins.
    Rows = 6,
    /// Order of rows from a pipe.
    Stream = 7,
    /// Clusters of a bootstrap.
    Bootstrap = 8,
    /// Proteins whose labels are exchanged.
    Exchange = 9,
    /// Pairs of concepts.
    Pairs = 10,
    /// Residues that are masked.
    Masks = 11,
}

/// The stream of a purpose, and of a part of it.
#[must_use]
pub fn stream(seed: u64, purpose: Purpose, part: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = purpose as u8;
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(part);
    rng
}

/// Uniform in `0..end`, without bias; `end` at least 1.
pub fn below(rng: &mut impl RngCore, end: u64) -> u64 {
    // the largest multiple of `end` that 64 bits hold; draws above it would favour small numbers
    let limit = u64::MAX - u64::MAX % end;
    loop {
        let draw = rng.next_u64();
        if draw < limit {
            return draw % end;
        }
    }
}

/// Uniform in [0, 1), 53 bits.
pub fn unit(rng: &mut impl RngCore) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Standard normal (Box-Muller; one of the pair).
pub fn normal(rng: &mut impl RngCore) -> f64 {
    // (0, 1]: the logarithm of 0 is not finite
    let radius = 1.0 - unit(rng);
    let angle = std::f64::consts::TAU * unit(rng);
    (-2.0 * radius.ln()).sqrt() * angle.cos()
}

/// Shuffles (Fisher-Yates).
pub fn shuffle<T>(rng: &mut impl RngCore, values: &mut [T]) {
    for last in (1..values.len()).rev() {
        values.swap(last, below(rng, last as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_purpose_part_and_seed() {
        let first = |seed, purpose, part| stream(seed, purpose, part).next_u64();
        let a = first(1, Purpose::Weights, 0);
        assert_eq!(a, first(1, Purpose::Weights, 0));
        assert_ne!(a, first(1, Purpose::Rows, 0));
        assert_ne!(a, first(1, Purpose::Weights, 1));
        assert_ne!(a, first(2, Purpose::Weights, 0));
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_every_place_is_reached() {
        let mut rng = stream(0, Purpose::Rows, 0);
        let mut at_first = [0; 5];
        for _ in 0..500 {
            let mut values = [0, 1, 2, 3, 4];
            shuffle(&mut rng, &mut values);
            at_first[values[0]] += 1;
            values.sort_unstable();
            assert_eq!(values, [0, 1, 2, 3, 4]);
        }
        assert!(at_first.iter().all(|&count| (60..140).contains(&count)));
    }
}
