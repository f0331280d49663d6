//! What is gathered of proteins: logits of the concepts that may be read, and their labelled instances.

use super::{Clusters, Instances, adjacency::Adjacency};
use crate::{
    annot::{
        concept::{Concept, Level},
        label_index::LabelIndex,
    },
    score::{
        decode::Item,
        fitting::{self, Training, Unusable},
        matching::Known,
    },
    split::partition::{self, Partition},
};
use std::ops::Range;

/// Which proteins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Those by which everything is chosen.
    Choosing,
    /// Those on which it is reported; the same where there is no split.
    Reporting,
}

/// A concept whose ranges may be read.
#[derive(Clone, Debug)]
pub struct Target {
    /// Index of the concept.
    pub concept: u32,
    /// Whether its instances join two residues.
    pub bonds: bool,
    /// Whether only what lies between labels of partial concepts counts.
    pub partial: bool,
    /// What its instances in training look like.
    pub training: Training,
    /// Its column of logits, where there is one.
    column: Option<usize>,
}

/// The proteins of a part.
#[derive(Debug)]
pub struct PartRows {
    /// Which.
    pub part: Part,
    proteins: Vec<Protein>,
    /// Logits of each column, by residue.
    logits: Vec<Vec<f32>>,
    residues: usize,
}

#[derive(Debug)]
struct Protein {
    name: String,
    residues: Range<usize>,
    /// Instances by concept, ascending.
    truths: Vec<(u32, Vec<Item>)>,
    /// From the first to the last residue with a label of a partial concept; none without such labels.
    partial: Option<Known>,
}

/// A protein as one concept sees it.
pub(super) struct Seen<'a> {
    pub(super) name: &'a str,
    pub(super) residues: Range<usize>,
    pub(super) truths: &'a [Item],
    pub(super) known: Known,
}

/// Everything that is gathered.
#[derive(Debug)]
pub struct Gathered<'a> {
    labels: &'a LabelIndex,
    /// Concepts that may be read, by index.
    pub targets: Vec<Target>,
    /// Concepts that have too few instances for it.
    pub(super) few: Vec<(u32, Unusable)>,
    /// How labels become instances.
    instances: Instances,
    choosing: Option<PartRows>,
    reporting: PartRows,
}

impl<'a> Gathered<'a> {
    /// Begins to gather. Concepts of residues that `is_excluded` does not name may be read where there is enough to
    /// choose by; the first `logits` concepts have logits. Without a split, everything is of one part.
    #[must_use]
    pub fn new(
        labels: &'a LabelIndex,
        concepts: &[Concept],
        split: Option<&Partition>,
        logits: usize,
        is_excluded: impl Fn(&Concept) -> bool,
    ) -> Self {
        let of_labels = Instances::new(concepts);
        let mut counts = Counts::new(concepts.len());
        let mut adjacency = Adjacency::default();
        for (protein, of_protein) in labels.iter() {
            let part = split.and_then(|s| s.of(protein));
            // without a split a protein is for training and choosing alike
            let is_of = |wanted| split.is_none() || part == Some(wanted);
            let parts = [partition::Part::Train, partition::Part::Valid].map(is_of);
            let truths = of_labels.of(of_protein);
            counts.add(parts, &truths);
            if parts[0] {
                adjacency.add(&truths);
            }
        }
        let mut columns = 0;
        let (mut targets, mut few) = (Vec::new(), Vec::new());
        for (concept, count) in concepts.iter().zip(counts.of) {
            if concept.level != Level::Residue || is_excluded(concept) {
                continue;
            }
            if let Err(why) = fitting::check_counts(count.instances, count.proteins) {
                few.push((concept.index, why));
                continue;
            }
            let index = concept.index as usize;
            let column = (index < logits).then_some(columns);
            columns += usize::from(column.is_some());
            targets.push(Target {
                concept: concept.index,
                bonds: of_labels.is_bond(concept.index),
                partial: concept.partial,
                training: Training::new(
                    count.lengths,
                    count.separations,
                    of_labels.is_bond(concept.index),
                ),
                column,
            });
        }
        let readable = targets
            .iter()
            .filter(|t: &&Target| !t.training.is_of_sites());
        let instances = readable.map(|t| (t.concept, t.training.count()));
        let borders = adjacency.borders(&instances.collect());
        for target in &mut targets {
            let border = borders.get(&target.concept).copied();
            target.training = std::mem::take(&mut target.training).bounded_by(border);
        }
        let rows = |part| PartRows {
            part,
            proteins: Vec::new(),
            logits: vec![Vec::new(); columns],
            residues: 0,
        };
        Self {
            labels,
            targets,
            few,
            instances: of_labels,
            choosing: split.map(|_| rows(Part::Choosing)),
            reporting: rows(Part::Reporting),
        }
    }

