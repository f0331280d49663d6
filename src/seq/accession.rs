//! From the first word of a FASTA header to an accession.

/// `sp|P12345|NAME_SPECIES` and `tr|...` reduced to the accession; anything else as it is.
#[must_use]
pub fn from_header_word(word: &str) -> &str {
    let mut parts = word.split('|');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("sp" | "tr"), Some(accession), Some(_), None) if !accession.is_empty() => accession,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::from_header_word;

    #[test]
    fn uniprot_headers_are_reduced_and_others_kept() {
        assert_eq!(from_header_word("sp|P12345|AATM_RABIT"), "P12345");
        assert_eq!(from_header_word("tr|A0A000-2|X_Y"), "A0A000-2");
        assert_eq!(from_header_word("P12345"), "P12345");
        assert_eq!(from_header_word("gi|1|sp|2"), "gi|1|sp|2");
        assert_eq!(from_header_word("sp||X"), "sp||X");
    }
}
