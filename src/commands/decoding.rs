//! Ranges of concepts by a dictionary: each protein's calibrated probabilities, decoded, with the probability that each
//! range is right.

use crate::{
    annot::concept::Level,
    report::{Catalogue, FeatureRange, LatentInfo, Track},
    score::{
        decode::{Item, Residues},
        dictionary::{ConceptEntry, RangeReading},
    },
};
use rayon::prelude::*;
use std::collections::HashMap;

/// The concepts of a dictionary.
pub(super) fn concept_catalogue(concepts: &[ConceptEntry]) -> Catalogue {
    let info = |entry: &ConceptEntry| {
        let mut info = LatentInfo {
            name: entry.name.clone(),
            defined: true,
            ..LatentInfo::default()
        };
        info.set_concept(&entry.id, entry.kind);
        info.whole_protein = entry.level == Level::Protein;
        info.latent = (entry.ranges.as_ref()).map_or(entry.index, |r| r.evidence.latent);
        info
    };
    Catalogue {
        latents: concepts.iter().map(info).collect(),
    }
}

/// A concept whose ranges are wanted.
struct Slot {
    concept: u32,
    reading: RangeReading,
    /// Whether its ranges are written: else it is here for what lies between them.
    is_wanted: bool,
    /// Positions and probabilities in the protein that is being read.
    entries: Vec<(u32, f32)>,
}

/// A range with the probability that it is right.
#[derive(Clone, Copy)]
struct ScoredItem {
    item: Item,
    probability: f64,
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
        let is_wanted = |entry: &ConceptEntry| {
            let reaches = |r: &RangeReading| r.best_precision() >= min_precision;
            entry.ranges.as_ref().is_some_and(reaches) && is_wanted(entry.index)
        };
        let wanted: Vec<bool> = concepts.iter().map(is_wanted).collect();
        let mut is_border = vec![false; concepts.len()];
        for (entry, _) in concepts.iter().zip(&wanted).filter(|(_, wanted)| **wanted) {
            let border = entry.ranges.as_ref().and_then(|r| r.decoder.bounded_by());
            if let Some(border) = border.and_then(|b| is_border.get_mut(b as usize)) {
                *border = true;
            }
        }
        let mut slots = Vec::new();
        for ((entry, is_wanted), is_border) in concepts.into_iter().zip(wanted).zip(is_border) {
            let Some(reading) = entry.ranges.filter(|_| is_wanted || is_border) else {
                continue;
            };
            of_concept[entry.index as usize] = Some(slots.len());
            slots.push(Slot {
                concept: entry.index,
                reading,
                is_wanted,
                entries: Vec::new(),
            });
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
        self.slots.iter().filter(|slot| slot.is_wanted).count()
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
        let touched: Vec<&Slot> = (self.slots.iter())
            .filter(|slot| !slot.entries.is_empty())
            .collect();
        // what others lie between is found before them
        let mut found: HashMap<u32, Vec<ScoredItem>> = touched
            .par_iter()
            .filter(|slot| slot.reading.decoder.bounded_by().is_none())
            .map(|slot| (slot.concept, slot.find(length, &[])))
            .collect();
        let borders = |concept: u32| -> Vec<Item> {
            let ranges = found.get(&concept).into_iter().flatten();
            ranges.map(|range| range.item).collect()
        };
        let bounded: HashMap<u32, Vec<ScoredItem>> = touched
            .par_iter()
            .filter_map(|slot| Some((slot, slot.reading.decoder.bounded_by()?)))
            .map(|(slot, border)| (slot.concept, slot.find(length, &borders(border))))
            .collect();
        found.extend(bounded);
        ranges.clear();
        tracks.clear();
        let mut count = 0;
        for slot in touched.iter().filter(|slot| slot.is_wanted) {
            let ranges_of_slot = found.get(&slot.concept).into_iter().flatten();
            let likely = ranges_of_slot.filter(|range| range.probability >= self.min_precision);
            let before = count;
            for range in likely {
                count += 1;
                slot.lines(range.item, range.probability, ranges);
            }
            if self.with_tracks && count > before {
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
    /// Its ranges in a protein of this length.
    fn find(&self, length: u32, borders: &[Item]) -> Vec<ScoredItem> {
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
            borders,
        };
        let items = reading.decoder.decode(residues).into_iter();
        items
            .map(|item| ScoredItem {
                item,
                probability: reading.range_probability(item.score(&log_odds)),
            })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        annot::concept::{ConceptKind, Level},
        score::{
            calibration::{Calibration, sigmoid},
            decode::{Decoder, gaps::Gaps, runs::Runs},
            dictionary::{Evidence, EvidenceSource, RangeScores},
            precision::PrecisionStep,
        },
    };

    fn entry(index: u32, decoder: Decoder, precision: f64) -> ConceptEntry {
        let reading = RangeReading {
            evidence: Evidence {
                source: EvidenceSource::Logit,
                latent: index,
                maximum: 1.0,
            },
            calibration: Calibration::Platt {
                slope: 1.0,
                intercept: 0.0,
            },
            base: -2.0,
            floor: -3.0,
            decoder,
            precision: vec![PrecisionStep {
                score: 0.0,
                precision,
                ranges: 10,
            }],
            validation: RangeScores::default(),
            test: RangeScores::default(),
        };
        ConceptEntry {
            index,
            id: format!("C{index}"),
            name: String::new(),
            kind: ConceptKind::Feature,
            level: Level::Residue,
            partial: false,
            unusable: None,
            ranges: Some(reading),
            calls: None,
        }
    }

    #[test]
    fn what_lies_between_ranges_needs_those_even_if_they_are_not_written() {
        let helices = Decoder::Runs(Runs {
            threshold: 0.0,
            max_gap: 0,
            min_run: 1,
        });
        let loops = Decoder::Gaps(Gaps {
            between: 1,
            threshold: 0.0,
        });
        // the helices are too doubtful to be written
        let concepts = vec![entry(0, loops, 0.9), entry(1, helices, 0.5)];
        let mut decoding = Decoding::new(concepts, |concept| concept == 0, 0.8, true);
        assert_eq!((decoding.concepts(), decoding.wanted()), (2, 1));
        for position in 1..=12 {
            let is_helix = matches!(position, 4..=6 | 10);
            let likely = sigmoid(2.0) as f32;
            if is_helix {
                decoding.residue(position, &[1], &[likely]);
            } else if position < 10 {
                decoding.residue(position, &[0], &[likely]);
            }
        }
        let (mut ranges, mut tracks) = (Vec::new(), Vec::new());
        assert_eq!(decoding.finish(12, &mut ranges, &mut tracks), 2);
        let found: Vec<_> = ranges.iter().map(|r| (r.entry, r.start, r.end)).collect();
        assert_eq!(found, [(0, 1, 3), (0, 7, 9)]);
        assert_eq!(ranges[0].decoder, Some("gaps"));
        assert_eq!(tracks.len(), 1);
        // a protein without helices has nothing between them
        decoding.residue(1, &[0], &[0.9]);
        assert_eq!(decoding.finish(12, &mut ranges, &mut tracks), 0);
    }
}
