//! How whole proteins are called, for the dictionary, and the training proteins that calls are held against.

use super::Args;
use crate::{
    Result,
    annot::{
        concept::{ConceptKind, ConceptsFile, Level},
        label_index::LabelIndex,
    },
    cli::Context,
    error::Context as _,
    sae::folder::Sae,
    score::{
        calls::{Fit, ProteinMeans, Proteins, TrainingProteins, fit},
        dictionary::Dictionary,
        ranges::Clusters,
    },
    split::partition::Part,
    table::{features::FeatureInfo, neighbours::NeighbourWriter},
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Means over the residues of the proteins that calls are fitted to.
#[derive(Default)]
pub(super) struct Means {
    train: Vec<Mean>,
    choosing: Vec<Mean>,
    reporting: Vec<Mean>,
    /// Whether proteins are chosen by that are for the test: there is no split.
    whole: bool,
}

/// Means over the residues of one protein.
struct Mean {
    protein: String,
    means: ProteinMeans,
    activation: Vec<f32>,
}

impl Means {
    pub(super) fn new(has_split: bool) -> Self {
        Self {
            whole: !has_split,
            ..Self::default()
        }
    }

    /// Adds a protein: logits of its residues where they are known, its active latents and the sums of its activations.
    pub(super) fn add(
        &mut self,
        part: Part,
        protein: &str,
        residues: usize,
        logits: &[f32],
        (latents, values): (&[u32], &[f32]),
        sums: &[f64],
    ) {
        let list = match part {
            Part::Train => &mut self.train,
            Part::Valid => &mut self.choosing,
            Part::Test if self.whole => &mut self.choosing,
            Part::Test => &mut self.reporting,
        };
        let n = residues.max(1) as f64;
        list.push(Mean {
            protein: protein.to_owned(),
            means: ProteinMeans::of(residues, logits, latents, values),
            activation: sums.iter().map(|sum| (sum / n) as f32).collect(),
        });
    }

    fn sort(&mut self) {
        for list in [&mut self.train, &mut self.choosing, &mut self.reporting] {
            list.sort_by(|a, b| a.protein.cmp(&b.protein));
        }
    }

    /// The training proteins by mean activations; none where there are none.
    pub(super) fn training(&self, labels: &LabelIndex) -> Option<TrainingProteins> {
        let width = self.train.first()?.activation.len();
        let names = self.train.iter().map(|m| m.protein.clone());
        let activations = self.train.iter().flat_map(|m| &m.activation);
        let concepts = self.train.iter().map(|m| concepts_of(labels, &m.protein));
        Some(TrainingProteins::new(
            names.collect(),
            activations.copied().collect(),
            width,
            concepts.collect(),
        ))
    }
}

/// Concepts of a protein, ascending.
fn concepts_of(labels: &LabelIndex, protein: &str) -> Vec<u32> {
    let mut concepts: Vec<u32> = labels.of(protein).iter().map(|l| l.concept).collect();
    concepts.dedup();
    concepts
}

/// Whether whole proteins are called to have a concept of this kind and level.
fn is_called(kind: ConceptKind, level: Level) -> bool {
    level == Level::Protein && kind != ConceptKind::Residue && kind != ConceptKind::Feature
}

/// Adds how concepts are called; `clusters` numbers those of homologues.
///
/// # Errors
/// Where the vocabulary's parents are no hierarchy.
pub(super) fn add(
    dictionary: &mut Dictionary,
    context: &Context,
    (concepts, labels): (&ConceptsFile, &LabelIndex),
    defined: usize,
    mut means: Means,
    clusters: &Clusters,
) -> Result<Means> {
    means.sort();
    let take = |list: &mut [Mean]| Proteins {
        truths: (list.iter())
            .map(|m| concepts_of(labels, &m.protein))
            .collect(),
        clusters: (list.iter())
            .map(|m| clusters.get(&m.protein).copied().unwrap_or_default())
            .collect(),
        means: (list.iter_mut())
            .map(|m| std::mem::take(&mut m.means))
            .collect(),
    };
    let all = &concepts.concepts;
    let called = all.iter().filter(|c| is_called(c.kind, c.level));
    let near = means.training(labels).map(|training| {
        let each = means.choosing.par_iter();
        each.map(|m| training.near(&m.protein, &m.activation).shares())
            .collect()
    });
    let task = Fit {
        concepts: called.map(|c| c.index).collect(),
        ids: all.iter().map(|c| c.id.clone()).collect(),
        parents: all.iter().map(|c| c.parents.clone()).collect(),
        defined,
        latents: dictionary.latents.len(),
        valid_shares: near,
        train: take(&mut means.train),
        valid: take(&mut means.choosing),
        test: (!means.whole).then(|| take(&mut means.reporting)),
        seed: context.seed(),
    };
    let mut readings: BTreeMap<u32, _> = fit(&task)?.into_iter().collect();
    let usable = readings.values().filter(|reading| reading.is_ok()).count();
    context.metric("concepts_with_calls", usable);
    for entry in dictionary.concepts.iter_mut().flatten() {
        match readings.remove(&entry.index) {
            Some(Ok(reading)) => {
                entry.calls = Some(reading);
                entry.unusable = None;
            }
            Some(Err(why)) => entry.unusable = Some(why),
            None => {}
        }
    }
    Ok(means)
}

/// Writes the training proteins with their mean activations and concepts.
///
/// # Errors
/// Where writing fails.
pub(super) fn write_neighbours(
    args: &Args,
    context: &Context,
    sae: &Sae,
    labels: &LabelIndex,
    means: &Means,
) -> Result<()> {
    let Some(target) = &args.neighbours_out else {
        return Ok(());
    };
    let info = FeatureInfo {
        plm: sae.config.plm.clone(),
        sae: Some(sae.identity()),
        ..FeatureInfo::default()
    };
    let out = context.create(target)?;
    let width = sae.config.shape.width;
    let name = target.to_string();
    let mut writer = NeighbourWriter::new(out, target.container(), width, &info).during(&name)?;
    for mean in &means.train {
        let concepts = concepts_of(labels, &mean.protein);
        writer
            .push(&mean.protein, &mean.activation, &concepts)
            .during(&name)?;
    }
    writer.finish().during(&name)?.commit()
}
