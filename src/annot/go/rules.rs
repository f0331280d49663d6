//! Which terms a protein may be annotated with (<https://geneontology.org/docs/go-annotations/>): no roots, no bare binding,
//! no term of the subset that says so, nothing that its organism cannot have.

use crate::ontology::{
    Class, Ontology, Resolved,
    graph::{Closure, Hierarchy},
};
use std::collections::{BTreeMap, HashSet};

/// The subset of terms that are no annotation by themselves.
const DO_NOT_ANNOTATE: &str = "gocheck_do_not_annotate";
/// Terms that say nothing without more: binding, protein binding.
const TOO_BARE: [&str; 2] = ["GO:0005488", "GO:0005515"];
/// The term whose descendants are complexes, of which a protein is part.
const COMPLEX: &str = "GO:0032991";
/// Database of the ids of taxa.
const TAXON: &str = "NCBITaxon:";

/// How often a rule changed what was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Terms that the ontology does not have, or that are obsolete and not replaced.
    pub unknown: u64,
    /// Terms that were said and may not be: their nearest ancestors that may are said.
    pub moved: u64,
    /// Of them, terms that the organism cannot have.
    pub other_taxon: u64,
}

/// The rules over an ontology.
#[derive(Debug)]
pub struct Rules<'a> {
    ontology: &'a Ontology,
    hierarchy: &'a Hierarchy,
    closure: Closure<'a>,
    /// The organism's taxon and those above it.
    taxa: Option<HashSet<Class>>,
    /// Classes that are no annotation, by class; none where that is not known yet.
    barred: Vec<Option<Barred>>,
    /// What they did so far.
    pub counts: RuleCounts,
}

/// Why a class is no annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Barred {
    No,
    ByRule,
    ByTaxon,
}

/// A term and the probability with which it is said.
pub type Said = (Class, f64);

impl<'a> Rules<'a> {
    /// Rules for an organism of a taxon and those above it, by NCBI's numbers; without one, taxa are no matter.
    /// `hierarchy` leads from a term to what it implies.
    #[must_use]
    pub fn new(ontology: &'a Ontology, hierarchy: &'a Hierarchy, taxa: Option<&[u32]>) -> Self {
        let class = |taxon: &u32| ontology.class(&format!("{TAXON}{taxon}"));
        Self {
            ontology,
            hierarchy,
            closure: Closure::new(hierarchy),
            taxa: taxa.map(|taxa| taxa.iter().filter_map(class).collect()),
            barred: vec![None; ontology.classes.len()],
            counts: RuleCounts::default(),
        }
    }

    /// The terms that a protein is annotated with, by class: what is said, with ancestors at no less than their
    /// descendants' probabilities, without what may not be; only the most specific, or all.
    pub fn apply<'b>(
        &mut self,
        said: impl IntoIterator<Item = (&'b str, f64)>,
        propagated: bool,
    ) -> Vec<Said> {
        let mut all: BTreeMap<Class, f64> = BTreeMap::new();
        for (id, probability) in said {
            let (Resolved::Term(class) | Resolved::Alternative(class) | Resolved::Replaced(class)) =
                self.ontology.resolve(id)
            else {
                self.counts.unknown += 1;
                continue;
            };
            match self.barred(class) {
                Barred::No => {}
                Barred::ByRule => self.counts.moved += 1,
                Barred::ByTaxon => {
                    self.counts.moved += 1;
                    self.counts.other_taxon += 1;
                }
            }
            for &ancestor in self.closure.ancestors(class) {
                let known = all.entry(ancestor).or_insert(0.0);
                *known = known.max(probability);
            }
        }
        all.retain(|&class, _| self.barred(class) == Barred::No);
        if !propagated {
            let mut implied: HashSet<Class> = HashSet::new();
            for &class in all.keys() {
                let above = self.closure.ancestors(class).iter().copied();
                implied.extend(above.filter(|&ancestor| ancestor != class));
            }
            all.retain(|class, _| !implied.contains(class));
        }
        all.into_iter().collect()
    }

    /// The classes that a term implies, itself among them; none of an id that the ontology does not have.
    pub fn implied(&mut self, id: &str) -> &[Class] {
        match self.ontology.resolve(id) {
            Resolved::Term(class) | Resolved::Alternative(class) | Resolved::Replaced(class) => {
                self.closure.ancestors(class)
            }
            Resolved::Obsolete | Resolved::Unknown => &[],
        }
    }

    /// Whether a class is a complex, of which a protein is part and in which it is not located.
    pub fn is_complex(&mut self, class: Class) -> bool {
        let complex = self.ontology.class(COMPLEX);
        complex.is_some_and(|complex| self.closure.ancestors(class).contains(&complex))
    }

    fn barred(&mut self, class: Class) -> Barred {
        if let Some(known) = self.barred[class as usize] {
            return known;
        }
        let id = self.ontology.classes[class as usize].as_str();
        let is_of_subset = (self.ontology.term(class))
            .is_some_and(|term| term.subsets.iter().any(|subset| subset == DO_NOT_ANNOTATE));
        let is_barred =
            is_of_subset || TOO_BARE.contains(&id) || self.hierarchy.parents(class).is_empty();
        let barred = if is_barred {
            Barred::ByRule
        } else if self.is_of_other_taxa(class) {
            Barred::ByTaxon
        } else {
            Barred::No
        };
        self.barred[class as usize] = Some(barred);
        barred
    }

