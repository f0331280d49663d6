//! Accessions: in FASTA headers, and of isoforms.

/// The database of accessions, as the Gene Ontology's files name it.
pub(crate) const UNIPROT: &str = "UniProtKB";

/// `sp|P12345|NAME_SPECIES` and `tr|...` reduced to the accession; anything else as it is.
#[must_use]
pub(crate) fn from_header_word(word: &str) -> &str {
    let mut parts = word.split('|');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("sp" | "tr"), Some(accession), Some(_), None) if !accession.is_empty() => accession,
        _ => word,
    }
}

/// What a UniProtKB id of a gene product names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GeneProduct<'a> {
    /// The canonical accession.
    pub(crate) accession: &'a str,
    /// The form beside it: an isoform (`P12345-2`) or a processed chain (`P12345:PRO_0000000001`); empty where it
    /// names none.
    pub(crate) form: &'a str,
}

impl<'a> GeneProduct<'a> {
    pub(crate) fn parse(id: &'a str) -> Self {
        let (accession, form) = match (id.split_once(':'), id.rsplit_once('-')) {
            (Some((accession, chain)), _) => (accession, chain),
            (None, Some((accession, number)))
                if !accession.is_empty()
                    && !number.is_empty()
                    && number.bytes().all(|b| b.is_ascii_digit()) =>
            {
                (accession, id)
            }
            _ => (id, ""),
        };
        Self { accession, form }
    }
}

#[cfg(test)]
mod tests {
    use super::{GeneProduct, from_header_word};

    #[test]
    fn forms_have_a_product() {
        let product_of = |id| {
            let product = GeneProduct::parse(id);
            (product.accession, product.form)
        };
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
