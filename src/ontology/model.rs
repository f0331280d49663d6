//! An ontology in memory: terms as numbers, and what they assert about each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Which ontology, in which version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OntologyIdentity {
    /// The ontology's own name (`ontology:` of an OBO header), else empty.
    pub name: String,
    /// The ontology's own version (`data-version:` or `date:`), else empty.
    pub version: String,
    /// SHA-256 of the uncompressed text, in lower-case hexadecimal.
    pub sha256: String,
}

/// Number of a class: an index into [`Ontology::classes`].
pub type Class = u32;
/// Number of a relation: an index into [`Ontology::relations`].
pub type Relation = u32;

/// Identity of `part_of`.
pub const PART_OF: &str = "BFO:0000050";

/// Some `relation` to a `class`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relationship {
    /// The relation.
    pub relation: Relation,
    /// What it leads to.
    pub class: Class,
}

/// A part of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conjunct {
    /// What a term is.
    Genus(Class),
    /// What makes it differ from others of its genus.
    Differentia(Relationship),
}
/// Identity of `only_in_taxon`.
pub const ONLY_IN_TAXON: &str = "RO:0002160";
/// Identity of `never_in_taxon`.
pub const NEVER_IN_TAXON: &str = "RO:0002161";

/// A term and its clauses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Term {
    /// Human-readable name, or empty.
    pub name: String,
    /// Index into [`Ontology::namespaces`].
    pub namespace: u32,
    /// Obsolete terms assert nothing.
    pub obsolete: bool,
    /// `is_a`.
    pub is_a: Vec<Class>,
    /// `relationship`.
    pub relationships: Vec<Relationship>,
    /// `intersection_of`.
    pub intersection_of: Vec<Conjunct>,
    /// `disjoint_from`.
    pub disjoint_from: Vec<Class>,
    /// `equivalent_to`.
    pub equivalent_to: Vec<Class>,
    /// `replaced_by` of an obsolete term.
    pub replaced_by: Vec<Class>,
    /// `subset`: names, without what stands before a `#`.
    pub subsets: Vec<String>,
    /// `only_in_taxon`: organisms outside of the taxon do not have it.
    pub only_in_taxon: Vec<Class>,
    /// `never_in_taxon`: organisms of the taxon do not have it.
    pub never_in_taxon: Vec<Class>,
}

/// How much of what was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OntologyCounts {
    /// Terms, obsolete ones among them.
    pub terms: u64,
    /// Obsolete terms.
    pub obsolete: u64,
    /// Alternative ids.
    pub alt_id: u64,
    /// `replaced_by` clauses.
    pub replaced_by: u64,
    /// `is_a` clauses of terms.
    pub is_a: u64,
    /// `relationship` clauses of terms, by relation.
    pub relationship: BTreeMap<String, u64>,
    /// Terms with an `intersection_of` definition.
    pub intersection_of: u64,
    /// `disjoint_from` clauses.
    pub disjoint_from: u64,
    /// `equivalent_to` clauses.
    pub equivalent_to: u64,
    /// `union_of` clauses: not EL, skipped.
    pub union_of_skipped: u64,
    /// Clauses that hold only in a context (`gci_relation`): skipped.
    pub gci_skipped: u64,
    /// `relationship` clauses of relations that are metadata or between classes as such: no axioms, skipped.
    pub metadata_skipped: u64,
    /// Relations.
    pub typedefs: u64,
    /// `is_a` between relations, `is_transitive`, `transitive_over`, `holds_over_chain`: read, without a loss.
    pub role_axioms: u64,
}

/// An ontology.
#[derive(Clone, Debug, Default)]
pub struct Ontology {
    /// Name, version and hash.
    pub identity: OntologyIdentity,
    /// Ids of all classes that are defined or referred to.
    pub classes: Vec<String>,
    /// Terms by class; none for a class that is only referred to.
    pub terms: Vec<Option<Term>>,
    /// Terms in the order of the file.
    pub order: Vec<Class>,
    /// Identities of the relations: the first cross-reference of their Typedef, else their id.
    pub relations: Vec<String>,
    /// Namespaces; the first is the ontology's default, or empty.
    pub namespaces: Vec<String>,
    /// What was read.
    pub counts: OntologyCounts,
    pub(super) index: HashMap<String, Class>,
    pub(super) alternatives: HashMap<Class, Class>,
}

