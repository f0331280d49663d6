//! Comments of `UniProt` entries that are concepts of the whole protein: cofactors and subcellular
//! locations.

use crate::annot::{
    collect::{Collector, DropReason, Observation},
    error::AnnotError,
    evidence::{Remarked, eco_ids, without_remark},
};

/// A concept that a comment names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commented {
    /// `COFACTOR:Zn(2+)`, `LOCATION:Cell membrane`.
    pub id: String,
    /// Name for people, with the `ChEBI` id of a cofactor.
    pub name: String,
    /// ECO ids, joined by commas.
    pub evidence: String,
}

impl Commented {
    /// A cofactor, with its `ChEBI` id (`CHEBI:29105`) or an empty one.
    pub(crate) fn cofactor(name: &str, chebi: &str, evidence: String) -> Self {
        Self {
            id: format!("COFACTOR:{name}"),
            name: match chebi {
                "" => format!("Cofactor: {name}"),
                id => format!("Cofactor: {name} [{id}]"),
            },
            evidence,
        }
    }

    /// A subcellular location or topology.
    pub(crate) fn location(name: &str, evidence: String) -> Self {
        Self {
            id: format!("LOCATION:{name}"),
            name: format!("Subcellular location: {name}"),
            evidence,
        }
    }
}

/// What comments of one topic say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comments {
    /// What they name.
    pub concepts: Vec<Commented>,
    /// Comments of isoforms and chains (`[Isoform 2]: ...`), which say nothing of the protein.
    pub of_forms: u64,
    /// Comments in free text, which name nothing.
    pub untold: u64,
}

impl Comments {
    /// Puts what they name, and counts the others.
    pub(crate) fn put(
        &self,
        collector: &mut Collector,
        protein: &str,
        line: u64,
    ) -> Result<(), AnnotError> {
        for concept in &self.concepts {
            collector.put(&Observation {
                id: &concept.id,
                name: &concept.name,
                evidence: &concept.evidence,
                ..Observation::of_uniprot(protein, line)
            })?;
        }
        for (reason, count) in [
            (DropReason::OtherForm, self.of_forms),
            (DropReason::NoConcept, self.untold),
        ] {
            (0..count).for_each(|_| collector.count_dropped(reason));
        }
        Ok(())
    }
}

/// Cofactors of `COFACTOR: Name=Zn(2+); Xref=ChEBI:...; Evidence={...}; Note=...; Name=...`; the evidence of the note
/// is not the cofactor's.
#[must_use]
pub(crate) fn cofactors(text: &str) -> Comments {
    let mut found = Comments::default();
    for comment in text.split("COFACTOR:").map(str::trim) {
        if comment.is_empty() {
            continue;
        }
        let about = comment.split("Name=").next().unwrap_or_default();
        let is_told = comment.contains("Name=");
        if comment.starts_with('[') || names_form(about) && (is_told || is_isoform(about)) {
            found.of_forms += 1;
            continue;
        }
        let before = found.concepts.len();
        for part in comment.split("Name=").skip(1) {
            let name = part.split(';').next().unwrap_or_default().trim();
            if name.is_empty() {
                continue;
            }
            let about = part.split("Note=").next().unwrap_or_default();
            let chebi = about
                .split(';')
                .find_map(|field| field.trim().strip_prefix("Xref=ChEBI:"))
                .map_or("", str::trim);
            let evidence = eco_ids(about).into_owned();
            (found.concepts).push(Commented::cofactor(name, chebi, evidence));
        }
        found.untold += u64::from(found.concepts.len() == before);
    }
    found
}

