//! What labels lack: ranges and calls that are likely right where a protein has no such label, with what corroborates them.

use super::{Args, calls::Means};
use crate::{
    Error, Result,
    annot::{
        concept::{ConceptsFile, Level},
        label_index::{LabelIndex, LabelRange},
    },
    cli::{Context, Source},
    commands::{
        calling::Calling,
        decoding::{Decoding, concept_catalogue},
        feature_keys::FeatureKeys,
        listed::{self, Listed},
        missing::{KnownLabels, Missing},
        protein_rows::{FeatureModel, ProteinRows},
        shared,
    },
    error::Context as _,
    report::{
        FeatureRange,
        missing::{self, MissingRow},
        number,
    },
    sae::folder::Sae,
    score::{
        calls::{Near, TrainingProteins},
        dictionary::{ConceptEntry, Dictionary},
        precision::DEFAULT_PRECISION,
        ranges::Instances,
    },
    split::partition::Partition,
};
use std::{collections::HashSet, path::Path};

/// Ranges and labels of other concepts that are told of a range.
const OVERLAPS: usize = 3;

/// What is known of the proteins.
pub(super) struct Truth<'a> {
    pub(super) concepts: &'a ConceptsFile,
    pub(super) labels: &'a LabelIndex,
    pub(super) split: Option<&'a Partition>,
}

/// Demands what the list needs, before any work.
///
/// # Errors
/// [`crate::ErrorKind::Usage`].
pub(super) fn check(args: &Args) -> Result<()> {
    if let Some(least) = args.min_precision {
        shared::check_share("--min-precision", least)?;
    }
    let is_file = |source: &&Source| source.path().is_some_and(Path::is_file);
    match args.input.iter().find(|source| !is_file(source)) {
        Some(source) if args.missing.is_some() && source.path().is_none_or(Path::exists) => {
            Err(Error::usage(format!(
                "--missing reads the activations twice, and {source} can be read once: give files"
            )))
        }
        _ => Ok(()),
    }
}

/// Writes the list, if it is asked for.
///
/// # Errors
/// Where activations cannot be read again, or writing fails.
pub(super) fn write(
    args: &Args,
    context: &Context,
    sae: &Sae,
    dictionary: &Dictionary,
    truth: &Truth<'_>,
    means: &Means,
) -> Result<()> {
    let Some(target) = &args.missing else {
        return Ok(());
    };
    let concepts = dictionary.concepts();
    let name = args.output.to_string();
    let model = FeatureModel {
        sae,
        listed: Listed::Calibrated(listed::usable(concepts, sae.config.shape.defined, &name)?),
        calling: Calling::new(concepts, None, false)?,
        compute: args.compute.compute,
    };
    let catalogue = concept_catalogue(concepts);
    let least = args.min_precision.unwrap_or(DEFAULT_PRECISION);
    let mut search = Search {
        concepts,
        truth,
        excluded: &args.exclude_features,
        least,
        instances: Instances::new(&truth.concepts.concepts),
        decoding: Decoding::new(concepts.to_vec(), |_| true, least, false),
        missing: Missing::new(KnownLabels::of_index(truth.labels), &catalogue),
        training: means.training(truth.labels),
        rows: Vec::new(),
        beyond: 0,
    };
    let readers = shared::open_activations(context, &args.input, sae, &args.model)?;
    model.of_activations(readers, |rows| {
        search.add(rows);
        Ok(())
    })?;
    context.metric("missing", search.rows.len());
    context.metric("missing_beyond_what_labels_cover", search.beyond);
    MissingRow::sort(&mut search.rows);
    let mut output = context.create(target)?;
    missing::write(&mut output, &search.rows).during(&target.to_string())?;
    output.commit()
}

/// Looks through the proteins, one at a time.
struct Search<'a> {
    concepts: &'a [ConceptEntry],
    truth: &'a Truth<'a>,
    /// Of these, labels say nothing about function.
    excluded: &'a FeatureKeys,
    least: f64,
    instances: Instances,
    decoding: Decoding,
    missing: Missing<'a>,
    training: Option<TrainingProteins>,
    rows: Vec<MissingRow>,
    /// Ranges of partial concepts where the absence of labels says nothing.
    beyond: u64,
}

