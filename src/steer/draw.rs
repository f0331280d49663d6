//! Seeded randomness of steering: what is drawn for a sequence depends on what it is called, never on its batch.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use sha2::{Digest, Sha256};

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// Which residues are masked.
    Mask,
    /// What is filled in.
    Residue,
    /// Which latents a control changes.
    Latents,
    /// Which concept a control steers towards.
    Concept,
}

/// A stream for a purpose, keyed by the seed and by names.
pub(super) fn stream(seed: u64, purpose: Purpose, names: &[&str]) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(format!("{seed} {purpose:?}"));
    for name in names {
        // a length before each name: no two lists of names read alike
        hash.update(format!(" {} {name}", name.len()));
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::RngCore as _;

    #[test]
    fn streams_differ_by_seed_purpose_and_each_name() {
        let first = |seed, purpose, names: &[&str]| stream(seed, purpose, names).next_u64();
        let a = first(0, Purpose::Mask, &["P1", "GO:1"]);
        assert_eq!(a, first(0, Purpose::Mask, &["P1", "GO:1"]));
        for other in [
            first(1, Purpose::Mask, &["P1", "GO:1"]),
            first(0, Purpose::Residue, &["P1", "GO:1"]),
            first(0, Purpose::Mask, &["P1G", "O:1"]),
            first(0, Purpose::Mask, &["P1 4 GO:1"]),
        ] {
            assert_ne!(a, other);
        }
    }
}
