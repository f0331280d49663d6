//! Families that transform every row of activations before they encode it.

use super::{Checkpoint, Names};
use crate::exchange::{
    ExchangeError,
    imported_weights::{Choosing, ImportedWeights},
};
use crate::sae::conversion::{Family, InputTransform};

/// A latent that is active everywhere has an inverse frequency of 0, which no decoder could undo.
const LEAST_IDF: f32 = 1e-9;

/// `InterProt`: `u = (x - mean) / (deviation + 1e-5) - b_pre`, `f = relu(topk(u w_enc + b_enc))`,
/// `x = (f w_dec + b_pre) deviation + mean`.
pub(crate) fn interprot(c: &Checkpoint<'_>) -> Result<ImportedWeights, ExchangeError> {
    let family = Family::Interprot;
    let k = c.k(
        family,
        &[],
        " (64 in the released sweep over layers, 128 in the one whose name ends in _100k)",
    )?;
    let mut draft = c.matrices(
        family,
        Names {
            enc: "w_enc",
            dec: "w_dec",
        },
        Choosing::Topk { k },
    )?;
    draft.b_enc = c.vector(family, "b_enc", draft.latents)?;
    draft.b_dec = c.vector(family, "b_pre", draft.width)?;
    draft.input = InputTransform::LayerNorm;
    Ok(draft)
}

/// ESMC SAE: `z = (x - mean) / (deviation + 1e-5)`, `f = topk(relu((z - b_dec) W_enc))`,
/// `z = f W_dec + b_dec`; normalised `f / max * idf`.
pub(crate) fn esmc(c: &Checkpoint<'_>) -> Result<ImportedWeights, ExchangeError> {
    let family = Family::Esmc;
    let k = c.k(family, &[&["k"]], ", or put config.json beside it")?;
    let mut draft = c.matrices(
        family,
        Names {
            enc: "W_enc",
            dec: "W_dec",
        },
        Choosing::Topk { k },
    )?;
    c.agree(&[
        (&["d_model"], draft.width),
        (&["codebook_dim"], draft.latents),
    ])?;
    draft.b_dec = c.vector(family, "b_dec", draft.width)?;
    draft.input = InputTransform::LayerNorm;
    let maxima = c.vector(family, "max", draft.latents)?;
    let idf = c.vector(family, "idf", draft.latents)?;
    if maxima.iter().any(|&m| m != 1.0) {
        c.divide(&mut draft, maxima, false);
    }
    if idf.iter().any(|&v| v != 1.0) && c.request.normalize_latents == Some(true) {
        let ones = vec![1.0; draft.latents];
        let mut scale = draft.scale.take().unwrap_or(ones);
        for (scale, &idf) in scale.iter_mut().zip(&idf) {
            *scale *= idf.max(LEAST_IDF);
        }
        draft.maxima = Some(idf.iter().map(|v| v.max(LEAST_IDF)).collect());
        draft.scale = Some(scale);
    }
    draft.note(
        "layer N of an ESMC SAE is the input of block N, from 0; some repositories expect the update of a block, h[N] - h[N-1]: see its card",
    );
    Ok(draft)
}

/// `Rep_SAEs_PLMs`: `u = (x - mean) / sqrt(variance + 1e-5) - b_dec`, `f = relu(topk(u W_enc + b))`,
/// `x = (f W_dec + b_dec) sqrt(variance + 1e-5) + mean`.
pub(crate) fn rep_saes(c: &Checkpoint<'_>) -> Result<ImportedWeights, ExchangeError> {
    let family = Family::RepSaes;
    let k = c.k(family, &[], "")?;
    let mut draft = c.matrices(
        family,
        Names {
            enc: "weights.0",
            dec: "weights.1",
        },
        Choosing::Topk { k },
    )?;
    draft.b_enc = c.vector(family, "weights.2", draft.latents)?;
    draft.b_dec = c.vector(family, "weights.3", draft.width)?;
    draft.input = InputTransform::LayerNormBiased;
    Ok(draft)
}
