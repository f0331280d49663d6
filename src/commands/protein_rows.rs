//! Features of whole proteins, one protein after the other: from feature tables, or from activations through a model.

use super::{calling::Calling, listed::Listed, protein_totals::Totals, shared::WholeProteins};
use crate::{
    Error, Result,
    cli::{Source, progress::Progress},
    sae::{encode::Encoder, folder::Sae, settings::Operand},
    table::{
        TableError,
        activations::{ActivationBatch, ActivationReader},
        calls::CallList,
        features::{FeatureBatch, FeatureReader},
        schema,
    },
};

/// Numbers that a block of rows may hold.
const BLOCK_NUMBERS: usize = 1 << 23;

/// Indices with values, by residue.
#[derive(Default)]
pub(super) struct Lists {
    ends: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl Lists {
    fn push(&mut self, indices: &[u32], values: &[f32]) {
        self.indices.extend_from_slice(indices);
        self.values.extend_from_slice(values);
        self.ends.push(self.indices.len());
    }

    /// What a residue has; `at` counts from 0.
    pub(super) fn row(&self, at: usize) -> (&[u32], &[f32]) {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        let range = start..self.ends[at];
        (&self.indices[range.clone()], &self.values[range])
    }

    fn clear(&mut self) {
        self.ends.clear();
        self.indices.clear();
        self.values.clear();
    }
}

/// The features of one protein.
#[derive(Default)]
pub(super) struct ProteinRows {
    pub(super) protein: String,
    /// One-letter codes.
    pub(super) residues: Vec<u8>,
    /// Active latents with their activations.
    pub(super) latents: Lists,
    /// Listed concepts with their probabilities.
    pub(super) concepts: Lists,
    /// What the whole of it is called to have; none where nothing calls.
    pub(super) calls: Option<CallList>,
    /// Means of the PLM's activations; empty where features are read.
    pub(super) mean: Vec<f32>,
}

impl ProteinRows {
    /// Residues.
    pub(super) fn length(&self) -> u32 {
        self.residues.len() as u32
    }

    /// Begins a residue of the protein, which must follow the one before.
    fn residue(&mut self, position: u32, residue: u8, row: usize) -> Result<(), TableError> {
        if position != self.length() + 1 {
            return Err(TableError::Value {
                column: schema::POSITION,
                row,
                problem: format!(
                    "residue {position} of protein '{}' follows residue {}; proteins must be whole",
                    self.protein,
                    self.length()
                ),
            });
        }
        self.residues.push(residue);
        Ok(())
    }

    /// Hands the protein over, if one has begun.
    fn end(&mut self, each: &mut impl FnMut(&Self) -> Result<()>) -> Result<()> {
        if !self.residues.is_empty() {
            each(self)?;
        }
        self.residues.clear();
        self.latents.clear();
        self.concepts.clear();
        self.calls = None;
        self.mean.clear();
        Ok(())
    }
}

/// How many latents and concepts there are.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) latents: usize,
    pub(super) concepts: usize,
}

impl Known {
    /// Demands that a batch names no others.
    fn check(self, batch: &FeatureBatch, source: &Source) -> Result<()> {
        let columns = batch.columns().map_err(source.in_input())?;
        let largest = |values: &[u32]| values.iter().max().copied();
        for (what, largest, known) in [
            ("latent", largest(&columns.latent.values), self.latents),
            ("concept", largest(&columns.concept.values), self.concepts),
        ] {
            if let Some(bad) = largest.filter(|&k| k as usize >= known) {
                return Err(Error::mismatch(format!(
                    "{source} names {what} {bad}, the model or dictionary has {known}"
                )));
            }
        }
        Ok(())
    }
}

/// Reads feature tables, protein by protein.
///
/// # Errors
/// Where a table cannot be read, its proteins are not whole, or it names latents or concepts that nobody knows.
pub(super) fn of_features(
    readers: Vec<(&Source, FeatureReader)>,
    known: Known,
    mut each: impl FnMut(&ProteinRows) -> Result<()>,
) -> Result<()> {
    let total = readers.iter().map(|(_, r)| r.rows().ok().flatten()).sum();
    let mut progress = Progress::new("residues", total);
    let (mut whole, mut rows) = (WholeProteins::default(), ProteinRows::default());
    for (source, reader) in readers {
        for batch in reader {
            let batch = batch.map_err(source.in_input())?;
            known.check(&batch, source)?;
            add_features(&batch, source, &mut whole, &mut rows, &mut each)?;
            progress.add(batch.rows() as u64);
        }
        rows.end(&mut each)?;
        whole.end_of_table();
    }
    progress.finish();
    Ok(())
}

