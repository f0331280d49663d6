//! Ids and names of features' concepts, each worked out once.

use super::feature;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// Notes that are remembered; a file whose features all differ begins anew behind as many.
const REMEMBERED: usize = 1 << 16;

/// What a feature's concept is called.
#[derive(Debug)]
pub(crate) struct ConceptName {
    /// As [`feature::concept_id`] makes it.
    pub(crate) id: String,
    /// As [`feature::concept_name`] makes it.
    pub(crate) name: String,
}

/// Ids and names of concepts by what features say: a few thousand in all of Swiss-Prot.
#[derive(Debug, Default)]
pub(crate) struct FeatureNames {
    index: HashMap<String, usize, FixedState>,
    known: Vec<ConceptName>,
    /// What is looked for: key, note, ligand and ligand's id.
    wanted: String,
}

impl FeatureNames {
    /// Id and name of a feature's concept.
    pub(crate) fn of(
        &mut self,
        key: &str,
        note: &str,
        ligand: &str,
        ligand_id: &str,
    ) -> &ConceptName {
        let note = if feature::note_matters(key) { note } else { "" };
        self.wanted.clear();
        for part in [key, note, ligand] {
            self.wanted.push_str(part);
            self.wanted.push('\n');
        }
        self.wanted.push_str(ligand_id);
        let index = match self.index.get(&self.wanted) {
            Some(&index) => index,
            None => self.remember(key, note, ligand, ligand_id),
        };
        &self.known[index]
    }

    fn remember(&mut self, key: &str, note: &str, ligand: &str, ligand_id: &str) -> usize {
        if self.known.len() == REMEMBERED {
            self.index.clear();
            self.known.clear();
        }
        let id = feature::concept_id(key, note, ligand);
        let name = feature::concept_name(key, &id, ligand_id);
        let index = self.known.len();
        self.known.push(ConceptName { id, name });
        self.index.insert(self.wanted.clone(), index);
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_feature_however_many_there_are() {
        let mut names = FeatureNames::default();
        let mut check = |key: &str, note: &str, ligand: &str, ligand_id: &str| {
            let id = feature::concept_id(key, note, ligand);
            let name = feature::concept_name(key, &id, ligand_id);
            let found = names.of(key, note, ligand, ligand_id);
            assert_eq!((&found.id, &found.name), (&id, &name));
        };
        for _ in 0..2 {
            check("CHAIN", "Insulin", "", "");
            check("CHAIN", "Glucagon", "", "");
            check("DOMAIN", "Sushi 4", "", "");
            check("BINDING", "", "ATP", "");
            check("BINDING", "", "ATP", "ChEBI:CHEBI:30616");
            check("BINDING", "ATP", "", "");
        }
        for i in 0..=REMEMBERED {
            check("REGION", &format!("{i}x Interaction"), "", "");
        }
        check("DOMAIN", "Sushi 4", "", "");
    }
}
