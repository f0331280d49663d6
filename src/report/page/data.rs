//! What a report page holds, as the script in it reads it (`report/1`). Indices of concepts and latents are those of the
//! model; positions are 1-based and inclusive; probabilities and shares are percent, cut to whole numbers.

use crate::{
    annot::concept::{ConceptKind, Level},
    report::missing::MissingRow,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Format name and version of the data in a page.
pub const FORMAT: &str = "report/1";

/// The data of a page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// `report/1`.
    pub format: String,
    /// Least probability of being right of what is written, in percent; none where nobody knows probabilities.
    pub min_precision: Option<u8>,
    /// Which proteins examples and counts of what is right are of: `test`, or `all` without a split; none without labels.
    pub judged_on: Option<String>,
    /// Concepts, by index.
    pub concepts: Vec<ConceptPage>,
    /// Latents of no concept in training that agree with one, by index.
    pub latents: Vec<LatentRow>,
    /// Proteins that are shown, by accession.
    pub proteins: Vec<ProteinPage>,
    /// What labels lack, likeliest first; of a long list its beginning.
    pub missing: Vec<MissingRow>,
    /// Length of the whole list.
    pub missing_in_all: usize,
}

/// Whether a concept can be used.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// At the precision that was asked for.
    Usable,
    /// At that precision, but something speaks against it.
    Doubtful,
    /// At a lower precision only.
    Below,
    /// Not at all.
    Unusable,
    /// Nobody has looked: there is no dictionary.
    Unknown,
}

/// A concept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConceptPage {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: ConceptKind,
    /// Whether ranges or whole proteins are annotated with it.
    pub level: Level,
    /// Whether it can be used.
    pub status: Use,
    /// Why it cannot, or what speaks against it.
    pub reason: Option<String>,
    /// Proteins that carry it in the vocabulary.
    pub proteins: u64,
    /// Labelled instances among the proteins that are judged on.
    pub instances: Option<u64>,
    /// F1 there.
    pub f1: Option<f64>,
    /// Its 95 % interval.
    pub f1_interval: Option<[f64; 2]>,
    /// Area under the ROC curve.
    pub auroc: Option<f64>,
    /// The highest probability of being right that any of its annotations can have.
    pub best_precision: Option<f64>,
    /// Annotations that are written.
    pub written: Option<u64>,
    /// Proteins that have any.
    pub written_proteins: Option<u64>,
    /// How it is found, in words.
    pub found_by: Option<String>,
    /// Whether it joins two residues and leaves those between them out.
    pub bonds: bool,
    /// Latent that is read.
    pub latent: Option<u32>,
    /// What validation proteins say: levels by falling probability.
    pub levels: Vec<PrecisionLevel>,
    /// What the proteins that are judged on say: bins by falling probability.
    pub bins: Vec<Bin>,
    /// Direct parents, by index.
    pub parents: Vec<u32>,
    /// Direct children, by index.
    pub children: Vec<u32>,
    /// Concepts with the most similar directions.
    pub near_concepts: Vec<Neighbour>,
    /// Latents of no concept with the most similar directions of the decoder.
    pub near_latents: Vec<Neighbour>,
    /// Examples.
    pub examples: Vec<Example>,
}

/// A level of probability of a concept, by validation proteins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrecisionLevel {
    /// The probability of being right.
    pub precision: f64,
    /// Share of the labelled instances that are found from here on; none where it is not known.
    pub recall: Option<f64>,
    /// Annotations that it rests on.
    pub annotations: u64,
}

/// Annotations of like probability, on the proteins that are judged on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// Mean probability of being right.
    pub expected: f64,
    /// Annotations.
    pub annotations: u64,
    /// Those that are right.
    pub right: u64,
}

/// A concept or latent with a similar direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Its index.
    pub index: u32,
    /// The cosine.
    pub cosine: f64,
}

/// What an example shows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ExampleKind {
    /// Found, and labelled.
    Right,
    /// Found, and no label says so.
    Unlabelled,
    /// Labelled, and not found.
    Missed,
    /// Found; there are no labels to hold it against.
    Found,
}

/// An example of a concept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What it shows.
    pub kind: ExampleKind,
    /// Accession of a protein of [`Document::proteins`].
    pub protein: String,
    /// First and last residue; none of a whole protein.
    pub range: Option<[u32; 2]>,
    /// Probability of being right, in percent.
    pub probability: Option<u8>,
}

/// A latent of no concept in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatentRow {
    /// Its index.
    pub index: u32,
    /// Id of the concept that it agrees with.
    pub concept: String,
    /// Name of that.
    pub name: String,
    /// F1.
    pub f1: Option<f64>,
    /// Area under the ROC curve.
    pub auroc: Option<f64>,
    /// Share of residues on which it is active.
    pub density: f64,
    /// Proteins in which it is most active, with the range of residues around its activity.
    pub top: Vec<TopProtein>,
}

