//! OBO 1.2 and 1.4 (<https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html>), by `fastobo`.

use super::{
    clauses::Clauses,
    error::OntologyError,
    frames::{self, Clause, Frame, Header, TypedefClause},
    iri::local_name,
    model::{
        Class, Conjunct, NEVER_IN_TAXON, ONLY_IN_TAXON, Ontology, PART_OF, Relation, Relationship,
        Term,
    },
};
use indexmap::IndexSet;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::{
    collections::{HashMap, HashSet},
    io::BufRead,
};

/// Chunks of the text that are in memory at once, for each thread.
const CHUNKS_A_THREAD: usize = 4;

/// Reads an OBO ontology chunk by chunk, several at a time: memory holds the graph, never the text.
///
/// # Errors
/// [`OntologyError::Syntax`] with its line, [`OntologyError::NoTerms`], or the reader's error.
pub fn read(reader: impl BufRead) -> Result<Ontology, OntologyError> {
    let mut clauses = Clauses::new(reader);
    let mut builder = Builder::default();
    builder.ontology.namespaces.push(String::new());
    let at_once = CHUNKS_A_THREAD * rayon::current_num_threads();
    loop {
        let mut chunks = Vec::with_capacity(at_once);
        while chunks.len() < at_once
            && let Some(chunk) = clauses.next_chunk()?
        {
            chunks.push(chunk);
        }
        if chunks.is_empty() {
            return builder.finish(clauses.sha256());
        }
        // parsed in any order, taken in the order of the file
        let parsed: Vec<_> = chunks.par_iter().map(frames::parse).collect();
        for frames in parsed {
            for frame in frames? {
                builder.take(frame);
            }
        }
    }
}

/// Relations of the Gene Ontology, by the names and by the identities that they have everywhere.
const KNOWN_RELATIONS: [(&str, &str); 11] = [
    ("only_in_taxon", ONLY_IN_TAXON),
    ("never_in_taxon", NEVER_IN_TAXON),
    ("part_of", PART_OF),
    ("has_part", "BFO:0000051"),
    ("occurs_in", "BFO:0000066"),
    ("regulates", "RO:0002211"),
    ("negatively_regulates", "RO:0002212"),
    ("positively_regulates", "RO:0002213"),
    ("happens_during", "RO:0002092"),
    ("starts_during", "RO:0002091"),
    ("ends_during", "RO:0002093"),
];

/// An ontology while it is read: relations still go by the names that the clauses use.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) ontology: Ontology,
    pub(super) relation_index: HashMap<String, Relation>,
    /// Identity of a relation by its id.
    pub(super) identities: HashMap<String, String>,
    date: String,
    namespace_index: HashMap<String, u32>,
    /// Ids of relations that make no statement about instances.
    metadata: HashSet<String>,
}

impl Builder {
    fn take(&mut self, frame: Frame) {
        match frame {
            Frame::Header(header) => self.header(header),
            Frame::Term(id, clauses) => self.term(id, clauses),
            Frame::Typedef(id, clauses) => self.typedef(id, clauses),
        }
    }

    fn header(&mut self, header: Header) {
        let identity = &mut self.ontology.identity;
        if let Some(version) = header.version {
            identity.version = version;
        }
        if let Some(name) = header.name {
            identity.name = name;
        }
        if let Some(namespace) = header.namespace {
            self.ontology.namespaces[0] = namespace;
        }
        if let Some(date) = header.date {
            self.date = date;
        }
    }

    pub(super) fn class(&mut self, id: String) -> Class {
        self.ontology.intern(id)
    }

    pub(super) fn relation(&mut self, name: String) -> Relation {
        if let Some(&relation) = self.relation_index.get(&name) {
            return relation;
        }
        let relation =
            Relation::try_from(self.relation_index.len()).expect("fewer than 2^32 relations");
        self.ontology.relations.push(name.clone());
        self.relation_index.insert(name, relation);
        relation
    }

    pub(super) fn namespace(&mut self, name: String) -> u32 {
        let namespaces = &mut self.ontology.namespaces;
        if namespaces.first() == Some(&name) {
            return 0;
        }
        if let Some(&index) = self.namespace_index.get(&name) {
            return index;
        }
        let index = u32::try_from(namespaces.len()).expect("fewer than 2^32 namespaces");
        namespaces.push(name.clone());
        self.namespace_index.insert(name, index);
        index
    }

