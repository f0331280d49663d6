//! Reads features, or activations through the model, into sheets, and notes where each latent is most active.

use super::calls::Means;
use crate::{
    Error, Result,
    annot::label_index::LabelIndex,
    commands::{ranges::Sequences, shared::WholeProteins},
    sae::{encode::Encoder, folder::Sae},
    score::{
        dictionary::TopProtein,
        ranges::{self, Gathered},
        sheet::{ProteinLatent, ResidueRow, Sheet, judged_on},
    },
    split::partition::{Part, Partition},
    table::{TableError, activations::ActivationBatch, features::FeatureBatch, schema},
};
use std::collections::BTreeMap;

/// Latents and concepts of one part.
pub(super) struct Sheets {
    /// Residues, and the concepts whose labels name residues.
    pub(super) residues: Sheet,
    /// Proteins, and the other concepts.
    pub(super) proteins: Sheet,
    /// Proteins, and all concepts: for tests of association.
    pub(super) association: Sheet,
}

impl Sheets {
    fn new(latents: usize, concepts: usize) -> Self {
        let sheet = || Sheet::new(latents, concepts);
        Self {
            residues: sheet(),
            proteins: sheet(),
            association: sheet(),
        }
    }
}

/// The rows of the protein that is being read.
#[derive(Default)]
struct Rows {
    positions: Vec<u32>,
    offsets: Vec<usize>,
    latents: Vec<u32>,
    values: Vec<f32>,
    /// Logits, of proteins by which ranges are chosen or scored.
    logits: Vec<f32>,
    residues: Vec<u8>,
    /// Sums over the residues of the PLM's activations.
    sums: Vec<f64>,
}

impl Rows {
    fn add_activation(&mut self, x: &[f32]) {
        self.sums.resize(x.len(), 0.0);
        for (sum, &x) in self.sums.iter_mut().zip(x) {
            *sum += f64::from(x);
        }
    }

    fn push(&mut self, position: u32, latents: &[u32], values: &[f32]) {
        self.positions.push(position);
        self.latents.extend_from_slice(latents);
        self.values.extend_from_slice(values);
        self.offsets.push(self.latents.len());
    }
}

/// Demands residues from the first to the last.
fn check_whole(protein: &str, positions: &[u32]) -> Result<(), TableError> {
    match (1..).zip(positions).find(|(at, position)| at != *position) {
        None => Ok(()),
        Some((at, position)) => Err(TableError::Value {
            column: schema::POSITION,
            row: at as usize - 1,
            problem: format!(
                "residue {position} of protein '{protein}' stands where residue {at} should; proteins must be whole"
            ),
        }),
    }
}

