//! Agreement of latents with concepts on held-out proteins.

use super::rows::PartRows;
use crate::{
    Result,
    annot::{
        concept::{Concept, ConceptsFile, Level},
        label_index::LabelIndex,
    },
    sae::{encode::sigmoid, folder::Sae},
    score::{
        alignment::{Detection, THRESHOLDS, aurocs, best_by_auroc, best_by_f1, count},
        metrics::{Alignment, ConceptScores, Detector, Means, OtherDetector, OtherLatent},
        rank,
        sheet::{ProteinLatent, Sheet, judged_on},
    },
    split::partition::Part,
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Latents and concepts of one part, on residues and on proteins.
struct Sheets {
    residues: Sheet,
    proteins: Sheet,
}

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
    /// Largest activation of each latent over the training rows: the model's, where it knows them.
    pub(super) maxima: Vec<f32>,
    /// Whether they are still to be found among these proteins.
    pub(super) seek_maxima: bool,
    /// Sheets of the validation proteins; none: latents are chosen on the test proteins.
    valid: Option<Sheets>,
    test: Sheets,
    /// Test logits of each residue-level concept, by residue: ranks of logits are ranks of
    /// probabilities, without the ties that rounding to 1 would make.
    residue_logits: Vec<Vec<f32>>,
    /// Mean test probability and mean logit of each protein-level concept, by protein.
    protein_means: Vec<Vec<(f32, f32)>>,
}

impl<'a> Aligner<'a> {
    pub(super) fn new(sae: &'a Sae, labels: &'a LabelIndex, split: bool, whole: bool) -> Self {
        let shape = &sae.config.shape;
        let sheets = || Sheets {
            residues: Sheet::new(shape.latents, labels.concepts()),
            proteins: Sheet::new(shape.latents, labels.concepts()),
        };
        Self {
            sae,
            labels,
            whole,
            maxima: if sae.knows_maxima() {
                sae.latent_max.clone()
            } else {
                vec![0.0; shape.latents]
            },
            seek_maxima: !sae.knows_maxima(),
            valid: split.then(sheets),
            test: sheets(),
            residue_logits: vec![Vec::new(); shape.defined],
            protein_means: vec![Vec::new(); shape.defined],
        }
    }

    /// Adds a protein.
    ///
    /// # Errors
    /// Where a label ends past its end, unless only some residues of proteins are at hand.
    pub(super) fn protein(&mut self, rows: &PartRows) -> Result<()> {
        let labels = self.labels.of(&rows.protein);
        if self.whole {
            let length = rows.positions.last().copied().unwrap_or(0);
            self.labels.check_length(&rows.protein, length)?;
        }
        let level = |c: u32| self.labels.level(c);
        if self.seek_maxima && (rows.part == Some(Part::Train) || self.valid.is_none()) {
            for (&latent, &value) in rows.latents.iter().zip(&rows.values) {
                let maximum = &mut self.maxima[latent as usize];
                *maximum = maximum.max(value);
            }
        }
        if rows.part == Some(Part::Train) {
            return Ok(());
        }
        let test = rows.part == Some(Part::Test);
        let sheets = match &mut self.valid {
            Some(valid) if !test => valid,
            _ => &mut self.test,
        };
        sheets
            .residues
            .add_residues(labels, |c| judged_on(level(c), true), rows.rows());
        let n = rows.positions.len().max(1) as f32;
        let mut sums: BTreeMap<u32, (f32, f32)> = BTreeMap::new();
        for (&latent, &value) in rows.latents.iter().zip(&rows.values) {
            let entry = sums.entry(latent).or_insert((0.0, 0.0));
            *entry = (entry.0 + value, entry.1.max(value));
        }
        let latents: Vec<_> = sums
            .into_iter()
            .map(|(latent, (sum, peak))| ProteinLatent {
                latent,
                mean: sum / n,
                peak,
            })
            .collect();
        sheets
            .proteins
            .add_protein(labels, |c| judged_on(level(c), false), &latents);
        if test {
            let m = self.sae.config.shape.defined;
            for concept in 0..m {
                let logits = rows.logits.iter().skip(concept).step_by(m);
                if judged_on(level(concept as u32), true) {
                    self.residue_logits[concept].extend(logits);
                } else {
                    let (p, l) = logits.fold((0.0, 0.0), |(p, l), &x| {
                        (p + f64::from(sigmoid(x)), l + f64::from(x))
                    });
                    let n = f64::from(n);
                    self.protein_means[concept].push(((p / n) as f32, (l / n) as f32));
                }
            }
        }
        Ok(())
    }

    /// All scores.
    pub(super) fn finish(
        self,
        concepts: &ConceptsFile,
        min_residues: usize,
        min_proteins: usize,
    ) -> Alignment {
        let shape = &self.sae.config.shape;
        let choose = self.valid.as_ref().unwrap_or(&self.test);
        let others = shape.defined..shape.latents;
        let best = |sheet: &Sheet| Best {
            by_auroc: best_by_auroc(sheet, others.clone()),
            by_f1: best_by_f1(sheet, others.clone(), &self.maxima),
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
        let counted = |level: Level, least: usize| {
            let scores = scores.iter();
            Means::over(
                scores.filter(move |s| s.level == level && s.positives >= least && s.negatives > 0),
            )
        };
        Alignment {
            min_residues,
            min_proteins,
            residue_level: counted(Level::Residue, min_residues),
            protein_level: counted(Level::Protein, min_proteins),
            concepts: scores,
        }
    }

    fn concept(&self, concept: &Concept, best: &Best) -> ConceptScores {
        let c = concept.index as usize;
        let on_residues = judged_on(concept.level, true);
        let test = self.test.of(concept.level);
        let choose = self.valid.as_ref().unwrap_or(&self.test).of(concept.level);
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
        let chosen = count(choose, c, self.maxima[c]).best(choose, c);
        scores.detector = chosen.and_then(|chosen| self.detector(concept, c, chosen));
        scores
    }

    /// A latent as a detector on the test proteins, at the threshold of what was `chosen`.
    fn detector(&self, concept: &Concept, latent: usize, chosen: Detection) -> Option<Detector> {
        let test = self.test.of(concept.level);
        let counts = count(test, latent, self.maxima[latent]);
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

impl Sheets {
    fn of(&self, level: Level) -> &Sheet {
        if judged_on(level, true) {
            &self.residues
        } else {
            &self.proteins
        }
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
