//! `config.json` of AMPLIFY.

use super::{FAMILY, NAMES};
use crate::plm::{
    architecture::{Activation, Architecture, NormKind, Pairs, Positions, divided, size},
    error::PlmError,
    family::{is_flag, keys, must_be, must_not},
};
use serde::Deserialize;
use serde_json::Value;

/// What the width inside the MLP is rounded up to.
const INNER_MULTIPLE: usize = 8;
/// Base of the frequencies, which the configuration does not tell.
const THETA: f64 = 10_000.0;
/// Tokens of a window that are no residues.
const SPECIAL: usize = 2;

/// Keys of `config.json` that decide numbers, with the defaults of its code.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    hidden_act: Option<String>,
    #[serde(default)]
    rms_norm: Option<bool>,
    #[serde(default)]
    norm_eps: Option<f64>,
    #[serde(default)]
    att_bias: Option<bool>,
    #[serde(default)]
    ffn_bias: Option<bool>,
    #[serde(default)]
    layer_norm_after_embedding: Option<bool>,
    #[serde(default)]
    layer_norm_before_last_layer: Option<bool>,
    #[serde(default)]
    max_length: Option<usize>,
    hidden_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    intermediate_size: Option<usize>,
    vocab_size: Option<usize>,
}

/// Reads a `config.json`.
///
/// # Errors
/// [`PlmError::Architecture`] for another model, [`PlmError::Config`] for what is no configuration.
pub(super) fn read(value: Value) -> Result<Architecture, PlmError> {
    let raw: Raw = keys(value)?;
    let family = FAMILY.name;
    let activation = raw.hidden_act.as_deref().unwrap_or("SwiGLU").to_lowercase();
    must_be(family, "hidden_act", Some(&activation), "swiglu", "")?;
    must_not(family, "att_bias", raw.att_bias, "")?;
    must_not(family, "ffn_bias", raw.ffn_bias, "")?;
    let after = raw.layer_norm_after_embedding;
    must_not(family, "layer_norm_after_embedding", after, "")?;
    is_flag(family, "rms_norm", raw.rms_norm.unwrap_or(true), true, "")?;
    let last = raw.layer_norm_before_last_layer.unwrap_or(true);
    is_flag(family, "layer_norm_before_last_layer", last, true, "")?;
    let (width, heads) = (
        size("hidden_size", raw.hidden_size)?,
        size("num_attention_heads", raw.num_attention_heads)?,
    );
    let head_width = divided(width, heads)?;
    let named = size("intermediate_size", raw.intermediate_size)?;
    let longest = size("max_length", raw.max_length.or(Some(2048)))?;
    Ok(Architecture {
        family,
        layers: size("num_hidden_layers", raw.num_hidden_layers)?,
        width,
        heads,
        head_width,
        // with a gate, so of as many weights as without one
        inner: (2 * named / 3).next_multiple_of(INNER_MULTIPLE),
        tokens: size("vocab_size", raw.vocab_size)?,
        norm: NormKind::RootMeanSquare,
        epsilon: raw.norm_eps.unwrap_or(1e-5) as f32,
        attention_scale: (head_width as f32).powf(-0.5),
        positions: Positions::Rotary {
            theta: THETA,
            frequencies: None,
            pairs: Pairs::Neighbours,
        },
        activation: Activation::Silu,
        residual_scale: 1.0,
        fits_half: true,
        masked_in_training: None,
        tied_head: false,
        longest_window: Some(longest.saturating_sub(SPECIAL)),
        names: &NAMES,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_the_published_120m_and_refuses_what_it_is_not() {
        let published = json!({"model_type": "AMPLIFY", "hidden_size": 640, "num_hidden_layers": 24,
            "num_attention_heads": 10, "intermediate_size": 2560, "vocab_size": 27, "hidden_act": "SwiGLU",
            "rms_norm": true, "norm_eps": 1e-5, "max_length": 2048});
        let model = read(published.clone()).expect("a published configuration");
        assert_eq!((model.inner, model.longest_window), (1712, Some(2046)));
        for (key, value) in [
            ("hidden_act", json!("gelu")),
            ("rms_norm", json!(false)),
            ("layer_norm_before_last_layer", json!(false)),
            ("layer_norm_after_embedding", json!(true)),
            ("att_bias", json!(true)),
        ] {
            let mut config = published.clone();
            config[key] = value;
            let message = read(config).expect_err(key).to_string();
            assert!(message.contains(key), "{message}");
        }
    }
}
