//! Activation tables as a set of proteins whose rows can be read in any order.

use std::collections::HashMap;

use super::{
    batch::Batch,
    labels::{ProteinLabels, TrainingLabels},
};
use crate::annot::label_index::LabelError;
use crate::sae::error::SaeError;
use crate::table::{activations::ActivationBatch, rows::ActivationRows};

/// Rows of one protein that lie together.
#[derive(Clone, Copy, Debug)]
struct Segment {
    batch: u32,
    start: u32,
    rows: u32,
}

/// One protein of the tables.
#[derive(Clone, Debug)]
struct Protein {
    accession: String,
    segments: Vec<Segment>,
    rows: u32,
    /// Its last position.
    length: u32,
    table: u32,
}

/// A row: its protein's number and its own within the protein.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowRef {
    /// Number of the protein, by ascending accession.
    pub protein: u32,
    /// Row of the protein, from 0.
    pub row: u32,
}

/// Tables that are being opened.
#[derive(Debug, Default)]
pub(crate) struct DatasetBuilder {
    width: usize,
    tables: Vec<String>,
    batches: Vec<ActivationRows>,
    proteins: Vec<Protein>,
    numbers: HashMap<String, usize>,
}

impl DatasetBuilder {
    /// For activations of this width.
    #[must_use]
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            ..Self::default()
        }
    }

    /// A table follows.
    pub(crate) fn table(&mut self, name: &str) {
        self.tables.push(name.into());
    }

    /// Adds a batch of the table that was named last.
    ///
    /// # Errors
    /// [`crate::table::TableError`] where the batch cannot be read; [`SaeError::DuplicateProtein`];
    /// [`SaeError::Width`].
    pub(crate) fn batch(&mut self, batch: &ActivationBatch, pooled: bool) -> crate::Result<()> {
        if batch.width() != self.width {
            return Err(SaeError::Width {
                what: "width of the activations".into(),
                found: batch.width(),
                expected: self.width,
            }
            .into());
        }
        let number = self.batches.len() as u32;
        let table = self.tables.len().saturating_sub(1) as u32;
        let rows = ActivationRows::new(batch, pooled)?;
        for run in batch.runs() {
            let accession = batch.protein(run.start);
            let segment = Segment {
                batch: number,
                start: run.start as u32,
                rows: run.len() as u32,
            };
            let length = run
                .clone()
                .filter_map(|row| rows.position(row))
                .max()
                .unwrap_or(0);
            let continues = self
                .proteins
                .last()
                .is_some_and(|last| last.accession == accession && last.table == table);
            if continues && let Some(last) = self.proteins.last_mut() {
                last.rows += segment.rows;
                last.length = last.length.max(length);
                last.segments.push(segment);
                continue;
            }
            let protein = self.proteins.len();
            if let Some(first) = self.numbers.insert(accession.to_owned(), protein) {
                let name = |table: u32| self.tables.get(table as usize).cloned();
                return Err(SaeError::DuplicateProtein {
                    protein: accession.into(),
                    first: name(self.proteins[first].table).unwrap_or_default(),
                    second: name(table).unwrap_or_default(),
                }
                .into());
            }
            self.proteins.push(Protein {
                accession: accession.into(),
                segments: vec![segment],
                rows: segment.rows,
                length,
                table,
            });
        }
        self.batches.push(rows);
        Ok(())
    }

    /// All tables are open.
    #[must_use]
    pub(crate) fn finish(mut self) -> Dataset {
        self.proteins.sort_by(|a, b| a.accession.cmp(&b.accession));
        Dataset {
            width: self.width,
            batches: self.batches,
            proteins: self.proteins,
        }
    }
}

/// Proteins by ascending accession, so that nothing depends on files or their order.
#[derive(Debug)]
pub(crate) struct Dataset {
    width: usize,
    batches: Vec<ActivationRows>,
    proteins: Vec<Protein>,
}

