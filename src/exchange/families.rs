//! What each family's tensors and configuration mean.
//!
//! x is a row vector of width d, F the number of latents. In all formulas `choose` is the family's
//! choice of latents.

mod bare;
mod esmc;
mod linear;
mod saelens;
mod transformed;

use super::{
    Activation, ExchangeError, Request, Sidecar, Tensors,
    imported_weights::{Choosing, ImportedWeights, Matrices},
    signature::Signature,
};
use crate::sae::conversion::{Family, InputTransform};

/// A checkpoint with what was said of it.
struct Checkpoint<'a> {
    tensors: &'a Tensors<'a>,
    sidecar: &'a Sidecar,
    request: &'a Request,
}

/// Names of the tensors of an encoder and a decoder.
#[derive(Clone, Copy)]
struct Names {
    enc: &'static str,
    dec: &'static str,
}

pub(crate) fn draft(
    signature: Signature,
    tensors: &Tensors<'_>,
    sidecar: &Sidecar,
    request: &Request,
) -> Result<ImportedWeights, ExchangeError> {
    let checkpoint = Checkpoint {
        tensors,
        sidecar,
        request,
    };
    let linear = |read: fn(&Checkpoint<'_>, Family) -> Result<ImportedWeights, ExchangeError>| {
        let family = checkpoint.linear_family();
        let mut draft = read(&checkpoint, family)?;
        checkpoint.add_interplm(&mut draft)?;
        Ok::<_, ExchangeError>(draft)
    };
    let draft = match signature {
        Signature::Relu => linear(linear::relu)?,
        Signature::ReluTied => linear(linear::relu_tied)?,
        Signature::Topk => linear(linear::topk)?,
        Signature::Jumprelu => linear(linear::jumprelu)?,
        Signature::Gated => linear::gated(&checkpoint)?,
        Signature::Matryoshka => bare::matryoshka(&checkpoint)?,
        Signature::BareJumprelu => {
            let mut draft = bare::jumprelu(&checkpoint)?;
            checkpoint.add_interplm(&mut draft)?;
            draft
        }
        Signature::Bare => bare::plain(&checkpoint)?,
        Signature::Saelens => saelens::draft(&checkpoint)?,
        Signature::Sparsify => linear::sparsify(&checkpoint)?,
        Signature::Interprot => transformed::interprot(&checkpoint)?,
        Signature::Esmc => esmc::draft(&checkpoint)?,
        Signature::RepSaes => transformed::rep_saes(&checkpoint)?,
    };
    let open = [
        Signature::Jumprelu,
        Signature::BareJumprelu,
        Signature::Bare,
    ];
    if request.apply_b_dec.is_some() && !open.contains(&signature) {
        return Err(ExchangeError::Ask(
            "--apply-b-dec is said of a checkpoint whose family says it itself".into(),
        ));
    }
    Ok(draft)
}

/// The whole number nearest to one of at least 1.
#[expect(clippy::cast_sign_loss, reason = "at least 1")]
fn whole(value: f64) -> Option<usize> {
    let value = value.round();
    (value >= 1.0).then_some(value as usize)
}

