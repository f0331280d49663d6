//! The variants of the autoencoder: how each chooses a row's active latents, what it adds to the loss, and which
//! tensors and options are its own. A variant is a file of this folder, and a line in each match of this one.

mod batchtopk;
mod code;
mod gated;
mod jumprelu;
mod linear_probe;
mod relu;
mod rule;
mod splice;
mod topk;

pub use batchtopk::BatchTopk;
pub(crate) use code::Code;
pub use gated::Gated;
pub use jumprelu::JumpRelu;
pub use linear_probe::LinearProbe;
pub use relu::Relu;
pub(crate) use rule::{Entry, LatentGradient, MOST_TENSORS, RowLoss, Rule, SelectedRow};
pub use splice::Splice;
pub(crate) use splice::gram;
pub use topk::Topk;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{error::SettingError, shape::Shape};
use crate::math::real::Real;

/// Which autoencoder is trained, with the options of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Variant {
    /// `TopK` with latents tied to concepts (arXiv 2509.05309).
    Protsae(Topk),
    /// Latents tied to concepts, the K largest per row on average chosen over the batch.
    ProtsaeBatchtopk(BatchTopk),
    /// Latents tied to concepts, all gated.
    ProtsaeGated(Gated),
    /// Latents tied to concepts, a learned threshold per latent.
    ProtsaeJumprelu(JumpRelu),
    /// Plain `TopK`: no predictor, no defined latents.
    Topk(Topk),
    /// The K largest per row on average, chosen over the batch; a threshold when applied.
    Batchtopk(BatchTopk),
    /// Every positive pre-activation, held down by an L1 penalty.
    Relu(Relu),
    /// Gated (arXiv 2404.16014): which latents are active and how strongly have biases and scales
    /// of their own; an L1 penalty on the gates.
    Gated(Gated),
    /// A learned threshold per latent (arXiv 2407.14435) and an L0 penalty, both by straight-through
    /// estimates.
    Jumprelu(JumpRelu),
    /// Non-negative sparse codes over a fixed dictionary, the concepts' mean activations (`SpLiCE`,
    /// arXiv 2402.10376): nothing is learned by gradients.
    Splice(Splice),
    /// The concept predictor alone, on the activations: the baseline of what they say.
    LinearProbe(LinearProbe),
}

impl Default for Variant {
    fn default() -> Self {
        Self::Protsae(Topk::new())
    }
}

impl Variant {
    /// All of them, with the defaults of their options.
    pub const ALL: [Self; 11] = [
        Self::Protsae(Topk::new()),
        Self::ProtsaeBatchtopk(BatchTopk::new()),
        Self::ProtsaeGated(Gated::new()),
        Self::ProtsaeJumprelu(JumpRelu::new()),
        Self::Topk(Topk::new()),
        Self::Batchtopk(BatchTopk::new()),
        Self::Relu(Relu::new()),
        Self::Gated(Gated::new()),
        Self::Jumprelu(JumpRelu::new()),
        Self::Splice(Splice::new()),
        Self::LinearProbe(LinearProbe {}),
    ];

