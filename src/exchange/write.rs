//! A model as `SAELens` and sparsify load it: centring, scales and the predictor's rows folded into
//! the weights.

use serde_json::{Value, json};

use super::{
    ExchangeError,
    imported_weights::{scale_rows, times},
};
use crate::sae::{config::Variant, conversion::InputTransform, folder::Sae, params::LatentTensor};

/// A layout to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `cfg.json` and `sae_weights.safetensors`, as `SAELens` 6 loads.
    Saelens,
    /// `cfg.json` and `sae.safetensors`, as sparsify loads.
    Sparsify,
}

/// A tensor: name, shape, values row by row.
pub type NamedTensor = (&'static str, Vec<usize>, Vec<f32>);

/// A folder to be written.
#[derive(Debug)]
pub struct Written {
    /// The content of `cfg.json`.
    pub config: Value,
    /// Name of the weights file.
    pub weights: &'static str,
    /// Its tensors.
    pub tensors: Vec<NamedTensor>,
    /// What the layout cannot hold.
    pub notes: Vec<String>,
}

/// File name of the configuration in both layouts.
pub const CONFIG: &str = "cfg.json";
/// File names of the weights.
pub const WEIGHT_FILES: [&str; 2] = ["sae_weights.safetensors", "sae.safetensors"];
/// Key of the configuration, or of its metadata, that says who wrote it; both programs pass over it.
pub const WRITTEN_BY_KEY: &str = "written_by";
/// Its value in what is written here.
pub const WRITTEN_BY: &str = "protsae";
/// The first version of `SAELens` that reads this `cfg.json`; an older name would be taken for a
/// folder of version 5.
const SAELENS_VERSION: &str = "6.0.0";

/// A model in the units of the table: `z = choose((x - b_dec) enc^T + b_enc)`,
/// `x = z dec + b_dec`.
struct Folded {
    enc: Vec<f32>,
    dec: Vec<f32>,
    b_enc: Vec<f32>,
    b_dec: Vec<f32>,
    /// Tensors of the variant's own.
    own: Vec<LatentTensor<f32>>,
    notes: Vec<String>,
}

/// Lays a model out.
///
/// # Errors
/// [`ExchangeError::CannotHold`] where the layout has no place for what it computes.
pub fn write(sae: &Sae, layout: Layout) -> Result<Written, ExchangeError> {
    let variant = sae.config.objective.variant;
    let cannot = |what: String| Err(ExchangeError::CannotHold(what));
    let architecture = architecture(variant)?;
    let transform = sae.config.input_transform();
    match layout {
        Layout::Saelens => {
            if matches!(
                transform,
                InputTransform::LayerNormBiased | InputTransform::Center
            ) {
                return cannot(format!(
                    "SAELens has no normalize_activations that does what this model does to a row ({transform:?})"
                ));
            }
            Ok(saelens(sae, fold(sae), architecture))
        }
        Layout::Sparsify => {
            if !matches!(variant, Variant::Protsae(_) | Variant::Topk(_)) {
                return cannot(format!(
                    "sparsify holds TopK models, this is a {} model; --to saelens holds it",
                    variant.title()
                ));
            }
            if transform != InputTransform::None {
                return cannot(format!(
                    "sparsify takes activations as they are, this model transforms every row ({transform:?})"
                ));
            }
            Ok(sparsify(sae, fold(sae)))
        }
    }
}

/// What SAELens calls the architecture of a variant; sparsify holds fewer.
fn architecture(variant: Variant) -> Result<&'static str, ExchangeError> {
    let cannot = |what: &str| Err(ExchangeError::CannotHold(what.to_owned()));
    match variant {
        Variant::Protsae(_) | Variant::Topk(_) => Ok("topk"),
        Variant::Relu(_) => Ok("standard"),
        Variant::Gated(_) | Variant::ProtsaeGated(_) => Ok("gated"),
        // what is above one threshold for all is above one each: SAELens saves BatchTopK so too
        Variant::Jumprelu(_)
        | Variant::ProtsaeJumprelu(_)
        | Variant::Batchtopk(_)
        | Variant::ProtsaeBatchtopk(_) => Ok("jumprelu"),
        Variant::LinearProbe(_) => cannot("a linear probe is no autoencoder"),
        Variant::Splice(_) => cannot("SpLiCE's codes are found by iteration, not by an encoder"),
    }
}

