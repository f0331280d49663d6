//! Families that transform every row of activations before they encode it.

use super::{Checkpoint, Names};
use crate::exchange::{
    ExchangeError,
    imported_weights::{Choosing, ImportedWeights},
};
use crate::sae::conversion::{Family, InputTransform};

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
