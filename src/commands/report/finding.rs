//! Ranges of one protein after the other: of concepts by a dictionary, else runs of their latents' activations.

use super::known::Known;
use crate::{
    annot::concept::{Concept, Level},
    commands::{decoding::Decoding, protein_rows::ProteinRows},
    report::{Catalogue, FeatureRange, LatentInfo, RangeFinder, RangeRules},
    score::decode::Item,
};

/// A range that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) concept: u32,
    pub(super) item: Item,
    /// Probability that it is right; of a run, the largest share of its maximum that the latent has there.
    pub(super) value: f32,
}

/// Finds ranges.
pub(super) enum Finder {
    Decoding(Decoding),
    Runs(RangeFinder),
}

impl Finder {
    pub(super) fn new(known: &Known) -> Self {
        if known.calibrated_by().is_some() {
            // however doubtful: what is right is counted at every probability
            return Self::Decoding(Decoding::new(
                known.entries().to_vec(),
                |_| true,
                0.0,
                false,
            ));
        }
        let defined = known.sae.config.shape.defined;
        let maxima = known.sae.latent_max.iter().enumerate();
        let info = |(latent, &maximum): (usize, &f32)| {
            let concept = known.concepts.get(latent).filter(|_| latent < defined);
            let of_concept = |concept: &Concept| LatentInfo {
                wanted: concept.level == Level::Residue,
                ..LatentInfo::of_concept(concept, maximum)
            };
            concept.map_or_else(|| LatentInfo::unnamed(latent, maximum), of_concept)
        };
        let catalogue = Catalogue {
            latents: maxima.map(info).collect(),
        };
        let rules = RangeRules {
            threshold: None,
            min_run: 1,
            max_gap: 0,
            by_probability: false,
        };
        Self::Runs(RangeFinder::new(&catalogue, rules))
    }

    /// The ranges of a protein, by concept and place.
    pub(super) fn find(&mut self, rows: &ProteinRows) -> Vec<Found> {
        let mut ranges = Vec::new();
        match self {
            Self::Decoding(decoding) => {
                for at in 0..rows.residues.len() {
                    let (concepts, probabilities) = rows.concepts.row(at);
                    decoding.residue(at as u32 + 1, concepts, probabilities);
                }
                decoding.finish(rows.length(), &mut ranges, &mut Vec::new());
            }
            Self::Runs(finder) => {
                for at in 0..rows.residues.len() {
                    let (latents, activations) = rows.latents.row(at);
                    finder.residue(at as u32 + 1, latents, activations, &[], &[]);
                }
                finder.finish(&mut ranges);
            }
        }
        let mut found: Vec<Found> = ranges.iter().map(found).collect();
        found.sort_by_key(|f| (f.concept, f.item));
        // both ends of a bond are lines of one
        found.dedup_by_key(|f| (f.concept, f.item));
        found
    }
}

fn found(range: &FeatureRange) -> Found {
    let [start, end] = range.whole;
    let is_bond = [range.start, range.end] != range.whole;
    Found {
        concept: range.entry,
        item: Item {
            start,
            end,
            bond: is_bond,
        },
        value: range.probability.unwrap_or(range.score),
    }
}