fn add_features(
    batch: &FeatureBatch,
    source: &Source,
    whole: &mut WholeProteins,
    rows: &mut ProteinRows,
    each: &mut impl FnMut(&ProteinRows) -> Result<()>,
) -> Result<()> {
    let columns = batch.columns().map_err(source.in_input())?;
    for run in batch.runs() {
        let protein = batch.protein(run.start);
        if whole.next(protein).map_err(source.in_input())? {
            rows.end(each)?;
            protein.clone_into(&mut rows.protein);
        }
        for row in run {
            let begun = rows.residue(columns.position[row], columns.residue[row], row);
            begun.map_err(source.in_input())?;
            rows.latents
                .push(columns.latent.row(row), columns.activation.row(row));
            rows.concepts
                .push(columns.concept.row(row), columns.probability.row(row));
            if let Some(calls) = columns.calls(row) {
                rows.calls = Some(CallList {
                    concepts: calls.concepts.to_vec(),
                    probabilities: calls.probabilities.to_vec(),
                    neighbours: None,
                });
            }
        }
    }
    Ok(())
}

/// A model that makes features of activations: which concepts it lists, and what calls whole proteins.
pub(super) struct FeatureModel<'a> {
    pub(super) sae: &'a Sae,
    pub(super) listed: Listed,
    pub(super) calling: Option<Calling>,
    /// What the encoder's products multiply.
    pub(super) compute: Operand,
}

impl FeatureModel<'_> {
    /// Reads tables of activations, protein by protein.
    ///
    /// # Errors
    /// Where a table cannot be read, or its proteins are not whole.
    pub(super) fn of_activations(
        &self,
        readers: Vec<(&Source, ActivationReader)>,
        mut each: impl FnMut(&ProteinRows) -> Result<()>,
    ) -> Result<()> {
        let total = readers.iter().map(|(_, r)| r.rows().ok().flatten()).sum();
        let mut progress = Progress::new("residues", total);
        let shape = &self.sae.config.shape;
        let mut encoder = Encoder::with(self.sae, self.compute);
        let block = (BLOCK_NUMBERS / (shape.width + shape.defined)).max(1);
        let mut encoding = Encoding {
            model: self,
            totals: Totals::new(shape),
            whole: WholeProteins::default(),
            rows: ProteinRows::default(),
            listed: <(Vec<u32>, Vec<f32>)>::default(),
        };
        for (source, reader) in readers {
            for batch in reader {
                let batch = batch.map_err(source.in_input())?;
                encoding.add(&mut encoder, &batch, block, source, &mut each)?;
                progress.add(batch.rows() as u64);
            }
            encoding.end_protein(&mut each)?;
            encoding.whole.end_of_table();
        }
        progress.finish();
        Ok(())
    }
}

/// Activations on their way through a model.
struct Encoding<'a> {
    model: &'a FeatureModel<'a>,
    totals: Totals,
    whole: WholeProteins,
    rows: ProteinRows,
    /// Concepts of a residue, and their probabilities.
    listed: (Vec<u32>, Vec<f32>),
}

impl Encoding<'_> {
    /// Encodes a batch, `block` rows at once, and adds its rows.
    fn add(
        &mut self,
        encoder: &mut Encoder<'_>,
        batch: &ActivationBatch,
        block: usize,
        source: &Source,
        each: &mut impl FnMut(&ProteinRows) -> Result<()>,
    ) -> Result<()> {
        let width = batch.width();
        let activations = batch.activations().map_err(source.in_input())?;
        let positions = batch.positions().map_err(source.in_input())?;
        let residues = batch.residues().map_err(source.in_input())?;
        for start in (0..batch.rows()).step_by(block) {
            let end = (start + block).min(batch.rows());
            let encoded = encoder.encode(&activations[start * width..end * width]);
            let encoded = encoded.map_err(source.in_input())?;
            let m = encoded.concepts;
            for row in start..end {
                let (protein, at) = (batch.protein(row), row - start);
                if self.whole.next(protein).map_err(source.in_input())? {
                    self.end_protein(each)?;
                    protein.clone_into(&mut self.rows.protein);
                    protein.clone_into(&mut self.totals.protein);
                }
                let begun = self.rows.residue(positions[row], residues[row], row);
                begun.map_err(source.in_input())?;
                let logits = &encoded.logits[at * m..(at + 1) * m];
                let x = &activations[row * width..(row + 1) * width];
                self.residue(x, logits, encoded.z.row(at));
            }
        }
        Ok(())
    }

    fn residue(&mut self, x: &[f32], logits: &[f32], (latents, values): (&[u32], &[f32])) {
        self.totals.add(x, logits, latents, values);
        let (concepts, probabilities) = (&mut self.listed.0, &mut self.listed.1);
        let listed = &self.model.listed;
        listed.list(logits, (latents, values), concepts, probabilities);
        self.rows.latents.push(latents, values);
        self.rows.concepts.push(concepts, probabilities);
    }

    /// Calls the protein that has ended, if there is one, and hands it over.
    fn end_protein(&mut self, each: &mut impl FnMut(&ProteinRows) -> Result<()>) -> Result<()> {
        if !self.rows.residues.is_empty() {
            self.rows.mean = self.totals.mean_activation();
            self.rows.calls = self.totals.take(self.model.calling.as_ref()).calls;
        }
        self.rows.end(each)
    }
}
