//! The EL normal forms of an ontology.
//!
//! | form | axiom |
//! |---|---|
//! | NF1 | C is a subclass of D |
//! | NF2 | C and D is a subclass of E |
//! | NF3 | some R.C is a subclass of D |
//! | NF4 | C is a subclass of some R.D |
//! | disjoint | C and D have nothing in common |
//!
//! A definition X == G and some R.Y becomes X <= G, X <= some R.Y, some R.Y <= A and G and A <= X
//! with a fresh class A for each distinct expression.

use super::model::{Class, Conjunct, Ontology, Relation, Relationship};
use std::collections::{HashMap, HashSet};

/// Name of an auxiliary class, before its number.
const AUXILIARY: &str = "AUX_";

/// Axioms over numbered classes and relations; each list is sorted and without repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NormalForms {
    /// Ids of the classes: the ontology's, then the auxiliaries.
    pub classes: Vec<String>,
    /// Identities of the relations.
    pub relations: Vec<String>,
    /// `[c, d]`: C is a subclass of D.
    pub nf1: Vec<[u32; 2]>,
    /// `[c, d, e]`: C and D is a subclass of E.
    pub nf2: Vec<[u32; 3]>,
    /// `[r, c, d]`: some R.C is a subclass of D.
    pub nf3: Vec<[u32; 3]>,
    /// `[c, r, d]`: C is a subclass of some R.D.
    pub nf4: Vec<[u32; 3]>,
    /// `[c, d]`: C and D have nothing in common; c before d by id.
    pub disjoint: Vec<[u32; 2]>,
}

/// An expression that an auxiliary class stands for.
#[derive(PartialEq, Eq, Hash)]
enum Expression {
    Some(Relation, Class),
    And(Class, Class),
}

struct Normaliser {
    forms: NormalForms,
    auxiliaries: HashMap<Expression, Class>,
    /// Classes of the ontology itself that are named like auxiliaries.
    taken: HashSet<String>,
}

impl Normaliser {
    fn auxiliary(&mut self, expression: Expression) -> Class {
        let classes = &mut self.forms.classes;
        let number = self.auxiliaries.len() + 1;
        let taken = &self.taken;
        *self.auxiliaries.entry(expression).or_insert_with(|| {
            let mut name = format!("{AUXILIARY}{number}");
            while taken.contains(&name) {
                name.push('_');
            }
            classes.push(name);
            Class::try_from(classes.len() - 1).expect("fewer than 2^32 classes")
        })
    }

    /// X == conjuncts: X is a subclass of each, and their conjunction, folded pairwise, of X.
    fn define(&mut self, class: Class, conjuncts: &[Conjunct]) {
        let mut literals = Vec::with_capacity(conjuncts.len());
        for &conjunct in conjuncts {
            match conjunct {
                Conjunct::Genus(genus) => {
                    self.forms.nf1.push([class, genus]);
                    literals.push(genus);
                }
                Conjunct::Differentia(Relationship {
                    relation,
                    class: filler,
                }) => {
                    self.forms.nf4.push([class, relation, filler]);
                    let auxiliary = self.auxiliary(Expression::Some(relation, filler));
                    self.forms.nf3.push([relation, filler, auxiliary]);
                    literals.push(auxiliary);
                }
            }
        }
        let Some((&first, rest)) = literals.split_first() else {
            return;
        };
        let mut folded = first;
        for (i, &literal) in rest.iter().enumerate() {
            let target = if i + 1 == rest.len() {
                class
            } else {
                self.auxiliary(Expression::And(folded, literal))
            };
            self.forms.nf2.push([folded, literal, target]);
            folded = target;
        }
        if rest.is_empty() {
            self.forms.nf1.push([first, class]);
        }
    }
}

impl NormalForms {
    /// The normal forms of all current terms of an ontology.
    ///
    /// ```
    /// use protsae::ontology::{normal::NormalForms, obo};
    ///
    /// let text = "[Term]\nid: X:1\n\n[Term]\nid: X:2\nis_a: X:1\n\n\
    ///     [Term]\nid: X:3\nrelationship: part_of X:2\n\n[Typedef]\nid: part_of\nxref: BFO:0000050\n";
    /// let ontology = obo::read(text.as_bytes())?;
    /// let forms = NormalForms::new(&ontology);
    /// let class = |id| ontology.class(id).unwrap();
    /// assert_eq!(forms.nf1, [[class("X:2"), class("X:1")]]);
    /// assert_eq!(forms.nf4, [[class("X:3"), 0, class("X:2")]]);
    /// # Ok::<(), protsae::ontology::OntologyError>(())
    /// ```
    #[must_use]
    pub fn new(ontology: &Ontology) -> Self {
        let mut normaliser = Normaliser {
            forms: Self {
                classes: ontology.classes.clone(),
                relations: ontology.relations.clone(),
                ..Self::default()
            },
            auxiliaries: HashMap::new(),
            taken: (ontology.classes.iter())
                .filter(|id| id.starts_with(AUXILIARY))
                .cloned()
                .collect(),
        };
        for &class in &ontology.order {
            let Some(term) = ontology.term(class).filter(|term| !term.obsolete) else {
                continue;
            };
            let forms = &mut normaliser.forms;
            forms.nf1.extend(term.is_a.iter().map(|&p| [class, p]));
            let relationships = term.relationships.iter();
            forms
                .nf4
                .extend(relationships.map(|some| [class, some.relation, some.class]));
            for &other in &term.disjoint_from {
                let mut pair = [class, other];
                pair.sort_by_key(|&c| &ontology.classes[c as usize]);
                forms.disjoint.push(pair);
            }
            for &other in &term.equivalent_to {
                forms.nf1.push([class, other]);
                forms.nf1.push([other, class]);
            }
            normaliser.define(class, &term.intersection_of);
        }
        let mut forms = normaliser.forms;
        forms.tidy();
        forms
    }

