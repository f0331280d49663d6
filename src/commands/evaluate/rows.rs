//! Rows of held-out proteins, encoded block by block and handed over protein by protein.

use crate::{
    Result,
    commands::shared::WholeProteins,
    sae::{
        encode::{Encoder, LatentRows},
        folder::Sae,
    },
    score::{
        consistency::{Consistency, ConsistencyCounter},
        fidelity::{Fidelity, FidelitySums},
        metrics::PartSize,
        sheet::ResidueRow,
    },
    split::partition::{Part, Partition},
    table::activations::ActivationBatch,
};

/// Numbers that a block of rows may hold.
const BLOCK_NUMBERS: usize = 1 << 23;

/// The encoded rows of one protein.
#[derive(Default)]
pub(super) struct PartRows {
    pub(super) protein: String,
    pub(super) part: Option<Part>,
    pub(super) positions: Vec<u32>,
    /// Start of each row in the lists, and the end of the last.
    pub(super) offsets: Vec<usize>,
    pub(super) latents: Vec<u32>,
    pub(super) values: Vec<f32>,
    /// Logits of the concepts, rows x m.
    pub(super) logits: Vec<f32>,
    /// Sums over the rows of the PLM's activations.
    pub(super) activation_sums: Vec<f64>,
    /// One-letter codes.
    pub(super) residues: Vec<u8>,
}

impl PartRows {
    fn begin(&mut self, protein: &str, part: Part) {
        protein.clone_into(&mut self.protein);
        self.part = Some(part);
        self.positions.clear();
        self.offsets.clear();
        self.offsets.push(0);
        self.latents.clear();
        self.values.clear();
        self.logits.clear();
        self.residues.clear();
        self.activation_sums.clear();
    }

    fn add_activations(&mut self, x: &[f32]) {
        self.activation_sums.resize(x.len(), 0.0);
        for (sum, &x) in self.activation_sums.iter_mut().zip(x) {
            *sum += f64::from(x);
        }
    }

    /// The rows one by one.
    pub(super) fn rows(&self) -> impl Iterator<Item = ResidueRow<'_>> {
        self.positions.iter().enumerate().map(|(row, &position)| {
            let range = self.offsets[row]..self.offsets[row + 1];
            ResidueRow {
                position,
                latents: &self.latents[range.clone()],
                values: &self.values[range],
            }
        })
    }
}

/// Reconstructions of a block of rows: from all latents, and from the defined ones.
#[derive(Default)]
struct Decoded {
    whole: Vec<f32>,
    defined: Vec<f32>,
}

impl Decoded {
    fn fill(&mut self, sae: &Sae, z: LatentRows<'_>) -> Result<()> {
        let size = (z.offsets.len() - 1) * sae.config.shape.width;
        self.whole.resize(size, 0.0);
        self.defined.resize(size, 0.0);
        sae.decode(z, &mut self.whole)?;
        let defined = sae.config.shape.defined;
        let (mut offsets, mut latents, mut values) = (vec![0], Vec::new(), Vec::new());
        for row in 0..z.offsets.len() - 1 {
            let (l, v) = z.row(row);
            let count = l.partition_point(|&k| (k as usize) < defined);
            latents.extend_from_slice(&l[..count]);
            values.extend_from_slice(&v[..count]);
            offsets.push(latents.len());
        }
        let z = LatentRows {
            offsets: &offsets,
            latents: &latents,
            values: &values,
            frames: z.frames,
        };
        Ok(sae.decode(z, &mut self.defined)?)
    }

    /// Norms of what all latents of a row, and its defined latents, add to the pre-bias.
    fn norms(&self, sae: &Sae, place: std::ops::Range<usize>) -> (f64, f64) {
        let scale = sae.config.input_scale;
        let norm = |row: &[f32]| {
            let parts = row.iter().zip(&sae.params.b_dec);
            let squares = parts.map(|(&x, &b)| (f64::from(x) - f64::from(b) / scale).powi(2));
            squares.sum::<f64>().sqrt()
        };
        (norm(&self.whole[place.clone()]), norm(&self.defined[place]))
    }
}