/// Locations of `SUBCELLULAR LOCATION: Cytoplasm, cytosol {ECO:...}. Cell membrane; Single-pass membrane
/// protein. Note=...`: every location and topology. Locations between commas share the evidence of their phrase, and
/// each is written as `UniProt`'s XML and vocabulary write it. What is said of a form of the protein is none of its
/// locations: `[Isoform 2]: Secreted`, until 2014 `Isoform 2: Secreted`, and so of chains.
#[must_use]
pub(crate) fn locations(text: &str) -> Comments {
    let mut found = Comments::default();
    for comment in text.split("SUBCELLULAR LOCATION:") {
        let comment = comment.split("Note=").next().unwrap_or_default().trim();
        if comment.starts_with('[') {
            found.of_forms += 1;
            continue;
        }
        let comment = before_forms(comment);
        found.of_forms += comment.forms;
        for phrase in outside_braces(comment.common, &['.', ';']) {
            let mut evidence = eco_ids(phrase).into_owned();
            let mut names = Vec::new();
            for part in outside_braces(phrase, &[',']) {
                let Remarked { text, eco } =
                    without_remark(part.split('{').next().unwrap_or_default());
                if evidence.is_empty() {
                    eco.clone_into(&mut evidence);
                }
                if !text.trim().is_empty() {
                    names.push(capitalised(text.trim()));
                }
            }
            let located = |name: &String| Commented::location(name, evidence.clone());
            found.concepts.extend(names.iter().map(located));
        }
    }
    found
}

/// Whether a text begins with the name of an isoform or chain and a colon, `Isoform 2: ...`: names of locations and
/// cofactors hold no colon before a blank.
pub(crate) fn names_form(text: &str) -> bool {
    before_forms(text).forms > 0
}

/// The same of isoforms alone: in free text other words stand before a colon too.
pub(super) fn names_isoform(text: &str) -> bool {
    is_isoform(text) && names_form(text)
}

/// Whether a text begins with the name of an isoform.
fn is_isoform(text: &str) -> bool {
    (text.get(..ISOFORM.len())).is_some_and(|start| start.eq_ignore_ascii_case(ISOFORM))
}

/// How names of isoforms begin.
const ISOFORM: &str = "isoform ";

/// A remark in free text, which is no form.
const NOTE: &str = "note";

/// A comment that may come to single forms of its protein.
struct Comment<'a> {
    /// What it says before it does.
    common: &'a str,
    /// Of how many forms it speaks from there on.
    forms: u64,
}

fn before_forms(comment: &str) -> Comment<'_> {
    let (mut depth, mut sentence) = (0u32, 0);
    let mut end = None;
    let mut forms = 0;
    for (at, c) in comment.char_indices() {
        let after = &comment[at + c.len_utf8()..];
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 || !(after.is_empty() || after.starts_with(char::is_whitespace)) => {}
            // an isoform may be called 2.1
            '.' | ';' => sentence = at + 1,
            ':' => {
                let is_note = comment[sentence..at].trim().eq_ignore_ascii_case(NOTE);
                end.get_or_insert(sentence);
                forms += u64::from(!is_note);
            }
            _ => {}
        }
    }
    Comment {
        common: &comment[..end.unwrap_or(comment.len())],
        forms,
    }
}

/// Locations whose names begin with a small letter, by their prefixes.
const SMALL: [&str; 2] = ["cis-", "trans-"];

/// The name of a location that stands behind another one: `Cytosol` of `Cytoplasm, cytosol`.
fn capitalised(name: &str) -> String {
    match name.chars().next() {
        Some(first) if !SMALL.iter().any(|small| name.starts_with(small)) => {
            let rest = &name[first.len_utf8()..];
            first.to_uppercase().chain(rest.chars()).collect()
        }
        _ => name.to_owned(),
    }
}