/// What has been read.
pub(super) struct Reading<'a> {
    labels: &'a LabelIndex,
    split: Option<&'a Partition>,
    /// Whether the table that is being read holds all residues of its proteins.
    pub(super) whole: bool,
    /// Sheets of the validation proteins; none without a split.
    pub(super) valid: Option<Sheets>,
    pub(super) test: Sheets,
    /// Proteins and residues, whatever they are for.
    pub(super) proteins: u64,
    pub(super) residues: u64,
    pub(super) defined: usize,
    /// Residues on which each latent is active.
    pub(super) active: Vec<u64>,
    /// Largest activation of each latent over the training rows: the model's, where it knows them.
    pub(super) maxima: Vec<f32>,
    /// Whether they are still to be found in the tables.
    seek_maxima: bool,
    pub(super) top: Vec<Vec<TopProtein>>,
    pub(super) unlisted: Vec<String>,
    /// What ranges are read by; none where no logits are at hand, or not of whole proteins.
    pub(super) gathered: Option<Gathered<'a>>,
    pub(super) sequences: Sequences,
    /// What calls are fitted to, where ranges are read.
    pub(super) means: Option<Means>,
    top_count: usize,
    tracker: WholeProteins,
    rows: Rows,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        labels: &'a LabelIndex,
        split: Option<&'a Partition>,
        sae: &Sae,
        top_count: usize,
    ) -> Self {
        let latents = sae.config.shape.latents;
        let seek_maxima = !sae.knows_maxima();
        let sheets = || Sheets::new(latents, labels.concepts());
        Self {
            labels,
            split,
            whole: true,
            valid: split.map(|_| sheets()),
            test: sheets(),
            proteins: 0,
            residues: 0,
            defined: sae.config.shape.defined,
            active: vec![0; latents],
            maxima: if seek_maxima {
                vec![0.0; latents]
            } else {
                sae.latent_max.clone()
            },
            seek_maxima,
            top: vec![Vec::new(); latents],
            unlisted: Vec::new(),
            gathered: None,
            sequences: Sequences::default(),
            means: None,
            top_count,
            tracker: WholeProteins::default(),
            rows: Rows::default(),
        }
    }

    /// Adds a batch of activations, `block` rows at once through the encoder.
    pub(super) fn activations(
        &mut self,
        encoder: &mut Encoder<'_>,
        batch: &ActivationBatch,
        block: usize,
    ) -> Result<()> {
        let width = batch.width();
        let activations = batch.activations()?;
        let positions = batch.positions()?;
        let residues = batch.residues()?;
        for start in (0..batch.rows()).step_by(block) {
            let end = (start + block).min(batch.rows());
            let encoded = encoder.encode(&activations[start * width..end * width])?;
            let m = encoded.concepts;
            for row in start..end {
                let protein = batch.protein(row);
                if self.tracker.current != protein {
                    self.end_protein()?;
                }
                self.tracker.next(protein)?;
                let at = row - start;
                let (latents, values) = encoded.z.row(at);
                self.rows.push(positions[row], latents, values);
                if self.means.is_some() {
                    let x = &activations[row * width..(row + 1) * width];
                    self.rows.add_activation(x);
                }
                if self.gathered.is_some() && self.part() != Some(Part::Train) {
                    let logits = &encoded.logits[at * m..(at + 1) * m];
                    self.rows.logits.extend_from_slice(logits);
                    self.rows.residues.push(residues[row]);
                }
            }
        }
        Ok(())
    }

    /// What the protein that is being read is for.
    fn part(&self) -> Option<Part> {
        self.split
            .map_or(Some(Part::Test), |s| s.of(&self.tracker.current))
    }

    /// Adds a batch of features.
    pub(super) fn features(&mut self, batch: &FeatureBatch) -> Result<()> {
        let columns = batch.columns()?;
        let known = self.active.len();
        if let Some(&latent) = columns.latent.values.iter().max()
            && latent as usize >= known
        {
            return Err(Error::mismatch(format!(
                "latent {latent} occurs, the model has {known}"
            )));
        }
        for run in batch.runs() {
            let protein = batch.protein(run.start);
            if self.tracker.current != protein {
                self.end_protein()?;
            }
            self.tracker.next(protein)?;
            for row in run {
                let (latents, values) = (columns.latent.row(row), columns.activation.row(row));
                self.rows.push(columns.position[row], latents, values);
            }
        }
        Ok(())
    }

    pub(super) fn end_table(&mut self) -> Result<()> {
        self.end_protein()?;
        self.tracker.end_of_table();
        Ok(())
    }

    fn end_protein(&mut self) -> Result<()> {
        if self.rows.positions.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        let protein = self.tracker.current.clone();
        if self.whole {
            let length = rows.positions.last().copied().unwrap_or(0);
            self.labels.check_length(&protein, length)?;
        }
        let Some(part) = self.part() else {
            self.unlisted.push(protein);
            return Ok(());
        };
        self.proteins += 1;
        self.residues += rows.positions.len() as u64;
        let of_training = part == Part::Train || self.split.is_none();
        let latents = self.note(&protein, &rows, self.seek_maxima && of_training);
        if let Some(means) = &mut self.means {
            let (n, active) = (rows.positions.len(), (&rows.latents[..], &rows.values[..]));
            means.add(part, &protein, n, &rows.logits, active, &rows.sums);
        }
        let sheets = match (part, &mut self.valid) {
            (Part::Train, _) => return Ok(()),
            (Part::Valid, Some(valid)) => valid,
            _ => &mut self.test,
        };
        if let Some(gathered) = &mut self.gathered {
            check_whole(&protein, &rows.positions)?;
            let of = match part {
                Part::Valid => ranges::Part::Choosing,
                _ => ranges::Part::Reporting,
            };
            gathered.add(of, &protein, rows.positions.len(), &rows.logits);
            self.sequences.add(&protein, rows.residues);
        }
        let labels = self.labels.of(&protein);
        let level = |c: u32| self.labels.level(c);
        let starts = std::iter::once(0).chain(rows.offsets.iter().copied());
        let each = starts.zip(&rows.offsets).zip(&rows.positions);
        let each = each.map(|((start, &end), &position)| ResidueRow {
            position,
            latents: &rows.latents[start..end],
            values: &rows.values[start..end],
        });
        sheets
            .residues
            .add_residues(labels, |c| judged_on(level(c), true), each);
        sheets
            .proteins
            .add_protein(labels, |c| judged_on(level(c), false), &latents);
        sheets.association.add_protein(labels, |_| true, &latents);
        Ok(())
    }

    /// Notes density, top proteins and, where they are sought here, maxima; returns mean and largest
    /// activation of each latent.
    fn note(&mut self, protein: &str, rows: &Rows, maxima: bool) -> Vec<ProteinLatent> {
        struct Seen {
            sum: f32,
            max: f32,
            ranges: Vec<[u32; 2]>,
        }
        let mut seen: BTreeMap<u32, Seen> = BTreeMap::new();
        let mut start = 0;
        for (&position, &end) in rows.positions.iter().zip(&rows.offsets) {
            for (&latent, &value) in rows.latents[start..end]
                .iter()
                .zip(&rows.values[start..end])
            {
                self.active[latent as usize] += 1;
                let entry = seen.entry(latent).or_insert(Seen {
                    sum: 0.0,
                    max: 0.0,
                    ranges: Vec::new(),
                });
                entry.sum += value;
                entry.max = entry.max.max(value);
                match entry.ranges.last_mut() {
                    Some(range) if range[1] + 1 == position => range[1] = position,
                    _ => entry.ranges.push([position, position]),
                }
            }
            start = end;
        }
        let n = rows.positions.len().max(1) as f32;
        let mut latents = Vec::with_capacity(seen.len());
        for (latent, entry) in seen {
            let k = latent as usize;
            if maxima {
                self.maxima[k] = self.maxima[k].max(entry.max);
            }
            latents.push(ProteinLatent {
                latent,
                mean: entry.sum / n,
                peak: entry.max,
            });
            let top = &mut self.top[k];
            // by activation, then by name: no order of input shows
            let at = top.partition_point(|t| {
                t.activation > f64::from(entry.max)
                    || (t.activation == f64::from(entry.max) && t.protein.as_str() < protein)
            });
            if at < self.top_count {
                top.truncate(self.top_count - 1);
                top.insert(
                    at,
                    TopProtein {
                        protein: protein.to_owned(),
                        activation: f64::from(entry.max),
                        ranges: entry.ranges,
                    },
                );
            }
        }
        latents
    }
}
