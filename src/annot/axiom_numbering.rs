//! Axioms over the numbers of concepts and zero classes.

use super::concept::Axioms;
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
    let mut number: Vec<Option<u32>> = forms
        .classes
        .iter()
        .map(|id| concepts.get(id.as_str()).copied())
        .collect();
    if module {
        let signature = (0..).zip(&number).filter(|(_, number)| number.is_some());
        let signature: Vec<u32> = signature.map(|(class, _)| class).collect();
        forms.keep_module(signature);
    }
    let mut has_class = vec![false; forms.classes.len()];
    let mut has_relation = vec![false; forms.relations.len()];
    {
        let mut class = |c: u32| has_class[c as usize] = true;
        forms.nf1.iter().flatten().for_each(|&c| class(c));
        forms.disjoint.iter().flatten().for_each(|&c| class(c));
        forms.nf2.iter().flatten().for_each(|&c| class(c));
        for &[r, c, d] in &forms.nf3 {
            has_relation[r as usize] = true;
            class(c);
            class(d);
        }
        for &[c, r, d] in &forms.nf4 {
            has_relation[r as usize] = true;
            class(c);
            class(d);
        }
    }
    let mut zeros: Vec<u32> = (0..)
        .zip(&has_class)
        .filter(|&(class, &occurs)| occurs && number[class as usize].is_none())
        .map(|(class, _)| class)
        .collect();
    zeros.sort_unstable_by_key(|&class| &forms.classes[class as usize]);
    for (&zero, n) in zeros.iter().zip(first_zero..) {
        number[zero as usize] = Some(u32::try_from(n).expect("fewer than 2^32 classes"));
    }
    let mut relations: Vec<u32> = (0..)
        .zip(&has_relation)
        .filter(|&(_, &occurs)| occurs)
        .map(|(relation, _)| relation)
        .collect();
    relations.sort_unstable_by_key(|&relation| &forms.relations[relation as usize]);
    let mut relation_number = vec![0u32; forms.relations.len()];
    for (&relation, n) in relations.iter().zip(0..) {
        relation_number[relation as usize] = n;
    }
    let class = |c: u32| number[c as usize].expect("all that occur are numbered");
    let relation = |r: u32| relation_number[r as usize];
    let mut axioms = Axioms {
        nf1: forms.nf1.iter().map(|a| a.map(class)).collect(),
        nf2: forms.nf2.iter().map(|a| a.map(class)).collect(),
        nf3: forms
            .nf3
            .iter()
            .map(|&[r, c, d]| [relation(r), class(c), class(d)])
            .collect(),
        nf4: forms
            .nf4
            .iter()
            .map(|&[c, r, d]| [class(c), relation(r), class(d)])
            .collect(),
        disjoint: forms.disjoint.iter().map(|a| a.map(class)).collect(),
    };
    axioms.nf1.sort_unstable();
    axioms.nf2.sort_unstable();
    axioms.nf3.sort_unstable();
    axioms.nf4.sort_unstable();
    axioms.disjoint.sort_unstable();
    Numbered {
        zero_classes: zeros
            .iter()
            .map(|&class| forms.classes[class as usize].clone())
            .collect(),
        relations: relations
            .iter()
            .map(|&relation| forms.relations[relation as usize].clone())
            .collect(),
        axioms,
    }
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