impl Search<'_> {
    /// Adds what the labels of a protein lack; one that the split does not list is left out, as elsewhere.
    fn add(&mut self, rows: &ProteinRows) {
        let part = self.truth.split.map(|split| split.of(&rows.protein));
        let split = match part {
            None => "",
            Some(Some(part)) => part.name(),
            Some(None) => return,
        };
        for at in 0..rows.residues.len() {
            let (concepts, probabilities) = rows.concepts.row(at);
            self.decoding
                .residue(at as u32 + 1, concepts, probabilities);
        }
        let (mut ranges, mut tracks) = (Vec::new(), Vec::new());
        self.decoding
            .finish(rows.length(), &mut ranges, &mut tracks);
        let all = once(ranges.clone());
        self.missing.retain(&rows.protein, &mut ranges, &mut tracks);
        let mut ranges = once(ranges);
        let labels = self.truth.labels.of(&rows.protein);
        let stretch = self.instances.known(labels);
        let before = ranges.len();
        ranges.retain(|range| {
            let touches = |range: &FeatureRange| {
                stretch.is_some_and(|s| s.first <= range.whole[1] && range.whole[0] <= s.last)
            };
            !self.instances.is_partial(range.entry) || touches(range)
        });
        self.beyond += (before - ranges.len()) as u64;
        let calls = self.calls(rows);
        self.tell(rows, split, (&ranges, &all), &calls);
    }

    /// Adds rows of the ranges and calls that labels lack; `all` are the ranges of the protein.
    fn tell(
        &mut self,
        rows: &ProteinRows,
        split: &str,
        (ranges, all): (&[FeatureRange], &[FeatureRange]),
        calls: &[(u32, f32)],
    ) {
        if ranges.is_empty() && calls.is_empty() {
            return;
        }
        let training = self.training.as_ref();
        let near = training.map(|training| training.near(&rows.protein, &rows.mean));
        let row = |concept: u32, range, probability, evidence: Vec<String>| {
            let entry = &self.concepts[concept as usize];
            MissingRow {
                protein: rows.protein.clone(),
                concept: entry.id.clone(),
                name: entry.name.clone(),
                range,
                probability,
                split: split.to_owned(),
                evidence: evidence.join(";"),
            }
        };
        let of_ranges = ranges.iter().map(|range| {
            let mut evidence = donor(near.as_ref(), range.entry);
            evidence.extend(self.overlaps(range, all));
            evidence.extend(self.labelled(range, &rows.protein));
            let probability = range.probability.unwrap_or_default();
            row(range.entry, Some(range.whole), probability, evidence)
        });
        let mut found: Vec<MissingRow> = of_ranges.collect();
        found.extend(calls.iter().map(|&(concept, probability)| {
            row(concept, None, probability, donor(near.as_ref(), concept))
        }));
        self.rows.append(&mut found);
    }

    /// Calls that labels lack, but for those that others of them imply.
    fn calls(&self, rows: &ProteinRows) -> Vec<(u32, f32)> {
        let Some(calls) = &rows.calls else {
            return Vec::new();
        };
        let entry = |concept: u32| &self.concepts[concept as usize];
        let listed = calls.concepts.iter().copied();
        let listed = listed.zip(calls.probabilities.iter().copied());
        let mut lacking: Vec<(u32, f32)> = listed
            .filter(|&(concept, probability)| {
                let id = &entry(concept).id;
                f64::from(probability) >= self.least
                    && entry(concept).level == Level::Protein
                    && !self.missing.has(&rows.protein, id)
            })
            .collect();
        let implied: Vec<u32> = (lacking.iter())
            .filter_map(|&(concept, _)| entry(concept).calls.as_ref())
            .flat_map(|calls| calls.implies.iter().copied())
            .collect();
        lacking.retain(|(concept, _)| !implied.contains(concept));
        lacking
    }

    /// Ranges of other concepts that share residues with one, likeliest first.
    fn overlaps(&self, range: &FeatureRange, all: &[FeatureRange]) -> Vec<String> {
        let shares =
            |other: &&FeatureRange| other.entry != range.entry && touch(other.whole, range.whole);
        let mut others: Vec<&FeatureRange> = all.iter().filter(shares).collect();
        let likely = |range: &FeatureRange| range.probability.unwrap_or_default();
        others.sort_by(|a, b| likely(b).total_cmp(&likely(a)).then(a.entry.cmp(&b.entry)));
        others.truncate(OVERLAPS);
        let say = |other: &FeatureRange| {
            let [start, end] = other.whole;
            let id = &self.concepts[other.entry as usize].id;
            format!("range={id}@{start}-{end}({})", number(likely(other)))
        };
        others.into_iter().map(say).collect()
    }

    /// Labels of other concepts that share residues with a range, by concept; none of partial concepts, which are
    /// everywhere, and none that say nothing about function.
    fn labelled(&self, range: &FeatureRange, protein: &str) -> Vec<String> {
        let id = |label: &&LabelRange| self.truth.labels.id(label.concept);
        let labels = self.truth.labels.of(protein).iter();
        let telling = labels.filter(|label| {
            let is_own = label.concept == range.entry;
            !is_own && !self.instances.is_partial(label.concept) && !self.excluded.have(id(label))
        });
        let shares = telling.filter(|label| {
            let is_placed = !label.is_whole();
            is_placed && touch([label.start, label.end], range.whole)
        });
        let say =
            |label: &LabelRange| format!("label={}@{}-{}", id(&label), label.start, label.end);
        shares.take(OVERLAPS).map(say).collect()
    }
}

/// Each range once: both ends of a bond are lines of one.
fn once(mut ranges: Vec<FeatureRange>) -> Vec<FeatureRange> {
    let mut seen = HashSet::new();
    ranges.retain(|range| seen.insert((range.entry, range.whole)));
    ranges
}

fn touch(a: [u32; 2], b: [u32; 2]) -> bool {
    a[0] <= b[1] && b[0] <= a[1]
}

/// The nearest training protein that has a concept.
fn donor(near: Option<&Near<'_>>, concept: u32) -> Vec<String> {
    let donor = near.and_then(|near| near.donor(concept));
    let say = |(name, cosine): (&str, f32)| format!("neighbour={name}({})", number(cosine));
    donor.map(say).into_iter().collect()
}
