//! The letters that a protein sequence may hold.

/// The twenty amino acids, alphabetically.
pub(crate) const AMINO_ACIDS: &[u8; 20] = b"ACDEFGHIKLMNPQRSTVWY";

/// What stands for a gap in an alignment: no residue.
pub(crate) const GAPS: &[u8; 2] = b"-.";

/// Upper case of a letter that may stand in a protein sequence (a residue or `*`); `None` for
/// anything else.
#[must_use]
pub(crate) fn normalise(letter: u8) -> Option<u8> {
    match letter.to_ascii_uppercase() {
        letter @ (b'A'..=b'Z' | b'*') => Some(letter),
        _ => None,
    }
}