    /// Sorts and removes repeats, and axioms of the form C <= C.
    pub fn tidy(&mut self) {
        fn set<T: Ord>(axioms: &mut Vec<T>) {
            axioms.sort_unstable();
            axioms.dedup();
        }
        self.nf1.retain(|[c, d]| c != d);
        set(&mut self.nf1);
        set(&mut self.nf2);
        set(&mut self.nf3);
        set(&mut self.nf4);
        set(&mut self.disjoint);
    }

    /// Number of axioms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nf1.len() + self.nf2.len() + self.nf3.len() + self.nf4.len() + self.disjoint.len()
    }

    /// Whether there is no axiom.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the axioms that can follow from something being a member of the given classes: the
    /// locality module of that signature (Cuenca Grau et al. 2008), grown to a fixpoint. What the
    /// whole ontology entails about those classes, the module entails too.
    pub fn keep_module(&mut self, signature: impl IntoIterator<Item = Class>) {
        // [class, what follows from it], and [class, axiom of form 2 that it is a premise of]
        let mut follows: Vec<[u32; 2]> = self.nf1.clone();
        follows.extend(self.nf3.iter().map(|&[_, c, d]| [c, d]));
        follows.extend(self.nf4.iter().map(|&[c, _, d]| [c, d]));
        follows.sort_unstable();
        let mut premises: Vec<[u32; 2]> = (0..)
            .zip(&self.nf2)
            .flat_map(|(axiom, &[c, d, _])| [[c, axiom], [d, axiom]])
            .collect();
        premises.sort_unstable();
        let of = |pairs: &[[u32; 2]], class: u32| {
            let start = pairs.partition_point(|pair| pair[0] < class);
            let end = pairs.partition_point(|pair| pair[0] <= class);
            start..end
        };
        let mut known = vec![false; self.classes.len()];
        let mut open: Vec<u32> = signature.into_iter().collect();
        while let Some(class) = open.pop() {
            if std::mem::replace(&mut known[class as usize], true) {
                continue;
            }
            open.extend(follows[of(&follows, class)].iter().map(|pair| pair[1]));
            for [_, axiom] in &premises[of(&premises, class)] {
                let [c, d, e] = self.nf2[*axiom as usize];
                if known[c as usize] && known[d as usize] {
                    open.push(e);
                }
            }
        }
        let has = |class: u32| known[class as usize];
        self.nf1.retain(|&[c, _]| has(c));
        self.nf2.retain(|&[c, d, _]| has(c) && has(d));
        self.nf3.retain(|&[_, c, _]| has(c));
        self.nf4.retain(|&[c, _, _]| has(c));
        self.disjoint.retain(|&[c, d]| has(c) && has(d));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::obo;

    fn forms(terms: &str) -> NormalForms {
        let text = format!("ontology: toy\n\n{terms}");
        NormalForms::new(&obo::read(text.as_bytes()).unwrap())
    }

    #[test]
    fn one_expression_has_one_auxiliary() {
        let forms = forms(
            "[Term]\nid: A\nintersection_of: G\nintersection_of: r Y\n\n[Term]\nid: B\nintersection_of: H\nintersection_of: r Y\n",
        );
        assert_eq!(forms.nf3.len(), 1);
        assert_eq!(forms.nf2.len(), 2);
        assert_eq!(
            forms
                .classes
                .iter()
                .filter(|c| c.starts_with("AUX_"))
                .count(),
            1
        );
    }

    #[test]
    fn k_conjuncts_are_folded_by_k_minus_one_axioms() {
        let forms = forms(
            "[Term]\nid: A\nintersection_of: G\nintersection_of: r Y\nintersection_of: s Z\nintersection_of: H\n",
        );
        assert_eq!(forms.nf2.len(), 3);
        assert_eq!(forms.nf1.len(), 2);
        assert_eq!(forms.nf4.len(), 2);
    }

    #[test]
    fn equivalence_goes_both_ways_and_disjointness_is_symmetric() {
        let forms = forms(
            "[Term]\nid: A\nequivalent_to: B\ndisjoint_from: C\n\n[Term]\nid: C\ndisjoint_from: A\n",
        );
        assert_eq!(forms.nf1, [[0, 1], [1, 0]]);
        assert_eq!(forms.disjoint, [[0, 2]]);
    }

    #[test]
    fn the_module_of_a_class_is_what_follows_from_it() {
        let mut forms = forms(
            "[Term]\nid: A\nis_a: B\n\n[Term]\nid: B\nrelationship: r C\n\n[Term]\nid: C\nis_a: D\n\n[Term]\nid: E\nis_a: A\n\n[Term]\nid: F\ndisjoint_from: A\n",
        );
        assert_eq!(forms.len(), 5);
        let a = forms.classes.iter().position(|c| c == "A").unwrap();
        forms.keep_module([u32::try_from(a).unwrap()]);
        assert_eq!(forms.len(), 3);
        assert!(forms.disjoint.is_empty());
    }
}
