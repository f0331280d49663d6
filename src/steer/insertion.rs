//! An autoencoder in the place of the activations that it was trained on.

use super::{
    change::{Change, Changed},
    error::SteerError,
};
use crate::{
    math::pool::PerThread,
    plm::place::Edit,
    sae::{
        Sae,
        encode::{RowEncoder, RowMemory},
        settings::Operand,
    },
};
use rayon::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows that a thread works on at a time: as many as the PLM's engine on a CPU brings at most.
const BLOCK: usize = 128;

/// Replaces activations by their reconstruction, after a change of the latents or without, or by zeros.
///
/// An error does not stop the PLM: [`Self::check`] says afterwards whether there was one.
pub struct Insertion<'a> {
    what: What<'a>,
    /// Of the first token that had one.
    error: Mutex<Option<(usize, SteerError)>>,
}

/// What is put in the place of activations.
enum What<'a> {
    Zero,
    Reconstruction {
        encoder: Arc<RowEncoder<'a>>,
        change: Change,
        memory: PerThread<Memory>,
    },
}

/// Memory of a thread.
#[derive(Debug, Default)]
struct Memory {
    rows: RowMemory,
    changed: Changed,
}

impl Insertion<'static> {
    /// Zeros, in the place of every residue's activations.
    #[must_use]
    pub fn zero() -> Self {
        Self::new(What::Zero)
    }
}

impl<'a> Insertion<'a> {
    fn new(what: What<'a>) -> Self {
        Self {
            what,
            error: Mutex::new(None),
        }
    }

    /// What `sae` makes of the activations of its site, in the units of the PLM. It works on the threads of the current
    /// pool.
    #[must_use]
    pub fn reconstructing(sae: &'a Sae) -> Self {
        Self::changing(sae, Change::None)
    }

    /// What `sae` makes of the activations of its site when its latents are changed.
    #[must_use]
    pub fn changing(sae: &'a Sae, change: Change) -> Self {
        Self::of(Arc::new(RowEncoder::new(sae, Operand::default())), change)
    }

    fn of(encoder: Arc<RowEncoder<'a>>, change: Change) -> Self {
        Self::new(What::Reconstruction {
            encoder,
            change,
            memory: PerThread::new(),
        })
    }

    /// The same model with another change of its latents; zeros remain zeros.
    #[must_use]
    pub fn with(&self, change: Change) -> Self {
        match &self.what {
            What::Zero => Self::new(What::Zero),
            What::Reconstruction { encoder, .. } => Self::of(Arc::clone(encoder), change),
        }
    }

    /// Whether all went well since the last call; forgets what did not.
    ///
    /// # Errors
    /// [`SteerError`] of the first token of a batch at which something was no number.
    pub fn check(&self) -> Result<(), SteerError> {
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.take().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Keeps the error of the first token, whichever thread comes first.
    fn record(&self, token: usize, error: SteerError) {
        let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(earlier, _)| token < *earlier) {
            *first = Some((token, error));
        }
    }

    /// Says where the first number of rows is that is none, if any.
    fn demand_finite(&self, tokens: &[usize], rows: &[f32], width: usize, place: &'static str) {
        let Some(at) = rows.iter().position(|v| !v.is_finite()) else {
            return;
        };
        let token = tokens[at / width];
        let value = rows[at];
        let error = SteerError::NotFinite {
            token,
            place,
            value,
        };
        self.record(token, error);
    }

    /// Reconstructs a block of rows in a thread's memory.
    fn reconstruct(
        &self,
        encoder: &RowEncoder,
        change: &Change,
        tokens: &[usize],
        rows: &mut [f32],
        memory: &mut Memory,
    ) {
        let sae = encoder.sae();
        let width = sae.config.shape.width;
        if !encoder.encode(rows, &mut memory.rows) {
            return self.demand_finite(tokens, rows, width, "before");
        }
        for (row, out) in rows.chunks_exact_mut(width).enumerate() {
            let (latents, values, frame) = memory.rows.row(row);
            if *change == Change::None {
                sae.reconstruct(latents, values, frame, out);
            } else {
                let changed = &mut memory.changed;
                change.apply(latents, values, &sae.latent_max, changed);
                sae.reconstruct(&changed.latents, &changed.values, frame, out);
            }
        }
        self.demand_finite(tokens, rows, width, "behind");
    }
}

