//! `config.json` of Hugging Face transformers' `EsmConfig`.

use crate::plm::error::PlmError;
use serde::Deserialize;
use serde_json::Value;

/// Refuses sizes beyond anything published before memory is asked for.
const LARGEST: usize = 1 << 17;

/// The shape of an ESM-2.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Blocks, L.
    pub layers: usize,
    /// Width of the residual stream, d.
    pub width: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width inside the MLP.
    pub inner: usize,
    /// Tokens of the vocabulary.
    pub vocab: usize,
    /// Epsilon of the layer norms.
    pub epsilon: f32,
    /// Whether embeddings are rescaled for the share of masked tokens (all released ESM-2).
    pub token_dropout: bool,
    /// Base of the rotary embedding's frequencies.
    pub rope_theta: f64,
    /// Whether the head's decoder is the word embedding.
    pub tied_head: bool,
}

/// Keys of `config.json` that decide numbers; transformers' defaults where they may be absent.
#[derive(Deserialize)]
struct Raw {
    model_type: Option<String>,
    #[serde(default)]
    position_embedding_type: Option<String>,
    #[serde(default)]
    emb_layer_norm_before: Option<bool>,
    #[serde(default)]
    is_folding_model: Option<bool>,
    #[serde(default)]
    is_decoder: Option<bool>,
    #[serde(default)]
    add_cross_attention: Option<bool>,
    #[serde(default)]
    hidden_act: Option<String>,
    #[serde(default)]
    token_dropout: Option<bool>,
    #[serde(default)]
    layer_norm_eps: Option<f64>,
    #[serde(default)]
    rope_theta: Option<f64>,
    #[serde(default)]
    tie_word_embeddings: Option<bool>,
    hidden_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    intermediate_size: Option<usize>,
    vocab_size: Option<usize>,
}

fn must_be(
    field: &'static str,
    found: Option<&str>,
    expected: &'static str,
    hint: &'static str,
) -> Result<(), PlmError> {
    match found {
        Some(value) if value == expected => Ok(()),
        other => Err(PlmError::Architecture {
            field,
            found: other.map_or_else(|| "missing".into(), |v| format!("'{v}'")),
            expected,
            hint,
        }),
    }
}

fn must_not(field: &'static str, found: Option<bool>, hint: &'static str) -> Result<(), PlmError> {
    if found == Some(true) {
        return Err(PlmError::Architecture {
            field,
            found: "true".into(),
            expected: "false",
            hint,
        });
    }
    Ok(())
}

fn size(field: &'static str, value: Option<usize>) -> Result<usize, PlmError> {
    match value {
        Some(n) if (1..=LARGEST).contains(&n) => Ok(n),
        Some(n) => Err(PlmError::Config(format!(
            "{field} is {n}, expected 1 to {LARGEST}"
        ))),
        None => Err(PlmError::Config(format!("{field} is missing"))),
    }
}

impl Config {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// [`PlmError::Architecture`] for another model (ESM-1b and ESM-1v among them),
    /// [`PlmError::Config`] for numbers that contradict each other or text that is no JSON object.
    pub fn from_json(text: &str) -> Result<Self, PlmError> {
        let value: Value =
            serde_json::from_str(text).map_err(|e| PlmError::Config(format!("not JSON: {e}")))?;
        let raw: Raw = serde_json::from_value(value)
            .map_err(|e| PlmError::Config(format!("not a model's configuration: {e}")))?;
        must_be("model_type", raw.model_type.as_deref(), "esm", "")?;
        must_be(
            "position_embedding_type",
            raw.position_embedding_type.as_deref(),
            "rotary",
            ": an ESM-1b or ESM-1v, which this program does not run",
        )?;
        must_not(
            "emb_layer_norm_before",
            raw.emb_layer_norm_before,
            ": an ESM-1b or ESM-1v, which this program does not run",
        )?;
        must_not("is_folding_model", raw.is_folding_model, ": an ESMFold")?;
        must_not("is_decoder", raw.is_decoder, "")?;
        must_not("add_cross_attention", raw.add_cross_attention, "")?;
        must_be(
            "hidden_act",
            Some(raw.hidden_act.as_deref().unwrap_or("gelu")),
            "gelu",
            "",
        )?;
        let config = Self {
            layers: size("num_hidden_layers", raw.num_hidden_layers)?,
            width: size("hidden_size", raw.hidden_size)?,
            heads: size("num_attention_heads", raw.num_attention_heads)?,
            inner: size("intermediate_size", raw.intermediate_size)?,
            vocab: size("vocab_size", raw.vocab_size)?,
            epsilon: raw.layer_norm_eps.unwrap_or(1e-12) as f32,
            token_dropout: raw.token_dropout.unwrap_or(false),
            rope_theta: raw.rope_theta.unwrap_or(10_000.0),
            tied_head: raw.tie_word_embeddings.unwrap_or(true),
        };
        if !config.width.is_multiple_of(config.heads) || !config.head_width().is_multiple_of(2) {
            return Err(PlmError::Config(format!(
                "hidden_size {} cannot be divided among {} attention heads of even width",
                config.width, config.heads
            )));
        }
        if !config.epsilon.is_finite() || config.epsilon < 0.0 {
            return Err(PlmError::Config(format!(
                "layer_norm_eps is {}, expected a small positive number",
                config.epsilon
            )));
        }
        if !config.rope_theta.is_finite() || config.rope_theta <= 0.0 {
            return Err(PlmError::Config(format!(
                "rope_theta is {}, expected a positive number",
                config.rope_theta
            )));
        }
        Ok(config)
    }