/// Gathers rows of held-out proteins.
pub(super) struct Collector<'a> {
    sae: &'a Sae,
    split: Option<&'a Partition>,
    sums: Option<FidelitySums>,
    consistency: Option<ConsistencyCounter>,
    whole: WholeProteins,
    /// Whether training proteins are encoded too; they take part in no score.
    with_train: bool,
    /// Whether letters of residues are asked for.
    pub(super) with_residues: bool,
    /// Rows that wait for the encoder: activations, positions, and where proteins begin.
    waiting: Vec<f32>,
    waiting_positions: Vec<u32>,
    waiting_residues: Vec<u8>,
    starts: Vec<(usize, String, Part)>,
    current: PartRows,
    block: usize,
    decoded: Decoded,
    pub(super) unlisted: Vec<String>,
    pub(super) valid: PartSize,
    pub(super) test: PartSize,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        sae: &'a Sae,
        split: Option<&'a Partition>,
        fidelity: bool,
        with_train: bool,
    ) -> Self {
        let shape = &sae.config.shape;
        let numbers = shape.width + shape.defined;
        Self {
            sae,
            split,
            sums: fidelity.then(|| FidelitySums::new(shape.width, shape.latents, shape.defined)),
            consistency: ConsistencyCounter::new(sae),
            whole: WholeProteins::default(),
            with_train,
            with_residues: false,
            waiting: Vec::new(),
            waiting_positions: Vec::new(),
            waiting_residues: Vec::new(),
            starts: Vec::new(),
            current: PartRows::default(),
            block: (BLOCK_NUMBERS / numbers).clamp(1, 1 << 14),
            decoded: Decoded::default(),
            unlisted: Vec::new(),
            valid: PartSize::default(),
            test: PartSize::default(),
        }
    }

    /// Proteins so far, whatever they are for.
    pub(super) fn proteins(&self) -> usize {
        self.whole.count()
    }

    /// What a protein is for; without a split every protein is for the test.
    fn part(&self, protein: &str) -> Option<Part> {
        self.split.map_or(Some(Part::Test), |s| s.of(protein))
    }

    /// Adds a batch; `each` gets every protein that is encoded, once it is complete.
    pub(super) fn batch(
        &mut self,
        encoder: &mut Encoder<'_>,
        batch: &ActivationBatch,
        mut each: impl FnMut(&PartRows) -> Result<()>,
    ) -> Result<()> {
        let width = batch.width();
        let activations = batch.activations()?;
        let positions = batch.positions()?;
        let residues = if self.with_residues {
            batch.residues()?
        } else {
            vec![b'X'; batch.rows()]
        };
        for run in batch.runs() {
            let protein = batch.protein(run.start);
            let part = self.part(protein);
            let kept = part.filter(|&p| p != Part::Train || self.with_train);
            if self.whole.next(protein)? {
                if part.is_none() {
                    self.unlisted.push(protein.to_owned());
                }
                if let Some(part) = kept {
                    let at = self.waiting_positions.len();
                    self.starts.push((at, protein.to_owned(), part));
                }
            }
            if kept.is_none() {
                continue;
            }
            self.waiting
                .extend_from_slice(&activations[run.start * width..run.end * width]);
            self.waiting_residues
                .extend_from_slice(&residues[run.clone()]);
            self.waiting_positions.extend_from_slice(&positions[run]);
            if self.waiting_positions.len() >= self.block {
                self.encode(encoder, &mut each)?;
            }
        }
        Ok(())
    }

    /// The table has ended, and with it its last protein.
    pub(super) fn end_table(
        &mut self,
        encoder: &mut Encoder<'_>,
        mut each: impl FnMut(&PartRows) -> Result<()>,
    ) -> Result<()> {
        self.encode(encoder, &mut each)?;
        self.end_protein(&mut each)?;
        self.whole.end_of_table();
        Ok(())
    }

    fn end_protein(&mut self, each: &mut impl FnMut(&PartRows) -> Result<()>) -> Result<()> {
        let Some(part) = self.current.part else {
            return Ok(());
        };
        let size = match part {
            Part::Train => None,
            Part::Valid => Some(&mut self.valid),
            Part::Test => Some(&mut self.test),
        };
        if let Some(size) = size {
            size.proteins += 1;
            size.residues += self.current.positions.len() as u64;
        }
        if let (Some(counter), Part::Test) = (&mut self.consistency, part) {
            counter.add(&self.current.logits);
        }
        each(&self.current)?;
        self.current.part = None;
        Ok(())
    }

    /// Encodes the rows that wait and deals them out to their proteins.
    fn encode(
        &mut self,
        encoder: &mut Encoder<'_>,
        each: &mut impl FnMut(&PartRows) -> Result<()>,
    ) -> Result<()> {
        let x = std::mem::take(&mut self.waiting);
        let positions = std::mem::take(&mut self.waiting_positions);
        let residues = std::mem::take(&mut self.waiting_residues);
        let starts = std::mem::take(&mut self.starts);
        let encoded = encoder.encode(&x)?;
        let d = self.sae.config.shape.width;
        let m = encoded.concepts;
        if self.sums.is_some() {
            self.decoded.fill(self.sae, encoded.z)?;
        }
        let mut next = starts.into_iter().peekable();
        for (row, &position) in positions.iter().enumerate() {
            if let Some((_, protein, part)) = next.next_if(|(at, ..)| *at == row) {
                self.end_protein(each)?;
                self.current.begin(&protein, part);
            }
            let (latents, values) = encoded.z.row(row);
            let logits = &encoded.logits[row * m..(row + 1) * m];
            if let Some(sums) = self
                .sums
                .as_mut()
                .filter(|_| self.current.part == Some(Part::Test))
            {
                let place = row * d..(row + 1) * d;
                let reconstruction = &self.decoded.whole[place.clone()];
                let norms = self.decoded.norms(self.sae, place.clone());
                sums.add(&x[place], reconstruction, latents, logits, norms);
            }
            if let (Some(counter), Some(Part::Test)) = (&mut self.consistency, self.current.part) {
                counter.add_latents(latents);
            }
            let current = &mut self.current;
            current.add_activations(&x[row * d..(row + 1) * d]);
            current.positions.push(position);
            current.residues.push(residues[row]);
            current.latents.extend_from_slice(latents);
            current.values.extend_from_slice(values);
            current.offsets.push(current.latents.len());
            current.logits.extend_from_slice(logits);
        }
        self.waiting = x;
        self.waiting.clear();
        Ok(())
    }

    /// Agreement of predictions with the hierarchy of concepts; none without one.
    pub(super) fn consistency(&mut self) -> Option<Consistency> {
        self.consistency.take().map(ConsistencyCounter::finish)
    }

    /// The scores of faithfulness.
    pub(super) fn fidelity(&self) -> Fidelity {
        let empty = FidelitySums::new(0, 0, 0);
        self.sums.as_ref().unwrap_or(&empty).finish()
    }
}
