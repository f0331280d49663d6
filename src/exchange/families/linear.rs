//! Families whose encoder is a `Linear`: `encoder.weight` `[F, d]`.

use super::Checkpoint;
use crate::exchange::{
    Activation, ExchangeError,
    imported_weights::{Choosing, ImportedWeights, Matrices},
};
use crate::sae::conversion::Family;

/// `f = relu((x - bias) enc^T + b)`, `x = f dec^T + bias`.
///
/// In `InterPLM`'s first release, encoder rows are divided by the maxima of their latents and decoder
/// columns multiplied by them; those of dead latents are infinite or NaN.
pub(crate) fn relu(c: &Checkpoint<'_>, family: Family) -> Result<ImportedWeights, ExchangeError> {
    let mut draft = c.linears(family, Choosing::Relu)?;
    draft.b_enc = c.vector(family, "encoder.bias", draft.latents)?;
    draft.b_dec = c.vector(family, "bias", draft.width)?;
    draft.bury_dead();
    Ok(draft)
}

/// `f = relu(x enc^T + b)`, `x = f dec^T + decoder.bias`.
pub(crate) fn relu_tied(
    c: &Checkpoint<'_>,
    family: Family,
) -> Result<ImportedWeights, ExchangeError> {
    let mut draft = c.linears(family, Choosing::Relu)?;
    draft.b_enc = c.vector(family, "encoder.bias", draft.latents)?;
    draft.b_dec = c.vector(family, "decoder.bias", draft.width)?;
    draft.shifted = false;
    Ok(draft)
}

/// `h = relu((x - b_dec) enc^T + b)`; `TopK` keeps the K largest of a row, `BatchTopK` what is above
/// its threshold; `x = f dec^T + b_dec`.
pub(crate) fn topk(c: &Checkpoint<'_>, family: Family) -> Result<ImportedWeights, ExchangeError> {
    let choosing = match c.top_or_batch()? {
        Activation::Batchtopk => Choosing::Batchtopk {
            k: c.k(family, &[&["trainer", "k"]], "")?,
            threshold: c.threshold("threshold")?,
        },
        _ => Choosing::Topk {
            k: c.k(family, &[&["trainer", "k"]], "")?,
        },
    };
    let mut draft = c.linears(family, choosing)?;
    draft.b_enc = c.vector(family, "encoder.bias", draft.latents)?;
    draft.b_dec = c.vector(family, "b_dec", draft.width)?;
    Ok(draft)
}

/// `p = x enc^T + b`, `f = relu(p (p > threshold))`, `x = f dec^T + decoder.bias`.
pub(crate) fn jumprelu(
    c: &Checkpoint<'_>,
    family: Family,
) -> Result<ImportedWeights, ExchangeError> {
    let mut draft = c.linears(family, Choosing::Relu)?;
    draft.choosing = Choosing::Jumprelu {
        thresholds: c.vector(family, "threshold", draft.latents)?,
    };
    draft.b_enc = c.vector(family, "encoder.bias", draft.latents)?;
    draft.b_dec = c.vector(family, "decoder.bias", draft.width)?;
    draft.shifted = c.subtracts_bias()?;
    Ok(draft)
}

/// `raw = (x - decoder_bias) enc^T`, `f = (raw + gate_bias > 0) relu(exp(r_mag) raw + mag_bias)`,
/// `x = f dec^T + decoder_bias`.
pub(crate) fn gated(c: &Checkpoint<'_>) -> Result<ImportedWeights, ExchangeError> {
    let family = Family::DictionaryLearning;
    let mut draft = c.linears(family, Choosing::Relu)?;
    draft.choosing = Choosing::Gated {
        b_mag: c.vector(family, "mag_bias", draft.latents)?,
        r_mag: c.vector(family, "r_mag", draft.latents)?,
    };
    draft.b_enc = c.vector(family, "gate_bias", draft.latents)?;
    draft.b_dec = c.vector(family, "decoder_bias", draft.width)?;
    Ok(draft)
}

/// Keys of sparsify's configuration that are read, or that say nothing of what the model computes.
const SPARSIFY_KEYS: [&str; 10] = [
    "activation",
    "d_in",
    "expansion_factor",
    "k",
    "multi_topk",
    "normalize_decoder",
    "num_latents",
    "signed",
    "skip_connection",
    "transcode",
];

/// sparsify: `f = topk(relu((x - b_dec) enc^T + b))`, `x = f W_dec + b_dec`.
pub(crate) fn sparsify(c: &Checkpoint<'_>) -> Result<ImportedWeights, ExchangeError> {
    let family = Family::Sparsify;
    let sidecar = c.sidecar;
    for key in ["transcode", "skip_connection"] {
        if sidecar.flag(key, false)? {
            return Err(ExchangeError::Refused(format!(
                "a transcoder of sparsify ({key}): it predicts other activations than it reads, or adds them to what it reads"
            )));
        }
    }
    if sidecar.flag("signed", false)? {
        return Err(ExchangeError::Refused(
            "a sparsify checkpoint with signed latents: the K largest by absolute value, negative ones too, which are no activations here"
                .into(),
        ));
    }
    if let Some(activation) = sidecar.text(&["activation"]).filter(|a| *a != "topk") {
        return Err(ExchangeError::Refused(format!(
            "a sparsify checkpoint with activation '{activation}': only topk is read"
        )));
    }
    let k = c.k(family, &[&["k"]], ", or put cfg.json beside it")?;
    let (latents, width) = c.sizes(family, "encoder.weight")?;
    c.agree(&[(&["num_latents"], latents), (&["d_in"], width)])?;
    let t = c.tensors;
    let enc = t.matrix(family.name(), "encoder.weight", latents, width)?;
    let dec = t.matrix(family.name(), "W_dec", latents, width)?;
    let matrices = Matrices {
        latents,
        width,
        enc,
        dec,
    };
    let mut draft = ImportedWeights::new(family, matrices, Choosing::Topk { k });
    let others = sidecar.others(&SPARSIFY_KEYS);
    if !others.is_empty() {
        draft.note(format!(
            "the configuration says more than is understood here: {}",
            others.join(", ")
        ));
    }
    draft.b_enc = c.vector(family, "encoder.bias", latents)?;
    draft.b_dec = c.vector(family, "b_dec", width)?;
    Ok(draft)
}
