//! Forms of identifiers.

/// Whether a text has the form `PREFIX:LOCAL`.
pub(crate) fn is_curie(text: &str) -> bool {
    let is_plain = |b: u8| (b'!'..=b'~').contains(&b) && b != b',' && b != b'|';
    text.split_once(':').is_some_and(|(prefix, local)| {
        !prefix.is_empty()
            && !local.is_empty()
            && (text.bytes().all(is_plain)
                || !text.contains(|c: char| c.is_whitespace() || c == ',' || c == '|'))
    })
}

/// Whether a text is the accession of an entry, `IPR000719`.
pub(crate) fn is_entry(text: &str) -> bool {
    text.strip_prefix("IPR")
        .is_some_and(|n| n.len() == 6 && n.bytes().all(|b| b.is_ascii_digit()))
}
