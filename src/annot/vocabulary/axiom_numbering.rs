//! Axioms over the numbers of concepts and zero classes.

use crate::annot::concept::Axioms;
use crate::ontology::normal::NormalForms;
use std::collections::{BTreeMap, HashMap};

/// The ontology's part of `concepts.json`.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    pub(super) zero_classes: Vec<String>,
    pub(super) relations: Vec<String>,
    pub(super) axioms: Axioms,
}

/// Numbers normal forms and the edges of a tree (child, parent): `concepts` gives the
/// numbers of concepts by id, all other classes that occur in an axiom are numbered from
/// `first_zero` on, in the order of their ids.
pub(super) fn number(
    mut forms: NormalForms,
    tree: &BTreeMap<String, String>,
    concepts: &HashMap<&str, u32>,
    first_zero: usize,
    module: bool,
) -> Numbered {
    add_tree(&mut forms, tree);
    let ids = forms.classes.iter();
    let mut class_numbers: Vec<Option<u32>> =
        ids.map(|id| concepts.get(id.as_str()).copied()).collect();
    if module {
        let numbered = (0..).zip(&class_numbers);
        let signature = numbered.filter(|(_, number)| number.is_some());
        let signature: Vec<u32> = signature.map(|(class, _)| class).collect();
        forms.keep_module(signature);
    }
    let occurring = Occurring::of(&forms);
    let mut zeros = sorted_by_id(&occurring.classes, &forms.classes);
    zeros.retain(|&class| class_numbers[class as usize].is_none());
    for (&zero, n) in zeros.iter().zip(first_zero..) {
        class_numbers[zero as usize] = Some(u32::try_from(n).expect("fewer than 2^32 classes"));
    }
    let relations = sorted_by_id(&occurring.relations, &forms.relations);
    let mut relation_numbers = vec![0u32; forms.relations.len()];
    for (&relation, n) in relations.iter().zip(0..) {
        relation_numbers[relation as usize] = n;
    }
    Numbered {
        zero_classes: ids_of(&zeros, &forms.classes),
        relations: ids_of(&relations, &forms.relations),
        axioms: renumbered(&forms, &class_numbers, &relation_numbers),
    }
}

/// Whether each class and each relation occurs in an axiom.
struct Occurring {
    classes: Vec<bool>,
    relations: Vec<bool>,
}

impl Occurring {
    fn of(forms: &NormalForms) -> Self {
        let mut classes = vec![false; forms.classes.len()];
        let mut relations = vec![false; forms.relations.len()];
        let mut class = |c: u32| classes[c as usize] = true;
        let mut relation = |r: u32| relations[r as usize] = true;
        forms.nf1.iter().flatten().for_each(|&c| class(c));
        forms.disjoint.iter().flatten().for_each(|&c| class(c));
        forms.nf2.iter().flatten().for_each(|&c| class(c));
        for &[r, c, d] in &forms.nf3 {
            relation(r);
            class(c);
            class(d);
        }
        for &[c, r, d] in &forms.nf4 {
            relation(r);
            class(c);
            class(d);
        }
        Self { classes, relations }
    }
}

/// What occurs, in the order of its ids.
fn sorted_by_id(occurs: &[bool], ids: &[String]) -> Vec<u32> {
    let numbered = (0..).zip(occurs).filter(|(_, occurs)| **occurs);
    let mut found: Vec<u32> = numbered.map(|(index, _)| index).collect();
    found.sort_unstable_by_key(|&index| &ids[index as usize]);
    found
}

fn ids_of(indices: &[u32], ids: &[String]) -> Vec<String> {
    let ids = indices.iter().map(|&index| &ids[index as usize]);
    ids.cloned().collect()
}

/// The axioms over their final numbers, sorted.
fn renumbered(
    forms: &NormalForms,
    class_numbers: &[Option<u32>],
    relation_numbers: &[u32],
) -> Axioms {
    let class = |c: u32| class_numbers[c as usize].expect("all that occur are numbered");
    let relation = |r: u32| relation_numbers[r as usize];
    let some_on_the_left = |&[r, c, d]: &[u32; 3]| [relation(r), class(c), class(d)];
    let some_on_the_right = |&[c, r, d]: &[u32; 3]| [class(c), relation(r), class(d)];
    let mut axioms = Axioms {
        nf1: forms.nf1.iter().map(|axiom| axiom.map(class)).collect(),
        nf2: forms.nf2.iter().map(|axiom| axiom.map(class)).collect(),
        nf3: forms.nf3.iter().map(some_on_the_left).collect(),
        nf4: forms.nf4.iter().map(some_on_the_right).collect(),
        disjoint: forms
            .disjoint
            .iter()
            .map(|axiom| axiom.map(class))
            .collect(),
    };
    axioms.nf1.sort_unstable();
    axioms.nf2.sort_unstable();
    axioms.nf3.sort_unstable();
    axioms.nf4.sort_unstable();
    axioms.disjoint.sort_unstable();
    axioms
}

/// Adds the edges of a tree as axioms: a child is a subclass of its parent.
fn add_tree(forms: &mut NormalForms, tree: &BTreeMap<String, String>) {
    let mut class_of: HashMap<&str, u32> = HashMap::new();
    for (child, parent) in tree {
        let mut class = |id: &'_ str| {
            forms.classes.push(id.to_owned());
            u32::try_from(forms.classes.len() - 1).expect("fewer than 2^32 classes")
        };
        let child = *class_of.entry(child).or_insert_with(|| class(child));
        let parent = *class_of.entry(parent).or_insert_with(|| class(parent));
        forms.nf1.push([child, parent]);
    }
}
