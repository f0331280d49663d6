//! What labels already say of proteins, so that only what they lack is written.

use crate::{
    Result,
    annot::label_index::LabelIndex,
    cli::{Context, Source},
    report::{Catalogue, FeatureRange, Track},
    table::{TableError, labels},
};
use std::collections::{HashMap, HashSet};

/// Places of labels by concept; of whole proteins 0 to 0.
type Places = HashMap<u32, Vec<(u32, u32)>>;

/// Labels by protein and concept.
#[derive(Default)]
pub(super) struct KnownLabels {
    concepts: HashMap<String, u32>,
    proteins: HashMap<String, Places>,
}

impl KnownLabels {
    /// Reads a table of labels.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn read(context: &Context, source: &Source) -> Result<Self> {
        let mut known = Self::default();
        labels::read(context.open_table(source)?, |label| {
            let next = known.concepts.len() as u32;
            let concept = *known.concepts.entry(label.concept).or_insert(next);
            let place = (label.start.unwrap_or(0), label.end.unwrap_or(0));
            let places = known.proteins.entry(label.protein).or_default();
            places.entry(concept).or_default().push(place);
            Ok::<_, TableError>(())
        })
        .map_err(source.in_input())?;
        Ok(known)
    }

    /// Those of an index.
    pub(super) fn of_index(labels: &LabelIndex) -> Self {
        let mut known = Self::default();
        let concepts = 0..labels.concepts() as u32;
        known.concepts = concepts.map(|c| (labels.id(c).to_owned(), c)).collect();
        for (protein, of_protein) in labels.iter() {
            let places = known.proteins.entry(protein.to_owned()).or_default();
            for label in of_protein {
                let of_concept = places.entry(label.concept).or_default();
                of_concept.push((label.start, label.end));
            }
        }
        known
    }

    /// Places of a concept in a protein.
    fn places(&self, protein: &str, concept: &str) -> &[(u32, u32)] {
        let number = self.concepts.get(concept);
        let places = self.proteins.get(protein).zip(number);
        places
            .and_then(|(places, number)| places.get(number))
            .map_or(&[], Vec::as_slice)
    }

    /// Whether a protein has the concept, wherever.
    pub(super) fn has(&self, protein: &str, concept: &str) -> bool {
        !self.places(protein, concept).is_empty()
    }
}

/// What is left out of the ranges of proteins.
pub(super) struct Missing<'a> {
    known: KnownLabels,
    catalogue: &'a Catalogue,
    /// Ranges that labels have, a bond counted once.
    pub(super) left_out: u64,
}

impl<'a> Missing<'a> {
    pub(super) fn new(known: KnownLabels, catalogue: &'a Catalogue) -> Self {
        Self {
            known,
            catalogue,
            left_out: 0,
        }
    }

    /// Whether labels say that a protein has the concept, wherever.
    pub(super) fn has(&self, protein: &str, concept: &str) -> bool {
        self.known.has(protein, concept)
    }

    /// Leaves out ranges that share a residue with a label of their concept, and tracks of what is then left with none;
    /// returns how many there are. A bond is left out with either of its ends.
    pub(super) fn retain(
        &mut self,
        protein: &str,
        ranges: &mut Vec<FeatureRange>,
        tracks: &mut Vec<Track>,
    ) -> u64 {
        let is_known = |range: &&FeatureRange| {
            let info = &self.catalogue.latents[range.entry as usize];
            let concept = info.concept.as_deref();
            let places = concept.map_or(&[][..], |c| self.known.places(protein, c));
            let mut placed = places.iter().filter(|(start, _)| *start > 0);
            placed.any(|&(start, end)| start <= range.end && range.start <= end)
        };
        let whole = |range: &FeatureRange| (range.entry, range.whole);
        let known: HashSet<_> = ranges.iter().filter(is_known).map(whole).collect();
        ranges.retain(|range| !known.contains(&whole(range)));
        let entries: HashSet<u32> = ranges.iter().map(|range| range.entry).collect();
        tracks.retain(|track| entries.contains(&track.entry));
        self.left_out += known.len() as u64;
        known.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::LatentInfo;

    #[test]
    fn what_touches_a_label_of_its_concept_is_known() {
        let mut info = LatentInfo::unnamed(0, 1.0);
        info.concept = Some("SIGNAL".into());
        let other = LatentInfo::unnamed(1, 1.0);
        let catalogue = Catalogue {
            latents: vec![info, other],
        };
        let mut known = KnownLabels::default();
        known.concepts.insert("SIGNAL".into(), 4);
        let places = HashMap::from([(4, vec![(0, 0), (10, 20)])]);
        known.proteins.insert("P1".into(), places);
        assert!(known.has("P1", "SIGNAL") && !known.has("P2", "SIGNAL"));
        let mut missing = Missing::new(known, &catalogue);
        let range = |entry, start, end, whole| FeatureRange {
            entry,
            start,
            end,
            whole,
            ..FeatureRange::default()
        };
        let mut ranges = vec![
            range(0, 1, 9, [1, 9]),
            range(0, 20, 25, [20, 25]),
            // a bond from a labelled residue to another
            range(0, 12, 12, [12, 40]),
            range(0, 40, 40, [12, 40]),
            range(1, 10, 20, [10, 20]),
        ];
        let all = ranges.clone();
        assert_eq!(missing.retain("P1", &mut ranges, &mut Vec::new()), 2);
        assert_eq!(ranges, [all[0].clone(), all[4].clone()]);
        assert_eq!(missing.left_out, 2);
        let mut ranges = all.clone();
        assert_eq!(missing.retain("P2", &mut ranges, &mut Vec::new()), 0);
        assert_eq!(ranges, all);
    }
}