/// A protein in which a latent is most active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopProtein {
    /// Accession.
    pub protein: String,
    /// Largest activation, over the latent's maximum.
    pub share: f64,
    /// Longest run of residues in which it is active.
    pub range: Option<[u32; 2]>,
}

/// A protein.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProteinPage {
    /// Accession.
    pub id: String,
    /// `train`, `valid` or `test`, where a split says it.
    pub split: Option<String>,
    /// Residues, one letter each.
    pub sequence: String,
    /// Labels of ranges, by concept and place.
    pub labels: Vec<PlacedLabel>,
    /// Ranges, by concept and place.
    pub ranges: Vec<PlacedRange>,
    /// Calls, likeliest first.
    pub calls: Vec<CallRow>,
    /// Values along the sequence, by index of the concept.
    pub tracks: BTreeMap<u32, Track>,
    /// The chain, where there is a structure of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<Chain>,
}

/// A label of residues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlacedLabel(
    /// Index of the concept.
    pub u32,
    /// First residue.
    pub u32,
    /// Last residue.
    pub u32,
);

/// A range of residues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlacedRange(
    /// Index of the concept.
    pub u32,
    /// First residue; of a bond its first end.
    pub u32,
    /// Last residue; of a bond its second end.
    pub u32,
    /// Probability of being right in percent, or the largest share of its maximum that the latent has there.
    pub u8,
    /// 1 where it is written, 0 where it is too doubtful.
    pub u8,
);

/// That a protein is called to have a concept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallRow {
    /// Index of the concept.
    pub concept: u32,
    /// Probability of being right, in percent.
    pub probability: u8,
    /// Whether labels say it; none without labels.
    pub labelled: Option<bool>,
    /// The nearest training protein that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub donor: Option<String>,
    /// How like that is: the cosine of mean activations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub donor_score: Option<f64>,
}

/// What the values of a track are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// The calibrated probability that a residue has the concept.
    Probability,
    /// The activation of the concept's latent, over its maximum.
    Activation,
}

/// Values along a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// What they are.
    pub of: Measure,
    /// Runs of residues with a value: the first residue, and two digits of percent a residue.
    pub runs: Vec<(u32, String)>,
}

/// The course of a chain, for `drawStructure`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// Places of its C-alphas, as [`crate::report::structure::Trace`] keeps them.
    pub ca: String,
}

impl Track {
    /// The share of a whole that digits keep.
    const STEPS: f32 = 100.0;
    /// Values below are as good as 0.
    const LEAST: f32 = 0.05;

    /// A track of values from 0 to 1 by ascending position; what is near 0 is left out.
    #[must_use]
    pub fn new(of: Measure, values: impl IntoIterator<Item = (u32, f32)>) -> Self {
        let mut runs: Vec<(u32, String)> = Vec::new();
        let mut next = 0;
        for (position, value) in values {
            if value < Self::LEAST {
                continue;
            }
            if position != next || runs.is_empty() {
                runs.push((position, String::new()));
            }
            next = position + 1;
            if let Some((_, digits)) = runs.last_mut() {
                let number = percent(value).min(99);
                digits.extend([b'0' + number / 10, b'0' + number % 10].map(char::from));
            }
        }
        Self { of, runs }
    }

    /// The values of a protein of this length, from 0 to 1.
    #[must_use]
    pub fn values(&self, length: usize) -> Vec<f32> {
        let mut values = vec![0.0; length];
        for (start, digits) in &self.runs {
            let each = digits.as_bytes().chunks(2).zip(*start as usize..);
            for (pair, position) in each {
                let number = std::str::from_utf8(pair).ok().and_then(|p| p.parse().ok());
                let value = values.get_mut(position.wrapping_sub(1));
                if let (Some(value), Some(number)) = (value, number) {
                    let percent: u8 = number;
                    *value = f32::from(percent) / Self::STEPS;
                }
            }
        }
        values
    }
}

/// Percent of a share, cut to a whole number.
#[must_use]
pub fn percent(share: f32) -> u8 {
    // a hair more, so that 0.29 is not 28 for the way floats are kept
    let hundredths = (share * Track::STEPS + 1e-3).clamp(0.0, Track::STEPS);
    #[expect(clippy::cast_sign_loss, reason = "at least 0")]
    let whole = hundredths as u8;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_keep_two_digits_of_runs() {
        let values = [(2, 0.07), (3, 0.999), (5, 0.04), (6, 0.5), (7, 1.0)];
        let track = Track::new(Measure::Probability, values);
        assert_eq!(track.runs, [(2, "0799".into()), (6, "5099".into())]);
        assert_eq!(track.values(7), [0.0, 0.07, 0.99, 0.0, 0.0, 0.5, 0.99]);
        assert_eq!(percent(0.29), 29);
        assert_eq!((percent(2.0), percent(-1.0)), (100, 0));
    }
}
