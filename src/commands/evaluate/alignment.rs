//! Agreement of latents with concepts on held-out proteins.

use super::{
    held_out::{Counted, HeldOut, Known, Maxima, Relevances},
    rows::PartRows,
};
use crate::{
    Result,
    annot::{
        concept::{Concept, ConceptsFile, Level},
        label_index::LabelIndex,
    },
    commands::feature_keys::FeatureKeys,
    sae::{encode::sigmoid, folder::Sae, hierarchy::Hierarchy},
    score::{
        alignment::{Detection, THRESHOLDS, aurocs, best_by_auroc, best_by_f1, count},
        metrics::{Alignment, ConceptScores, Detector, Means, OtherDetector, OtherLatent},
        rank,
        sheet::{Sheet, judged_on},
    },
    split::partition::Part,
};
use rayon::prelude::*;

/// For each concept the best latent of no given concept.
struct Best {
    by_auroc: Vec<Option<(usize, f64)>>,
    by_f1: Vec<Option<(usize, Detection)>>,
}

/// Collects held-out proteins and scores them at the end.
pub(super) struct Aligner<'a> {
    sae: &'a Sae,
    labels: &'a LabelIndex,
    /// Whether tables hold all residues of their proteins.
    whole: bool,
    pub(super) held_out: HeldOut<'a>,
    /// Test logits of each residue-level concept, by residue: ranks of logits are ranks of
    /// probabilities, without the ties that rounding to 1 would make.
    residue_logits: Vec<Vec<f32>>,
    /// Mean test probability and mean logit of each protein-level concept, by protein.
    protein_means: Vec<Vec<(f32, f32)>>,
}

/// All scores, and what they are made of.
pub(super) struct Aligned {
    pub(super) alignment: Alignment,
    pub(super) counted: Counted,
    pub(super) relevances: Relevances,
}

impl<'a> Aligner<'a> {
    pub(super) fn new(sae: &'a Sae, known: Known<'a>) -> Self {
        let (labels, split) = (known.labels, known.split.is_some());
        let seek = if sae.knows_maxima() {
            Maxima::Known
        } else {
            Maxima::Training
        };
        let defined = sae.config.shape.defined;
        Self {
            sae,
            labels,
            whole: known.whole,
            held_out: HeldOut::new(sae, labels, split, seek),
            residue_logits: vec![Vec::new(); defined],
            protein_means: vec![Vec::new(); defined],
        }
    }

    /// Adds a protein.
    ///
    /// # Errors
    /// Where a label ends past its end, unless only some residues of proteins are at hand.
    pub(super) fn protein(&mut self, rows: &PartRows) -> Result<()> {
        if self.whole {
            let length = rows.positions.last().copied().unwrap_or(0);
            self.labels.check_length(&rows.protein, length)?;
        }
        self.held_out.protein(rows);
        if rows.part != Some(Part::Test) {
            return Ok(());
        }
        let n = rows.positions.len().max(1) as f64;
        let m = self.sae.config.shape.defined;
        for concept in 0..m {
            let logits = rows.logits.iter().skip(concept).step_by(m);
            if judged_on(self.labels.level(concept as u32), true) {
                self.residue_logits[concept].extend(logits);
            } else {
                let (p, l) = logits.fold((0.0, 0.0), |(p, l), &x| {
                    (p + f64::from(sigmoid(x)), l + f64::from(x))
                });
                self.protein_means[concept].push(((p / n) as f32, (l / n) as f32));
            }
        }
        Ok(())
    }