impl Edit for Insertion<'_> {
    fn edit(&self, tokens: &[usize], rows: &mut [f32]) {
        let What::Reconstruction {
            encoder,
            change,
            memory,
        } = &self.what
        else {
            return rows.fill(0.0);
        };
        if tokens.is_empty() {
            return;
        }
        let width = encoder.sae().config.shape.width;
        if rows.len() != tokens.len() * width {
            let error = SteerError::Width {
                found: rows.len(),
                tokens: tokens.len(),
                width,
            };
            return self.record(tokens.first().copied().unwrap_or(0), error);
        }
        let block = |tokens: &[usize], rows: &mut [f32]| {
            memory.with(|memory| self.reconstruct(encoder, change, tokens, rows, memory));
        };
        if tokens.len() <= BLOCK {
            return block(tokens, rows);
        }
        tokens
            .par_chunks(BLOCK)
            .zip(rows.par_chunks_mut(BLOCK * width))
            .for_each(|(tokens, rows)| block(tokens, rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plm::{
            batch::Batch,
            encoder::{LoadPlan, Model},
            place::{Place, Replacement},
            weights::{ModelFolder, Precision},
        },
        sae::{
            config::{Shape, Variant},
            variants::Topk,
        },
        steer::{
            Mode,
            testing::{protsae, sae},
        },
        table::metadata::Site,
    };

    /// The width of the PLM of the tests.
    const WIDTH: usize = 128;

    /// Latents are the positive and the negative part of each activation.
    fn exact() -> Sae {
        let shape = Shape {
            width: WIDTH,
            latents: 2 * WIDTH,
            ..Shape::default()
        };
        let mut sae = sae(shape, Variant::Topk(Topk::new()).with_k(2 * WIDTH), 0.5);
        sae.params.b_dec.fill(0.0);
        sae.params.enc.fill(0.0);
        for i in 0..WIDTH {
            sae.params.enc[i * WIDTH + i] = 1.0;
            sae.params.enc[(WIDTH + i) * WIDTH + i] = -1.0;
        }
        sae.params.dec = sae.params.enc.clone();
        sae
    }

    fn untrained() -> Sae {
        protsae(WIDTH, 4 * WIDTH, 9, 16)
    }

    fn rows(count: usize) -> Vec<f32> {
        (0..count * WIDTH)
            .map(|i| (i as f32 * 0.7).sin() * 3.0)
            .collect()
    }

    fn model() -> (Model, Batch) {
        let folder = ModelFolder::open("test_data/mini_esm2".as_ref()).unwrap();
        let model = Model::load(&folder, LoadPlan::with_head(Precision::F32)).unwrap();
        let mut batch = Batch::new();
        batch.push(&folder.vocabulary, b"MKTAYIAKQRQISFVKSHFSRQ");
        batch.push(
            &folder.vocabulary,
            b"GLSDGEWQLVLNVWGKVEADIPGHGQEVLIRLFKGHPETLEKFDK",
        );
        (model, batch)
    }

    fn logits(model: &Model, batch: &Batch, edit: Option<&dyn Edit>) -> Vec<f32> {
        let place = Place::here(Site::Residual, 3);
        let logits = model.logits(batch, edit.map(|edit| Replacement { place, edit }));
        (0..batch.tokens().len())
            .flat_map(|t| logits.row(t).to_vec())
            .collect()
    }

    #[test]
    fn an_exact_reconstruction_changes_no_logit() {
        let (model, batch) = model();
        let sae = exact();
        let inserted = Insertion::reconstructing(&sae);
        let got = logits(&model, &batch, Some(&inserted));
        inserted.check().unwrap();
        for (got, want) in got.iter().zip(logits(&model, &batch, None)) {
            assert!((got - want).abs() < 1e-4, "{got} and {want}");
        }
        let added = inserted.with(Change::Add {
            latents: vec![3],
            mode: Mode::Absolute,
            scale: 2.0,
        });
        assert_ne!(logits(&model, &batch, Some(&added)), got);
    }

    #[test]
    fn zeros_are_an_edit_of_zeros() {
        let (model, batch) = model();
        let zeros = |_: &[usize], rows: &mut [f32]| rows.fill(0.0);
        let want = logits(&model, &batch, Some(&zeros));
        assert_eq!(logits(&model, &batch, Some(&Insertion::zero())), want);
    }

    #[test]
    fn a_row_depends_on_itself_alone() {
        let sae = untrained();
        let change = Change::Add {
            latents: vec![2, 300],
            mode: Mode::RelativeToken,
            scale: 0.3,
        };
        for insertion in [
            Insertion::reconstructing(&sae),
            Insertion::changing(&sae, change),
        ] {
            let mut whole = rows(300);
            insertion.edit(&(0..300).collect::<Vec<_>>(), &mut whole);
            for size in [1, 7, 128] {
                let mut parts = rows(300);
                for part in parts.chunks_mut(size * WIDTH) {
                    let tokens: Vec<usize> = (0..part.len() / WIDTH).collect();
                    insertion.edit(&tokens, part);
                }
                assert_eq!(parts, whole, "by {size}");
            }
            insertion.check().unwrap();
        }
    }

    #[test]
    fn it_reconstructs_what_the_model_does() {
        let sae = untrained();
        let mut encoder = crate::sae::Encoder::new(&sae);
        let mut want = rows(40);
        let encoded = encoder.encode(&rows(40)).unwrap();
        sae.decode(encoded.z, &mut want).unwrap();
        let mut got = rows(40);
        Insertion::reconstructing(&sae).edit(&(0..40).collect::<Vec<_>>(), &mut got);
        assert_eq!(got, want);
    }

    #[test]
    fn what_is_no_number_is_said_of_the_first_token() {
        let sae = untrained();
        let insertion = Insertion::reconstructing(&sae);
        let mut bad = rows(300);
        bad[290 * WIDTH] = f32::NAN;
        bad[17 * WIDTH + 5] = f32::INFINITY;
        let tokens: Vec<usize> = (1000..1300).collect();
        insertion.edit(&tokens, &mut bad);
        let error = insertion.check().unwrap_err().to_string();
        assert!(
            error.contains("token 1017") && error.contains("before"),
            "{error}"
        );
        assert!(insertion.check().is_ok());
        let huge = insertion.with(Change::Add {
            latents: vec![1],
            mode: Mode::Absolute,
            scale: f32::INFINITY,
        });
        let mut rows = rows(2);
        huge.edit(&[4, 5], &mut rows);
        let error = huge.check().unwrap_err().to_string();
        assert!(
            error.contains("token 4") && error.contains("behind"),
            "{error}"
        );
        huge.edit(&[4, 5, 6], &mut rows);
        assert!(matches!(
            huge.check(),
            Err(SteerError::Width { width: WIDTH, .. })
        ));
    }
}