    fn term(&mut self, id: String, clauses: Vec<Clause>) {
        let class = self.class(id);
        // frames of one id are one term (section 3.1 of the format)
        let mut term = self.ontology.terms[class as usize]
            .take()
            .unwrap_or_else(|| {
                self.ontology.order.push(class);
                self.ontology.counts.terms += 1;
                Term::default()
            });
        // a definition without some of its parts would be another one
        let is_of_context = |clause: &Clause| {
            matches!(
                clause,
                Clause::ContextOnly {
                    of_definition: true
                }
            )
        };
        let has_definition = !clauses.iter().any(is_of_context);
        for clause in clauses {
            match clause {
                Clause::ContextOnly { .. } => self.ontology.counts.gci_skipped += 1,
                Clause::IntersectionOf(..) if !has_definition => {
                    self.ontology.counts.gci_skipped += 1;
                }
                Clause::Name(name) => term.name = name,
                Clause::Namespace(name) => term.namespace = self.namespace(name),
                Clause::AltId(id) => {
                    self.ontology.counts.alt_id += 1;
                    let alternative = self.class(id);
                    self.ontology
                        .alternatives
                        .entry(alternative)
                        .or_insert(class);
                }
                Clause::Subset(name) => term.subsets.push(local_name(&name)),
                Clause::IsA(id) => term.is_a.push(self.class(id)),
                Clause::IntersectionOf(relation, id) => {
                    let relation = relation.map(|relation| self.relation(relation));
                    let class = self.class(id);
                    term.intersection_of.push(match relation {
                        None => Conjunct::Genus(class),
                        Some(relation) => Conjunct::Differentia(Relationship { relation, class }),
                    });
                }
                Clause::UnionOf => self.ontology.counts.union_of_skipped += 1,
                Clause::EquivalentTo(id) => term.equivalent_to.push(self.class(id)),
                Clause::DisjointFrom(id) => term.disjoint_from.push(self.class(id)),
                Clause::Relationship(relation, id) => {
                    let relation = self.relation(relation);
                    let class = self.class(id);
                    term.relationships.push(Relationship { relation, class });
                }
                Clause::IsObsolete(obsolete) => term.obsolete = obsolete,
                Clause::ReplacedBy(id) => {
                    self.ontology.counts.replaced_by += 1;
                    term.replaced_by.push(self.class(id));
                }
            }
        }
        self.ontology.terms[class as usize] = Some(term);
    }

    fn typedef(&mut self, id: String, clauses: Vec<TypedefClause>) {
        let counts = &mut self.ontology.counts;
        counts.typedefs += 1;
        let mut identity = None;
        for clause in clauses {
            match clause {
                TypedefClause::Xref(xref) => {
                    let is_known = KNOWN_RELATIONS.iter().any(|(_, known)| *known == xref);
                    if is_known || identity.is_none() {
                        identity = Some(xref);
                    }
                }
                TypedefClause::Metadata => {
                    self.metadata.insert(id.clone());
                }
                TypedefClause::RoleAxiom => counts.role_axioms += 1,
            }
        }
        if let Some(identity) = identity {
            self.identities.entry(id).or_insert(identity);
        }
    }

    /// Notes which taxa have a term alone, or never: before relations of metadata are dropped, among which these are.
    fn take_taxa(&mut self) {
        let identities: Vec<String> = (self.ontology.relations.iter())
            .map(|name| self.identity(name).to_owned())
            .collect();
        for term in self.ontology.terms.iter_mut().flatten() {
            for relationship in &term.relationships {
                match identities[relationship.relation as usize].as_str() {
                    ONLY_IN_TAXON => term.only_in_taxon.push(relationship.class),
                    NEVER_IN_TAXON => term.never_in_taxon.push(relationship.class),
                    _ => {}
                }
            }
        }
    }

    /// `never_in_taxon` and the like say nothing of the form "some R.Y".
    fn drop_metadata(&mut self) {
        let Ontology {
            terms,
            counts,
            relations,
            ..
        } = &mut self.ontology;
        for term in terms.iter_mut().flatten() {
            let before = term.relationships.len();
            term.relationships
                .retain(|some| !self.metadata.contains(&relations[some.relation as usize]));
            counts.metadata_skipped += (before - term.relationships.len()) as u64;
        }
    }

    /// What a relation is: one that is known by its name, whatever its Typedef refers to; else the Typedef's first
    /// cross-reference, or that of a known relation.
    fn identity<'a>(&'a self, name: &'a str) -> &'a str {
        let local = name.rsplit(['/', '#']).next();
        let known = (KNOWN_RELATIONS.iter()).find(|(known, _)| Some(*known) == local);
        match (known, self.identities.get(name)) {
            (Some((_, identity)), _) => identity,
            (None, Some(identity)) => identity,
            (None, None) => name,
        }
    }

    /// Gives relations their identities and counts what the terms assert.
    pub(super) fn finish(mut self, sha256: String) -> Result<Ontology, OntologyError> {
        if self.ontology.order.is_empty() {
            return Err(OntologyError::NoTerms);
        }
        let identity = &mut self.ontology.identity;
        identity.sha256 = sha256;
        if identity.version.is_empty() {
            identity.version.clone_from(&self.date);
        }
        self.take_taxa();
        self.drop_metadata();
        let mut unique: IndexSet<String> = IndexSet::new();
        let renumbered: Vec<Relation> = self
            .ontology
            .relations
            .iter()
            .map(|name| {
                let index = unique.insert_full(self.identity(name).to_owned()).0;
                Relation::try_from(index).expect("no more than before")
            })
            .collect();
        self.ontology.relations = unique.into_iter().collect();
        for term in self.ontology.terms.iter_mut().flatten() {
            let differentiae = term.intersection_of.iter_mut();
            let differentiae = differentiae.filter_map(|conjunct| match conjunct {
                Conjunct::Genus(_) => None,
                Conjunct::Differentia(some) => Some(some),
            });
            for some in term.relationships.iter_mut().chain(differentiae) {
                some.relation = renumbered[some.relation as usize];
            }
        }
        let Ontology {
            terms,
            counts,
            relations,
            ..
        } = &mut self.ontology;
        for term in terms.iter().flatten() {
            counts.obsolete += u64::from(term.obsolete);
            counts.is_a += term.is_a.len() as u64;
            counts.intersection_of += u64::from(!term.intersection_of.is_empty());
            counts.disjoint_from += term.disjoint_from.len() as u64;
            counts.equivalent_to += term.equivalent_to.len() as u64;
            for some in &term.relationships {
                *counts
                    .relationship
                    .entry(relations[some.relation as usize].clone())
                    .or_default() += 1;
            }
        }
        Ok(self.ontology)
    }
}
