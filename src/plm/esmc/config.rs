//! `config.json` of Hugging Face transformers' `EsmcConfig`.

use super::{FAMILY, NAMES};
use crate::plm::{
    architecture::{Activation, Architecture, NormKind, Pairs, Positions, divided, size},
    error::PlmError,
    family::{keys, must_be, must_not},
};
use serde::Deserialize;
use serde_json::Value;

/// Blocks of the model whose branches are added as they are: those of deeper models count less, of others more.
const UNSCALED_LAYERS: f32 = 36.0;
/// Epsilon of all norms, which the configuration does not tell.
const EPSILON: f32 = 1e-5;

/// What the width inside the MLP is a multiple of.
const INNER_MULTIPLE: usize = 256;

/// Keys of `config.json` that decide numbers; transformers' defaults where they may be absent.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    hidden_act: Option<String>,
    #[serde(default)]
    attention_bias: Option<bool>,
    #[serde(default)]
    mlp_bias: Option<bool>,
    #[serde(default)]
    head_dim: Option<usize>,
    #[serde(default)]
    num_key_value_heads: Option<usize>,
    #[serde(default)]
    rope_parameters: Option<Rope>,
    #[serde(default)]
    tie_word_embeddings: Option<bool>,
    // as transformers writes it, or as the native layout has it
    #[serde(alias = "d_model")]
    hidden_size: Option<usize>,
    #[serde(alias = "n_layers")]
    num_hidden_layers: Option<usize>,
    #[serde(alias = "n_heads")]
    num_attention_heads: Option<usize>,
    #[serde(default)]
    intermediate_size: Option<usize>,
    vocab_size: Option<usize>,
}

/// How queries and keys are rotated.
#[derive(Deserialize)]
struct Rope {
    #[serde(default)]
    rope_theta: Option<f64>,
    #[serde(default)]
    rope_type: Option<String>,
}

/// Reads a `config.json`.
///
/// # Errors
/// [`PlmError::Architecture`] for another model, [`PlmError::Config`] for what is no configuration.
pub(super) fn read(value: Value) -> Result<Architecture, PlmError> {
    let raw: Raw = keys(value)?;
    let family = FAMILY.name;
    let activation = raw.hidden_act.as_deref().unwrap_or("silu");
    must_be(family, "hidden_act", Some(activation), "silu", "")?;
    must_not(family, "attention_bias", raw.attention_bias, "")?;
    must_not(family, "mlp_bias", raw.mlp_bias, "")?;
    let rope = raw.rope_parameters.as_ref();
    let kind = rope.and_then(|rope| rope.rope_type.as_deref());
    must_be(family, "rope_type", kind.or(Some("default")), "default", "")?;
    let (layers, width, heads) = (
        size("num_hidden_layers", raw.num_hidden_layers)?,
        size("hidden_size", raw.hidden_size)?,
        size("num_attention_heads", raw.num_attention_heads)?,
    );
    let head_width = divided(width, heads)?;
    for (field, found, expected) in [
        ("head_dim", raw.head_dim, head_width),
        ("num_key_value_heads", raw.num_key_value_heads, heads),
    ] {
        if let Some(found) = found.filter(|&found| found != expected) {
            return Err(PlmError::Config(format!(
                "{field} is {found}, of {width} features and {heads} heads it is {expected}"
            )));
        }
    }
    Ok(Architecture {
        family,
        layers,
        width,
        heads,
        head_width,
        inner: size(
            "intermediate_size",
            raw.intermediate_size.or(Some(usual_inner(width))),
        )?,
        tokens: size("vocab_size", raw.vocab_size)?,
        norm: NormKind::Layer,
        epsilon: EPSILON,
        attention_scale: (head_width as f32).powf(-0.5),
        positions: Positions::Rotary {
            theta: rope.and_then(|rope| rope.rope_theta).unwrap_or(10_000.0),
            frequencies: None,
            pairs: Pairs::Halves,
        },
        activation: Activation::Silu,
        residual_scale: (UNSCALED_LAYERS / layers as f32).sqrt(),
        fits_half: true,
        masked_in_training: None,
        tied_head: raw.tie_word_embeddings.unwrap_or(false),
        longest_window: None,
        names: &NAMES,
    })
}

/// The width inside the MLP where the configuration does not tell it: 8/3 of the stream's, in whole multiples.
fn usual_inner(width: usize) -> usize {
    (8 * width / 3).next_multiple_of(INNER_MULTIPLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn published() -> Value {
        json!({"model_type": "esmc", "hidden_size": 960, "num_hidden_layers": 30, "num_attention_heads": 15,
               "intermediate_size": 2560, "vocab_size": 64, "hidden_act": "silu",
               "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}})
    }

    #[test]
    fn reads_the_published_300m() {
        let model = read(published()).expect("a published configuration");
        assert_eq!(
            (model.layers, model.head_width, model.inner),
            (30, 64, 2560)
        );
        assert!((model.residual_scale - 1.095_445).abs() < 1e-6);
        let native = json!({"model_type": "esmc", "d_model": 1152, "n_layers": 36, "n_heads": 18, "vocab_size": 64});
        let model = read(native).expect("a configuration of the native layout");
        assert_eq!(
            (model.width, model.inner, model.residual_scale),
            (1152, 3072, 1.0)
        );
        assert_eq!(usual_inner(2560), 6912);
    }

    #[test]
    fn what_has_other_blocks_is_refused_naming_the_key() {
        for (key, value) in [
            ("hidden_act", json!("gelu")),
            ("attention_bias", json!(true)),
            ("rope_parameters", json!({"rope_type": "yarn"})),
            ("num_key_value_heads", json!(5)),
            ("head_dim", json!(32)),
        ] {
            let mut config = published();
            config[key] = value;
            let message = read(config).expect_err(key).to_string();
            let key = if key == "rope_parameters" {
                "rope_type"
            } else {
                key
            };
            assert!(message.contains(key), "{message}");
        }
    }
}
