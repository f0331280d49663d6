//! What a model converted from another program's checkpoint does that one trained here does not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{config::Shape, error::SettingError};
use crate::table::{
    PlmIdentity, TableError,
    metadata::{Site, check_parts},
};

/// Added to a standard deviation (or, biased, to a variance) before dividing by it.
const EPSILON: f64 = 1e-5;

/// Which family of checkpoints a model was converted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// `InterPLM`, the released weights and version 1.
    Interplm,
    /// `InterProt`.
    Interprot,
    /// Biohub's SAEs of ESM Cambrian.
    Esmc,
    /// `SAELens`.
    Saelens,
    /// `EleutherAI`'s sparsify.
    Sparsify,
    /// `dictionary_learning`, `SAEFold` among it.
    DictionaryLearning,
    /// `Rep_SAEs_PLMs`.
    RepSaes,
    /// Bare `W_enc`, `W_dec`, `b_enc`, `b_dec`.
    Plain,
}

impl Family {
    /// Its name as people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Interplm => "InterPLM",
            Self::Interprot => "InterProt",
            Self::Esmc => "ESMC SAE",
            Self::Saelens => "SAELens",
            Self::Sparsify => "sparsify",
            Self::DictionaryLearning => "dictionary_learning",
            Self::RepSaes => "Rep_SAEs_PLMs",
            Self::Plain => "bare weights",
        }
    }
}

/// What is done to a row of activations before it is scaled and encoded, and undone after decoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InputTransform {
    /// Nothing.
    #[default]
    None,
    /// Minus its mean, over its standard deviation (d - 1 in the denominator) plus 1e-5. Undone by
    /// the standard deviation itself.
    LayerNorm,
    /// Minus its mean, over the root of its variance (d in the denominator) plus 1e-5.
    LayerNormBiased,
    /// Scaled to the length sqrt(d).
    UnitLength,
    /// Minus its mean.
    Center,
}

/// How a transformed row is turned back: `row * scale + shift`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Frame {
    /// Added to every value.
    pub shift: f32,
    /// What every value is multiplied by before.
    pub scale: f32,
}

impl InputTransform {
    /// Transforms a row `x` `[d]` into `out` `[d]`; how it is turned back.
    ///
    /// Sums are in double precision, in order. A row without spread or length becomes 0.
    pub fn apply(self, x: &[f32], out: &mut [f32]) -> Frame {
        let d = x.len() as f64;
        let mean = || x.iter().map(|&v| f64::from(v)).sum::<f64>() / d;
        let squares = |mean: f64| {
            x.iter()
                .map(|&v| (f64::from(v) - mean).powi(2))
                .sum::<f64>()
        };
        let (shift, divisor, scale) = match self {
            Self::None => (0.0, 1.0, 1.0),
            Self::Center => (mean(), 1.0, 1.0),
            Self::LayerNorm => {
                let mean = mean();
                let deviation = (squares(mean) / (d - 1.0)).sqrt();
                (mean, deviation + EPSILON, deviation)
            }
            Self::LayerNormBiased => {
                let mean = mean();
                let deviation = (squares(mean) / d + EPSILON).sqrt();
                (mean, deviation, deviation)
            }
            Self::UnitLength => {
                let length = squares(0.0).sqrt() / d.sqrt();
                let divisor = if length > 0.0 { length } else { 1.0 };
                (0.0, divisor, length)
            }
        };
        for (out, &v) in out.iter_mut().zip(x) {
            *out = ((f64::from(v) - shift) / divisor) as f32;
        }
        Frame {
            shift: shift as f32,
            scale: scale as f32,
        }
    }
}

/// Where in its PLM a checkpoint says that its activations are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Number of the layer: 0 the embeddings, 1 the first block.
    pub layer: u32,
    /// Site in the layer.
    pub site: Site,
}

