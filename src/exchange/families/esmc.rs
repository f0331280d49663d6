//! Biohub's SAEs of ESM Cambrian: `config.json` and one `layer_N.safetensors` for each layer.
//!
//! `z = (x - mean) / (deviation + 1e-5)` over the dimensions of a row, with d - 1 in the deviation's denominator;
//! `f = topk(relu((z - b_dec) W_enc))`, `z = f W_dec + b_dec`. Where they are known, `max` holds the largest activations
//! of latents and `idf` the logarithms of their inverse frequencies over `UniRef90`, and `f / max * idf` is what is
//! comparable between latents; else all of them are 1.

use super::{Checkpoint, Names};
use crate::exchange::{
    ExchangeError, Pack,
    imported_weights::{Choosing, ImportedWeights},
};
use crate::sae::conversion::{Family, InputTransform};

/// A latent that is active everywhere has an inverse frequency of 0, which no decoder could undo.
const LEAST_IDF: f32 = 1e-9;

pub(crate) fn draft(c: &Checkpoint<'_>) -> Result<ImportedWeights, ExchangeError> {
    let family = Family::Esmc;
    let k = c.k(family, &[&["k"]], ", or put config.json beside it")?;
    let names = Names {
        enc: "W_enc",
        dec: "W_dec",
    };
    let mut draft = c.matrices(family, names, Choosing::Topk { k })?;
    c.agree(&[
        (&["d_model"], draft.width),
        (&["codebook_dim"], draft.latents),
    ])?;
    draft.b_dec = c.vector(family, "b_dec", draft.width)?;
    draft.input = InputTransform::LayerNorm;
    let maxima = c.vector(family, "max", draft.latents)?;
    let idf = frequencies(c, draft.latents)?;
    let other = |values: &[f32]| values.iter().any(|&v| v != 1.0);
    let (has_maxima, has_idf) = (other(&maxima), other(&idf));
    draft.pack = Some(Pack::read(c.sidecar, has_maxima || has_idf)?);
    if has_maxima {
        c.divide(&mut draft, maxima, false);
    }
    if has_idf && c.request.normalize_latents == Some(true) {
        let ones = vec![1.0; draft.latents];
        let mut scale = draft.scale.take().unwrap_or(ones);
        for (scale, &idf) in scale.iter_mut().zip(&idf) {
            *scale *= idf.max(LEAST_IDF);
        }
        draft.maxima = Some(idf.iter().map(|v| v.max(LEAST_IDF)).collect());
        draft.scale = Some(scale);
    }
    if !has_maxima && !has_idf {
        draft.note(
            "no statistics of latents: max and idf are 1 throughout, so activations of different latents cannot be compared, \
             and there is nothing that --normalize-latents could scale by",
        );
    }
    Ok(draft)
}

/// The inverse frequencies, which no latent is scaled by unless they are numbers of at least 0.
fn frequencies(c: &Checkpoint<'_>, latents: usize) -> Result<Vec<f32>, ExchangeError> {
    let idf = c.vector(Family::Esmc, "idf", latents)?;
    match idf.iter().position(|v| !v.is_finite() || *v < 0.0) {
        None => Ok(idf),
        Some(index) => Err(ExchangeError::Damaged(format!(
            "tensor 'idf' holds {} at {index}, expected numbers of at least 0",
            idf[index]
        ))),
    }
}
