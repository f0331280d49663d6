//! Which candidates become concepts, with which numbers, and what is said of them.

use super::{AxiomScope, Choice, Vocabulary, axiom_numbering};
use crate::{
    annot::{
        concept::{Concept, ConceptKind, ENTRY, Level},
        feature::key_of_concept,
    },
    ontology::{Class, graph::Hierarchy, normal::NormalForms},
};
use std::collections::{BTreeMap, HashMap, HashSet};

impl Vocabulary<'_> {
    /// Chooses concepts, numbers them, and describes them; what was chosen before is forgotten.
    pub fn choose(&mut self, choice: &Choice) {
        self.report.other_namespace = 0;
        self.report.too_rare.clear();
        self.report.concepts.clear();
        let chosen = self.frequent(choice);
        self.numbers = vec![None; self.candidates.len()];
        for (number, &candidate) in (0..).zip(&chosen) {
            self.numbers[candidate as usize] = Some(number);
        }
        self.describe(&chosen, &choice.partial_features);
        let numbered = match choice.axioms {
            AxiomScope::None => axiom_numbering::Numbered::default(),
            AxiomScope::All | AxiomScope::Module => self.number_axioms(choice, chosen.len()),
        };
        self.file.zero_classes = numbered.zero_classes;
        self.file.relations = numbered.relations;
        self.file.axioms = numbered.axioms;
    }

    /// Candidates of the namespaces asked for that have enough proteins, by kind and id; the others are counted.
    fn frequent(&mut self, choice: &Choice) -> Vec<u32> {
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
        chosen
    }

    /// The axioms of the ontology, or those given in their place, and of the tree of entries, over the numbers of concepts.
    fn number_axioms(&self, choice: &Choice, concepts: usize) -> axiom_numbering::Numbered {
        let numbered = self.candidates.iter().zip(&self.numbers);
        let classes: HashMap<&str, u32> = numbered
            .filter(|(c, _)| matches!(c.kind, ConceptKind::Go | ConceptKind::Interpro))
            .filter_map(|(c, number)| Some((c.id.as_str(), (*number)?)))
            .collect();
        let parents = self.references.parents.iter();
        let edges: BTreeMap<String, String> = parents
            .map(|(child, parent)| (format!("{ENTRY}{child}"), format!("{ENTRY}{parent}")))
            .collect();
        let forms = match (&choice.normal_forms, self.terminology) {
            (Some(forms), _) => forms.clone(),
            (None, Some(terminology)) => NormalForms::new(terminology.ontology),
            (None, None) => NormalForms::default(),
        };
        let module = choice.axioms == AxiomScope::Module;
        axiom_numbering::number(forms, &edges, &classes, concepts, module)
    }

    fn describe(&mut self, chosen: &[u32], partial_features: &[String]) {
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
                if let Some(parent) = self.tree[candidate as usize] {
                    fewest = Some(self.candidates[parent as usize].proteins);
                    // a parent has no fewer proteins, so it is a concept too
                    parents = self.numbers[parent as usize].into_iter().collect();
                }
                if let Some(accession) = c.id.strip_prefix(ENTRY)
                    && let Some(entry) = self.references.entries.get(accession)
                {
                    namespace = Some(entry.kind.clone());
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
                    partial: c.kind == ConceptKind::Feature
                        && partial_features
                            .iter()
                            .any(|key| key == key_of_concept(&c.id)),
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
        let mut seen: HashSet<Class> = queue.iter().copied().collect();
        while let Some(class) = queue.pop() {
            if let Some(number) = self.numbers[of_class[class as usize] as usize] {
                found.push(number);
            } else {
                let parents = hierarchy.parents(class).iter().copied();
                queue.extend(parents.filter(|&parent| seen.insert(parent)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
