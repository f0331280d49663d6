//! Which family a checkpoint is of, by the tensors that it has.

use super::{ExchangeError, Sidecar, Tensors};

/// What wrappers (Lightning and its Fabric, `torch.compile`, data parallel) put before the names of tensors, one within
/// the other in any order.
const WRAPPERS: [&str; 12] = [
    "sae_model",
    "sae",
    "model",
    "module",
    "_orig_mod",
    "autoencoder",
    "ae",
    "dictionary",
    "net",
    "network",
    "_forward_module",
    "_fsdp_wrapped_module",
];
/// What wrappers of parts of a model put into the middle of names.
const WITHIN: [&str; 4] = [
    "_orig_mod",
    "module",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
];
/// Most beginnings of names that are tried.
const MOST_PREFIXES: usize = 64;

/// What the names of its tensors say a checkpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    /// `encoder.*`, `decoder.weight`, `bias`: `InterPLM` and `dictionary_learning`.
    Relu,
    /// The same with `decoder.bias`, which the encoder does not see.
    ReluTied,
    /// `encoder.*`, `decoder.weight`, `b_dec`, `k`, `threshold`.
    Topk,
    /// `encoder.*`, `decoder.*`, `threshold` of every latent.
    Jumprelu,
    /// `encoder.weight`, `gate_bias`, `mag_bias`, `r_mag`.
    Gated,
    /// `W_enc`, `W_dec` and a threshold for all latents.
    Matryoshka,
    /// `W_enc`, `W_dec`, `threshold` of every latent, without a configuration of `SAELens`.
    BareJumprelu,
    /// `W_enc`, `W_dec`, `b_enc`, `b_dec`.
    Bare,
    /// The same with a configuration of `SAELens`.
    Saelens,
    /// `encoder.*`, `W_dec`.
    Sparsify,
    /// `w_enc`, `w_dec`, `b_pre`.
    Interprot,
    /// `idf`, `max`.
    Esmc,
    /// `weights.0` to `weights.3`.
    RepSaes,
}

/// A checkpoint whose names are known.
pub(crate) struct Detected<'a> {
    /// What they say it is.
    pub(crate) signature: Signature,
    /// Its tensors, without what a wrapper put before their names.
    pub(crate) tensors: Tensors<'a>,
}

/// Finds out what a checkpoint is.
pub(crate) fn detect<'a>(
    tensors: &Tensors<'a>,
    sidecar: &Sidecar,
) -> Result<Detected<'a>, ExchangeError> {
    if let Some(found) = below_wrappers(tensors, sidecar)? {
        return Ok(found);
    }
    let whole = tensors.without(&WITHIN)?;
    below_wrappers(&whole, sidecar)?.ok_or_else(|| ExchangeError::Unknown(tensors.listed()))
}

/// The first signature below wrappers, the fewest first.
fn below_wrappers<'a>(
    tensors: &Tensors<'a>,
    sidecar: &Sidecar,
) -> Result<Option<Detected<'a>>, ExchangeError> {
    let mut prefixes = vec![String::new()];
    let mut tried = 0;
    while let Some(prefix) = prefixes.get(tried).cloned() {
        tried += 1;
        let inner = tensors.below(&prefix);
        if let Some(signature) = of(&inner, sidecar)? {
            return Ok(Some(Detected {
                signature,
                tensors: inner,
            }));
        }
        let names = inner.names();
        for wrapper in WRAPPERS {
            let inside = format!("{wrapper}.");
            let is_there = names.iter().any(|name| name.starts_with(&inside));
            if is_there && prefixes.len() < MOST_PREFIXES {
                prefixes.push(format!("{prefix}{inside}"));
            }
        }
    }
    Ok(None)
}

fn of(tensors: &Tensors<'_>, sidecar: &Sidecar) -> Result<Option<Signature>, ExchangeError> {
    let all = |names: &[&str]| names.iter().all(|name| tensors.has(name));
    refuse(tensors)?;
    // one threshold for all latents, or one for each
    let shared = tensors
        .shape("threshold")
        .is_none_or(|shape| shape.iter().product::<usize>() == 1 && shape.len() < 2);
    let per_latent =
        tensors.has("threshold") && tensors.shape("threshold").is_some_and(|s| s.len() == 1);
    if all(&["w_enc", "w_dec", "b_enc", "b_pre"]) {
        return Ok(Some(Signature::Interprot));
    }
    if all(&["weights.0", "weights.1", "weights.2", "weights.3"]) {
        return Ok(Some(Signature::RepSaes));
    }
    if all(&["encoder.weight", "W_dec", "b_dec"]) {
        return Ok(Some(Signature::Sparsify));
    }
    if all(&["encoder.weight", "decoder.weight"]) {
        let found = if all(&["gate_bias", "mag_bias", "r_mag", "decoder_bias"]) {
            Signature::Gated
        } else if all(&["b_dec", "encoder.bias"]) {
            Signature::Topk
        } else if all(&["decoder.bias", "encoder.bias"]) && per_latent {
            Signature::Jumprelu
        } else if all(&["bias", "encoder.bias"]) {
            Signature::Relu
        } else if all(&["decoder.bias", "encoder.bias"]) {
            Signature::ReluTied
        } else {
            return Ok(None);
        };
        return Ok(Some(found));
    }
    if all(&["W_enc", "W_dec", "b_dec"]) {
        let gated = all(&["b_gate", "b_mag", "r_mag"]);
        let found = if all(&["idf", "max"]) && !tensors.has("b_enc") {
            Signature::Esmc
        } else if tensors.has("group_sizes") {
            Signature::Matryoshka
        } else if gated || sidecar.has("d_sae") || sidecar.has("architecture") {
            Signature::Saelens
        } else if per_latent && tensors.has("b_enc") {
            Signature::BareJumprelu
        } else if tensors.has("threshold") && shared && tensors.has("b_enc") {
            Signature::Matryoshka
        } else if tensors.has("b_enc") {
            Signature::Bare
        } else {
            return Ok(None);
        };
        return Ok(Some(found));
    }
    Ok(None)
}

/// Families that are known and not read.
fn refuse(tensors: &Tensors<'_>) -> Result<(), ExchangeError> {
    let names = tensors.names();
    let any = |prefix: &str| names.iter().any(|name| name.starts_with(prefix));
    let has = |name: &str| names.contains(name);
    let refused = |message: &str| Err(ExchangeError::Refused(message.into()));
    if (any("encoders.") || any("b_enc.")) && any("decoders.") {
        return refused(
            "a cross-layer transcoder (ProtoMech): it predicts other layers than it reads, which is no autoencoder of one layer",
        );
    }
    if has("W_E") && has("W_D") {
        return refused(
            "a Llamascopium checkpoint: not read; its own library exports the SAELens format, which is",
        );
    }
    if has("W") && has("b_enc") && !has("W_enc") && !has("w_enc") {
        return refused(
            "a tied autoencoder of Evo 2 (Goodfire): its activations are of a DNA model, not of proteins",
        );
    }
    if has("W_skip") || (any("latent_decoder") && any("latent_encoder")) {
        return refused(
            "a transcoder, or a checkpoint of OpenAI's sparse_autoencoder: only autoencoders of one site, in the families that --help names, are read",
        );
    }
    let identity = names
        .iter()
        .all(|n| *n == "activation_rescale_factor" || *n == "normalize_to_sqrt_d");
    if identity && has("activation_rescale_factor") {
        return refused("InterPLM's identity dictionary (neurons): there is nothing to encode");
    }
    Ok(())
}
