//! From statements to concepts: propagation, counts, choice, numbering.
//!
//! Every statement names a *candidate*: a current term of the ontology, or a concept of another
//! kind by its id. A candidate's statements hold for its ancestors too. Candidates with enough
//! proteins become concepts, numbered by kind and id.

use super::{
    collect::{Collector, Row, Source},
    concept::{Axioms, CONCEPTS_FORMAT, Concept, ConceptKind, ConceptsFile, Level},
    error::AnnotError,
    label::Label,
    numbering,
    position::Place,
};
use crate::ontology::{
    Class, Ontology, Resolved,
    graph::{Closure, Hierarchy},
};
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
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            min_count: DEFAULT_MIN_COUNT,
            namespaces: Vec::new(),
            axioms: AxiomScope::default(),
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
    /// Statements that repeat another.
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

/// A statement about a candidate; `Ord` is the order of the label table within a protein.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    candidate: u32,
    place: Place,
    source: Source,
    evidence: u32,
}

/// Concepts and labels.
#[derive(Debug)]
pub struct Vocabulary<'a> {
    /// The content of `concepts.json`.
    pub file: ConceptsFile,
    /// What became of the statements.
    pub report: VocabularyReport,
    terminology: Option<Terminology<'a>>,
    candidates: Vec<Candidate>,
    /// Statements, and the part of them that is one protein's, by accession.
    facts: Vec<Fact>,
    proteins: Vec<(String, Range<usize>)>,
    evidences: Vec<String>,
    /// Concept of each candidate.
    numbers: Vec<Option<u32>>,
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

