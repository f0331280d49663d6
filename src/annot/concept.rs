//! `concepts.json` (`concepts/1`): the vocabulary of concepts and the ontology's axioms.
//!
//! Concept i is latent i is row i of every defined weight. Classes are numbered from 0: concepts
//! first (`0..m`), zero classes after them (`m..m + z`); relations are numbered from 0.

mod of_labels;

use crate::ontology::OntologyIdentity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// Format name and version of `concepts.json`.
pub const CONCEPTS_FORMAT: &str = "concepts/1";

/// Database of the ids of `InterPro`'s entries.
pub(super) const ENTRY: &str = "InterPro:";
/// Database of the ids of keywords.
pub(super) const KEYWORD: &str = "UniProtKB-KW:";

/// The content of `concepts.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConceptsFile {
    /// `concepts/1`.
    pub format: String,
    /// The ontology that the concepts and axioms come from.
    pub ontology: Option<OntologyIdentity>,
    /// Concepts, sorted by kind, then id.
    pub concepts: Vec<Concept>,
    /// Classes that occur in axioms but are no concept.
    pub zero_classes: Vec<String>,
    /// Relations of the axioms.
    pub relations: Vec<String>,
    /// The ontology in EL normal forms.
    pub axioms: Axioms,
}

impl ConceptsFile {
    /// Writes it as JSON, a concept a line.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{{\"format\":")?;
        serde_json::to_writer(&mut *out, &self.format)?;
        write!(out, ",\n\"ontology\":")?;
        serde_json::to_writer(&mut *out, &self.ontology)?;
        write!(out, ",\n\"concepts\":[")?;
        for (i, concept) in self.concepts.iter().enumerate() {
            out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut *out, concept)?;
        }
        write!(out, "],\n\"zero_classes\":")?;
        serde_json::to_writer(&mut *out, &self.zero_classes)?;
        write!(out, ",\n\"relations\":")?;
        serde_json::to_writer(&mut *out, &self.relations)?;
        write!(out, ",\n\"axioms\":")?;
        serde_json::to_writer(&mut *out, &self.axioms)?;
        writeln!(out, "}}")
    }
}

/// The kinds of concepts, in the order in which concepts are sorted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ConceptKind {
    /// A term of the Gene Ontology.
    Go,
    /// An `InterPro` entry.
    Interpro,
    /// A `UniProt` feature with its note or ligand.
    Feature,
    /// A `UniProt` keyword.
    Keyword,
    /// An amino acid.
    Residue,
}

impl ConceptKind {
    /// All kinds, in the order in which concepts are sorted.
    pub const ALL: [Self; 5] = [
        Self::Go,
        Self::Interpro,
        Self::Feature,
        Self::Keyword,
        Self::Residue,
    ];

    /// The word in `concepts.json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Interpro => "interpro",
            Self::Feature => "feature",
            Self::Keyword => "keyword",
            Self::Residue => "residue",
        }
    }
}

/// Whether a concept's labels name residues or whole proteins.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Labels hold for the whole protein.
    Protein,
    /// Labels hold for ranges of residues.
    Residue,
}

impl Level {
    /// The word in `concepts.json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Protein => "protein",
            Self::Residue => "residue",
        }
    }
}

/// One concept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Concept {
    /// Index of the concept, of its latent, and of its rows in the weights.
    pub index: u32,
    /// `GO:0005524`, `InterPro:IPR000719`, `UniProtKB-KW:KW-0067`, `BINDING:Zn(2+)`, `residue:C`.
    pub id: String,
    /// Human-readable name.
    pub name: String,
    /// Kind of concept.
    pub kind: ConceptKind,
    /// Namespace within the kind (`biological_process`, ...), if it has one.
    pub namespace: Option<String>,
    /// Whether its labels name residues.
    pub level: Level,
    /// Indices of the concepts that are its direct parents.
    pub parents: Vec<u32>,
    /// Proteins that carry it, after propagation.
    pub proteins: u64,
    /// Residues that carry it (0 for a protein-level concept).
    pub residues: u64,
    /// Whether absence of a label says nothing, except between the first and the last label of such concepts in a
    /// protein (`HELIX`, `STRAND` and `TURN` are known where there is a structure).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// log2(min over direct parents of n(parent) / n(concept)), n counting proteins.
    pub information_content: f64,
}

/// The ontology's axioms in EL normal forms, over class and relation numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Axioms {
    /// `[c, d]`: C is a subclass of D.
    pub nf1: Vec<[u32; 2]>,
    /// `[c, d, e]`: C and D is a subclass of E.
    pub nf2: Vec<[u32; 3]>,
    /// `[r, c, d]`: some R.C is a subclass of D.
    pub nf3: Vec<[u32; 3]>,
    /// `[c, r, d]`: C is a subclass of some R.D.
    pub nf4: Vec<[u32; 3]>,
    /// `[c, d]`: C and D have nothing in common.
    pub disjoint: Vec<[u32; 2]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json_of_the_same_content() {
        let concept = |index| Concept {
            index,
            id: format!("T:{index}"),
            name: "a \"name\"".into(),
            kind: ConceptKind::Go,
            namespace: None,
            level: Level::Protein,
            parents: vec![0],
            proteins: 7,
            residues: 0,
            partial: index == 1,
            information_content: 0.1,
        };
        let file = ConceptsFile {
            format: CONCEPTS_FORMAT.into(),
            ontology: Some(OntologyIdentity::default()),
            concepts: vec![concept(0), concept(1)],
            zero_classes: vec!["AUX_1".into()],
            relations: vec!["BFO:0000050".into()],
            axioms: Axioms {
                nf1: vec![[0, 1]],
                ..Axioms::default()
            },
        };
        for file in [file, ConceptsFile::default()] {
            let mut bytes = Vec::new();
            file.write(&mut bytes).unwrap();
            assert_eq!(
                serde_json::from_slice::<ConceptsFile>(&bytes).unwrap(),
                file
            );
        }
    }
}
