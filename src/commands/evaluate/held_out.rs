//! Latents and concepts of held-out proteins, on residues and on proteins: what agreement is computed from.

use super::rows::PartRows;
use crate::{
    annot::{
        concept::{Concept, ConceptsFile, Level},
        label_index::LabelIndex,
    },
    commands::feature_keys::FeatureKeys,
    math::random::{Purpose, shuffle, stream},
    sae::folder::Sae,
    score::{
        metrics::LevelMeans,
        relevance::{Relevance, Task},
        sheet::{ProteinLatent, Sheet, judged_on},
    },
    split::partition::{Part, Partition},
};
use std::{collections::BTreeMap, ops::Range};

/// Latents and concepts of one part.
pub(super) struct Sheets {
    pub(super) residues: Sheet,
    pub(super) proteins: Sheet,
    /// One-letter codes of the residues.
    letters: Vec<u8>,
    /// Names of the proteins, each with its first residue.
    names: Vec<(String, usize)>,
}

/// Where the largest activations of latents come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maxima {
    /// They are known.
    Known,
    /// The training proteins, or all where no split says which these are.
    Training,
    /// The proteins by which latents are chosen.
    Choosing,
}

/// What is known of the proteins.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) concepts: &'a ConceptsFile,
    pub(super) labels: &'a LabelIndex,
    /// What proteins are for; none: all are for the test.
    pub(super) split: Option<&'a Partition>,
    /// Whether tables hold all residues of their proteins.
    pub(super) whole: bool,
}

/// Which concepts count, by level.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counted {
    pub(super) residue_level: Vec<bool>,
    pub(super) protein_level: Vec<bool>,
}

/// What latents are worth for concepts, by level.
#[derive(Default)]
pub(super) struct Relevances {
    pub(super) residue_level: Relevance,
    pub(super) protein_level: Relevance,
}

/// Collects held-out proteins.
pub(super) struct HeldOut<'a> {
    labels: &'a LabelIndex,
    latents: usize,
    seek: Maxima,
    /// Largest activation of each latent.
    pub(super) maxima: Vec<f32>,
    /// The validation proteins; none: latents are chosen on the test proteins.
    pub(super) valid: Option<Sheets>,
    pub(super) test: Sheets,
}

impl<'a> HeldOut<'a> {
    pub(super) fn new(sae: &Sae, labels: &'a LabelIndex, split: bool, seek: Maxima) -> Self {
        let latents = sae.config.shape.latents;
        let sheets = || Sheets {
            residues: Sheet::new(latents, labels.concepts()),
            proteins: Sheet::new(latents, labels.concepts()),
            letters: Vec::new(),
            names: Vec::new(),
        };
        Self {
            labels,
            latents,
            seek,
            maxima: if seek == Maxima::Known {
                sae.latent_max.clone()
            } else {
                vec![0.0; latents]
            },
            valid: split.then(sheets),
            test: sheets(),
        }
    }

    /// Adds a protein.
    pub(super) fn protein(&mut self, rows: &PartRows) {
        let seen = match self.seek {
            Maxima::Known => None,
            Maxima::Training => Some(Part::Train),
            Maxima::Choosing => Some(Part::Valid),
        };
        if seen.is_some() && (rows.part == seen || self.valid.is_none()) {
            for (&latent, &value) in rows.latents.iter().zip(&rows.values) {
                let maximum = &mut self.maxima[latent as usize];
                *maximum = maximum.max(value);
            }
        }
        let sheets = match (rows.part, &mut self.valid) {
            (Some(Part::Test), _) => &mut self.test,
            (Some(Part::Valid), Some(valid)) => valid,
            _ => return,
        };
        let labels = self.labels.of(&rows.protein);
        let level = |c: u32| self.labels.level(c);
        let on_residues = |c| judged_on(level(c), true);
        sheets
            .residues
            .add_residues(labels, on_residues, rows.rows());
        let first = sheets.letters.len();
        sheets.names.push((rows.protein.clone(), first));
        sheets.letters.extend_from_slice(&rows.residues);
        let latents = protein_latents(rows);
        let on_proteins = |c| judged_on(level(c), false);
        sheets.proteins.add_protein(labels, on_proteins, &latents);
    }

    /// The proteins by which latents are chosen.
    pub(super) fn choosing(&self) -> &Sheets {
        self.valid.as_ref().unwrap_or(&self.test)
    }

