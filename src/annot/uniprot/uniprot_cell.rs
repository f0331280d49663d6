//! A cell of features in `UniProt`'s TSV: `BINDING 33..41; /ligand="ATP"; /evidence="ECO:..."; BINDING 56; ...`.

/// One feature of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CellFeature<'a> {
    /// Key in capitals.
    pub key: &'a str,
    /// Position as written.
    pub position: &'a str,
    /// Qualifiers in order: name and unquoted value.
    pub qualifiers: Vec<(&'a str, &'a str)>,
}

impl<'a> CellFeature<'a> {
    /// The value of a qualifier, or an empty string.
    #[must_use]
    pub(crate) fn qualifier(&self, name: &str) -> &'a str {
        self.qualifiers
            .iter()
            .find(|(n, _)| *n == name)
            .map_or("", |(_, value)| value)
    }
}

/// Reads the features of a cell.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(cell: &str) -> Result<Vec<CellFeature<'_>>, String> {
    let mut features: Vec<CellFeature<'_>> = Vec::new();
    let mut rest = cell.trim();
    while !rest.is_empty() {
        if let Some(qualifier) = rest.strip_prefix('/') {
            let (name, value) = qualifier
                .split_once('=')
                .ok_or_else(|| format!("a qualifier without a value: {}", shown(rest)))?;
            let (value, after) = match value.strip_prefix('"') {
                Some(quoted) => {
                    let end = closing_quote(quoted)
                        .ok_or_else(|| format!("a quote that never closes: {}", shown(rest)))?;
                    (&quoted[..end], &quoted[end + 1..])
                }
                None => value.split_at(value.find(';').unwrap_or(value.len())),
            };
            features
                .last_mut()
                .ok_or_else(|| format!("a qualifier before any feature: {}", shown(rest)))?
                .qualifiers
                .push((name.trim(), value));
            rest = after;
        } else {
            let end = rest.find(';').unwrap_or(rest.len());
            let (key, position) = rest[..end]
                .split_once(' ')
                .ok_or_else(|| format!("neither feature nor qualifier: {}", shown(rest)))?;
            if !key.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
                return Err(format!("{key:?} is no feature key"));
            }
            features.push(CellFeature {
                key,
                position: position.trim(),
                qualifiers: Vec::new(),
            });
            rest = &rest[end..];
        }
        rest = rest.trim_start().trim_start_matches(';').trim_start();
    }
    Ok(features)
}

/// The quote that ends a value: the first one before a semicolon or the end of the cell.
fn closing_quote(text: &str) -> Option<usize> {
    text.match_indices('"').map(|(at, _)| at).find(|&at| {
        let after = text[at + 1..].trim_start();
        after.is_empty() || after.starts_with(';')
    })
}

/// The beginning of a text, for messages.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_may_hold_separators() {
        let cell = r#"BINDING 33..41; /ligand="ATP"; /note="a; b 1..2"; /evidence="ECO:0000255|X"; BINDING P1-2:56; /ligand="ADP""#;
        let features = parse(cell).unwrap();
        assert_eq!(features.len(), 2);
        assert_eq!(features[0].qualifier("note"), "a; b 1..2");
        assert_eq!(
            (features[1].key, features[1].position),
            ("BINDING", "P1-2:56")
        );
        assert_eq!(features[1].qualifier("ligand"), "ADP");
    }

    #[test]
    fn quotes_inside_values_stay() {
        let features = parse(r#"MOTIF 3..9; /note=""HIGH" region"; MOTIF 20"#).unwrap();
        assert_eq!(features[0].qualifier("note"), r#""HIGH" region"#);
        assert_eq!(features.len(), 2);
    }

    #[test]
    fn what_is_no_cell_is_refused() {
        for cell in ["/note=\"x\"", "HELIX", "Helix 3..9", "HELIX 1; /note=\"x"] {
            assert!(parse(cell).is_err(), "{cell}");
        }
        assert!(parse("  ").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(cell in "\\PC{0,80}") {
            let _ = parse(&cell);
        }

        #[test]
        fn what_is_written_is_read(
            features in prop::collection::vec(("[A-Z_]{3,8}", 1u32..500, "[a-z;. ]{0,10}"), 0..6)
        ) {
            let cell: Vec<String> = features
                .iter()
                .map(|(key, at, note)| format!("{key} {at}; /note=\"{note}\""))
                .collect();
            let cell = cell.join("; ");
            let read = parse(&cell).unwrap();
            prop_assert_eq!(read.len(), features.len());
            for (read, (key, at, note)) in read.iter().zip(&features) {
                prop_assert_eq!(read.key, key.as_str());
                prop_assert_eq!(read.position, at.to_string());
                prop_assert_eq!(read.qualifier("note"), note.as_str());
            }
        }
    }
}
