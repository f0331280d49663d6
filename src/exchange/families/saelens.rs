//! `SAELens`: tensors with `cfg.json`, of version 6 or before.
//!
//! `x' = normalise(x) - b_dec if apply_b_dec_to_input`, `p = x' W_enc + b_enc`, `f = choose(p)`,
//! `x = denormalise(f W_dec + b_dec)`.

use serde_yaml::Value;

use super::{Checkpoint, Names, whole};
use crate::exchange::{
    ExchangeError,
    imported_weights::{Choosing, ImportedWeights, times},
};
use crate::sae::conversion::{Family, InputTransform};

const FAMILY: Family = Family::Saelens;

pub(crate) fn draft(c: &Checkpoint<'_>) -> Result<ImportedWeights, ExchangeError> {
    let sidecar = c.sidecar;
    if !sidecar.is_present() {
        return Err(ExchangeError::Ask(
            "weights of SAELens mean nothing without their cfg.json: put it beside them, or give the folder"
                .into(),
        ));
    }
    refuse(c)?;
    let mut draft = c.matrices(
        FAMILY,
        Names {
            enc: "W_enc",
            dec: "W_dec",
        },
        Choosing::Relu,
    )?;
    c.agree(&[(&["d_in"], draft.width), (&["d_sae"], draft.latents)])?;
    draft.b_dec = c.vector(FAMILY, "b_dec", draft.width)?;
    draft.shifted = sidecar.flag("apply_b_dec_to_input", true)?;
    choose(c, &mut draft)?;
    if sidecar.flag("finetuning_scaling_factor", false)? {
        let factors = c.vector(FAMILY, "scaling_factor", draft.latents)?;
        for (row, &factor) in draft.dec.chunks_exact_mut(draft.width).zip(&factors) {
            times(row, f64::from(factor));
        }
    }
    if sidecar.flag("rescale_acts_by_decoder_norm", false)? {
        draft.fold_decoder_norm();
    }
    draft.input = normalisation(c)?;
    Ok(draft)
}

/// A text of the configuration: in the metadata of version 6, or at the top.
fn named<'a>(c: &Checkpoint<'a>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| {
        c.sidecar
            .text(&["metadata", key])
            .or(c.sidecar.text(&[key]))
    })
}

fn activation<'a>(c: &Checkpoint<'a>) -> Option<&'a str> {
    ["activation_fn", "activation_fn_str"]
        .iter()
        .find_map(|key| c.sidecar.text(&[key]))
}

/// Refuses what is computed otherwise than any formula here says.
fn refuse(c: &Checkpoint<'_>) -> Result<(), ExchangeError> {
    let refused = |message: String| Err(ExchangeError::Refused(message));
    let hook = named(c, &["hook_name", "hook_point"]);
    let reshaped = c.sidecar.text(&["reshape_activations"]);
    let of_heads = match reshaped {
        Some(name) => name == "hook_z",
        None => hook.is_some_and(|h| h.contains("hook_z")),
    };
    let head = ["hook_head_index", "hook_point_head_index"];
    let of_a_head = head.iter().any(|key| {
        let value = c.sidecar.get(&["metadata", key]).or(c.sidecar.get(&[key]));
        value.is_some_and(Value::is_number)
    });
    if of_heads || of_a_head {
        return refused(
            "an SAE of the outputs of attention heads (hook_z), which are no site here".into(),
        );
    }
    if let Some(other) = reshaped.filter(|name| !matches!(*name, "none" | "hook_z")) {
        return refused(format!(
            "a SAELens checkpoint with reshape_activations '{other}', which is not known here"
        ));
    }
    let out = named(c, &["hook_name_out", "hook_point_out"]).filter(|out| Some(*out) != hook);
    let predicts = out.is_some()
        || c.sidecar.flag("is_transcoder", false)?
        || c.sidecar.has("d_out")
        || c.tensors.has("b_dec_out");
    if predicts {
        return refused(
            "a transcoder of SAELens: it predicts other activations than it reads".into(),
        );
    }
    if let Some(other) = activation(c).filter(|name| !matches!(*name, "relu" | "topk")) {
        return refused(format!(
            "a SAELens checkpoint with activation function '{other}': relu and topk are read"
        ));
    }
    Ok(())
}