impl<'a> Vocabulary<'a> {
    /// Chooses the concepts among everything that was collected.
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
            terminology,
            candidates: Vec::new(),
            facts: Vec::new(),
            proteins: Vec::new(),
            evidences: Vec::new(),
            numbers: Vec::new(),
        };
        vocabulary.load(collector)?;
        vocabulary.count();
        vocabulary.choose(choice);
        Ok(vocabulary)
    }

    /// Turns rows into facts about candidates, protein by protein in order of accession.
    fn load(&mut self, collector: Collector) -> Result<(), AnnotError> {
        let Collector {
            proteins,
            concepts,
            evidences,
            rows,
            ..
        } = collector;
        let candidate_of = self.candidates_of(&concepts, &rows)?;
        drop(concepts);
        self.report.proteins = proteins.names.len() as u64;
        let mut order: Vec<u32> = (0..).take(proteins.names.len()).collect();
        order
            .sort_unstable_by(|&a, &b| proteins.names[a as usize].cmp(&proteins.names[b as usize]));
        let mut rank = vec![0u32; order.len()];
        for (place, &protein) in (0..).zip(&order) {
            rank[protein as usize] = place;
        }
        let mut sorted: Vec<(u32, Fact)> = rows
            .iter()
            .filter_map(|row| {
                let fact = Fact {
                    candidate: candidate_of[row.concept as usize]?,
                    place: row.place,
                    source: row.source,
                    evidence: row.evidence,
                };
                Some((rank[row.protein as usize], fact))
            })
            .collect();
        drop(rows);
        sorted.sort_unstable();
        let before = sorted.len();
        sorted.dedup();
        self.report.repeated = (before - sorted.len()) as u64;
        let mut names = proteins.names;
        let mut start = 0;
        for of_one in sorted.chunk_by(|a, b| a.0 == b.0) {
            let protein = order[of_one[0].0 as usize];
            let range = start..start + of_one.len();
            start = range.end;
            self.proteins
                .push((std::mem::take(&mut names[protein as usize]), range));
        }
        self.facts = sorted.into_iter().map(|(_, fact)| fact).collect();
        self.evidences = evidences.names;
        Ok(())
    }

    /// The candidate of every concept that was read; terms resolve to current ones.
    fn candidates_of(
        &mut self,
        concepts: &[super::collect::RawConcept],
        rows: &[Row],
    ) -> Result<Vec<Option<u32>>, AnnotError> {
        let mut of_class: Vec<Option<u32>> = Vec::new();
        if let Some(terminology) = self.terminology {
            // all current terms, so that ancestors are candidates too
            let ontology = terminology.ontology;
            of_class.resize(ontology.classes.len(), None);
            for (class, term) in (0..).zip(&ontology.terms) {
                if let Some(term) = term.as_ref().filter(|term| !term.obsolete) {
                    of_class[class as usize] = Some(self.candidate(Candidate {
                        kind: ConceptKind::Go,
                        id: ontology.classes[class as usize].clone(),
                        name: term.name.clone(),
                        class: Some(class),
                        proteins: 0,
                        residues: 0,
                        by_residue: false,
                    }));
                }
            }
        }
        let mut statements = vec![0u64; concepts.len()];
        for row in rows {
            statements[row.concept as usize] += 1;
        }
        let mut unknown: Vec<&str> = Vec::new();
        let mut found = Vec::with_capacity(concepts.len());
        for (concept, &statements) in concepts.iter().zip(&statements) {
            if concept.kind != ConceptKind::Go {
                found.push(Some(self.candidate(Candidate {
                    kind: concept.kind,
                    id: concept.id.clone(),
                    name: if concept.name.is_empty() {
                        concept.id.clone()
                    } else {
                        concept.name.clone()
                    },
                    class: None,
                    proteins: 0,
                    residues: 0,
                    by_residue: false,
                })));
                continue;
            }
            let terminology = self.terminology.ok_or(AnnotError::NoOntology)?;
            let report = &mut self.report;
            let class = match terminology.ontology.resolve(&concept.id) {
                Resolved::Term(class) => Some(class),
                Resolved::Alternative(class) => {
                    report.alt_id_followed += statements;
                    Some(class)
                }
                Resolved::Replaced(class) => {
                    report.replaced_by_followed += statements;
                    Some(class)
                }
                Resolved::Obsolete => {
                    report.obsolete_dropped += statements;
                    None
                }
                Resolved::Unknown => {
                    report.unknown_dropped += statements;
                    unknown.push(&concept.id);
                    None
                }
            };
            found.push(class.and_then(|class| of_class[class as usize]));
        }
        unknown.sort_unstable();
        self.report.unknown_ids = unknown.len() as u64;
        self.report.unknown_listed = unknown
            .iter()
            .take(LISTED)
            .map(|&id| id.to_owned())
            .collect();
        Ok(found)
    }

    fn candidate(&mut self, candidate: Candidate) -> u32 {
        self.candidates.push(candidate);
        u32::try_from(self.candidates.len() - 1).expect("fewer than 2^32 candidates")
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
        let mut expansion = Expansion::new(self.terminology, &of_class);
        let mut facts = Vec::new();
        for (_, range) in &self.proteins {
            expansion.expand(&self.candidates, &self.facts[range.clone()], &mut facts);
            for same in facts.chunk_by(|a, b| a.candidate == b.candidate) {
                let candidate = &mut self.candidates[same[0].candidate as usize];
                candidate.proteins += 1;
                let residues = covered(same);
                candidate.residues += residues;
                candidate.by_residue |= residues > 0;
            }
        }
    }

    /// Chooses concepts, numbers them, and describes them.
    fn choose(&mut self, choice: &Choice) {
        let mut chosen: Vec<u32> = Vec::new();
        for (index, candidate) in (0..).zip(&self.candidates) {
            if candidate.proteins == 0 {
                continue;
            }
            if let (Some(class), Some(t)) = (candidate.class, self.terminology) {
                if t.hierarchy.is_root(class) {
                    continue;
                }
                let namespace = t.ontology.namespace(class);
                if !choice.namespaces.is_empty()
                    && !choice.namespaces.iter().any(|n| n == namespace)
                {
                    self.report.other_namespace += 1;
                    continue;
                }
            }
            if candidate.proteins < choice.min_count && candidate.kind != ConceptKind::Residue {
                *self.report.too_rare.entry(candidate.kind).or_default() += 1;
                continue;
            }
            chosen.push(index);
        }
        let key = |&index: &u32| {
            let candidate = &self.candidates[index as usize];
            (candidate.kind, candidate.id.as_str())
        };
        chosen.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        self.numbers = vec![None; self.candidates.len()];
        for (number, &candidate) in (0..).zip(&chosen) {
            self.numbers[candidate as usize] = Some(number);
        }
        self.describe(&chosen);
        if choice.axioms != AxiomScope::None
            && let Some(terminology) = self.terminology
        {
            let classes: Vec<(Class, u32)> = self
                .candidates
                .iter()
                .zip(&self.numbers)
                .filter_map(|(candidate, number)| Some((candidate.class?, (*number)?)))
                .collect();
            let numbered = numbering::number(
                terminology.ontology,
                &classes,
                chosen.len(),
                choice.axioms == AxiomScope::Module,
            );
            self.file.zero_classes = numbered.zero_classes;
            self.file.relations = numbered.relations;
            self.file.axioms = numbered.axioms;
        } else {
            self.file.axioms = Axioms::default();
        }
    }

    fn describe(&mut self, chosen: &[u32]) {
        let of_class = self.of_class();
        self.file.concepts = chosen
            .iter()
            .zip(0..)
            .map(|(&candidate, index)| {
                let c = &self.candidates[candidate as usize];
                *self.report.concepts.entry(c.kind).or_default() += 1;
                let mut parents = Vec::new();
                let mut fewest = None;
                let mut namespace = None;
                if let (Some(class), Some(t)) = (c.class, self.terminology) {
                    let direct = t.hierarchy.parents(class);
                    let count = |&parent: &Class| {
                        self.candidates[of_class[parent as usize] as usize].proteins
                    };
                    fewest = direct.iter().map(count).min();
                    namespace = Some(t.ontology.namespace(class).to_owned())
                        .filter(|namespace| !namespace.is_empty());
                    parents = self.nearest_concepts(direct, t.hierarchy, &of_class);
                }
                Concept {
                    index,
                    id: c.id.clone(),
                    name: c.name.clone(),
                    kind: c.kind,
                    namespace,
                    level: if c.by_residue {
                        Level::Residue
                    } else {
                        Level::Protein
                    },
                    parents,
                    proteins: c.proteins,
                    residues: c.residues,
                    information_content: fewest
                        .map_or(0.0, |parent| (parent as f64 / c.proteins as f64).log2()),
                }
            })
            .collect();
    }

    /// Parents that are concepts, and in the place of those that are none, their own parents.
    fn nearest_concepts(
        &self,
        direct: &[Class],
        hierarchy: &Hierarchy,
        of_class: &[u32],
    ) -> Vec<u32> {
        let mut found = Vec::new();
        let mut queue = direct.to_vec();
        let mut next = 0;
        while let Some(&class) = queue.get(next) {
            next += 1;
            match self.numbers[of_class[class as usize] as usize] {
                Some(number) => found.push(number),
                None => {
                    for &parent in hierarchy.parents(class) {
                        if !queue.contains(&parent) {
                            queue.push(parent);
                        }
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Calls `each` for every label: by protein, then concept, then place.
    ///
    /// # Errors
    /// What `each` returns.
    pub fn labels<E>(&mut self, mut each: impl FnMut(Label) -> Result<(), E>) -> Result<(), E> {
        let of_class = self.of_class();
        let mut expansion = Expansion::new(self.terminology, &of_class);
        let mut facts = Vec::new();
        self.report.labels = 0;
        self.report.labelled_proteins = 0;
        for (protein, range) in &self.proteins {
            expansion.expand(&self.candidates, &self.facts[range.clone()], &mut facts);
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
                    let label = |start, end| Label {
                        protein: protein.clone(),
                        concept: concept.id.clone(),
                        start,
                        end,
                        instance,
                        source: facts[0].source.as_str().to_owned(),
                        evidence: merged(facts, &self.evidences),
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

/// The evidence of statements that are one label, joined by commas.
fn merged(facts: &[Fact], evidences: &[String]) -> Option<String> {
    let mut codes: Vec<&str> = facts
        .iter()
        .flat_map(|fact| evidences[fact.evidence as usize].split(','))
        .filter(|code| !code.is_empty())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    (!codes.is_empty()).then(|| codes.join(","))
}

/// Residues under the facts of one candidate in one protein.
fn covered(facts: &[Fact]) -> u64 {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for fact in facts {
        match fact.place {
            Place::Whole => {}
            Place::Range(start, end) => ranges.push((start, end)),
            Place::Ends(a, b) => ranges.extend([(a, a), (b, b)]),
        }
    }
    ranges.sort_unstable();
    let mut last = 0;
    let mut residues = 0;
    for (start, end) in ranges {
        let start = start.max(last + 1);
        if end >= start {
            residues += u64::from(end - start + 1);
            last = end;
        }
    }
    residues
}

/// Adds to the facts of a protein those that follow along the hierarchy.
struct Expansion<'a> {
    closure: Option<Closure<'a>>,
    of_class: &'a [u32],
}

impl<'a> Expansion<'a> {
    fn new(terminology: Option<Terminology<'a>>, of_class: &'a [u32]) -> Self {
        Self {
            closure: terminology.map(|t| Closure::new(t.hierarchy)),
            of_class,
        }
    }

    /// Facts and what follows from them, sorted and without repeats.
    fn expand(&mut self, candidates: &[Candidate], facts: &[Fact], out: &mut Vec<Fact>) {
        out.clear();
        for fact in facts {
            match (candidates[fact.candidate as usize].class, &mut self.closure) {
                (Some(class), Some(closure)) => {
                    out.extend(closure.ancestors(class).iter().map(|&ancestor| Fact {
                        candidate: self.of_class[ancestor as usize],
                        ..*fact
                    }));
                }
                _ => out.push(*fact),
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}
