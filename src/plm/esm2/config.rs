//! `config.json` of Hugging Face transformers' `EsmConfig`.

use super::{FAMILY, NAMES};
use crate::plm::{
    architecture::{Architecture, Positions, size},
    error::PlmError,
    family,
};
use serde::Deserialize;
use serde_json::Value;

/// Share of tokens that training masked, of which four fifths became `<mask>`.
const MASKED_IN_TRAINING: f32 = 0.15 * 0.8;
/// How the tensor of frequencies ends, once a model or once a block.
const FREQUENCIES: &str = "rotary_embeddings.inv_freq";
/// What a relative is that is recognised and not run.
const ESM1: &str = ": an ESM-1b or ESM-1v, which this program does not run";

/// Keys of `config.json` that decide numbers; transformers' defaults where they may be absent.
#[derive(Deserialize)]
struct Raw {
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

/// Reads a `config.json`.
///
/// # Errors
/// [`PlmError::Architecture`] for another model (ESM-1b and ESM-1v among them), [`PlmError::Config`]
/// for what is no configuration.
pub(super) fn read(value: Value) -> Result<Architecture, PlmError> {
    let raw: Raw = serde_json::from_value(value)
        .map_err(|e| PlmError::Config(format!("not a model's configuration: {e}")))?;
    raw.check()?;
    let (width, heads) = (
        size("hidden_size", raw.hidden_size)?,
        size("num_attention_heads", raw.num_attention_heads)?,
    );
    Ok(Architecture {
        family: FAMILY.name,
        layers: size("num_hidden_layers", raw.num_hidden_layers)?,
        width,
        heads,
        inner: size("intermediate_size", raw.intermediate_size)?,
        tokens: size("vocab_size", raw.vocab_size)?,
        epsilon: raw.layer_norm_eps.unwrap_or(1e-12) as f32,
        attention_scale: ((width / heads) as f32).powf(-0.5),
        positions: Positions::Rotary {
            theta: raw.rope_theta.unwrap_or(10_000.0),
            frequencies: FREQUENCIES,
        },
        masked_in_training: (raw.token_dropout == Some(true)).then_some(MASKED_IN_TRAINING),
        tied_head: raw.tie_word_embeddings.unwrap_or(true),
        longest_window: None,
        names: &NAMES,
    })
}

impl Raw {
    /// Refuses what has other blocks than an ESM-2.
    fn check(&self) -> Result<(), PlmError> {
        let must_be = |field, found: &Option<String>, expected, hint| {
            family::must_be(FAMILY.name, field, found.as_deref(), expected, hint)
        };
        let must_not = |field, found, hint| family::must_not(FAMILY.name, field, found, hint);
        let positions = &self.position_embedding_type;
        must_be("position_embedding_type", positions, "rotary", ESM1)?;
        must_not("emb_layer_norm_before", self.emb_layer_norm_before, ESM1)?;
        must_not("is_folding_model", self.is_folding_model, ": an ESMFold")?;
        must_not("is_decoder", self.is_decoder, "")?;
        must_not("add_cross_attention", self.add_cross_attention, "")?;
        let activation = self.hidden_act.clone().or_else(|| Some("gelu".into()));
        must_be("hidden_act", &activation, "gelu", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::metadata::Site;

    fn read(text: &str) -> Result<Architecture, PlmError> {
        crate::plm::families::read(text).map(|(_, architecture)| architecture)
    }

    const GOOD: &str = r#"{"model_type":"esm","position_embedding_type":"rotary","hidden_size":320,
        "num_hidden_layers":6,"num_attention_heads":20,"intermediate_size":1280,"vocab_size":33,
        "layer_norm_eps":1e-05,"token_dropout":true,"emb_layer_norm_before":false}"#;

    #[test]
    fn reads_the_released_8m() {
        let config = read(GOOD).expect("a released configuration");
        assert_eq!(
            (config.layers, config.width, config.head_width()),
            (6, 320, 16)
        );
        assert!(config.masked_in_training.is_some() && config.tied_head);
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
            let message = read(&text).expect_err(key).to_string();
            assert!(message.contains(key), "{message}");
        }
    }

    #[test]
    fn layers_and_windows_end_where_the_model_does() {
        let mut config = read(GOOD).expect("a released configuration");
        assert_eq!(config.layers_at(Site::Residual), 0..=6);
        assert_eq!(config.layers_at(Site::Mlp), 1..=6);
        assert!(config.check_window(5000).is_ok());
        config.longest_window = Some(1022);
        assert!(config.check_window(1022).is_ok() && config.check_window(1023).is_err());
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        assert!(read("").is_err());
        assert!(read("[1]").is_err());
    }
}