/// The architecture's name; before version 6, `TopK` was an activation function of the standard one.
fn architecture(c: &Checkpoint<'_>) -> String {
    match c.sidecar.text(&["architecture"]) {
        None | Some("standard") if activation(c) == Some("topk") => "topk".into(),
        None if c.tensors.has("b_gate") => "gated".into(),
        None if c.tensors.has("threshold") => "jumprelu".into(),
        None => "standard".into(),
        Some(name) => name.into(),
    }
}

fn choose(c: &Checkpoint<'_>, draft: &mut ImportedWeights) -> Result<(), ExchangeError> {
    let n = draft.latents;
    let architecture = architecture(c);
    let k = || {
        let paths: [&[&str]; 2] = [&["k"], &["activation_fn_kwargs", "k"]];
        c.k(FAMILY, &paths, "")
    };
    if activation(c) == Some("topk") && matches!(architecture.as_str(), "gated" | "jumprelu") {
        return Err(ExchangeError::Refused(format!(
            "a SAELens checkpoint of architecture '{architecture}' with activation function 'topk'"
        )));
    }
    draft.choosing = match architecture.as_str() {
        "standard" => Choosing::Relu,
        "topk" => Choosing::Topk { k: k()? },
        "gated" => {
            draft.b_enc = c.vector(FAMILY, "b_gate", n)?;
            draft.choosing = Choosing::Gated {
                b_mag: c.vector(FAMILY, "b_mag", n)?,
                r_mag: c.vector(FAMILY, "r_mag", n)?,
            };
            return Ok(());
        }
        // a BatchTopK run is saved as the JumpReLU that it is applied as; its checkpoints are not
        "jumprelu" | "jumprelu_training" | "batchtopk" | "matryoshka_batchtopk"
            if c.tensors.has("threshold") =>
        {
            Choosing::Jumprelu {
                thresholds: c.vector(FAMILY, "threshold", n)?,
            }
        }
        "batchtopk" | "matryoshka_batchtopk" => {
            // K may be an average there, and no whole number
            let average = c.sidecar.number(&["k"]).and_then(whole);
            Choosing::Batchtopk {
                k: c.request.k.or(average).map_or_else(k, Ok)?,
                threshold: c.threshold("topk_threshold")?,
            }
        }
        other => {
            return Err(ExchangeError::Refused(format!(
                "a SAELens checkpoint of architecture '{other}': standard, gated, jumprelu, topk, batchtopk and matryoshka_batchtopk are read"
            )));
        }
    };
    draft.b_enc = c.vector(FAMILY, "b_enc", n)?;
    Ok(())
}

fn normalisation(c: &Checkpoint<'_>) -> Result<InputTransform, ExchangeError> {
    if let Some(said) = c.request.input {
        return Ok(said);
    }
    let name = match c.sidecar.get(&["normalize_activations"]) {
        None | Some(Value::Bool(false)) => "none",
        Some(Value::Bool(true)) => "expected_average_only_in",
        Some(Value::String(name)) => name,
        Some(other) => {
            return c
                .sidecar
                .fail(format!("normalize_activations is {other:?}"));
        }
    };
    match name {
        "none" => Ok(InputTransform::None),
        "layer_norm" => Ok(InputTransform::LayerNorm),
        "constant_norm_rescale" => Ok(InputTransform::UnitLength),
        "expected_average_only_in" if c.request.input_scale.is_some() => Ok(InputTransform::None),
        "expected_average_only_in" => Err(ExchangeError::Ask(
            "normalize_activations is expected_average_only_in, whose factor the folder does not hold: say --input-scale, sqrt(d) over the mean length of the activations, or 1 where it was folded into the weights"
                .into(),
        )),
        other => Err(ExchangeError::Refused(format!(
            "a SAELens checkpoint with normalize_activations '{other}': fold it into the weights with SAELens first"
        ))),
    }
}