impl Dataset {
    /// Width of the activations.
    #[must_use]
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Proteins.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.proteins.len()
    }

    /// Accession of a protein.
    #[must_use]
    pub(crate) fn accession(&self, protein: u32) -> &str {
        &self.proteins[protein as usize].accession
    }

    /// The labels of every protein, by its number.
    #[must_use]
    pub(crate) fn labels<'a>(&self, labels: &'a TrainingLabels) -> Vec<ProteinLabels<'a>> {
        let of = |protein: &Protein| labels.protein(&protein.accession);
        self.proteins.iter().map(of).collect()
    }

    /// Rows of a protein.
    #[must_use]
    pub(crate) fn rows(&self, protein: u32) -> u32 {
        self.proteins[protein as usize].rows
    }

    fn find(&self, at: RowRef) -> (&ActivationRows, usize) {
        let mut row = at.row;
        let protein = &self.proteins[at.protein as usize];
        for segment in &protein.segments {
            if row < segment.rows {
                return (
                    &self.batches[segment.batch as usize],
                    (segment.start + row) as usize,
                );
            }
            row -= segment.rows;
        }
        unreachable!("row {} of protein {}", at.row, protein.accession)
    }

    /// Appends a row, times `scale`, to a batch.
    ///
    /// # Errors
    /// [`SaeError::BadRow`] where an activation is not finite.
    pub(crate) fn append(
        &self,
        at: RowRef,
        scale: f32,
        labels: ProteinLabels<'_>,
        batch: &mut Batch<f32>,
    ) -> Result<(), SaeError> {
        self.append_activations(at, scale, &mut batch.x)?;
        self.append_labels(at, labels, batch);
        Ok(())
    }

    /// Appends a row's activations, times `scale`.
    ///
    /// # Errors
    /// [`SaeError::BadRow`] where one is not finite.
    pub(crate) fn append_activations(
        &self,
        at: RowRef,
        scale: f32,
        x: &mut Vec<f32>,
    ) -> Result<(), SaeError> {
        let (rows, row) = self.find(at);
        let start = x.len();
        x.resize(start + self.width, 0.0);
        let out = &mut x[start..];
        rows.copy(row, out);
        crate::wide!(|| {
            for value in &mut *out {
                *value *= scale;
            }
        });
        check_finite(out, self.accession(at.protein), rows.position(row))
    }

    /// Appends a row's labels, which ends it.
    pub(crate) fn append_labels(
        &self,
        at: RowRef,
        labels: ProteinLabels<'_>,
        batch: &mut Batch<f32>,
    ) {
        let (rows, row) = self.find(at);
        labels.append(rows.position(row), &mut batch.labels);
        batch.end_row_of(labels.groups);
    }

    /// Whether f16 holds all activations.
    #[cfg(feature = "cuda")]
    #[must_use]
    pub(crate) fn is_half(&self) -> bool {
        self.batches.iter().all(ActivationRows::is_half)
    }

    /// Demands that all labels lie within their proteins.
    ///
    /// # Errors
    /// [`LabelError::PastEnd`].
    pub(crate) fn check_labels(&self, labels: &TrainingLabels) -> Result<(), LabelError> {
        self.proteins
            .iter()
            .try_for_each(|p| labels.check_length(&p.accession, p.length))
    }

    /// Counts, over the rows of `proteins`, the positives and the negatives of each concept.
    #[must_use]
    pub(crate) fn count_labels(&self, proteins: &[u32], labels: &TrainingLabels) -> LabelCounts {
        let mut counts = LabelCounts::new(labels.groups().len());
        let mut here = Vec::new();
        for &protein in proteins {
            let of_protein = labels.protein(self.accession(protein));
            for segment in &self.proteins[protein as usize].segments {
                let rows = &self.batches[segment.batch as usize];
                for row in segment.start..segment.start + segment.rows {
                    here.clear();
                    of_protein.append(rows.position(row as usize), &mut here);
                    counts.add(&here, of_protein.groups);
                }
            }
        }
        counts.finish(labels.groups())
    }
}

/// Rows that carry each concept, and rows that are known not to.
#[derive(Clone, Debug, Default)]
pub(crate) struct LabelCounts {
    /// Rows that carry each concept.
    pub positives: Vec<u64>,
    /// Rows whose labels speak of the concept's group but do not name it.
    pub negatives: Vec<u64>,
    /// Rows that speak of each group.
    spoken: Vec<u64>,
}

impl LabelCounts {
    /// Nothing yet, of so many concepts.
    #[must_use]
    pub(crate) fn new(concepts: usize) -> Self {
        Self {
            positives: vec![0; concepts],
            negatives: Vec::new(),
            spoken: vec![0; 64],
        }
    }

    /// Adds a row's labels and the groups that they speak of.
    pub(crate) fn add(&mut self, labels: &[u32], groups: u64) {
        for (group, spoken) in self.spoken.iter_mut().enumerate() {
            *spoken += groups >> group & 1;
        }
        for &concept in labels {
            self.positives[concept as usize] += 1;
        }
    }

    /// All rows are in; `groups` are those of the concepts.
    #[must_use]
    pub(crate) fn finish(mut self, groups: &[u8]) -> Self {
        let of = |(&positives, &group): (&u64, &u8)| {
            self.spoken[group as usize].saturating_sub(positives)
        };
        self.negatives = self.positives.iter().zip(groups).map(of).collect();
        self
    }
}

/// Refuses what is not finite.
///
/// # Errors
/// [`SaeError::BadRow`].
pub(crate) fn check_finite(
    values: &[f32],
    accession: &str,
    position: Option<u32>,
) -> Result<(), SaeError> {
    // without a way out in the middle, which would be one number at a time
    let finite = crate::wide!(|| values.iter().fold(true, |all, v| all & v.is_finite()));
    if finite {
        return Ok(());
    }
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(column) => Err(SaeError::BadRow {
            protein: accession.into(),
            position: position.unwrap_or(0),
            column,
            value: values[column],
        }),
    }
}
