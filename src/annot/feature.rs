//! `UniProt` features: keys, labels, and how keys and notes become concepts.

use super::{evidence::without_remark, position::Place};

/// Feature keys with the labels of the web site, the XML and the GFF (where they differ in case
/// only, one label serves for both). Keys that later releases merged into others come last.
const KEYS: [(&str, &str); 42] = [
    ("ACT_SITE", "Active site"),
    ("BINDING", "Binding site"),
    ("CARBOHYD", "Glycosylation"),
    ("CHAIN", "Chain"),
    ("COILED", "Coiled coil"),
    ("COMPBIAS", "Compositional bias"),
    ("CONFLICT", "Sequence conflict"),
    ("CROSSLNK", "Cross-link"),
    ("DISULFID", "Disulfide bond"),
    ("DNA_BIND", "DNA binding"),
    ("DOMAIN", "Domain"),
    ("HELIX", "Helix"),
    ("INIT_MET", "Initiator methionine"),
    ("INTRAMEM", "Intramembrane"),
    ("LIPID", "Lipidation"),
    ("MOD_RES", "Modified residue"),
    ("MOTIF", "Motif"),
    ("MUTAGEN", "Mutagenesis"),
    ("NON_CONS", "Non-adjacent residues"),
    ("NON_STD", "Non-standard residue"),
    ("NON_TER", "Non-terminal residue"),
    ("PEPTIDE", "Peptide"),
    ("PROPEP", "Propeptide"),
    ("REGION", "Region"),
    ("REPEAT", "Repeat"),
    ("SIGNAL", "Signal peptide"),
    ("SITE", "Site"),
    ("STRAND", "Beta strand"),
    ("TOPO_DOM", "Topological domain"),
    ("TRANSIT", "Transit peptide"),
    ("TRANSMEM", "Transmembrane"),
    ("TURN", "Turn"),
    ("UNSURE", "Sequence uncertainty"),
    ("VARIANT", "Natural variant"),
    ("VAR_SEQ", "Alternative sequence"),
    ("ZN_FING", "Zinc finger"),
    ("CA_BIND", "Calcium binding"),
    ("METAL", "Metal binding"),
    ("NP_BIND", "Nucleotide binding"),
    ("SE_CYS", "Selenocysteine"),
    ("THIOETH", "Thioether bond"),
    ("THIOLEST", "Thioester bond"),
];

/// Labels in use beside those of [`KEYS`].
const OTHER_LABELS: [(&str, &str); 13] = [
    ("TRANSMEM", "Transmembrane region"),
    ("INTRAMEM", "Intramembrane region"),
    ("DNA_BIND", "DNA-binding region"),
    ("CA_BIND", "Calcium-binding region"),
    ("NP_BIND", "Nucleotide phosphate-binding region"),
    ("METAL", "Metal ion-binding site"),
    ("MOTIF", "Short sequence motif"),
    ("ZN_FING", "Zinc finger region"),
    ("REGION", "Region of interest"),
    ("CARBOHYD", "Glycosylation site"),
    ("LIPID", "Lipid moiety-binding region"),
    ("VAR_SEQ", "Splice variant"),
    ("VARIANT", "Sequence variant"),
];

/// Further labels of the XML.
const XML_LABELS: [(&str, &str); 7] = [
    ("NON_STD", "Non-standard amino acid"),
    ("MUTAGEN", "Mutagenesis site"),
    ("UNSURE", "Unsure residue"),
    ("NON_CONS", "Non-consecutive residues"),
    ("COMPBIAS", "Compositionally biased region"),
    ("COILED", "Coiled-coil region"),
    ("STRAND", "Strand"),
];

/// Keys whose note tells of one protein (a chain's name, one exchange): no concept of its own.
const NOTE_OF_ONE_PROTEIN: [&str; 8] = [
    "CHAIN", "PEPTIDE", "PROPEP", "SIGNAL", "MUTAGEN", "VARIANT", "CONFLICT", "VAR_SEQ",
];

