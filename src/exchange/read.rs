//! From a checkpoint's tensors and configuration to a model.

use super::{
    ExchangeError, Pack, Request, Sidecar, Tensors, families,
    imported_weights::{Choosing, ImportedWeights},
    signature::{self, Detected},
};
use crate::{
    hash,
    sae::{
        config::Variant,
        conversion::{Conversion, InputTransform},
        error::SettingError,
        folder::{MODEL_FORMAT, ModelConfig},
        params::Params,
        settings::Training,
    },
};

/// A converted model.
#[derive(Debug)]
pub struct Converted {
    /// Its configuration, with no PLM yet.
    pub config: ModelConfig,
    /// Its parameters.
    pub params: Params<f32>,
    /// Largest activations of latents; none where the checkpoint does not know them.
    pub latent_max: Option<Vec<f32>>,
    /// What activations are multiplied by, `[n]`; empty: nothing.
    pub latent_scale: Vec<f32>,
    /// What a pack of several layers says beside the weights of this one.
    pub pack: Option<Pack>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Makes a model of the bytes of a checkpoint.
///
/// # Errors
/// [`ExchangeError`] where it is none, is of a family that is not read, contradicts its
/// configuration, or leaves open what the request does not say.
pub fn read(
    bytes: &[u8],
    sidecar: &Sidecar,
    request: &Request,
) -> Result<Converted, ExchangeError> {
    let tensors = Tensors::read(bytes)?;
    let Detected { signature, tensors } = signature::detect(&tensors, sidecar)?;
    let mut draft = families::draft(signature, &tensors, sidecar, request)?;
    settle(&mut draft, request)?;
    let conversion = Conversion {
        family: draft.family,
        sha256: hash::sha256(bytes),
        input: draft.input,
        latent_scale: false,
        assumed_maxima: false,
        claim: None,
        statistics: draft.pack.as_ref().map(|pack| pack.statistics),
        reached: None,
    };
    let pack = draft.pack.take();
    let input_scale = draft.input_scale;
    let latent_max = draft.maxima.take();
    let notes = std::mem::take(&mut draft.notes);
    let model = draft.finish()?;
    let config = ModelConfig {
        format: MODEL_FORMAT.into(),
        plm: None,
        shape: model.shape,
        input_scale,
        objective: model.objective,
        training: Training::default(),
        conversion: Some(Conversion {
            latent_scale: !model.latent_scale.is_empty(),
            ..conversion
        }),
    };
    let damaged = |e: SettingError| ExchangeError::Damaged(e.to_string());
    config.objective.check(&config.shape).map_err(damaged)?;
    if let Some(conversion) = &config.conversion {
        conversion.check(&config.shape).map_err(damaged)?;
    }
    Ok(Converted {
        config,
        params: model.params,
        latent_max,
        latent_scale: model.latent_scale,
        pack,
        notes,
    })
}

/// Applies what the user says of every family, and refuses what this one has no use for.
fn settle(draft: &mut ImportedWeights, request: &Request) -> Result<(), ExchangeError> {
    let variant = draft.choosing.variant();
    let kind = variant.title();
    let ask = |message: String| Err(ExchangeError::Ask(message));
    if let Some(asked) = request.activation
        && draft.choosing.activation() != Some(asked)
    {
        return ask(
            format!("--activation {asked:?} is said of a {kind} checkpoint").to_lowercase(),
        );
    }
    match draft.choosing {
        Choosing::Topk { k } | Choosing::Batchtopk { k, .. } if k == 0 || k > draft.latents => {
            return ask(format!(
                "K is {k}, but there are {} latents; say --k",
                draft.latents
            ));
        }
        Choosing::Topk { .. } | Choosing::Batchtopk { .. } => {}
        _ if request.k.is_some() => {
            return ask(format!(
                "--k is said of a {kind} checkpoint, which has none"
            ));
        }
        _ => {}
    }
    if request.threshold.is_some() && !matches!(variant, Variant::Batchtopk(_)) {
        return ask(format!(
            "--threshold is said of a {kind} checkpoint; it is one of BatchTopK"
        ));
    }
    if let Some(threshold) = request.threshold.filter(|t| !t.is_finite()) {
        return ask(format!("--threshold {threshold} must be a number"));
    }
    if let Some(input) = request.input {
        if draft.input != InputTransform::None && draft.input != input {
            draft.note(format!(
                "the checkpoint transforms activations otherwise ({:?}) than --input-transform says",
                draft.input
            ));
        }
        draft.input = input;
    }
    if let Some(scale) = request.input_scale {
        // as f32, in which activations are multiplied by it
        if !(scale as f32).is_finite() || scale as f32 <= 0.0 {
            return ask(format!("--input-scale {scale} must be above 0"));
        }
        draft.input_scale = scale;
    }
    if request.normalize_latents == Some(true) && draft.scale.is_none() {
        return ask(
            "--normalize-latents is said of a checkpoint that has no maxima, or all of them 1"
                .into(),
        );
    }
    Ok(())
}
