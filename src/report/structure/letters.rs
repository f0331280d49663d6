//! Residues by their names in the Chemical Component Dictionary.

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Component {
    /// An amino acid of proteins, or what simulations call one in a state of charge.
    Standard(u8),
    /// A modified amino acid, by the letter of the one it was: HETATM in chains.
    Modified(u8),
    /// Anything else.
    Other,
}

/// Names of three letters, and one letter.
const STANDARD: &[(&str, u8)] = &[
    ("ALA", b'A'),
    ("ARG", b'R'),
    ("ASH", b'D'),
    ("ASN", b'N'),
    ("ASP", b'D'),
    ("ASX", b'B'),
    ("CYM", b'C'),
    ("CYS", b'C'),
    ("CYX", b'C'),
    ("GLH", b'E'),
    ("GLN", b'Q'),
    ("GLU", b'E'),
    ("GLX", b'Z'),
    ("GLY", b'G'),
    ("HID", b'H'),
    ("HIE", b'H'),
    ("HIP", b'H'),
    ("HIS", b'H'),
    ("HSD", b'H'),
    ("HSE", b'H'),
    ("HSP", b'H'),
    ("ILE", b'I'),
    ("LEU", b'L'),
    ("LYN", b'K'),
    ("LYS", b'K'),
    ("MET", b'M'),
    ("PHE", b'F'),
    ("PRO", b'P'),
    ("PYL", b'O'),
    ("SEC", b'U'),
    ("SER", b'S'),
    ("THR", b'T'),
    ("TRP", b'W'),
    ("TYR", b'Y'),
    ("UNK", b'X'),
    ("VAL", b'V'),
];

/// The same for modified residues that many structures have, with the parent that the dictionary gives.
const MODIFIED: &[(&str, u8)] = &[
    ("ALY", b'K'),
    ("CAS", b'C'),
    ("CGU", b'E'),
    ("CME", b'C'),
    ("CSD", b'C'),
    ("CSO", b'C'),
    ("CSX", b'C'),
    ("FME", b'M'),
    ("HIC", b'H'),
    ("HYP", b'P'),
    ("KCX", b'K'),
    ("LLP", b'K'),
    ("M3L", b'K'),
    ("MHO", b'M'),
    ("MLY", b'K'),
    ("MLZ", b'K'),
    ("MSE", b'M'),
    ("NEP", b'H'),
    ("OCS", b'C'),
    ("PCA", b'Q'),
    ("PHD", b'D'),
    ("PTR", b'Y'),
    ("SEP", b'S'),
    ("TPO", b'T'),
    ("TYS", b'Y'),
];

impl Component {
    pub(super) fn of(name: &str) -> Self {
        let find = |table: &[(&str, u8)]| {
            let at = table.binary_search_by_key(&name, |&(name, _)| name).ok()?;
            Some(table[at].1)
        };
        let standard = find(STANDARD).map(Self::Standard);
        let found = standard.or_else(|| find(MODIFIED).map(Self::Modified));
        found.unwrap_or(Self::Other)
    }

    /// One letter, `X` for what is none.
    pub(super) fn letter(self) -> u8 {
        match self {
            Self::Standard(letter) | Self::Modified(letter) => letter,
            Self::Other => b'X',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found() {
        for &(name, letter) in STANDARD {
            assert_eq!(Component::of(name), Component::Standard(letter), "{name}");
        }
        for &(name, letter) in MODIFIED {
            assert_eq!(Component::of(name), Component::Modified(letter), "{name}");
        }
        for name in ["HOH", "DA", "", "ACE"] {
            assert_eq!(Component::of(name).letter(), b'X', "{name}");
        }
    }
}