    /// Adds a protein of a part with its logits `[residues, logits]`.
    pub fn add(&mut self, part: Part, protein: &str, residues: usize, logits: &[f32]) {
        let labels = self.labels.of(protein);
        let rows = match (part, &mut self.choosing) {
            (Part::Choosing, Some(rows)) => rows,
            _ => &mut self.reporting,
        };
        let m = logits.len().checked_div(residues).unwrap_or(0);
        for target in &self.targets {
            if let Some(column) = target.column {
                let own = logits.iter().skip(target.concept as usize);
                rows.logits[column].extend(own.step_by(m.max(1)));
            }
        }
        rows.proteins.push(Protein {
            name: protein.to_owned(),
            residues: rows.residues..rows.residues + residues,
            truths: self.instances.of(labels),
            partial: self.instances.known(labels),
        });
        rows.residues += residues;
    }

    /// Puts proteins in the order of their names, so that the order of the input does not show.
    pub fn sort(&mut self) {
        for rows in self.choosing.iter_mut().chain([&mut self.reporting]) {
            rows.proteins.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }

    /// Gives every protein of a part the labels of another, by a permutation of the proteins: a control.
    pub fn exchange_labels(&mut self, mut permute: impl FnMut(usize) -> Vec<usize>) {
        for rows in self.choosing.iter_mut().chain([&mut self.reporting]) {
            let order = permute(rows.proteins.len());
            let all: Vec<_> = rows.proteins.iter().map(|p| p.truths.clone()).collect();
            for (protein, &other) in rows.proteins.iter_mut().zip(&order) {
                let length = protein.residues.len() as u32;
                protein.truths.clone_from(&all[other]);
                for (_, items) in &mut protein.truths {
                    items.retain(|item| item.end <= length);
                }
            }
        }
    }

    /// The proteins by which everything is chosen.
    #[must_use]
    pub fn choosing(&self) -> &PartRows {
        self.choosing.as_ref().unwrap_or(&self.reporting)
    }

    /// The proteins on which it is reported.
    #[must_use]
    pub fn reporting(&self) -> &PartRows {
        &self.reporting
    }

    /// A part.
    #[must_use]
    pub fn of(&self, part: Part) -> &PartRows {
        match part {
            Part::Choosing => self.choosing(),
            Part::Reporting => self.reporting(),
        }
    }

    /// Id of a concept.
    #[must_use]
    pub fn id(&self, concept: u32) -> &str {
        self.labels.id(concept)
    }

    /// Names of all proteins.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.choosing.iter().chain([&self.reporting]);
        all.flat_map(|rows| rows.proteins.iter().map(|p| p.name.as_str()))
    }
}

impl PartRows {
    /// Logits of a concept, by residue.
    pub(super) fn logits(&self, target: &Target) -> &[f32] {
        target.column.map_or(&[], |column| &self.logits[column])
    }

    /// The proteins that count for a concept.
    pub(super) fn proteins(&self, target: &Target) -> impl Iterator<Item = Seen<'_>> {
        self.proteins.iter().filter_map(|protein| {
            let known = if target.partial {
                protein.partial?
            } else {
                Known::ALL
            };
            Some(Seen {
                name: &protein.name,
                residues: protein.residues.clone(),
                truths: protein.truths_of(target.concept),
                known,
            })
        })
    }

    /// Every protein with its residues.
    pub(super) fn every_protein(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        let all = self.proteins.iter();
        all.map(|protein| (protein.name.as_str(), protein.residues.clone()))
    }

    /// Instances of a concept by protein.
    pub(super) fn truths(&self, target: &Target) -> impl Iterator<Item = &[Item]> {
        self.proteins(target).map(|protein| protein.truths)
    }

    /// Clusters of the part.
    pub(super) fn clusters(&self, clusters: &Clusters) -> usize {
        let mut all: Vec<_> = (self.proteins.iter())
            .map(|p| clusters.get(&p.name))
            .collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// Residues.
    #[must_use]
    pub fn residues(&self) -> usize {
        self.residues
    }
}

impl Protein {
    fn truths_of(&self, concept: u32) -> &[Item] {
        let found = self.truths.binary_search_by_key(&concept, |(c, _)| *c);
        found.map_or(&[], |at| &self.truths[at].1)
    }
}

/// Instances of each concept by part.
struct Counts {
    of: Vec<Count>,
}

#[derive(Clone, Default)]
struct Count {
    /// Among the proteins for choosing.
    instances: usize,
    proteins: usize,
    /// Among those of training.
    lengths: Vec<u32>,
    separations: Vec<u32>,
}

impl Counts {
    fn new(concepts: usize) -> Self {
        Self {
            of: vec![Count::default(); concepts],
        }
    }

    /// Adds a protein that is for training, for choosing, both or neither.
    fn add(&mut self, [trains, chooses]: [bool; 2], truths: &[(u32, Vec<Item>)]) {
        for (concept, items) in truths {
            let count = &mut self.of[*concept as usize];
            if chooses {
                count.instances += items.len();
                count.proteins += 1;
            }
            for item in items.iter().filter(|_| trains) {
                if item.bond {
                    count.separations.push(item.end - item.start);
                    count.lengths.push(1);
                } else {
                    count.lengths.push(item.end - item.start + 1);
                }
            }
        }
    }
}
