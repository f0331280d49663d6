//! `config.json` of Hugging Face transformers' `T5Config`.

use super::{FAMILY, GATED_NAMES, NAMES};
use crate::plm::{
    architecture::{Activation, Architecture, NormKind, Positions, size},
    error::PlmError,
    family::keys,
};
use serde::Deserialize;
use serde_json::Value;

/// Keys of `config.json` that decide numbers; transformers' defaults where they may be absent.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    feed_forward_proj: Option<String>,
    #[serde(default)]
    layer_norm_epsilon: Option<f64>,
    #[serde(default)]
    relative_attention_max_distance: Option<usize>,
    relative_attention_num_buckets: Option<usize>,
    d_model: Option<usize>,
    d_kv: Option<usize>,
    d_ff: Option<usize>,
    num_layers: Option<usize>,
    num_heads: Option<usize>,
    vocab_size: Option<usize>,
}

/// Reads a `config.json`.
///
/// # Errors
/// [`PlmError::Architecture`] for another model, [`PlmError::Config`] for what is no configuration.
pub(super) fn read(value: Value) -> Result<Architecture, PlmError> {
    let raw: Raw = keys(value)?;
    let (activation, names) = match raw.feed_forward_proj.as_deref().unwrap_or("relu") {
        "relu" => (Activation::Relu, &NAMES),
        "gated-gelu" => (Activation::GeluTanh, &GATED_NAMES),
        "gated-silu" => (Activation::Silu, &GATED_NAMES),
        other => {
            return Err(PlmError::Architecture {
                family: FAMILY.name,
                field: "feed_forward_proj",
                found: format!("'{other}'"),
                expected: "relu, gated-gelu or gated-silu",
                hint: "",
            });
        }
    };
    let buckets = size(
        "relative_attention_num_buckets",
        raw.relative_attention_num_buckets.or(Some(32)),
    )?;
    let distance = size(
        "relative_attention_max_distance",
        raw.relative_attention_max_distance.or(Some(128)),
    )?;
    // a quarter of the buckets, in each direction, is of one distance each
    if !buckets.is_multiple_of(4) || distance <= buckets / 4 {
        return Err(PlmError::Config(format!(
            "relative_attention_num_buckets is {buckets}, expected a multiple of 4 and fewer than 4 times relative_attention_max_distance, {distance}"
        )));
    }
    Ok(Architecture {
        family: FAMILY.name,
        layers: size("num_layers", raw.num_layers)?,
        width: size("d_model", raw.d_model)?,
        heads: size("num_heads", raw.num_heads)?,
        head_width: size("d_kv", raw.d_kv)?,
        inner: size("d_ff", raw.d_ff)?,
        tokens: size("vocab_size", raw.vocab_size)?,
        norm: NormKind::RootMeanSquare,
        epsilon: raw.layer_norm_epsilon.unwrap_or(1e-6) as f32,
        attention_scale: 1.0,
        positions: Positions::Relative { buckets, distance },
        activation,
        residual_scale: 1.0,
        // those of ProtT5 go beyond 65,504
        fits_half: false,
        masked_in_training: None,
        tied_head: false,
        longest_window: None,
        names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn published() -> Value {
        json!({"model_type": "t5", "d_model": 1024, "d_kv": 128, "d_ff": 16384, "num_layers": 24, "num_heads": 32,
               "relative_attention_num_buckets": 32, "vocab_size": 128, "layer_norm_epsilon": 1e-6})
    }

    #[test]
    fn reads_the_published_xl() {
        let model = read(published()).expect("a published configuration");
        assert_eq!((model.attention_width(), model.inner), (4096, 16384));
        assert_eq!(
            model.positions,
            Positions::Relative {
                buckets: 32,
                distance: 128
            }
        );
        assert_eq!(model.activation, Activation::Relu);
    }

    #[test]
    fn other_shapes_are_refused_naming_the_key() {
        for (key, value) in [
            ("feed_forward_proj", json!("gated-tanh")),
            ("relative_attention_num_buckets", json!(30)),
            ("relative_attention_max_distance", json!(8)),
            ("num_layers", json!(null)),
        ] {
            let mut config = published();
            config[key] = value;
            let message = read(config).expect_err(key).to_string();
            assert!(message.contains(key), "{message}");
        }
    }
}
