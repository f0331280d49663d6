//! The hierarchy along which annotations propagate (the true-path rule).

use super::{
    error::OntologyError,
    model::{Class, Ontology, PART_OF},
};
use serde::{Deserialize, Serialize};

/// The relations along which a term's proteins belong to another term too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relations {
    /// `is_a` alone.
    #[serde(rename = "is_a")]
    IsA,
    /// `is_a` and `part_of` within a namespace, as CAFA does.
    #[default]
    #[serde(rename = "is_a+part_of")]
    IsAPartOf,
    /// Every relationship, across namespaces too, as `DeepGO` does.
    #[serde(rename = "all")]
    All,
}

/// What was left out of a hierarchy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HierarchyCounts {
    /// Edges from a term to a direct parent.
    pub edges: u64,
    /// Edges into another namespace, left out unless all relations are asked for.
    pub cross_namespace_skipped: u64,
    /// Edges to classes that are no current term.
    pub dangling_skipped: u64,
    /// Edges from a term to itself, which say nothing.
    pub reflexive_skipped: u64,
}

/// Direct parents of every current term, without cycles.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// `parents[offsets[c]..offsets[c + 1]]` are the direct parents of class c, ascending.
    offsets: Vec<u32>,
    parents: Vec<Class>,
    has_children: Vec<bool>,
    /// What was left out.
    pub counts: HierarchyCounts,
}

impl Hierarchy {
    /// The hierarchy of an ontology over some of its relations.
    ///
    /// # Errors
    /// [`OntologyError::Cycle`] where terms are each other's ancestors.
    pub fn new(ontology: &Ontology, relations: Relations) -> Result<Self, OntologyError> {
        let n = ontology.classes.len();
        let mut hierarchy = Self {
            offsets: Vec::with_capacity(n + 1),
            parents: Vec::new(),
            has_children: vec![false; n],
            counts: HierarchyCounts::default(),
        };
        hierarchy.offsets.push(0);
        let mut direct: Vec<Class> = Vec::new();
        for (class, term) in (0..).zip(&ontology.terms) {
            direct.clear();
            if let Some(term) = term.as_ref().filter(|term| !term.obsolete) {
                direct.extend(&term.is_a);
                direct.extend(
                    term.relationships
                        .iter()
                        .filter(|some| {
                            let identity = &ontology.relations[some.relation as usize];
                            propagates(identity, relations)
                        })
                        .map(|some| some.class),
                );
            }
            hierarchy.add(ontology, relations, class, &mut direct);
        }
        for &parent in &hierarchy.parents {
            hierarchy.has_children[parent as usize] = true;
        }
        hierarchy.check_acyclic(ontology)?;
        Ok(hierarchy)
    }

    /// Appends the parents of the next class.
    fn add(
        &mut self,
        ontology: &Ontology,
        relations: Relations,
        class: Class,
        direct: &mut Vec<Class>,
    ) {
        let counts = &mut self.counts;
        for parent in &mut *direct {
            *parent = ontology.current(*parent).unwrap_or(Class::MAX);
            counts.dangling_skipped += u64::from(*parent == Class::MAX);
        }
        direct.retain(|&parent| parent != Class::MAX);
        let before = direct.len();
        direct.retain(|&parent| parent != class);
        counts.reflexive_skipped += (before - direct.len()) as u64;
        if relations != Relations::All {
            let before = direct.len();
            let namespace = ontology.namespace(class);
            direct.retain(|&parent| ontology.namespace(parent) == namespace);
            counts.cross_namespace_skipped += (before - direct.len()) as u64;
        }
        direct.sort_unstable();
        direct.dedup();
        counts.edges += direct.len() as u64;
        self.parents.extend_from_slice(direct);
        self.offsets
            .push(u32::try_from(self.parents.len()).expect("fewer than 2^32 edges"));
    }

