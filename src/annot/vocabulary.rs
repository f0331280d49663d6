//! From statements to concepts: propagation, counts, choice, numbering.
//!
//! Every statement names a *candidate*: a current term of the ontology, or a concept of another
//! kind by its id. A candidate's statements hold for its ancestors too. Candidates with enough
//! proteins become concepts, numbered by kind and id.

mod axiom_numbering;
mod choose;
mod expansion;
mod resolve;

use super::{
    collect::{Collector, InputReport},
    concept::{CONCEPTS_FORMAT, ConceptKind, ConceptsFile},
    error::AnnotError,
    feature::PARTIAL,
    label::LabelRef,
    mappings::References,
    position::Place,
};
use crate::ontology::{Class, Ontology, graph::Hierarchy, normal::NormalForms};
use expansion::{Expansion, Fact, covered, merged};
use serde::Serialize;
use std::{collections::BTreeMap, ops::Range};

/// Proteins that a concept needs, where nothing else is asked for.
pub const DEFAULT_MIN_COUNT: u64 = 10;

/// Unknown ids are listed up to this number.
const LISTED: usize = 10;

/// Which axioms `concepts.json` holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AxiomScope {
    /// All of the ontology.
    #[default]
    All,
    /// Those that say something about a concept: its locality module.
    Module,
    /// None.
    None,
}

/// Which candidates become concepts.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Proteins that a concept needs, after propagation.
    pub min_count: u64,
    /// Namespaces of the ontology to take; empty for all.
    pub namespaces: Vec<String>,
    /// Which axioms to keep.
    pub axioms: AxiomScope,
    /// Axioms to take in place of the ontology's own.
    pub normal_forms: Option<NormalForms>,
    /// Keys of features whose absence says nothing.
    pub partial_features: Vec<String>,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            min_count: DEFAULT_MIN_COUNT,
            namespaces: Vec::new(),
            axioms: AxiomScope::default(),
            normal_forms: None,
            partial_features: PARTIAL.map(str::to_owned).into(),
        }
    }
}

/// An ontology with the hierarchy that annotations follow.
#[derive(Clone, Copy, Debug)]
pub struct Terminology<'a> {
    /// The ontology.
    pub ontology: &'a Ontology,
    /// Its hierarchy over the relations of propagation.
    pub hierarchy: &'a Hierarchy,
}

/// What became of the statements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VocabularyReport {
    /// Statements whose id is an `alt_id` of a current term.
    pub alt_id_followed: u64,
    /// Statements whose id is of an obsolete term with a replacement.
    pub replaced_by_followed: u64,
    /// Statements of obsolete terms without replacement, left out.
    pub obsolete_dropped: u64,
    /// Statements of ids that the ontology does not have, left out.
    pub unknown_dropped: u64,
    /// Number of such ids.
    pub unknown_ids: u64,
    /// The first of them.
    pub unknown_listed: Vec<String>,
    /// Statements that repeat another: same protein, concept, place and source. They are one label,
    /// with the evidence of all.
    pub repeated: u64,
    /// Candidates with too few proteins, by kind.
    pub too_rare: BTreeMap<ConceptKind, u64>,
    /// Candidates of namespaces that were not asked for.
    pub other_namespace: u64,
    /// Concepts by kind.
    pub concepts: BTreeMap<ConceptKind, u64>,
    /// Proteins with at least one label.
    pub labelled_proteins: u64,
    /// Proteins that were read, from sequences or annotations.
    pub proteins: u64,
    /// Rows of the label table.
    pub labels: u64,
}

/// Concepts and labels.
#[derive(Debug)]
pub struct Vocabulary<'a> {
    /// The content of `concepts.json`.
    pub file: ConceptsFile,
    /// What became of the statements.
    pub report: VocabularyReport,
    /// What was read of each input, and what became of it.
    pub inputs: Vec<InputReport>,
    /// Sequences of proteins, where they were kept.
    pub sequences: BTreeMap<String, Vec<u8>>,
    terminology: Option<Terminology<'a>>,
    candidates: Vec<Candidate>,
    /// Statements, and the part of them that is one protein's, by accession.
    facts: Vec<Fact>,
    proteins: Vec<OfProtein>,
    evidences: Vec<String>,
    /// Concept of each candidate.
    numbers: Vec<Option<u32>>,
    /// Types, names and tree of `InterPro`'s entries.
    references: References,
    /// Parent of each candidate that is an entry of the tree.
    tree: Vec<Option<u32>>,
}

/// What is said of one protein.
#[derive(Debug)]
struct OfProtein {
    accession: String,
    /// Where its statements are.
    facts: Range<usize>,
}

/// Something that may become a concept.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) kind: ConceptKind,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) class: Option<Class>,
    pub(super) proteins: u64,
    pub(super) residues: u64,
    pub(super) by_residue: bool,
}

