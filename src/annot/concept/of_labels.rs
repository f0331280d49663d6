//! The vocabulary that labels themselves are.

use super::{CONCEPTS_FORMAT, Concept, ConceptKind, ConceptsFile, Level};
use crate::annot::label::Label;
use std::collections::{BTreeMap, BTreeSet};

/// The kind that an id's prefix says.
fn kind_of(id: &str) -> ConceptKind {
    match id.split_once(':').map(|(prefix, _)| prefix) {
        Some("GO") => ConceptKind::Go,
        Some("InterPro") => ConceptKind::Interpro,
        Some("UniProtKB-KW") => ConceptKind::Keyword,
        Some("residue") => ConceptKind::Residue,
        _ => ConceptKind::Feature,
    }
}

impl ConceptsFile {
    /// The vocabulary of labels that came without one: their ids, sorted by kind and id, no axioms.
    #[must_use]
    pub fn of_labels(labels: &[Label]) -> Self {
        #[derive(Default)]
        struct Count<'a> {
            proteins: BTreeSet<&'a str>,
            residues: BTreeMap<&'a str, BTreeSet<u32>>,
        }
        let mut counts: BTreeMap<(ConceptKind, &str), Count<'_>> = BTreeMap::new();
        for label in labels {
            let count = counts
                .entry((kind_of(&label.concept), &label.concept))
                .or_default();
            count.proteins.insert(&label.protein);
            if let Some((start, end)) = label.start.zip(label.end) {
                let residues = count.residues.entry(&label.protein).or_default();
                residues.extend(start..=end.min(start.saturating_add(1 << 20)));
            }
        }
        let concepts = counts
            .iter()
            .zip(0..)
            .map(|(((kind, id), count), index)| Concept {
                index,
                id: (*id).to_owned(),
                name: (*id).to_owned(),
                kind: *kind,
                namespace: None,
                level: if count.residues.is_empty() {
                    Level::Protein
                } else {
                    Level::Residue
                },
                parents: Vec::new(),
                proteins: count.proteins.len() as u64,
                residues: count.residues.values().map(|r| r.len() as u64).sum(),
                partial: false,
                information_content: 0.0,
            })
            .collect();
        Self {
            format: CONCEPTS_FORMAT.into(),
            concepts,
            ..Self::default()
        }
    }
}