    /// Direct parents of a class, ascending; none for roots and for what is no current term.
    #[must_use]
    pub fn parents(&self, class: Class) -> &[Class] {
        let c = class as usize;
        &self.parents[self.offsets[c] as usize..self.offsets[c + 1] as usize]
    }

    /// Whether a class is the top of something: it has children and no parent.
    #[must_use]
    pub fn is_root(&self, class: Class) -> bool {
        self.parents(class).is_empty() && self.has_children[class as usize]
    }

    /// Depth-first over all classes; a class met again on its own path closes a cycle.
    fn check_acyclic(&self, ontology: &Ontology) -> Result<(), OntologyError> {
        const NEW: u8 = 0;
        const ON_PATH: u8 = 1;
        const DONE: u8 = 2;
        let mut state = vec![NEW; ontology.classes.len()];
        let mut path: Vec<(Class, usize)> = Vec::new();
        for start in (0..).take(state.len()) {
            if state[start as usize] != NEW {
                continue;
            }
            state[start as usize] = ON_PATH;
            path.push((start, 0));
            while let Some((class, next)) = path.last_mut() {
                let Some(&parent) = self.parents(*class).get(*next) else {
                    state[*class as usize] = DONE;
                    path.pop();
                    continue;
                };
                *next += 1;
                match state[parent as usize] {
                    NEW => {
                        state[parent as usize] = ON_PATH;
                        path.push((parent, 0));
                    }
                    ON_PATH => {
                        let from = path
                            .iter()
                            .position(|&(class, _)| class == parent)
                            .expect("a class on the path");
                        let cycle: Vec<Class> = path[from..].iter().map(|&(c, _)| c).collect();
                        return Err(describe_cycle(ontology, &cycle));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn propagates(relation: &str, relations: Relations) -> bool {
    match relations {
        Relations::IsA => false,
        Relations::IsAPartOf => relation == PART_OF,
        Relations::All => true,
    }
}

/// Terms of a cycle that are named, at most.
const NAMED_OF_CYCLE: usize = 20;

/// `A is_a B part_of A`, from the smallest id on, so that the message does not depend on the file's order.
fn describe_cycle(ontology: &Ontology, cycle: &[Class]) -> OntologyError {
    let id = |class: Class| ontology.classes[class as usize].as_str();
    let first = (0..cycle.len())
        .min_by_key(|&i| id(cycle[i]))
        .unwrap_or_default();
    let mut path = String::new();
    for i in 0..cycle.len().min(NAMED_OF_CYCLE) {
        let class = cycle[(first + i) % cycle.len()];
        let parent = cycle[(first + i + 1) % cycle.len()];
        let same = |target: &Class| ontology.current(*target) == Some(parent);
        let relation = ontology.term(class).map_or("is_a", |term| {
            if term.is_a.iter().any(same) {
                return "is_a";
            }
            term.relationships
                .iter()
                .find(|some| same(&some.class))
                .map_or("is_a", |some| {
                    let relation = ontology.relations[some.relation as usize].as_str();
                    if relation == PART_OF {
                        "part_of"
                    } else {
                        relation
                    }
                })
        });
        path.push_str(id(class));
        path.push(' ');
        path.push_str(relation);
        path.push(' ');
    }
    if cycle.len() > NAMED_OF_CYCLE {
        path.push_str("... (of ");
        path.push_str(&cycle.len().to_string());
        path.push_str(" terms) ");
    }
    path.push_str(id(cycle[first]));
    OntologyError::Cycle { path }
}

/// Ancestors of terms, computed once each.
#[derive(Debug)]
pub struct Closure<'a> {
    hierarchy: &'a Hierarchy,
    known: Vec<Option<Box<[Class]>>>,
    seen: Vec<u32>,
    stamp: u32,
}

impl<'a> Closure<'a> {
    /// An empty cache over a hierarchy.
    #[must_use]
    pub fn new(hierarchy: &'a Hierarchy) -> Self {
        let n = hierarchy.offsets.len() - 1;
        Self {
            hierarchy,
            known: vec![None; n],
            seen: vec![0; n],
            stamp: 0,
        }
    }

    /// A class and all its ancestors, ascending.
    pub fn ancestors(&mut self, class: Class) -> &[Class] {
        if self.known[class as usize].is_none() {
            self.stamp += 1;
            let mut found = vec![class];
            self.seen[class as usize] = self.stamp;
            let mut next = 0;
            while next < found.len() {
                for &parent in self.hierarchy.parents(found[next]) {
                    if self.seen[parent as usize] != self.stamp {
                        self.seen[parent as usize] = self.stamp;
                        found.push(parent);
                    }
                }
                next += 1;
            }
            found.sort_unstable();
            self.known[class as usize] = Some(found.into_boxed_slice());
        }
        self.known[class as usize].as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::obo;

    const TOY: &str = "ontology: toy\n\n[Term]\nid: T:1\nnamespace: a\n\n[Term]\nid: T:2\nnamespace: a\nis_a: T:1 ! one\n\n\
        [Term]\nid: T:3\nnamespace: a\nrelationship: part_of T:2\nrelationship: regulates T:1\n\n\
        [Term]\nid: T:4\nnamespace: b\nis_a: T:5\nrelationship: part_of T:3\nalt_id: T:40\n\n[Term]\nid: T:5\nnamespace: b\n\n\
        [Typedef]\nid: part_of\nxref: BFO:0000050\n";

    fn ancestors(text: &str, relations: Relations, id: &str) -> Vec<String> {
        let ontology = obo::read(text.as_bytes()).unwrap();
        let hierarchy = Hierarchy::new(&ontology, relations).unwrap();
        let class = ontology.class(id).unwrap();
        Closure::new(&hierarchy)
            .ancestors(class)
            .iter()
            .map(|&c| ontology.classes[c as usize].clone())
            .collect()
    }

    #[test]
    fn relations_decide_who_is_an_ancestor() {
        assert_eq!(ancestors(TOY, Relations::IsA, "T:3"), ["T:3"]);
        assert_eq!(
            ancestors(TOY, Relations::IsAPartOf, "T:3"),
            ["T:1", "T:2", "T:3"]
        );
        assert_eq!(ancestors(TOY, Relations::IsAPartOf, "T:4"), ["T:4", "T:5"]);
        assert_eq!(ancestors(TOY, Relations::All, "T:4").len(), 5);
    }

    #[test]
    fn a_root_has_children_and_no_parent() {
        let ontology = obo::read(TOY.as_bytes()).unwrap();
        let hierarchy = Hierarchy::new(&ontology, Relations::IsA).unwrap();
        let root = |id| hierarchy.is_root(ontology.class(id).unwrap());
        assert!(root("T:1") && root("T:5"));
        assert!(!root("T:3"), "no parent over is_a, but no child either");
    }

    #[test]
    fn a_cycle_is_named() {
        let text = format!("{TOY}\n[Term]\nid: T:2\nrelationship: part_of T:3\n");
        let ontology = obo::read(text.as_bytes()).unwrap();
        assert!(Hierarchy::new(&ontology, Relations::IsA).is_ok());
        let error = Hierarchy::new(&ontology, Relations::IsAPartOf).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the ontology has a cycle: T:2 part_of T:3 part_of T:2; propagate over fewer relations (--relations is_a)"
        );
    }

    #[test]
    fn a_long_cycle_is_named_in_a_line_that_can_be_read() {
        use std::fmt::Write as _;
        let mut text = TOY.to_owned();
        for i in 0..1000 {
            write!(text, "\n[Term]\nid: L:{i}\nis_a: L:{}\n", (i + 1) % 1000).unwrap();
        }
        let ontology = obo::read(text.as_bytes()).unwrap();
        let error = Hierarchy::new(&ontology, Relations::IsA).unwrap_err();
        let text = error.to_string();
        assert!(text.len() < 500 && text.contains("of 1000 terms"), "{text}");
    }
}