/// What an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// A current term.
    Term(Class),
    /// The `alt_id` of a current term.
    Alternative(Class),
    /// An obsolete term with a current replacement.
    Replaced(Class),
    /// An obsolete term without one.
    Obsolete,
    /// No term of this ontology.
    Unknown,
}

impl Resolved {
    /// The current term.
    #[must_use]
    pub fn class(self) -> Option<Class> {
        match self {
            Self::Term(class) | Self::Alternative(class) | Self::Replaced(class) => Some(class),
            Self::Obsolete | Self::Unknown => None,
        }
    }
}

impl Ontology {
    /// The class with this id, where it is defined or referred to.
    #[must_use]
    pub fn class(&self, id: &str) -> Option<Class> {
        self.index.get(id).copied()
    }

    /// The term of a class, where it has one.
    #[must_use]
    pub fn term(&self, class: Class) -> Option<&Term> {
        self.terms.get(class as usize)?.as_ref()
    }

    /// The namespace of a class, or an empty string.
    #[must_use]
    pub fn namespace(&self, class: Class) -> &str {
        self.term(class)
            .map_or("", |term| &self.namespaces[term.namespace as usize])
    }

    /// Namespaces that current terms are in, without the default one of a header that no term needs.
    #[must_use]
    pub fn used_namespaces(&self) -> Vec<&str> {
        let mut used = vec![false; self.namespaces.len()];
        for term in self.terms.iter().flatten().filter(|term| !term.obsolete) {
            used[term.namespace as usize] = true;
        }
        let names = self.namespaces.iter().zip(used);
        names
            .filter(|(name, used)| *used && !name.is_empty())
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Follows `alt_id` and `replaced_by` to a current term. Ids of terms win over alternative
    /// ids, and of several replacements the first that leads to a current term is taken.
    #[must_use]
    pub fn resolve(&self, id: &str) -> Resolved {
        self.class(id)
            .map_or(Resolved::Unknown, |class| self.resolve_class(class))
    }

    /// [`Self::resolve`] for a class number.
    #[must_use]
    pub fn resolve_class(&self, class: Class) -> Resolved {
        match self.term(class) {
            Some(term) if !term.obsolete => Resolved::Term(class),
            Some(term) => self
                .replacement(term)
                .map_or(Resolved::Obsolete, Resolved::Replaced),
            None => match self.alternatives.get(&class) {
                Some(&of) => match self.resolve_class(of) {
                    Resolved::Term(class) => Resolved::Alternative(class),
                    other => other,
                },
                None => Resolved::Unknown,
            },
        }
    }

    /// The current term that a class is, by its own id or an alternative one; none for other classes.
    #[must_use]
    pub fn current(&self, class: Class) -> Option<Class> {
        let class = match self.term(class) {
            Some(_) => class,
            None => *self.alternatives.get(&class)?,
        };
        self.term(class)
            .is_some_and(|term| !term.obsolete)
            .then_some(class)
    }

    /// The current term of which a class is an alternative id, also where an obsolete term has that id too.
    #[must_use]
    pub fn alternative(&self, class: Class) -> Option<Class> {
        self.current(*self.alternatives.get(&class)?)
    }

    /// Depth first, each obsolete term once: they may replace each other.
    fn replacement(&self, term: &Term) -> Option<Class> {
        let mut seen = HashSet::new();
        let mut open: Vec<Class> = term.replaced_by.iter().rev().copied().collect();
        while let Some(class) = open.pop() {
            let class = match self.term(class) {
                Some(_) => Some(class),
                None => self.alternatives.get(&class).copied(),
            };
            let Some((class, next)) = class.and_then(|class| Some((class, self.term(class)?)))
            else {
                continue;
            };
            if !next.obsolete {
                return Some(class);
            }
            if seen.insert(class) {
                open.extend(next.replaced_by.iter().rev());
            }
        }
        None
    }

    pub(super) fn intern(&mut self, id: String) -> Class {
        if let Some(&class) = self.index.get(&id) {
            return class;
        }
        let class = Class::try_from(self.classes.len()).expect("fewer than 2^32 classes");
        self.classes.push(id.clone());
        self.terms.push(None);
        self.index.insert(id, class);
        class
    }
}
