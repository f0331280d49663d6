//! The letters that a protein sequence may hold.

/// The twenty amino acids, alphabetically.
pub const AMINO_ACIDS: &[u8; 20] = b"ACDEFGHIKLMNPQRSTVWY";

/// Letters that stand for rare or uncertain residues.
pub const AMBIGUOUS: &[u8; 6] = b"BJOUXZ";

/// Upper case of a letter that may stand in a protein sequence (a residue, `*`, or a gap); `None`
/// for anything else.
#[must_use]
pub fn normalise(letter: u8) -> Option<u8> {
    match letter.to_ascii_uppercase() {
        letter @ (b'A'..=b'Z' | b'*') => Some(letter),
        _ => None,
    }
}
