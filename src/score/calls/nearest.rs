//! Training proteins that are near a protein by mean activations of the PLM, and what they have.

use crate::score::function::baseline::{NEIGHBOURS, Neighbour, Neighbours};

/// Training proteins with what they have.
#[derive(Clone, Debug, Default)]
pub struct TrainingProteins {
    proteins: Vec<String>,
    vectors: Neighbours,
    concepts: Vec<Vec<u32>>,
}

impl TrainingProteins {
    /// Keeps accessions, mean activations `proteins x width`, and the concepts of each, ascending.
    #[must_use]
    pub fn new(
        proteins: Vec<String>,
        activations: Vec<f32>,
        width: usize,
        concepts: Vec<Vec<u32>>,
    ) -> Self {
        Self {
            proteins,
            vectors: Neighbours::new(activations, width),
            concepts,
        }
    }

    /// The [`NEIGHBOURS`] nearest of a protein with this mean activation `[width]`; it is no neighbour of its own.
    #[must_use]
    pub fn near(&self, protein: &str, activation: &[f32]) -> Near<'_> {
        let mut nearest = self.vectors.nearest(activation, NEIGHBOURS + 1);
        nearest.retain(|n| self.proteins[n.row] != protein);
        nearest.truncate(NEIGHBOURS);
        Near { of: self, nearest }
    }
}

/// The neighbours of a protein, nearest first.
#[derive(Clone, Debug)]
pub struct Near<'a> {
    of: &'a TrainingProteins,
    nearest: Vec<Neighbour>,
}

/// Of a protein's neighbours, the share by similarity that have each concept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shares(Vec<(u32, f32)>);

impl Near<'_> {
    /// The nearest that has a concept, if it is like the protein at all, and the cosine.
    #[must_use]
    pub fn donor(&self, concept: u32) -> Option<(&str, f32)> {
        let has = |n: &&Neighbour| self.of.concepts[n.row].binary_search(&concept).is_ok();
        let donor = self.nearest.iter().find(has).filter(|n| n.similarity > 0.0);
        donor.map(|n| (self.of.proteins[n.row].as_str(), n.similarity.min(1.0)))
    }

    /// Shares of all concepts; neighbours less than 0 alike say nothing.
    #[must_use]
    pub fn shares(&self) -> Shares {
        let weight = |n: &Neighbour| n.similarity.max(0.0);
        let whole: f32 = self.nearest.iter().map(weight).sum();
        let each = self.nearest.iter().flat_map(|n| {
            let concepts = self.of.concepts[n.row].iter();
            concepts.map(move |&concept| (concept, weight(n)))
        });
        let mut all: Vec<(u32, f32)> = each.filter(|&(_, weight)| weight > 0.0).collect();
        // a stable sort: weights are added from the nearest on
        all.sort_by_key(|&(concept, _)| concept);
        let share = |same: &[(u32, f32)]| {
            let sum: f32 = same.iter().map(|&(_, weight)| weight).sum();
            (same[0].0, (sum / whole).min(1.0))
        };
        Shares(all.chunk_by(|a, b| a.0 == b.0).map(share).collect())
    }
}

impl Shares {
    /// The share that have a concept.
    #[must_use]
    pub fn of(&self, concept: u32) -> f32 {
        let found = self.0.binary_search_by_key(&concept, |&(c, _)| c);
        found.map_or(0.0, |at| self.0[at].1)
    }
}

impl FromIterator<(u32, f32)> for Shares {
    /// Shares of these concepts, in any order.
    fn from_iter<I: IntoIterator<Item = (u32, f32)>>(shares: I) -> Self {
        let mut all: Vec<(u32, f32)> = shares.into_iter().collect();
        all.sort_by_key(|&(concept, _)| concept);
        Self(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::function::baseline::transfer;

    #[test]
    fn the_nearest_speak_but_never_the_protein_itself() {
        let names = (0..9).map(|i| format!("P{i}")).collect();
        let vectors: Vec<f32> = (0..9_u8)
            .flat_map(|i| [1.0, f32::from(i) / 4.0 - 0.5])
            .collect();
        let concepts: Vec<Vec<u32>> = (0..9).map(|i| vec![i % 3, 3 + i]).collect();
        let all = TrainingProteins::new(names, vectors.clone(), 2, concepts.clone());
        let near = all.near("P2", &[1.0, 0.0]);
        let shares = near.shares();
        assert_eq!(shares.of(5), 0.0, "P2 has concept 5 alone");
        assert!(near.donor(5).is_none() && near.donor(2).is_none_or(|d| d.0 != "P2"));
        let (donor, cosine) = near.donor(0).unwrap();
        assert!(donor == "P3" && cosine > 0.9 && cosine <= 1.0);
        // a protein that is none of them: as the baseline has it
        let near = all.near("Q", &[1.0, 0.3]);
        let baseline = transfer(12, &near.nearest, &concepts);
        let shares = near.shares();
        for (concept, expected) in (0..).zip(baseline) {
            assert!((f64::from(shares.of(concept)) - expected).abs() < 1e-6);
        }
        // whoever looks the other way says nothing
        let shares = all.near("Q", &[-1.0, 0.0]).shares();
        assert_eq!(shares, Shares::default());
    }
}
