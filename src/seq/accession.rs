//! Accessions: in FASTA headers, and of isoforms.

/// `sp|P12345|NAME_SPECIES` and `tr|...` reduced to the accession; anything else as it is.
#[must_use]
pub fn from_header_word(word: &str) -> &str {
    let mut parts = word.split('|');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("sp" | "tr"), Some(accession), Some(_), None) if !accession.is_empty() => accession,
        _ => word,
    }
}

/// The canonical accession of a UniProtKB id, and the form that the id names beside it: an isoform
/// (`P12345-2`) or a processed chain (`P12345:PRO_0000000001`); empty where it names none.
#[must_use]
pub fn product_of(id: &str) -> (&str, &str) {
    if let Some((product, chain)) = id.split_once(':') {
        return (product, chain);
    }
    match id.rsplit_once('-') {
        Some((product, number))
            if !product.is_empty()
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            (product, id)
        }
        _ => (id, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::{from_header_word, product_of};

    #[test]
    fn forms_have_a_product() {
        assert_eq!(product_of("P12345"), ("P12345", ""));
        assert_eq!(product_of("P12345-2"), ("P12345", "P12345-2"));
        assert_eq!(product_of("P12345:PRO_1"), ("P12345", "PRO_1"));
        assert_eq!(product_of("X-Y"), ("X-Y", ""));
        assert_eq!(product_of("-2"), ("-2", ""));
    }

    #[test]
    fn uniprot_headers_are_reduced_and_others_kept() {
        assert_eq!(from_header_word("sp|P12345|AATM_RABIT"), "P12345");
        assert_eq!(from_header_word("tr|A0A000-2|X_Y"), "A0A000-2");
        assert_eq!(from_header_word("P12345"), "P12345");
        assert_eq!(from_header_word("gi|1|sp|2"), "gi|1|sp|2");
        assert_eq!(from_header_word("sp||X"), "sp||X");
    }
}
