//! Which examples of a concept are shown: few, and the same whatever the order of the input.

use crate::report::page::data::{Example, ExampleKind, ProteinPage, Track};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, rc::Rc};

/// Residues from which a protein is long: it makes the page large, and is shown where no other is at hand.
const LONG: usize = 1000;

/// Where an example stands in the order in which examples are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Proteins that are judged on first.
    is_other: bool,
    is_long: bool,
    /// The likeliest first, where that is how they are chosen.
    doubt: u8,
    /// Else at random.
    draw: [u8; 8],
    protein: String,
    range: Option<[u32; 2]>,
}

/// An example that may be shown.
#[derive(Clone)]
pub(super) struct Candidate {
    rank: Rank,
    pub(super) example: Example,
    pub(super) protein: Rc<ProteinPage>,
    /// Values of the concept along the protein.
    pub(super) track: Track,
}

/// A place of a concept in a protein that is an example of something.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) concept: u32,
    pub(super) kind: ExampleKind,
    pub(super) protein: &'a str,
    pub(super) length: usize,
    pub(super) is_judged: bool,
    pub(super) range: Option<[u32; 2]>,
    /// Probability of being right, in percent.
    pub(super) probability: Option<u8>,
}

/// The first examples of each concept and kind.
pub(super) struct Examples {
    seed: u64,
    /// Of each kind.
    most: usize,
    of: BTreeMap<(u32, ExampleKind), Vec<Candidate>>,
}

impl Examples {
    pub(super) fn new(seed: u64, most: usize) -> Self {
        Self {
            seed,
            most,
            of: BTreeMap::new(),
        }
    }

    fn rank(&self, place: &Place<'_>) -> Rank {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(place.concept.to_le_bytes());
        for end in place.range.into_iter().flatten() {
            hash.update(end.to_le_bytes());
        }
        hash.update(place.protein.as_bytes());
        let mut draw = [0; 8];
        for (byte, from) in draw.iter_mut().zip(hash.finalize()) {
            *byte = from;
        }
        let is_likeliest = place.kind == ExampleKind::Unlabelled;
        let likely = place.probability.filter(|_| is_likeliest).unwrap_or(0);
        Rank {
            is_other: !place.is_judged,
            is_long: place.length > LONG,
            doubt: 100 - likely.min(100),
            draw,
            protein: place.protein.to_owned(),
            range: place.range,
        }
    }

    /// Takes what is among the first of the places of one protein, of each concept and kind the foremost; `make` then gives
    /// its page and the values along it.
    pub(super) fn offer(
        &mut self,
        places: &[Place<'_>],
        mut make: impl FnMut(&Place<'_>) -> (Rc<ProteinPage>, Track),
    ) {
        let ranked = places.iter().map(|place| (self.rank(place), place));
        let mut ranked: Vec<(Rank, &Place<'_>)> = ranked.collect();
        ranked.sort_by(|(a, x), (b, y)| (x.concept, x.kind, a).cmp(&(y.concept, y.kind, b)));
        ranked.dedup_by_key(|(_, place)| (place.concept, place.kind));
        for (rank, place) in ranked {
            let list = self.of.entry((place.concept, place.kind)).or_default();
            let at = list.partition_point(|c| c.rank < rank);
            if at >= self.most {
                continue;
            }
            let (protein, track) = make(place);
            list.truncate(self.most - 1);
            let example = Example {
                kind: place.kind,
                protein: place.protein.to_owned(),
                range: place.range,
                probability: place.probability,
            };
            let candidate = Candidate {
                rank,
                example,
                protein,
                track,
            };
            list.insert(at, candidate);
        }
    }

    /// Pages of all proteins that may be shown, some of them several times.
    pub(super) fn pages(&self) -> impl Iterator<Item = &ProteinPage> {
        let all = self.of.values().flatten();
        all.map(|candidate| &*candidate.protein)
    }

    /// The examples of a concept, at most so many of a kind.
    pub(super) fn of(&self, concept: u32, most: usize) -> impl Iterator<Item = &Candidate> {
        let kinds = [
            ExampleKind::Right,
            ExampleKind::Unlabelled,
            ExampleKind::Missed,
            ExampleKind::Found,
        ];
        kinds.into_iter().flat_map(move |kind| {
            let list = self.of.get(&(concept, kind)).map_or(&[][..], Vec::as_slice);
            list.iter().take(most)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::data::Measure;
    use proptest::prelude::*;

    fn shown(order: &[usize], most: usize) -> Vec<Example> {
        let mut examples = Examples::new(7, most);
        for &at in order {
            let protein = format!("P{at}");
            let place = |from: usize| Place {
                concept: 3,
                kind: ExampleKind::Unlabelled,
                protein: &protein,
                length: 100 * at,
                is_judged: at % 3 > 0,
                range: Some([from as u32 + 1, from as u32 + 4]),
                probability: Some(((at + from) * 37 % 5) as u8),
            };
            let track = || Track::new(Measure::Probability, []);
            let places = [place(at), place(2 * at), place(7)];
            examples.offer(&places, |_| (Rc::default(), track()));
        }
        examples.of(3, most).map(|c| c.example.clone()).collect()
    }

    proptest! {
        #[test]
        fn the_order_of_the_input_does_not_show(order in Just((0..30).collect::<Vec<usize>>()).prop_shuffle(), most in 1..8_usize) {
            let sorted: Vec<usize> = (0..30).collect();
            prop_assert_eq!(shown(&order, most), shown(&sorted, most));
        }
    }

    #[test]
    fn few_are_kept_of_different_proteins_and_none_where_none_are_asked() {
        let all: Vec<usize> = (0..30).collect();
        let examples = shown(&all, 4);
        let mut proteins: Vec<_> = examples.iter().map(|e| &e.protein).collect();
        proteins.sort();
        proteins.dedup();
        assert_eq!((examples.len(), proteins.len()), (4, 4));
        assert!(examples[0].probability >= examples[1].probability);
        assert!(shown(&all, 0).is_empty());
    }
}