impl Candidate {
    /// One of which nothing is counted yet; its name is its id where it has none.
    fn new(kind: ConceptKind, id: &str, name: &str) -> Self {
        let name = if name.is_empty() { id } else { name };
        Self {
            kind,
            id: id.to_owned(),
            name: name.to_owned(),
            class: None,
            proteins: 0,
            residues: 0,
            by_residue: false,
        }
    }
}

impl<'a> Vocabulary<'a> {
    /// Counts everything that was collected, and chooses the concepts among it.
    ///
    /// # Errors
    /// [`AnnotError::NoOntology`] where terms were read without an ontology.
    pub fn new(
        collector: Collector,
        terminology: Option<Terminology<'a>>,
        choice: &Choice,
    ) -> Result<Self, AnnotError> {
        let mut vocabulary = Self {
            file: ConceptsFile {
                format: CONCEPTS_FORMAT.to_owned(),
                ontology: terminology.map(|t| t.ontology.identity.clone()),
                ..ConceptsFile::default()
            },
            report: VocabularyReport::default(),
            inputs: Vec::new(),
            sequences: BTreeMap::new(),
            terminology,
            candidates: Vec::new(),
            facts: Vec::new(),
            proteins: Vec::new(),
            evidences: Vec::new(),
            numbers: Vec::new(),
            references: References::default(),
            tree: Vec::new(),
        };
        vocabulary.load(collector)?;
        vocabulary.count();
        vocabulary.choose(choice);
        Ok(vocabulary)
    }

    /// Candidate of each class, and the closure over them.
    fn of_class(&self) -> Vec<u32> {
        let classes = self.terminology.map_or(0, |t| t.ontology.classes.len());
        let mut of_class = vec![u32::MAX; classes];
        for (candidate, c) in (0..).zip(&self.candidates) {
            if let Some(class) = c.class {
                of_class[class as usize] = candidate;
            }
        }
        of_class
    }

    /// Counts proteins and residues of every candidate after propagation.
    fn count(&mut self) {
        let of_class = self.of_class();
        let mut expansion = Expansion::new(self.terminology, &of_class, &self.tree);
        let mut facts = Vec::new();
        for protein in &self.proteins {
            let stated = &self.facts[protein.facts.clone()];
            expansion.expand(&self.candidates, stated, &mut facts);
            for same in facts.chunk_by(|a, b| a.candidate == b.candidate) {
                let candidate = &mut self.candidates[same[0].candidate as usize];
                candidate.proteins += 1;
                let residues = covered(same);
                candidate.residues += residues;
                candidate.by_residue |= residues > 0;
            }
        }
    }

    /// Calls `each` for every label: by protein, then concept, then place.
    ///
    /// An instance is a place: overlapping places of one concept are instances of their own, and so is
    /// one place that two sources give; statements that agree in place and source are one instance,
    /// with the evidence of all.
    ///
    /// # Errors
    /// What `each` returns.
    pub fn labels<E>(
        &mut self,
        mut each: impl FnMut(LabelRef<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let of_class = self.of_class();
        let mut expansion = Expansion::new(self.terminology, &of_class, &self.tree);
        let mut facts = Vec::new();
        self.report.labels = 0;
        self.report.labelled_proteins = 0;
        for protein in &self.proteins {
            let stated = &self.facts[protein.facts.clone()];
            expansion.expand(&self.candidates, stated, &mut facts);
            // candidates become concepts, in whose order the table is
            facts.retain_mut(|fact| match self.numbers[fact.candidate as usize] {
                Some(number) => {
                    fact.candidate = number;
                    true
                }
                None => false,
            });
            facts.sort_unstable();
            self.report.labelled_proteins += u64::from(!facts.is_empty());
            for of_concept in facts.chunk_by(|a, b| a.candidate == b.candidate) {
                let concept = &self.file.concepts[of_concept[0].candidate as usize];
                let same = |a: &Fact, b: &Fact| (a.place, a.source) == (b.place, b.source);
                for (instance, facts) in (1..).zip(of_concept.chunk_by(same)) {
                    let evidence = merged(facts, &self.evidences);
                    let label = |start, end| LabelRef {
                        protein: &protein.accession,
                        concept: &concept.id,
                        start,
                        end,
                        instance,
                        source: facts[0].source.as_str(),
                        evidence: evidence.as_deref(),
                    };
                    match facts[0].place {
                        Place::Whole => {
                            self.report.labels += 1;
                            each(label(None, None))?;
                        }
                        Place::Range(start, end) => {
                            self.report.labels += 1;
                            each(label(Some(start), Some(end)))?;
                        }
                        Place::Ends(a, b) => {
                            self.report.labels += 2;
                            each(label(Some(a), Some(a)))?;
                            each(label(Some(b), Some(b)))?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