    /// All scores but those of controls.
    pub(super) fn finish(
        &self,
        concepts: &ConceptsFile,
        excluded: &FeatureKeys,
        (min_residues, min_proteins): (usize, usize),
    ) -> Aligned {
        let shape = &self.sae.config.shape;
        let choose = self.held_out.choosing();
        let others = shape.defined..shape.latents;
        let best = |sheet: &Sheet| Best {
            by_auroc: best_by_auroc(sheet, others.clone()),
            by_f1: best_by_f1(sheet, others.clone(), &self.held_out.maxima),
        };
        let (of_residues, of_proteins) = (best(&choose.residues), best(&choose.proteins));
        let scores: Vec<ConceptScores> = concepts
            .concepts
            .par_iter()
            .map(|concept| {
                let best = if judged_on(concept.level, true) {
                    &of_residues
                } else {
                    &of_proteins
                };
                self.concept(concept, best)
            })
            .collect();
        let over = |level: Level, least: usize| {
            let scores = scores.iter();
            Means::over(
                scores.filter(move |s| s.level == level && s.positives >= least && s.negatives > 0),
            )
        };
        let least = (min_residues, min_proteins);
        let counted = (self.held_out).counted(&concepts.concepts, excluded, least);
        let hierarchy = Hierarchy::new(concepts, concepts.concepts.len());
        let relevances = self
            .held_out
            .relevances(&counted, &|a, b| hierarchy.related(a, b));
        Aligned {
            alignment: Alignment {
                min_residues,
                min_proteins,
                residue_level: over(Level::Residue, min_residues),
                protein_level: over(Level::Protein, min_proteins),
                latents: Some(relevances.means(&counted)),
                controls: Vec::new(),
                concepts: scores,
            },
            counted,
            relevances,
        }
    }

    fn concept(&self, concept: &Concept, best: &Best) -> ConceptScores {
        let c = concept.index as usize;
        let on_residues = judged_on(concept.level, true);
        let test = self.held_out.test.of(concept.level);
        let choose = self.held_out.choosing().of(concept.level);
        let positives = test.positives(c);
        let negatives = test.items() - positives;
        let mut scores = ConceptScores {
            id: concept.id.clone(),
            name: concept.name.clone(),
            kind: concept.kind,
            level: concept.level,
            positives,
            negatives,
            reason: reason(positives, negatives),
            auroc_pi: None,
            auroc_pre: None,
            auroc_z: None,
            average_precision_pi: None,
            detector: None,
            best_other: best.by_auroc[c].map(|(latent, _)| OtherLatent {
                latent: latent as u32,
                auroc: aurocs(test, latent)[c],
            }),
            best_other_detector: best.by_f1[c].and_then(|(latent, chosen)| {
                Some(OtherDetector {
                    latent: latent as u32,
                    detector: self.detector(concept, latent, chosen)?,
                })
            }),
        };
        if c >= self.sae.config.shape.defined {
            return scores;
        }
        let carries = test.carries(c);
        if on_residues {
            let logits = &self.residue_logits[c];
            scores.auroc_pi = rank::auroc(logits, &carries);
            // the pre-activation grows with the logit: one order, one area
            scores.auroc_pre = scores.auroc_pi;
            scores.average_precision_pi = rank::average_precision(logits, &carries);
        } else {
            let (pi, logits): (Vec<f32>, Vec<f32>) = self.protein_means[c].iter().copied().unzip();
            scores.auroc_pi = rank::auroc(&pi, &carries);
            scores.auroc_pre = rank::auroc(&logits, &carries);
            scores.average_precision_pi = rank::average_precision(&pi, &carries);
        }
        scores.auroc_z = aurocs(test, c)[c];
        let chosen = count(choose, c, self.held_out.maxima[c]).best(choose, c);
        scores.detector = chosen.and_then(|chosen| self.detector(concept, c, chosen));
        scores
    }

    /// A latent as a detector on the test proteins, at the threshold of what was `chosen`.
    fn detector(&self, concept: &Concept, latent: usize, chosen: Detection) -> Option<Detector> {
        let test = self.held_out.test.of(concept.level);
        let counts = count(test, latent, self.held_out.maxima[latent]);
        let found = counts.detection(test, concept.index as usize, chosen.threshold)?;
        Some(Detector {
            threshold: THRESHOLDS[found.threshold],
            precision: found.precision,
            recall: found.recall,
            item_recall: found.item_recall,
            f1: found.f1(),
        })
    }
}

/// Why a concept has no scores.
fn reason(positives: usize, negatives: usize) -> Option<String> {
    match (positives, negatives) {
        (0, _) => Some("no positives among the test proteins".into()),
        (_, 0) => Some("no negatives among the test proteins".into()),
        _ => None,
    }
}