    /// Which concepts have enough test items that carry them, and any that do not; none of those that are excluded.
    pub(super) fn counted(
        &self,
        concepts: &[Concept],
        excluded: &FeatureKeys,
        (min_residues, min_proteins): (usize, usize),
    ) -> Counted {
        let counted = |sheet: &Sheet, residues: bool, least: usize| {
            let counts = concepts.iter().map(|concept| {
                let positives = sheet.positives(concept.index as usize);
                judged_on(concept.level, residues)
                    && (least..sheet.items()).contains(&positives)
                    && !excluded.exclude(concept)
            });
            counts.collect()
        };
        Counted {
            residue_level: counted(&self.test.residues, true, min_residues.max(1)),
            protein_level: counted(&self.test.proteins, false, min_proteins.max(1)),
        }
    }

    /// What all latents are worth for the concepts that count.
    pub(super) fn relevances(
        &self,
        counted: &Counted,
        related: &(dyn Fn(u32, u32) -> bool + Sync),
    ) -> Relevances {
        let choosing = self.choosing();
        let of = |choosing, reporting, counted| {
            let task = Task {
                choosing,
                reporting,
                counted,
                related,
            };
            Relevance::new(&task, 0..self.latents, &self.maxima)
        };
        Relevances {
            residue_level: of(
                &choosing.residues,
                &self.test.residues,
                &counted.residue_level,
            ),
            protein_level: of(
                &choosing.proteins,
                &self.test.proteins,
                &counted.protein_level,
            ),
        }
    }

    /// Shuffles labels among residues of the same amino acid, and among proteins, within each part.
    pub(super) fn shuffle_labels(&mut self, seed: u64) {
        let parts = (0..).zip(self.valid.iter_mut().chain([&mut self.test]));
        for (part, sheets) in parts {
            let mut random = stream(seed, Purpose::Exchange, 1 + part);
            // by name, whatever the order in which proteins came
            let mut proteins: Vec<usize> = (0..sheets.names.len()).collect();
            proteins.sort_unstable_by(|&a, &b| sheets.names[a].0.cmp(&sheets.names[b].0));
            let mut by_letter: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
            for &protein in &proteins {
                for item in sheets.residues_of(protein) {
                    by_letter
                        .entry(sheets.letters[item])
                        .or_default()
                        .push(item);
                }
            }
            let mut order: Vec<usize> = (0..sheets.residues.items()).collect();
            let mut exchange = |items: &[usize], order: &mut [usize]| {
                let mut others = items.to_vec();
                shuffle(&mut random, &mut others);
                for (&item, other) in items.iter().zip(others) {
                    order[item] = other;
                }
            };
            for items in by_letter.values() {
                exchange(items, &mut order);
            }
            sheets.residues.exchange(&order);
            let mut order: Vec<usize> = (0..sheets.proteins.items()).collect();
            exchange(&proteins, &mut order);
            sheets.proteins.exchange(&order);
        }
    }
}

/// Active latents of a protein, with their means over all residues and their largest activations.
fn protein_latents(rows: &PartRows) -> Vec<ProteinLatent> {
    let n = rows.positions.len().max(1) as f32;
    let mut sums: BTreeMap<u32, (f32, f32)> = BTreeMap::new();
    for (&latent, &value) in rows.latents.iter().zip(&rows.values) {
        let entry = sums.entry(latent).or_insert((0.0, 0.0));
        *entry = (entry.0 + value, entry.1.max(value));
    }
    let latents = sums.into_iter().map(|(latent, (sum, peak))| ProteinLatent {
        latent,
        mean: sum / n,
        peak,
    });
    latents.collect()
}

impl Sheets {
    /// Items of the residues of a protein.
    fn residues_of(&self, protein: usize) -> Range<usize> {
        let end = self.names.get(protein + 1);
        self.names[protein].1..end.map_or(self.letters.len(), |next| next.1)
    }

    pub(super) fn of(&self, level: Level) -> &Sheet {
        if judged_on(level, true) {
            &self.residues
        } else {
            &self.proteins
        }
    }
}

impl Relevances {
    /// Those of the latents of both.
    pub(super) fn merge(self, other: Self) -> Self {
        Self {
            residue_level: self.residue_level.merge(other.residue_level),
            protein_level: self.protein_level.merge(other.protein_level),
        }
    }

    /// Means over the concepts that count.
    pub(super) fn means(&self, counted: &Counted) -> LevelMeans {
        LevelMeans {
            residue_level: self.residue_level.means(&counted.residue_level),
            protein_level: self.protein_level.means(&counted.protein_level),
        }
    }
}
