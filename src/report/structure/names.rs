//! Whose structure a file is, by its name.

/// What the name of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedProtein<'a> {
    /// The accession, or whatever else the protein is called.
    pub accession: &'a str,
    /// The fragment of the protein that it is a model of, from 1: the database of `AlphaFold` has long proteins in
    /// several, which overlap and lie apart in space. 1 too where the name has none.
    pub fragment: u32,
}

/// Suffixes that say how a file is compressed.
const COMPRESSED: [&str; 4] = [".gz", ".bgz", ".zst", ".zstd"];

/// Suffixes of the formats: both are read whatever the suffix says.
const FORMATS: [&str; 4] = [".pdb", ".ent", ".cif", ".mmcif"];

/// Takes off the first of the suffixes that a name has, in any case.
fn without<'a>(name: &'a str, suffixes: &[&str]) -> Option<&'a str> {
    suffixes.iter().find_map(|suffix| {
        let start = name.len().checked_sub(suffix.len())?;
        let end = name.get(start..)?;
        end.eq_ignore_ascii_case(suffix).then(|| &name[..start])
    })
}

/// `AF-P12345-F1-model_v4`, `AF-P12345-2-F1-model_v6`: the accession is all before the fragment.
fn by_alphafold(stem: &str) -> Option<NamedProtein<'_>> {
    let (accession, rest) = stem.strip_prefix("AF-")?.rsplit_once("-F")?;
    let (fragment, model) = rest.split_once('-').unwrap_or((rest, ""));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let known = model.is_empty() || model.strip_prefix("model_v").is_some_and(digits);
    let named = NamedProtein {
        accession,
        fragment: fragment.parse().ok().filter(|_| digits(fragment))?,
    };
    (known && !accession.is_empty() && named.fragment > 0).then_some(named)
}

/// The protein that a structure file is named after: `AF-P12345-F1-model_v4.cif.gz` and the like are names of
/// `AlphaFold`, `P12345.pdb` or `P12345.cif.gz` anyone's. Give the name without its folder; none where the suffix is of
/// another kind of file.
#[must_use]
pub fn names_protein(file_name: &str) -> Option<NamedProtein<'_>> {
    let name = without(file_name, &COMPRESSED).unwrap_or(file_name);
    let stem = without(name, &FORMATS).filter(|stem| !stem.is_empty())?;
    Some(by_alphafold(stem).unwrap_or(NamedProtein {
        accession: stem,
        fragment: 1,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(file_name: &str) -> Option<(&str, u32)> {
        names_protein(file_name).map(|n| (n.accession, n.fragment))
    }

    #[test]
    fn names_of_alphafold_hold_accession_and_fragment() {
        assert_eq!(named("AF-P12345-F1-model_v4.cif.gz"), Some(("P12345", 1)));
        assert_eq!(named("AF-P12345-F1-model_v4.pdb"), Some(("P12345", 1)));
        assert_eq!(named("AF-Q8WZ42-F12-model_v1.pdb.gz"), Some(("Q8WZ42", 12)));
        assert_eq!(named("AF-P12345-2-F1-model_v6.cif"), Some(("P12345-2", 1)));
        assert_eq!(named("AF-A0A009DXE7-F1.cif"), Some(("A0A009DXE7", 1)));
    }

    #[test]
    fn other_names_are_the_protein() {
        assert_eq!(named("P12345.pdb"), Some(("P12345", 1)));
        assert_eq!(named("P12345-2.CIF.GZ"), Some(("P12345-2", 1)));
        assert_eq!(named("sp.1.ent.zst"), Some(("sp.1", 1)));
        // nearly AlphaFold's
        for stem in [
            "AF-P1-F0-model_v4",
            "AF-P1-F+1-model_v4",
            "AF-P1-F1-pae_v4",
            "AF--F1",
        ] {
            assert_eq!(named(&format!("{stem}.pdb")), Some((stem, 1)));
        }
    }

    #[test]
    fn other_files_name_none() {
        for name in [
            "P12345.json",
            "P12345",
            ".pdb",
            ".cif.gz",
            "P12345.pdb.bak",
            "",
            "é.b",
            "README.md",
        ] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
