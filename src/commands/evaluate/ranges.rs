//! Ranges of concepts on held-out proteins: read as a dictionary says, or as is best on the validation proteins.

use super::{held_out::Known, rows::PartRows};
use crate::{
    Result,
    annot::{concept::ConceptsFile, label_index::LabelIndex},
    cli::{Context, Source},
    commands::{
        feature_keys::FeatureKeys,
        ranges::{self, Sequences, SheetLatents},
    },
    math::random::{Purpose, shuffle, stream},
    sae::folder::Sae,
    score::{
        alignment::best_by_auroc,
        dictionary::{ConceptEntry, EvidenceSource, RangeReading},
        range_metrics::RangeMetrics,
        ranges::{Candidates, Gathered, Part, read_all, score_all},
        sheet::{Sheet, judged_on},
    },
    split::partition,
};
use std::collections::BTreeMap;

/// Gathers held-out proteins.
pub(super) struct RangeScorer<'a> {
    sae: &'a Sae,
    labels: &'a LabelIndex,
    gathered: Gathered<'a>,
    sequences: Sequences,
    /// How concepts are read, where a dictionary says it.
    readings: Option<BTreeMap<u32, RangeReading>>,
    /// Latents on residues, where any is read: of the proteins for choosing, and of those for reporting.
    sheets: Option<(Option<Sheet>, Sheet)>,
}

impl<'a> RangeScorer<'a> {
    pub(super) fn new(
        sae: &'a Sae,
        known: Known<'a>,
        excluded: &FeatureKeys,
        dictionary: Option<Vec<ConceptEntry>>,
    ) -> Self {
        let Known {
            concepts,
            labels,
            split,
            ..
        } = known;
        let defined = sae.config.shape.defined;
        let readings: Option<BTreeMap<u32, RangeReading>> = dictionary.map(|entries| {
            let all = entries.into_iter();
            all.filter_map(|e| Some((e.index, e.ranges?))).collect()
        });
        let reads_latents = match &readings {
            Some(readings) => readings
                .values()
                .any(|r| r.evidence.source == EvidenceSource::Activation),
            None => defined == 0,
        };
        let sheet = || Sheet::new(sae.config.shape.latents, labels.concepts());
        Self {
            sae,
            labels,
            gathered: ranges::gather(labels, &concepts.concepts, split, defined, excluded),
            sequences: Sequences::default(),
            readings,
            sheets: reads_latents.then(|| (split.map(|_| sheet()), sheet())),
        }
    }

    /// Adds a protein.
    ///
    /// # Errors
    /// Where a label ends past its end.
    pub(super) fn protein(&mut self, rows: &PartRows) -> Result<()> {
        let part = match rows.part {
            Some(partition::Part::Valid) => Part::Choosing,
            Some(partition::Part::Test) => Part::Reporting,
            _ => return Ok(()),
        };
        let length = rows.positions.len();
        self.labels.check_length(&rows.protein, length as u32)?;
        self.gathered.add(part, &rows.protein, length, &rows.logits);
        self.sequences.add(&rows.protein, rows.residues.clone());
        if let Some((choosing, reporting)) = &mut self.sheets {
            let sheet = match (part, choosing) {
                (Part::Choosing, Some(sheet)) => sheet,
                _ => reporting,
            };
            let labels = self.labels.of(&rows.protein);
            let on_residues = |c| judged_on(self.labels.level(c), true);
            sheet.add_residues(labels, on_residues, rows.rows());
        }
        Ok(())
    }

    /// All scores. `maxima` are the largest activations of latents.
    pub(super) fn finish(
        mut self,
        context: &Context,
        clusters: &[Source],
        concepts: &ConceptsFile,
        maxima: &[f32],
        min_precision: f64,
    ) -> Result<RangeMetrics> {
        self.gathered.sort();
        let clusters = ranges::clusters(context, clusters, &self.gathered, &self.sequences)?;
        let empty = Sheet::new(0, 0);
        let (choosing, reporting) = match &self.sheets {
            Some((choosing, reporting)) => (choosing.as_ref().unwrap_or(reporting), reporting),
            None => (&empty, &empty),
        };
        let latents = SheetLatents {
            choosing,
            reporting,
        };
        let candidates = self.candidates(choosing, maxima);
        let seed = context.seed();
        let outcomes = match &self.readings {
            Some(readings) => score_all(&self.gathered, readings, &latents, &clusters, seed),
            None => read_all(&self.gathered, &candidates, &latents, &clusters, seed),
        };
        let mut metrics = RangeMetrics::new(&outcomes, &concepts.concepts, min_precision);
        drop(outcomes);
        let mut random = stream(seed, Purpose::Exchange, 0);
        self.gathered.exchange_labels(|proteins| {
            let mut order: Vec<usize> = (0..proteins).collect();
            shuffle(&mut random, &mut order);
            order
        });
        let shuffled = read_all(&self.gathered, &candidates, &latents, &clusters, seed);
        let shuffled = RangeMetrics::new(&shuffled, &concepts.concepts, min_precision);
        metrics.shuffled_labels = Some(shuffled.written);
        Ok(metrics)
    }

    /// What could speak for each concept: its logit; in a model without predictors the latent that ranks the residues of
    /// the proteins for choosing best.
    fn candidates(&self, choosing: &Sheet, maxima: &[f32]) -> Candidates {
        let defined = self.sae.config.shape.defined;
        let best = if defined == 0 {
            best_by_auroc(choosing, 0..choosing.latents())
        } else {
            Vec::new()
        };
        let mut candidates = Candidates::new();
        for target in &self.gathered.targets {
            let c = target.concept as usize;
            let evidence = if c < defined {
                Some(ranges::logit(target.concept))
            } else {
                let latent = best.get(c).copied().flatten().map(|(latent, _)| latent);
                latent.and_then(|l| ranges::activation(l as u32, maxima[l]))
            };
            candidates.insert(target.concept, evidence.into_iter().collect());
        }
        candidates
    }
}
