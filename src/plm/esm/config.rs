//! `config.json` of Hugging Face transformers' `EsmConfig`.

use super::{ESM1B, ESM1B_NAMES, ESM1V, ESM1V_NAMES, ESM2, NAMES, SAPROT};
use crate::plm::{
    architecture::{Activation, Architecture, NormKind, Pairs, Positions, divided, size},
    error::PlmError,
    family::{keys, must_be, must_not},
    names::TensorNames,
};
use serde::Deserialize;
use serde_json::Value;

/// Share of tokens that training masked, of which four fifths became `<mask>`.
const MASKED_IN_TRAINING: f32 = 0.15 * 0.8;
/// How the tensor of frequencies ends, once a model or once a block.
const FREQUENCIES: &str = "rotary_embeddings.inv_freq";
/// Learned positions are counted from behind the token of padding, whose id is 1.
const FIRST_POSITION: usize = 2;
/// Tokens of a window that are no residues.
const SPECIAL: usize = 2;

/// Keys of `config.json` that decide numbers; transformers' defaults where they may be absent.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    position_embedding_type: Option<String>,
    #[serde(default)]
    emb_layer_norm_before: Option<bool>,
    #[serde(default)]
    max_position_embeddings: Option<usize>,
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

/// Reads a `config.json` of ESM-2, ESM-1b or ESM-1v.
///
/// # Errors
/// [`PlmError::Architecture`] for another model, [`PlmError::Config`] for what is no configuration.
pub(super) fn read(value: Value) -> Result<Architecture, PlmError> {
    let raw: Raw = keys(value)?;
    let learned = raw.position_embedding_type.as_deref() == Some("absolute");
    match (learned, raw.emb_layer_norm_before.unwrap_or(false)) {
        (false, _) => raw.rotary(ESM2),
        (true, true) => raw.learned(ESM1B, &ESM1B_NAMES),
        (true, false) => raw.learned(ESM1V, &ESM1V_NAMES),
    }
}

/// Reads a `config.json` of SaProt.
///
/// # Errors
/// As of [`read`].
pub(super) fn read_saprot(value: Value) -> Result<Architecture, PlmError> {
    keys::<Raw>(value)?.rotary(SAPROT)
}

impl Raw {
    /// A model whose queries and keys are rotated.
    fn rotary(&self, family: &'static str) -> Result<Architecture, PlmError> {
        let positions = self.position_embedding_type.as_deref();
        must_be(family, "position_embedding_type", positions, "rotary", "")?;
        must_not(
            family,
            "emb_layer_norm_before",
            self.emb_layer_norm_before,
            "",
        )?;
        let positions = Positions::Rotary {
            theta: self.rope_theta.unwrap_or(10_000.0),
            frequencies: Some(FREQUENCIES),
            pairs: Pairs::Halves,
        };
        self.architecture(family, positions, &NAMES)
    }

    /// A model whose positions are learned.
    fn learned(
        &self,
        family: &'static str,
        names: &'static TensorNames,
    ) -> Result<Architecture, PlmError> {
        let rows = size("max_position_embeddings", self.max_position_embeddings)?;
        let longest = rows.checked_sub(FIRST_POSITION + SPECIAL);
        let longest = longest.filter(|&n| n > 0).ok_or_else(|| {
            PlmError::Config(format!(
                "max_position_embeddings is {rows}: too few for a residue and special tokens"
            ))
        })?;
        let positions = Positions::Learned {
            rows,
            first: FIRST_POSITION,
        };
        Ok(Architecture {
            longest_window: Some(longest),
            ..self.architecture(family, positions, names)?
        })
    }

    fn architecture(
        &self,
        family: &'static str,
        positions: Positions,
        names: &'static TensorNames,
    ) -> Result<Architecture, PlmError> {
        must_not(
            family,
            "is_folding_model",
            self.is_folding_model,
            ": an ESMFold",
        )?;
        must_not(family, "is_decoder", self.is_decoder, "")?;
        must_not(family, "add_cross_attention", self.add_cross_attention, "")?;
        let activation = self.hidden_act.as_deref().unwrap_or("gelu");
        must_be(family, "hidden_act", Some(activation), "gelu", "")?;
        let (width, heads) = (
            size("hidden_size", self.hidden_size)?,
            size("num_attention_heads", self.num_attention_heads)?,
        );
        let head_width = divided(width, heads)?;
        Ok(Architecture {
            family,
            layers: size("num_hidden_layers", self.num_hidden_layers)?,
            width,
            heads,
            head_width,
            inner: size("intermediate_size", self.intermediate_size)?,
            tokens: size("vocab_size", self.vocab_size)?,
            norm: NormKind::Layer,
            epsilon: self.layer_norm_eps.unwrap_or(1e-12) as f32,
            attention_scale: (head_width as f32).powf(-0.5),
            positions,
            activation: Activation::Gelu,
            residual_scale: 1.0,
            fits_half: true,
            masked_in_training: (self.token_dropout == Some(true)).then_some(MASKED_IN_TRAINING),
            tied_head: self.tie_word_embeddings.unwrap_or(true),
            longest_window: None,
            names,
        })
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
            (config.layers, config.width, config.head_width),
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
                r#""relative_key""#,
                "position_embedding_type is 'relative_key'",
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
    fn learned_positions_bound_windows() {
        let learned = GOOD.replace("rotary", "absolute");
        let message = read(&learned).expect_err("no number of them").to_string();
        assert!(
            message.contains("max_position_embeddings is missing"),
            "{message}"
        );
        let learned = learned.replace("{\"m", "{\"max_position_embeddings\":1026,\"m");
        let model = read(&learned).expect("an ESM-1v");
        assert_eq!((model.family, model.longest_window), ("ESM-1v", Some(1022)));
        let before = learned.replace("before\":false", "before\":true");
        assert_eq!(read(&before).expect("an ESM-1b").family, "ESM-1b");
        let few = learned.replace("1026", "4");
        assert!(read(&few).is_err());
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