/// Folds centring and scales into the weights, and says what is lost.
fn fold(sae: &Sae) -> Folded {
    let p = &sae.params;
    let objective = &sae.config.objective;
    let (d, m) = (sae.config.shape.width, sae.config.shape.defined);
    let scale = sae.config.input_scale;
    let mut folded = Folded {
        enc: p.enc.clone(),
        dec: p.dec.clone(),
        b_enc: p.b_enc.clone(),
        b_dec: p.b_dec.clone(),
        own: p.own.clone(),
        notes: Vec::new(),
    };
    for (row, &r) in folded.enc.chunks_exact_mut(d).zip(&p.r_pred) {
        times(row, f64::from(r).exp());
    }
    times(&mut folded.enc, scale);
    times(&mut folded.dec, 1.0 / scale);
    times(&mut folded.b_dec, 1.0 / scale);
    if m > 0 {
        folded.notes.push(format!(
            "the format has no place for concepts: that latents 0 to {} are concepts, and the probabilities of these, are left out",
            m - 1
        ));
    }
    if m > 0 && objective.forced_activation {
        folded.notes.push(
            "the format has no place for forced activation: latents of predicted concepts are not lifted, so these rows and their reconstructions differ"
                .into(),
        );
    }
    if !sae.latent_scale.is_empty() {
        if matches!(objective.variant, Variant::Batchtopk(_)) {
            scale_rows(&mut folded.enc, &mut folded.b_enc, &sae.latent_scale);
            for tensor in &mut folded.own {
                for (threshold, &s) in tensor.values.iter_mut().zip(&sae.latent_scale) {
                    *threshold *= s;
                }
            }
        } else {
            for (row, &s) in folded.dec.chunks_exact_mut(d).zip(&sae.latent_scale) {
                times(row, f64::from(s));
            }
            folded.notes.push(
                "the format has no place for a scale of latents after their choice: activations are written unscaled"
                    .into(),
            );
        }
    }
    folded
}

/// Rows as columns.
fn transpose(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.len() / columns.max(1);
    let mut out = Vec::with_capacity(values.len());
    for column in 0..columns {
        out.extend((0..rows).map(|row| values[row * columns + column]));
    }
    out
}

fn saelens(sae: &Sae, folded: Folded, architecture: &str) -> Written {
    let shape = &sae.config.shape;
    let (d, n) = (shape.width, shape.latents);
    let normalize = match sae.config.input_transform() {
        InputTransform::LayerNorm => "layer_norm",
        InputTransform::UnitLength => "constant_norm_rescale",
        _ => "none",
    };
    let mut metadata = json!({
        "sae_lens_version": SAELENS_VERSION,
        "sae_lens_training_version": null,
        (WRITTEN_BY_KEY): WRITTEN_BY,
    });
    if let Some(plm) = &sae.config.plm {
        metadata["model_name"] = plm.name.clone().into();
        metadata["hook_name"] = format!("{}.{}", plm.site, plm.layer).into();
        metadata["hook_layer"] = plm.layer.into();
        metadata["model_sha256"] = plm.sha256.clone().into();
    }
    let mut config = json!({
        "architecture": architecture,
        "d_in": d,
        "d_sae": n,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": true,
        "normalize_activations": normalize,
        "reshape_activations": "none",
        "metadata": metadata,
    });
    if let ("topk", Some(k)) = (architecture, sae.config.objective.variant.k()) {
        config["k"] = k.into();
        config["rescale_acts_by_decoder_norm"] = false.into();
    }
    let mut tensors: Vec<NamedTensor> = vec![
        ("W_enc", vec![d, n], transpose(&folded.enc, d)),
        ("W_dec", vec![n, d], folded.dec),
        ("b_dec", vec![d], folded.b_dec),
    ];
    let bias = if architecture == "gated" {
        "b_gate"
    } else {
        "b_enc"
    };
    tensors.push((bias, vec![n], folded.b_enc));
    let own = folded.own.into_iter();
    tensors.extend(own.map(|tensor| (tensor.name, vec![n], tensor.values)));
    Written {
        config,
        weights: WEIGHT_FILES[0],
        tensors,
        notes: folded.notes,
    }
}

fn sparsify(sae: &Sae, folded: Folded) -> Written {
    let shape = &sae.config.shape;
    let (d, n) = (shape.width, shape.latents);
    let config = json!({
        "activation": "topk",
        "expansion_factor": n.div_ceil(d),
        "normalize_decoder": false,
        "num_latents": n,
        "k": sae.config.objective.variant.k(),
        "multi_topk": false,
        "skip_connection": false,
        "transcode": false,
        "d_in": d,
        (WRITTEN_BY_KEY): WRITTEN_BY,
    });
    Written {
        config,
        weights: WEIGHT_FILES[1],
        tensors: vec![
            ("encoder.weight", vec![n, d], folded.enc),
            ("encoder.bias", vec![n], folded.b_enc),
            ("W_dec", vec![n, d], folded.dec),
            ("b_dec", vec![d], folded.b_dec),
        ],
        notes: folded.notes,
    }
}
