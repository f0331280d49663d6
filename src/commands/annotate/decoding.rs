//! Ranges of concepts by a dictionary: each protein's calibrated probabilities, decoded, with the probability that each
//! range is right.

use crate::{
    report::{FeatureRange, Track},
    score::{
        decode::{Item, Residues},
        dictionary::{ConceptEntry, RangeReading},
    },
};
use rayon::prelude::*;

/// A concept whose ranges are wanted.
struct Slot {
    concept: u32,
    reading: RangeReading,
    /// Positions and probabilities in the protein that is being read.
    entries: Vec<(u32, f32)>,
}

/// Finds the ranges of one protein after the other.
pub(super) struct Decoding {
    slots: Vec<Slot>,
    /// The slot of each concept.
    of_concept: Vec<Option<usize>>,
    min_precision: f64,
    with_tracks: bool,
}

impl Decoding {
    /// For those of these concepts that are wanted and may reach the precision.
    pub(super) fn new(
        concepts: Vec<ConceptEntry>,
        is_wanted: impl Fn(u32) -> bool,
        min_precision: f64,
        with_tracks: bool,
    ) -> Self {
        let mut of_concept = vec![None; concepts.len()];
        let mut slots = Vec::new();
        for entry in concepts {
            let Some(reading) = entry.ranges else {
                continue;
            };
            if is_wanted(entry.index) && reading.best_precision() >= min_precision {
                of_concept[entry.index as usize] = Some(slots.len());
                slots.push(Slot {
                    concept: entry.index,
                    reading,
                    entries: Vec::new(),
                });
            }
        }
        Self {
            slots,
            of_concept,
            min_precision,
            with_tracks,
        }
    }

    /// Concepts of the vocabulary.
    pub(super) fn concepts(&self) -> usize {
        self.of_concept.len()
    }

    /// Concepts of which ranges may be written.
    pub(super) fn wanted(&self) -> usize {
        self.slots.len()
    }

    /// Adds the next residue of the protein. Indices must be below [`Decoding::concepts`].
    pub(super) fn residue(&mut self, position: u32, concepts: &[u32], probabilities: &[f32]) {
        for (&concept, &probability) in concepts.iter().zip(probabilities) {
            if let Some(slot) = self.of_concept[concept as usize] {
                self.slots[slot].entries.push((position, probability));
            }
        }
    }

    /// Ends the protein: its ranges by start, end and concept, and the tracks of the concepts that have any. Returns how
    /// many there are, a bond counted once.
    pub(super) fn finish(
        &mut self,
        length: u32,
        ranges: &mut Vec<FeatureRange>,
        tracks: &mut Vec<Track>,
    ) -> u64 {
        let min_precision = self.min_precision;
        let touched: Vec<&Slot> = (self.slots.iter())
            .filter(|slot| !slot.entries.is_empty())
            .collect();
        let found: Vec<Vec<(Item, f64)>> = touched
            .par_iter()
            .map(|slot| slot.find(length, min_precision))
            .collect();
        ranges.clear();
        tracks.clear();
        let mut count = 0;
        for (slot, items) in touched.iter().zip(&found) {
            count += items.len() as u64;
            for &(item, probability) in items {
                slot.lines(item, probability, ranges);
            }
            if self.with_tracks && !items.is_empty() {
                tracks.push(Track {
                    entry: slot.concept,
                    values: slot.entries.clone(),
                });
            }
        }
        ranges.sort_unstable_by_key(|r| (r.start, r.end, r.entry, r.whole));
        for slot in &mut self.slots {
            slot.entries.clear();
        }
        count
    }
}

impl Slot {
    /// Its ranges in a protein of this length, with the probability that each is right, from the one asked for on.
    fn find(&self, length: u32, min_precision: f64) -> Vec<(Item, f64)> {
        let reading = &self.reading;
        let stored = reading.stored();
        let mut log_odds = vec![reading.floor; length as usize];
        for &(position, probability) in &self.entries {
            if let Some(l) = log_odds.get_mut(position as usize - 1) {
                *l = stored.log_odds(probability);
            }
        }
        let residues = Residues {
            log_odds: &log_odds,
            floor: reading.floor,
            base: reading.base,
        };
        let items = reading.decoder.decode(residues).into_iter();
        items
            .map(|item| (item, reading.range_probability(item.score(&log_odds))))
            .filter(|&(_, probability)| probability >= min_precision)
            .collect()
    }

    /// The lines of a range: one, or one for each end of a bond.
    fn lines(&self, item: Item, probability: f64, ranges: &mut Vec<FeatureRange>) {
        let line = |start, end| FeatureRange {
            entry: self.concept,
            start,
            end,
            whole: [item.start, item.end],
            score: probability as f32,
            decoder: Some(self.reading.decoder.name()),
            probability: Some(probability as f32),
            ..FeatureRange::default()
        };
        if item.bond {
            ranges.push(line(item.start, item.start));
            ranges.push(line(item.end, item.end));
        } else {
            ranges.push(line(item.start, item.end));
        }
    }
}