    /// Whether a constraint of the term, or of what it implies, leaves the organism out.
    fn is_of_other_taxa(&mut self, class: Class) -> bool {
        let Some(taxa) = &self.taxa else {
            return false;
        };
        let ontology = self.ontology;
        // a union of taxa is no taxon whose members could be told
        let is_taxon = |taxon: &&Class| ontology.classes[**taxon as usize].starts_with(TAXON);
        self.closure.ancestors(class).iter().any(|&ancestor| {
            let Some(term) = ontology.term(ancestor) else {
                return false;
            };
            let mut only = term.only_in_taxon.iter().filter(is_taxon);
            let mut never = term.never_in_taxon.iter();
            only.any(|taxon| !taxa.contains(taxon)) || never.any(|taxon| taxa.contains(taxon))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::{graph::Relations, obo};
    use proptest::prelude::*;

    const ONTOLOGY: &str = "ontology: toy\n\n\
        [Term]\nid: GO:0003674\nname: root\n\n\
        [Term]\nid: GO:0005488\nname: binding\nis_a: GO:0003674\n\n\
        [Term]\nid: GO:0005515\nname: protein binding\nis_a: GO:0005488\n\n\
        [Term]\nid: GO:1\nname: catalysis\nis_a: GO:0003674\n\n\
        [Term]\nid: GO:2\nname: grouping\nsubset: gocheck_do_not_annotate\nis_a: GO:1\n\n\
        [Term]\nid: GO:3\nname: deep\nis_a: GO:2\nalt_id: GO:30\n\n\
        [Term]\nid: GO:4\nname: of bacteria\nis_a: GO:1\nrelationship: only_in_taxon NCBITaxon:2\n\n\
        [Term]\nid: GO:5\nname: deep of bacteria\nis_a: GO:4\n\n\
        [Term]\nid: GO:6\nname: of no fungus\nis_a: GO:1\nrelationship: never_in_taxon NCBITaxon:4751\n\n\
        [Term]\nid: GO:7\nname: gone\nis_obsolete: true\n\n\
        [Term]\nid: NCBITaxon:2\n\n[Term]\nid: NCBITaxon:4751\n\n[Term]\nid: NCBITaxon:4932\n\n\
        [Typedef]\nid: never_in_taxon\nxref: RO:0002161\nis_class_level: true\n\n\
        [Typedef]\nid: only_in_taxon\nxref: RO:0002160\n";

    fn apply(
        said: &[(&str, f64)],
        taxa: Option<&[u32]>,
        propagated: bool,
    ) -> (Vec<String>, RuleCounts) {
        let ontology = obo::read(ONTOLOGY.as_bytes()).unwrap();
        let hierarchy = Hierarchy::new(&ontology, Relations::IsAPartOf).unwrap();
        let mut rules = Rules::new(&ontology, &hierarchy, taxa);
        let found = rules.apply(said.iter().copied(), propagated);
        let mut ids: Vec<String> = (found.iter())
            .map(|&(class, p)| format!("{} {p}", ontology.classes[class as usize]))
            .collect();
        ids.sort();
        (ids, rules.counts)
    }

    #[test]
    fn roots_and_bare_binding_are_no_annotations() {
        let (found, counts) = apply(&[("GO:0005515", 0.9), ("GO:0003674", 1.0)], None, true);
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(counts.moved, 2);
    }

    #[test]
    fn what_may_not_be_said_moves_to_ancestors() {
        let (found, counts) = apply(&[("GO:2", 0.9)], None, false);
        assert_eq!((found, counts.moved), (vec!["GO:1 0.9".to_owned()], 1));
        let (found, counts) = apply(
            &[("GO:30", 0.8), ("GO:7", 1.0), ("GO:99", 1.0)],
            None,
            false,
        );
        assert_eq!((found, counts.unknown), (vec!["GO:3 0.8".to_owned()], 2));
        let (found, _) = apply(&[("GO:3", 0.8), ("GO:1", 0.85)], None, true);
        assert_eq!(found, ["GO:1 0.85", "GO:3 0.8"]);
    }

    #[test]
    fn an_organism_has_no_terms_of_other_taxa() {
        let yeast = [4932, 4751];
        let (found, counts) = apply(&[("GO:5", 0.9), ("GO:6", 0.7)], Some(&yeast), false);
        assert_eq!(
            (found, counts.other_taxon),
            (vec!["GO:1 0.9".to_owned()], 2)
        );
        let (found, _) = apply(&[("GO:5", 0.9), ("GO:6", 0.7)], Some(&[2]), false);
        assert_eq!(found, ["GO:5 0.9", "GO:6 0.7"]);
        let (found, _) = apply(&[("GO:5", 0.9)], None, false);
        assert_eq!(found, ["GO:5 0.9"]);
    }

    proptest! {
        #[test]
        fn asking_for_more_only_takes_terms_away(
            said in prop::collection::vec((1..7_usize, 0.0_f64..1.0), 0..6), low in 0.0_f64..1.0, more in 0.0_f64..1.0
        ) {
            let ids: Vec<String> = said.iter().map(|(n, _)| format!("GO:{n}")).collect();
            let above = |least: f64| -> Vec<String> {
                let kept = ids.iter().zip(&said).filter(|(_, (_, p))| *p >= least);
                let kept: Vec<(&str, f64)> = kept.map(|(id, (_, p))| (id.as_str(), *p)).collect();
                let found = apply(&kept, Some(&[4751]), true).0;
                found.iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
            };
            let fewer = above(low + more);
            let all = above(low);
            prop_assert!(fewer.iter().all(|id| all.contains(id)));
        }
    }
}