/// Keys of bonds: two positions are two ends, not a stretch.
const BONDS: [&str; 4] = ["DISULFID", "CROSSLNK", "THIOETH", "THIOLEST"];

/// Keys that say nothing about function: they are kept as labels and are no annotation.
pub(crate) const NO_ANNOTATION: [&str; 9] = [
    "CHAIN", "CONFLICT", "INIT_MET", "MUTAGEN", "NON_CONS", "NON_TER", "UNSURE", "VARIANT",
    "VAR_SEQ",
];

/// Keys that are given only where there is a structure: absence elsewhere says nothing.
pub(crate) const PARTIAL: [&str; 3] = ["HELIX", "STRAND", "TURN"];

/// The key of a concept of features, by its id: `BINDING` of `BINDING:Zn(2+)`.
#[must_use]
pub(crate) fn key_of_concept(id: &str) -> &str {
    id.split(':').next().unwrap_or(id)
}

/// The key of a feature given by key or by label, in any case; others in upper case as they are.
#[must_use]
pub(crate) fn key(name: &str) -> String {
    let name = name.trim();
    KEYS.iter()
        .chain(&OTHER_LABELS)
        .chain(&XML_LABELS)
        .find(|(key, label)| key.eq_ignore_ascii_case(name) || label.eq_ignore_ascii_case(name))
        .map_or_else(|| name.to_ascii_uppercase(), |(key, _)| (*key).to_owned())
}

/// Whether a name (key or label) is one of `UniProt`'s.
#[must_use]
pub(crate) fn is_known(name: &str) -> bool {
    let key = key(name);
    KEYS.iter().any(|(known, _)| *known == key)
}

/// The label of a key, or the key itself.
#[must_use]
pub(crate) fn label(key: &str) -> &str {
    KEYS.iter()
        .find(|(known, _)| *known == key)
        .map_or(key, |(_, label)| label)
}

/// Whether a feature of this key joins two residues.
#[must_use]
pub(crate) fn is_bond(key: &str) -> bool {
    BONDS.contains(&key)
}

/// Whether the notes of features of this key tell concepts apart.
pub(super) fn note_matters(key: &str) -> bool {
    !NOTE_OF_ONE_PROTEIN.contains(&key)
}

/// The id of a feature's concept: key and ligand, or key and folded note, or the key alone.
#[must_use]
pub(crate) fn concept_id(key: &str, note: &str, ligand: &str) -> String {
    let detail = if !ligand.trim().is_empty() {
        ligand.trim().to_owned()
    } else if note_matters(key) {
        fold_note(note)
    } else {
        String::new()
    };
    if detail.is_empty() {
        key.to_owned()
    } else {
        format!("{key}:{detail}")
    }
}

/// A name for people: the key's label, what it is about, and the ligand's id where it has one.
#[must_use]
pub(crate) fn concept_name(key: &str, id: &str, ligand_id: &str) -> String {
    let label = label(key);
    let mut name = match id.split_once(':') {
        Some((_, detail)) => format!("{label}: {detail}"),
        None => label.to_owned(),
    };
    if !ligand_id.is_empty() {
        // the web writes `ChEBI:CHEBI:29105`
        let id = ligand_id.strip_prefix("ChEBI:").unwrap_or(ligand_id);
        name.push_str(" [");
        name.push_str(id);
        name.push(']');
    }
    name
}

/// What a note says beyond one occurrence: its first part, without the number of the occurrence
/// (`Sushi 2`, `WD 3; degenerate`, `1-2`), partners (`Interchain (with C-12)`) and remarks.
#[must_use]
pub(crate) fn fold_note(note: &str) -> String {
    let mut text = note.split(';').next().unwrap_or_default().trim();
    text = text.strip_suffix('.').unwrap_or(text).trim_end();
    text = without_remark(text).text;
    if let Some((before, _)) = text.split_once("(with ") {
        text = before.trim_end();
    }
    let (head, tail) = match text.split_once(" (") {
        Some((head, tail)) => (without_number(head), Some(tail)),
        None => (without_number(text), None),
    };
    match tail {
        Some(tail) => without_number(&format!("{head} ({tail}")).trim().to_owned(),
        None => head.trim().to_owned(),
    }
}

