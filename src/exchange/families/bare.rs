//! `W_enc` `[d, F]` and `W_dec` `[F, d]` without a configuration of `SAELens`.

use super::{Checkpoint, Names, whole};
use crate::exchange::{
    Activation, ExchangeError,
    imported_weights::{Choosing, ImportedWeights},
};
use crate::sae::conversion::Family;

const NAMES: Names = Names {
    enc: "W_enc",
    dec: "W_dec",
};

fn with_biases(
    c: &Checkpoint<'_>,
    family: Family,
    choosing: Choosing,
) -> Result<ImportedWeights, ExchangeError> {
    let mut draft = c.matrices(family, NAMES, choosing)?;
    draft.b_enc = c.vector(family, "b_enc", draft.latents)?;
    draft.b_dec = c.vector(family, "b_dec", draft.width)?;
    Ok(draft)
}

/// `h = relu((x - b_dec) W_enc + b_enc)`, `f = h (h > threshold)`, `x = f W_dec + b_dec`.
pub(crate) fn matryoshka(c: &Checkpoint<'_>) -> Result<ImportedWeights, ExchangeError> {
    let family = Family::DictionaryLearning;
    let choosing = Choosing::Batchtopk {
        k: c.k(family, &[&["trainer", "k"]], "")?,
        threshold: c.threshold("threshold")?,
    };
    let mut draft = with_biases(c, family, choosing)?;
    if c.tensors.has("group_sizes") {
        let mut end = 0;
        for size in c.tensors.list("group_sizes")? {
            end += whole(size).unwrap_or(0).min(draft.latents);
            if end > 0 && end < draft.latents {
                draft.prefixes.push(end);
            }
        }
    }
    if !c.sidecar.is_present() && c.request.input_scale.is_none() {
        draft.note(
            "if this is of SAEFold, its activations were divided by a norm_factor that is not in the file, and centred: say --input-scale (1 / norm_factor) and --input-transform center",
        );
    }
    Ok(draft)
}

/// `p = x W_enc + b_enc`, `f = relu(p (p > threshold))`, `x = f W_dec + b_dec`.
pub(crate) fn jumprelu(c: &Checkpoint<'_>) -> Result<ImportedWeights, ExchangeError> {
    let family = c.linear_family();
    let mut draft = with_biases(c, family, Choosing::Relu)?;
    draft.choosing = Choosing::Jumprelu {
        thresholds: c.vector(family, "threshold", draft.latents)?,
    };
    draft.shifted = c.subtracts_bias()?;
    Ok(draft)
}

/// `f = choose((x - b_dec if so) W_enc + b_enc)`, `x = f W_dec + b_dec`: the user says the rest.
pub(crate) fn plain(c: &Checkpoint<'_>) -> Result<ImportedWeights, ExchangeError> {
    let family = Family::Plain;
    let (Some(activation), Some(shifted)) = (c.request.activation, c.request.apply_b_dec) else {
        return Err(ExchangeError::Ask(
            "bare W_enc, W_dec, b_enc, b_dec say nothing else: put cfg.json of SAELens beside them, or say --activation and --apply-b-dec"
                .into(),
        ));
    };
    let choosing = match activation {
        Activation::Relu => Choosing::Relu,
        Activation::Topk => Choosing::Topk {
            k: c.k(family, &[], "")?,
        },
        Activation::Batchtopk => Choosing::Batchtopk {
            k: c.k(family, &[], "")?,
            threshold: c.threshold("threshold")?,
        },
    };
    let mut draft = with_biases(c, family, choosing)?;
    draft.shifted = shifted;
    Ok(draft)
}
