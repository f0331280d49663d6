//! What each latent is called, and from which activation on it counts.

use super::so;
use crate::annot::concept::{Concept, ConceptKind, Level};

/// ECO term "deep learning method evidence used in automatic assertion".
pub const EVIDENCE: &str = "ECO:0008006";

/// What is known of a latent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LatentInfo {
    /// Its number in the model.
    pub latent: u32,
    /// Name shown to people.
    pub name: String,
    /// Id of its concept, if it has one.
    pub concept: Option<String>,
    /// Whether its concept was given in training.
    pub defined: bool,
    /// Sequence Ontology type of its ranges.
    pub so_type: &'static str,
    /// Terms for GFF3's `Ontology_term`.
    pub ontology_terms: Vec<String>,
    /// References for GFF3's `Dbxref`.
    pub dbxrefs: Vec<String>,
    /// Its largest activation over the training rows.
    pub maximum: f32,
    /// Share of the maximum from which it counts, where it has one of its own.
    pub threshold: Option<f32>,
    /// Whether its concept is of whole proteins, so that ranges of it are no annotation.
    pub whole_protein: bool,
    /// Whether ranges of it are wanted.
    pub wanted: bool,
}

impl LatentInfo {
    /// A latent that nobody has named.
    #[must_use]
    pub fn unnamed(index: usize, maximum: f32) -> Self {
        Self {
            latent: index as u32,
            name: format!("latent {index}"),
            so_type: so::POLYPEPTIDE_REGION,
            maximum,
            ..Self::default()
        }
    }

    /// A latent that stands for a concept.
    #[must_use]
    pub fn of_concept(concept: &Concept, maximum: f32) -> Self {
        let mut info = Self {
            latent: concept.index,
            name: concept.name.clone(),
            maximum,
            defined: true,
            ..Self::default()
        };
        info.set_concept(&concept.id, concept.kind);
        info.whole_protein = concept.level == Level::Protein;
        info
    }

    /// Ties the latent to a concept by id and kind.
    pub fn set_concept(&mut self, id: &str, kind: ConceptKind) {
        self.so_type = so::POLYPEPTIDE_REGION;
        self.whole_protein = matches!(kind, ConceptKind::Go | ConceptKind::Keyword);
        match kind {
            ConceptKind::Go => self.ontology_terms.push(id.to_owned()),
            ConceptKind::Interpro | ConceptKind::Keyword => self.dbxrefs.push(id.to_owned()),
            ConceptKind::Feature => self.so_type = so::of_feature(id),
            ConceptKind::Residue => {}
        }
        self.concept = Some(id.to_owned());
    }
}

/// All latents of a model by index, or all concepts of a dictionary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// Latent i, or concept i, is entry i.
    pub latents: Vec<LatentInfo>,
}