impl Claim {
    /// Demands activations of this layer and site.
    ///
    /// # Errors
    /// [`TableError::Identity`], naming both.
    pub fn check(
        self,
        own_name: &str,
        plm: &PlmIdentity,
        table_name: &str,
    ) -> Result<(), TableError> {
        let text = |place: (u32, Site)| (place.0.to_string(), place.1.to_string());
        let (own, other) = (text((self.layer, self.site)), text((plm.layer, plm.site)));
        let parts = [
            ("layer of the PLM", own.0, other.0),
            ("site of the PLM", own.1, other.1),
        ];
        check_parts(own_name, table_name, parts)
    }
}

/// How well a model is known to reconstruct.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reached {
    /// Fraction of variance unexplained.
    pub fvu: f64,
    /// Rows that it was measured on.
    pub rows: u64,
}

/// Where a converted model comes from, and what it does beside what its objective says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// The family of the checkpoint.
    pub family: Family,
    /// SHA-256 of the checkpoint's weights file, decompressed.
    pub sha256: String,
    /// What is done to a row before it is scaled.
    #[serde(default)]
    pub input: InputTransform,
    /// Whether activations are multiplied by the tensor `latent_scale` once their latents are chosen;
    /// the decoder undoes it.
    #[serde(default)]
    pub latent_scale: bool,
    /// Whether the largest activations of latents were not known and stand as 1.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub assumed_maxima: bool,
    /// Where its activations are from, where the checkpoint says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// Whether the checkpoint has statistics of its latents (largest activations, inverse frequencies), in families whose
    /// format has a place for them. Without, latents cannot be scaled by them, and what is a strong activation of one is
    /// not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<bool>,
    /// How well it reconstructed the activations that it was checked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Reached>,
}

impl Conversion {
    /// Checks it against the sizes of the model.
    ///
    /// # Errors
    /// [`SettingError`], which names the field.
    pub fn check(&self, shape: &Shape) -> Result<(), SettingError> {
        if self.input == InputTransform::LayerNorm && shape.width < 2 {
            return Err(SettingError::new(
                "width",
                format!("a row of {} has no standard deviation", shape.width),
            ));
        }
        if let Some(Reached { fvu, .. }) = self.reached
            && (!fvu.is_finite() || fvu < 0.0)
        {
            return Err(SettingError::new(
                "fvu",
                format!("{fvu} is no number of at least 0"),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_transformed_and_turned_back() {
        let x = [1.0f32, 2.0, 4.0, -3.0];
        // mean 1, squares of differences 0 + 1 + 9 + 16 = 26, of values 30
        let cases = [
            (InputTransform::None, 0.0, 1.0, 1.0),
            (InputTransform::Center, 1.0, 1.0, 1.0),
            (
                InputTransform::LayerNorm,
                1.0,
                (26.0f64 / 3.0).sqrt() + 1e-5,
                (26.0f64 / 3.0).sqrt(),
            ),
            (
                InputTransform::LayerNormBiased,
                1.0,
                (26.0f64 / 4.0 + 1e-5).sqrt(),
                (26.0f64 / 4.0 + 1e-5).sqrt(),
            ),
            (
                InputTransform::UnitLength,
                0.0,
                30.0f64.sqrt() / 2.0,
                30.0f64.sqrt() / 2.0,
            ),
        ];
        for (transform, shift, divisor, scale) in cases {
            let mut out = [0.0; 4];
            let frame = transform.apply(&x, &mut out);
            for (&out, &x) in out.iter().zip(&x) {
                let want = (f64::from(x) - shift) / divisor;
                assert!((f64::from(out) - want).abs() < 1e-6, "{transform:?}");
                let back = out * frame.scale + frame.shift;
                assert!((back - x).abs() < 1e-4, "{transform:?}: {back} and {x}");
            }
            assert!((f64::from(frame.scale) - scale).abs() < 1e-6);
        }
    }

    #[test]
    fn rows_without_spread_or_length_are_no_nan() {
        for transform in [
            InputTransform::LayerNorm,
            InputTransform::LayerNormBiased,
            InputTransform::UnitLength,
        ] {
            let mut out = [1.0; 3];
            transform.apply(&[0.0; 3], &mut out);
            assert_eq!(out, [0.0; 3], "{transform:?}");
        }
    }
}