impl Checkpoint<'_> {
    /// Rows and columns of a matrix.
    fn sizes(&self, family: Family, name: &str) -> Result<(usize, usize), ExchangeError> {
        match self.tensors.shape(name) {
            Some(&[rows, columns]) => Ok((rows, columns)),
            Some(other) => Err(ExchangeError::Damaged(format!(
                "tensor '{name}' has shape {other:?}, expected a matrix"
            ))),
            None => Err(ExchangeError::Missing {
                family: family.name(),
                name: name.into(),
                present: self.tensors.listed(),
            }),
        }
    }

    /// Demands that sizes which the configuration names are those of the tensors.
    fn agree(&self, sizes: &[(&[&str], usize)]) -> Result<(), ExchangeError> {
        for &(path, size) in sizes {
            if let Some(named) = self.sidecar.count(path).filter(|&n| n != size) {
                return self.sidecar.fail(format!(
                    "{} is {named}, the weights say {size}",
                    path.join(".")
                ));
            }
        }
        Ok(())
    }

    fn agree_with_trainer(&self, latents: usize, width: usize) -> Result<(), ExchangeError> {
        self.agree(&[
            (&["trainer", "activation_dim"], width),
            (&["trainer", "dict_size"], latents),
        ])
    }

    /// Whether the encoder sees activations minus the decoder's bias, where tensors leave that open: what the user says,
    /// else the configuration.
    fn subtracts_bias(&self) -> Result<bool, ExchangeError> {
        if let Some(said) = self.request.apply_b_dec {
            return Ok(said);
        }
        let key = "apply_b_dec_to_input";
        let mut said = false;
        for path in [&[key][..], &["trainer", key], &["trainer_cfg", key]] {
            said |= self.sidecar.flag_at(path, false)?;
        }
        Ok(said)
    }

    fn vector(&self, family: Family, name: &str, length: usize) -> Result<Vec<f32>, ExchangeError> {
        self.tensors.vector(family.name(), name, length)
    }

    /// A draft of `encoder.weight` `[F, d]` and `decoder.weight` `[d, F]`, without biases.
    fn linears(
        &self,
        family: Family,
        choosing: Choosing,
    ) -> Result<ImportedWeights, ExchangeError> {
        let (latents, width) = self.sizes(family, "encoder.weight")?;
        let t = self.tensors;
        let enc = t.matrix(family.name(), "encoder.weight", latents, width)?;
        let dec = t.transposed(family.name(), "decoder.weight", latents, width)?;
        self.agree_with_trainer(latents, width)?;
        let matrices = Matrices {
            latents,
            width,
            enc,
            dec,
        };
        Ok(ImportedWeights::new(family, matrices, choosing))
    }

    /// A draft of an encoder `[d, F]` and a decoder `[F, d]`, without biases.
    fn matrices(
        &self,
        family: Family,
        names: Names,
        choosing: Choosing,
    ) -> Result<ImportedWeights, ExchangeError> {
        let (width, latents) = self.sizes(family, names.enc)?;
        let t = self.tensors;
        let enc = t.transposed(family.name(), names.enc, latents, width)?;
        let dec = t.matrix(family.name(), names.dec, latents, width)?;
        self.agree_with_trainer(latents, width)?;
        let matrices = Matrices {
            latents,
            width,
            enc,
            dec,
        };
        Ok(ImportedWeights::new(family, matrices, choosing))
    }

    /// `InterPLM` and `dictionary_learning` share tensors and formulas; the latter's runs have a
    /// configuration of their trainer.
    fn linear_family(&self) -> Family {
        if self.sidecar.has("trainer") {
            Family::DictionaryLearning
        } else {
            Family::Interplm
        }
    }

    /// K: what the user says, else the checkpoint, else its configuration.
    fn k(&self, family: Family, paths: &[&[&str]], hint: &str) -> Result<usize, ExchangeError> {
        if let Some(k) = self.request.k {
            return Ok(k);
        }
        if let Some(k) = self.tensors.scalar("k")?.and_then(whole) {
            return Ok(k);
        }
        paths
            .iter()
            .find_map(|path| self.sidecar.count(path))
            .ok_or_else(|| {
                ExchangeError::Ask(format!(
                    "this {} checkpoint does not say K: say --k{hint}",
                    family.name()
                ))
            })
    }

    /// The threshold that `BatchTopK` applies.
    fn threshold(&self, name: &str) -> Result<f32, ExchangeError> {
        if let Some(threshold) = self.request.threshold {
            if threshold.is_finite() && threshold >= 0.0 {
                return Ok(threshold);
            }
            return Err(ExchangeError::Ask(format!(
                "--threshold {threshold} must be at least 0"
            )));
        }
        let saved = self.tensors.scalar(name)?;
        saved
            .filter(|t| t.is_finite() && *t >= 0.0)
            .map(|t| t as f32)
            .ok_or_else(|| {
                ExchangeError::Ask(
                    "the threshold of this BatchTopK checkpoint was never set: say --threshold, or --activation topk to keep K of each residue"
                        .into(),
                )
            })
    }

    /// Adds what `InterPLM` 1.0 saves with every class: maxima of latents, and whether rows are
    /// scaled to length sqrt(d).
    ///
    /// Latents are divided by their maxima after the choice; a maximum of 0 is of a latent that was
    /// never active, which is left as it is.
    fn add_interplm(&self, draft: &mut ImportedWeights) -> Result<(), ExchangeError> {
        let long = self.tensors.scalar("normalize_to_sqrt_d")?;
        if long.is_some_and(|flag| flag != 0.0) {
            draft.input = InputTransform::UnitLength;
        }
        if !self.tensors.has("activation_rescale_factor") {
            return Ok(());
        }
        draft.family = Family::Interplm;
        let maxima = self.vector(draft.family, "activation_rescale_factor", draft.latents)?;
        if maxima.iter().all(|&m| m == 1.0) {
            return Ok(());
        }
        self.divide(draft, maxima, true);
        Ok(())
    }

    /// Divides latents by their maxima, or only remembers these.
    fn divide(&self, draft: &mut ImportedWeights, mut maxima: Vec<f32>, by_default: bool) {
        let mut unseen = 0;
        for m in &mut maxima {
            if !m.is_finite() || *m <= 0.0 {
                *m = 1.0;
                unseen += 1;
            }
        }
        if unseen > 0 {
            draft.note(format!(
                "{unseen} latents were never active where the checkpoint's maxima are from; they are left unscaled"
            ));
        }
        if self.request.normalize_latents.unwrap_or(by_default) {
            draft.maxima = Some(vec![1.0; maxima.len()]);
            draft.scale = Some(maxima.iter().map(|m| 1.0 / m).collect());
        } else {
            draft.maxima = Some(maxima);
        }
    }

    /// Which of `TopK` and `BatchTopK` this is: their tensors are the same.
    fn top_or_batch(&self) -> Result<Activation, ExchangeError> {
        if let Some(asked @ (Activation::Topk | Activation::Batchtopk)) = self.request.activation {
            return Ok(asked);
        }
        let class = ["dict_class", "trainer_class"]
            .iter()
            .find_map(|key| self.sidecar.text(&["trainer", key]));
        match class {
            Some(class) if class.contains("BatchTopK") => Ok(Activation::Batchtopk),
            Some(class) if class.contains("TopK") => Ok(Activation::Topk),
            _ => Err(ExchangeError::Ask(
                "TopK and BatchTopK checkpoints have the same tensors: say --activation topk or --activation batchtopk"
                    .into(),
            )),
        }
    }
}