    /// Its name in files and options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Protsae(_) => "protsae",
            Self::ProtsaeBatchtopk(_) => "protsae-batchtopk",
            Self::ProtsaeGated(_) => "protsae-gated",
            Self::ProtsaeJumprelu(_) => "protsae-jumprelu",
            Self::Topk(_) => "topk",
            Self::Batchtopk(_) => "batchtopk",
            Self::Relu(_) => "relu",
            Self::Gated(_) => "gated",
            Self::Jumprelu(_) => "jumprelu",
            Self::Splice(_) => "splice",
            Self::LinearProbe(_) => "linear-probe",
        }
    }

    /// Its name in a sentence.
    #[must_use]
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Protsae(_) => "ProtSAE",
            Self::ProtsaeBatchtopk(_) => "ProtSAE with BatchTopK",
            Self::ProtsaeGated(_) => "gated ProtSAE",
            Self::ProtsaeJumprelu(_) => "ProtSAE with JumpReLU",
            Self::Topk(_) => "TopK",
            Self::Batchtopk(_) => "BatchTopK",
            Self::Relu(_) => "ReLU",
            Self::Gated(_) => "gated",
            Self::Jumprelu(_) => "JumpReLU",
            Self::Splice(_) => "SpLiCE",
            Self::LinearProbe(_) => "linear probe",
        }
    }

    /// How it chooses latents.
    #[must_use]
    pub(crate) fn rule<T: Real>(&self) -> &dyn Rule<T> {
        match self {
            Self::Protsae(rule) | Self::Topk(rule) => rule,
            Self::ProtsaeBatchtopk(rule) | Self::Batchtopk(rule) => rule,
            Self::ProtsaeGated(rule) | Self::Gated(rule) => rule,
            Self::ProtsaeJumprelu(rule) | Self::Jumprelu(rule) => rule,
            Self::Relu(rule) => rule,
            Self::Splice(rule) => rule,
            Self::LinearProbe(rule) => rule,
        }
    }

    /// Whether some latents are tied to concepts, beside others that are not.
    #[must_use]
    pub fn ties_latents(self) -> bool {
        matches!(
            self,
            Self::Protsae(_)
                | Self::ProtsaeBatchtopk(_)
                | Self::ProtsaeGated(_)
                | Self::ProtsaeJumprelu(_)
        )
    }

    /// Whether concepts are all that has latents.
    #[must_use]
    pub fn only_concepts(self) -> bool {
        matches!(self, Self::Splice(_) | Self::LinearProbe(_))
    }

    /// Whether concepts have a predictor.
    #[must_use]
    pub fn predicts(self) -> bool {
        self.ties_latents() || self.only_concepts()
    }

    /// Whether that predictor is learned by gradients.
    #[must_use]
    pub fn learns_predictor(self) -> bool {
        self.predicts() && !matches!(self, Self::Splice(_))
    }

    /// K, of variants that have one.
    #[must_use]
    pub fn k(mut self) -> Option<usize> {
        self.k_mut().copied()
    }

    /// The same with another K, if it has one.
    #[must_use]
    pub fn with_k(mut self, k: usize) -> Self {
        if let Some(own) = self.k_mut() {
            *own = k;
        }
        self
    }

    /// K, of variants that have one.
    pub fn k_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Protsae(Topk { k })
            | Self::Topk(Topk { k })
            | Self::ProtsaeBatchtopk(BatchTopk { k })
            | Self::Batchtopk(BatchTopk { k }) => Some(k),
            _ => None,
        }
    }

    /// The weight of the penalty on active latents, of variants that have one.
    pub fn lambda_sparsity_mut(&mut self) -> Option<&mut f64> {
        match self {
            Self::Relu(Relu { lambda_sparsity })
            | Self::Splice(Splice { lambda_sparsity })
            | Self::ProtsaeGated(Gated { lambda_sparsity })
            | Self::Gated(Gated { lambda_sparsity })
            | Self::ProtsaeJumprelu(JumpRelu {
                lambda_sparsity, ..
            })
            | Self::Jumprelu(JumpRelu {
                lambda_sparsity, ..
            }) => Some(lambda_sparsity),
            _ => None,
        }
    }

    /// The width of the window in which a threshold learns, of variants that have one.
    pub fn bandwidth_mut(&mut self) -> Option<&mut f64> {
        match self {
            Self::ProtsaeJumprelu(JumpRelu { bandwidth, .. })
            | Self::Jumprelu(JumpRelu { bandwidth, .. }) => Some(bandwidth),
            _ => None,
        }
    }

    /// Checks its options against the sizes.
    ///
    /// # Errors
    /// [`SettingError`], which names the field.
    pub fn check(mut self, shape: &Shape) -> Result<(), SettingError> {
        if let Some(k) = self.k()
            && (k == 0 || k > shape.latents)
        {
            return Err(SettingError::new(
                "k",
                format!(
                    "{k} is not from 1 to the number of latents, {}",
                    shape.latents
                ),
            ));
        }
        if let Some(&mut weight) = self.lambda_sparsity_mut()
            && (!weight.is_finite() || weight < 0.0)
        {
            return Err(SettingError::new(
                "lambda_sparsity",
                format!("{weight} is no number of at least 0"),
            ));
        }
        if let Some(&mut width) = self.bandwidth_mut()
            && (!width.is_finite() || width <= 0.0)
        {
            return Err(SettingError::new(
                "bandwidth",
                format!("{width} is no number above 0"),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_files() {
        for variant in Variant::ALL {
            let value = serde_json::to_value(variant).unwrap();
            assert_eq!(value["name"], variant.name());
            assert_eq!(serde_json::from_value::<Variant>(value).unwrap(), variant);
        }
    }

    #[test]
    fn options_of_another_variant_are_unknown() {
        let text = r#"{"name":"relu","k":3}"#;
        assert!(serde_json::from_str::<Variant>(text).is_err());
        let probe = r#"{"name":"linear-probe","k":3}"#;
        assert!(serde_json::from_str::<Variant>(probe).is_err());
    }
}
