//! What interpret and evaluate do alike to read ranges: clusters of proteins, evidence of latents.

use super::{feature_keys::FeatureKeys, split::write_split};
use crate::{
    Result,
    annot::{
        concept::{Concept, Level},
        label_index::LabelIndex,
    },
    cli::{Context, Source},
    score::{
        dictionary::{ConceptEntry, Evidence, EvidenceSource},
        ranges::{self, Clusters, Gathered, Latents, Outcome, Part},
        sheet::Sheet,
    },
    split::{grouping, partition::Partition},
};
use std::collections::{BTreeMap, HashSet};

/// Why concepts of whole proteins have no ranges.
const WHOLE_PROTEINS: &str = "its labels name whole proteins";
/// Why concepts of some features have none.
const EXCLUDED: &str = "it says nothing about function (--exclude-features)";

/// Names of proteins by sequence: those of one are of one cluster, even where no file says so.
#[derive(Default)]
pub(super) struct Sequences(BTreeMap<Vec<u8>, Vec<String>>);

impl Sequences {
    pub(super) fn add(&mut self, protein: &str, residues: Vec<u8>) {
        self.0.entry(residues).or_default().push(protein.to_owned());
    }
}

/// Residues of the two parts, where latents are looked up.
pub(super) struct SheetLatents<'a> {
    pub(super) choosing: &'a Sheet,
    pub(super) reporting: &'a Sheet,
}

impl Latents for SheetLatents<'_> {
    fn values(&self, part: Part, latent: u32) -> Vec<f32> {
        let sheet = match part {
            Part::Choosing => self.choosing,
            Part::Reporting => self.reporting,
        };
        let mut values = vec![0.0; sheet.items()];
        for hit in sheet.hits(latent as usize) {
            values[hit.item as usize] = hit.value;
        }
        values
    }
}

/// Begins to gather ranges.
pub(super) fn gather<'a>(
    labels: &'a LabelIndex,
    concepts: &[Concept],
    split: Option<&Partition>,
    logits: usize,
    excluded: &FeatureKeys,
) -> Gathered<'a> {
    let is_excluded = |concept: &Concept| excluded.exclude(concept);
    Gathered::new(labels, concepts, split, logits, is_excluded)
}

/// The evidence of a concept's own logit.
pub(super) fn logit(concept: u32) -> Evidence {
    Evidence {
        source: EvidenceSource::Logit,
        latent: concept,
        maximum: 1.0,
    }
}

/// The evidence of a latent; none of one that is never active.
pub(super) fn activation(latent: u32, maximum: f32) -> Option<Evidence> {
    (maximum > 0.0).then_some(Evidence {
        source: EvidenceSource::Activation,
        latent,
        maximum: f64::from(maximum),
    })
}

/// Clusters of homologues, from files and from sequences.
pub(super) fn clusters(
    context: &Context,
    files: &[Source],
    gathered: &Gathered<'_>,
    sequences: &Sequences,
) -> Result<Clusters> {
    let names: HashSet<&str> = gathered.names().collect();
    let is_protein = |name: &str| names.contains(name);
    let clusters = write_split::read_clusters(context, files, false, is_protein)?;
    let mut identical: Vec<Vec<String>> = sequences.0.values().cloned().collect();
    for names in &mut identical {
        names.sort_unstable();
    }
    let grouping = grouping::group(&clusters, &identical, |name| names.contains(name));
    Ok(ranges::number_clusters(
        &grouping.groups,
        gathered.names(),
        context.seed(),
    ))
}

/// An entry for each concept of the vocabulary.
pub(super) fn entries(
    concepts: &[Concept],
    outcomes: Vec<Outcome>,
    excluded: &FeatureKeys,
) -> Vec<ConceptEntry> {
    let mut results: BTreeMap<u32, _> = (outcomes.into_iter())
        .map(|outcome| (outcome.concept, outcome.result))
        .collect();
    let entry = |concept: &Concept| {
        let (ranges, unusable) = match results.remove(&concept.index) {
            _ if concept.level == Level::Protein => (None, Some(WHOLE_PROTEINS.to_owned())),
            _ if excluded.exclude(concept) => (None, Some(EXCLUDED.to_owned())),
            Some(Ok((reading, _))) => (Some(reading), None),
            Some(Err(why)) => (None, Some(why.to_string())),
            None => (None, None),
        };
        ConceptEntry {
            index: concept.index,
            id: concept.id.clone(),
            name: concept.name.clone(),
            kind: concept.kind,
            level: concept.level,
            partial: concept.partial,
            unusable,
            ranges,
            calls: None,
        }
    };
    concepts.iter().map(entry).collect()
}