/// Parts between the separators that are not inside `{...}`.
fn outside_braces<'a>(text: &'a str, separators: &[char]) -> Vec<&'a str> {
    let mut depth = 0u32;
    text.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && separators.contains(&c)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cofactors_by_name() {
        let text = "COFACTOR: Name=Zn(2+); Xref=ChEBI:CHEBI:29105; Evidence={ECO:0000269|PubMed:1}; Note=Binds 2. {ECO:0000305}; COFACTOR: Name=NAD(+); Xref=x;";
        let found = cofactors(text).concepts;
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].id, "COFACTOR:Zn(2+)");
        assert_eq!(found[0].name, "Cofactor: Zn(2+) [CHEBI:29105]");
        assert_eq!(found[0].evidence, "ECO:0000269");
        assert_eq!(found[1].id, "COFACTOR:NAD(+)");
    }

    #[test]
    fn locations_and_topologies() {
        let text = "SUBCELLULAR LOCATION: Cell membrane {ECO:0000250|UniProtKB:P1.2}; Single-pass membrane protein {ECO:0000255}. Nucleus. Note=In mitosis.; SUBCELLULAR LOCATION: [Isoform 2]: Secreted.";
        let ids: Vec<String> = locations(text).concepts.into_iter().map(|l| l.id).collect();
        assert_eq!(
            ids,
            [
                "LOCATION:Cell membrane",
                "LOCATION:Single-pass membrane protein",
                "LOCATION:Nucleus"
            ]
        );
    }

    #[test]
    fn comments_that_say_nothing_of_the_protein_are_counted() {
        let text = "COFACTOR: [Isoform 2]: Name=Zn(2+);; COFACTOR: FAD (By similarity).; COFACTOR: Note=Binds 1 zinc ion.";
        let found = cofactors(text);
        assert_eq!(
            (found.concepts.len(), found.of_forms, found.untold),
            (0, 1, 2)
        );
        let found = locations("SUBCELLULAR LOCATION: [Surface protein]: Virion membrane.");
        assert_eq!((found.concepts.len(), found.of_forms), (0, 1));
    }

    #[test]
    fn isoforms_and_chains_of_old_releases_are_told_without_brackets() {
        let text = "SUBCELLULAR LOCATION: Cell membrane; Single-pass type I membrane protein. \
            SUBCELLULAR LOCATION: Isoform 2: Secreted. SUBCELLULAR LOCATION: Isoform Long: Nucleus (By similarity). \
            SUBCELLULAR LOCATION: Beta-subunit: Cytoplasm; Nucleus. SUBCELLULAR LOCATION: [Isoform 3]: Mitochondrion. \
            SUBCELLULAR LOCATION: Secreted {ECO:0000250|UniProtKB:P1}. Isoform 2.1: Cytoplasm. Isoform 4: Nucleus. Note: x.";
        let found = locations(text);
        let ids: Vec<&str> = found.concepts.iter().map(|l| l.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "LOCATION:Cell membrane",
                "LOCATION:Single-pass type I membrane protein",
                "LOCATION:Secreted"
            ]
        );
        assert_eq!(found.of_forms, 6);
        let text = "COFACTOR: Isoform 2: Name=Zn(2+); Xref=ChEBI:CHEBI:29105;; COFACTOR: Isoform Long: Binds 1 zinc ion.; \
            COFACTOR: Binds metals: 2 per subunit.; COFACTOR: Name=FAD; Note=Isoform 2: none.;";
        let found = cofactors(text);
        assert_eq!(
            (found.concepts.len(), found.of_forms, found.untold),
            (1, 2, 1)
        );
    }

    #[test]
    fn evidence_is_of_the_whole_phrase() {
        let text = "SUBCELLULAR LOCATION: Cytoplasm, cytosol {ECO:0000250}. Golgi apparatus, trans-Golgi network; Peripheral membrane protein (By similarity).";
        let found: Vec<(String, String)> = (locations(text).concepts.into_iter())
            .map(|location| (location.id, location.evidence))
            .collect();
        let expected = [
            ("LOCATION:Cytoplasm", "ECO:0000250"),
            ("LOCATION:Cytosol", "ECO:0000250"),
            ("LOCATION:Golgi apparatus", ""),
            ("LOCATION:trans-Golgi network", ""),
            ("LOCATION:Peripheral membrane protein", "ECO:0000250"),
        ];
        assert_eq!(
            found,
            expected.map(|(id, eco)| (id.to_owned(), eco.to_owned()))
        );
    }
}