/// Removes the number of an occurrence from the end.
fn without_number(text: &str) -> &str {
    let (head, last) = text.rsplit_once(' ').unwrap_or(("", text));
    if is_occurrence(last) {
        head.trim_end()
    } else {
        text
    }
}

/// `2`, `2A`, `1-3`, `12`: a number, with a letter or further numbers.
fn is_occurrence(word: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let lettered = || {
        word.strip_suffix(|c: char| c.is_ascii_alphabetic())
            .is_some_and(digits)
    };
    word.split('-').all(digits) || lettered()
}

impl Place {
    /// The place of a feature: one residue, the two ends of a bond, or a stretch.
    #[must_use]
    pub fn of_feature(key: &str, start: u32, end: u32) -> Self {
        if is_bond(key) && start != end {
            Self::Ends(start.min(end), start.max(end))
        } else {
            Self::Range(start, end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn notes_fold() {
        for (note, folded) in [
            ("Sushi 2", "Sushi"),
            ("Zinc 1; via tele nitrogen", "Zinc"),
            ("Iron-sulfur 1 (4Fe-4S)", "Iron-sulfur (4Fe-4S)"),
            ("Iron-sulfur (4Fe-4S)", "Iron-sulfur (4Fe-4S)"),
            ("Helical; Name=3", "Helical"),
            ("Interchain (with C-171); in linked form", "Interchain"),
            ("Phosphoserine; by CK2", "Phosphoserine"),
            ("Phosphoserine (By similarity).", "Phosphoserine"),
            (
                "N-linked (GlcNAc...) asparagine",
                "N-linked (GlcNAc...) asparagine",
            ),
            ("N-linked (GlcNAc...).", "N-linked (GlcNAc...)"),
            ("C2H2-type 1", "C2H2-type"),
            ("Ig-like C2-type 12; truncated", "Ig-like C2-type"),
            ("1-2", ""),
            ("7", ""),
            ("TPR 2A", "TPR"),
            (
                "Phosphatidylinositol 4-phosphate",
                "Phosphatidylinositol 4-phosphate",
            ),
            ("Histone H3K4me3", "Histone H3K4me3"),
            ("", ""),
        ] {
            assert_eq!(fold_note(note), folded, "{note}");
        }
    }

    #[test]
    fn concepts_have_the_field_s_names() {
        assert_eq!(
            concept_id("BINDING", "axial binding residue", "Zn(2+)"),
            "BINDING:Zn(2+)"
        );
        assert_eq!(concept_id("DOMAIN", "Sushi 4", ""), "DOMAIN:Sushi");
        assert_eq!(concept_id("HELIX", "", ""), "HELIX");
        assert_eq!(concept_id("CA_BIND", "2", ""), "CA_BIND");
        assert_eq!(concept_id("CHAIN", "Insulin", ""), "CHAIN");
    }

    #[test]
    fn labels_and_keys_are_one() {
        assert_eq!(key("Initiator methionine"), "INIT_MET");
        assert_eq!(key("transmembrane region"), "TRANSMEM");
        assert_eq!(key("ft_like"), "FT_LIKE");
        assert!(is_known("Signal peptide") && is_known("mod_res") && !is_known("gene"));
        assert_eq!(label("ZN_FING"), "Zinc finger");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(note in "[A-Za-z]{1,8}( [0-9]{1,2})?( \\([a-z0-9 ]{0,6}\\))?(; [a-z ]{0,6})?") {
            let once = fold_note(&note);
            prop_assert_eq!(fold_note(&once), once);
        }
    }

    #[test]
    fn bonds_have_ends() {
        assert_eq!(Place::of_feature("DISULFID", 30, 10), Place::Ends(10, 30));
        assert_eq!(Place::of_feature("DISULFID", 10, 10), Place::Range(10, 10));
        assert_eq!(Place::of_feature("DOMAIN", 10, 30), Place::Range(10, 30));
    }
}