    /// Width of one attention head.
    #[must_use]
    pub fn head_width(&self) -> usize {
        self.width / self.heads
    }

    /// Multiply-adds times two of one residue through `layers` blocks in a sequence of `length`
    /// tokens: 2·12·d² for a block of the usual inner width 4d, and its attention.
    #[must_use]
    pub fn flops_per_token(&self, layers: usize, length: usize) -> f64 {
        let (d, inner) = (self.width as f64, self.inner as f64);
        layers as f64 * (2.0 * d * (4.0 * d + 2.0 * inner) + 4.0 * d * length as f64)
    }

    /// Floats of the weights of the embeddings and of the first `layers` blocks.
    #[must_use]
    pub fn parameters(&self, layers: usize) -> usize {
        let (d, inner) = (self.width, self.inner);
        self.vocab * d + layers * (4 * d * d + 2 * d * inner + 9 * d + inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"model_type":"esm","position_embedding_type":"rotary","hidden_size":320,
        "num_hidden_layers":6,"num_attention_heads":20,"intermediate_size":1280,"vocab_size":33,
        "layer_norm_eps":1e-05,"token_dropout":true,"emb_layer_norm_before":false}"#;

    #[test]
    fn reads_the_released_8m() {
        let config = Config::from_json(GOOD).expect("a released configuration");
        assert_eq!(
            (config.layers, config.width, config.head_width()),
            (6, 320, 16)
        );
        assert!(config.token_dropout && config.tied_head);
        assert!((config.epsilon - 1e-5).abs() < 1e-12);
    }

    #[test]
    fn refuses_other_architectures_naming_the_key() {
        for (from, to, key) in [
            (
                r#""rotary""#,
                r#""absolute""#,
                "position_embedding_type is 'absolute'",
            ),
            (r#""esm""#, r#""bert""#, "model_type is 'bert'"),
            (
                r#""emb_layer_norm_before":false"#,
                r#""emb_layer_norm_before":true"#,
                "emb_layer_norm_before is true",
            ),
            (
                r#""vocab_size":33"#,
                r#""vocab_size":33,"hidden_act":"relu""#,
                "hidden_act is 'relu'",
            ),
            (
                r#""num_attention_heads":20"#,
                r#""num_attention_heads":7"#,
                "7 attention heads",
            ),
            (
                r#""num_attention_heads":20"#,
                r#""num_attention_heads":320"#,
                "320 attention heads",
            ),
            (r#""hidden_size":320,"#, "", "hidden_size is missing"),
            (
                r#""hidden_size":320"#,
                r#""hidden_size":99999999"#,
                "hidden_size is 99999999",
            ),
        ] {
            let text = GOOD.replace(from, to);
            let message = Config::from_json(&text).expect_err(key).to_string();
            assert!(message.contains(key), "{message}");
        }
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        assert!(Config::from_json("").is_err());
        assert!(Config::from_json("[1]").is_err());
    }
}
