//! What a model is: its sizes, its objective, and which switches of the method are on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::SaeError;

/// Which autoencoder is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// `TopK` with latents tied to concepts (arXiv 2509.05309).
    #[default]
    Protsae,
    /// Plain `TopK`: no predictor, no defined latents.
    Topk,
    /// The K largest per row on average, chosen over the batch; a threshold when applied.
    Batchtopk,
    /// Every positive pre-activation, held down by an L1 penalty.
    Relu,
    /// Gated (arXiv 2404.16014): which latents are active and how strongly have biases and scales
    /// of their own; an L1 penalty on the gates.
    Gated,
    /// A learned threshold per latent (arXiv 2407.14435) and an L0 penalty, both by straight-through
    /// estimates.
    Jumprelu,
    /// Non-negative sparse codes over a fixed dictionary, the concepts' mean activations (`SpLiCE`,
    /// arXiv 2402.10376): nothing is learned by gradients.
    Splice,
    /// The concept predictor alone, on the activations: the baseline of what they say.
    LinearProbe,
}

impl Variant {
    /// Whether concepts have a predictor.
    #[must_use]
    pub fn predicts(self) -> bool {
        matches!(self, Self::Protsae | Self::Splice | Self::LinearProbe)
    }

    /// Whether concepts are all that has latents.
    #[must_use]
    pub fn only_concepts(self) -> bool {
        matches!(self, Self::Splice | Self::LinearProbe)
    }

    /// Whether K says how many latents are active.
    #[must_use]
    pub fn uses_k(self) -> bool {
        matches!(self, Self::Protsae | Self::Topk | Self::Batchtopk)
    }

    /// Whether there is a threshold per latent.
    #[must_use]
    pub fn has_threshold(self) -> bool {
        matches!(self, Self::Batchtopk | Self::Jumprelu)
    }

    /// Whether a penalty holds the number of active latents down.
    #[must_use]
    pub fn penalised(self) -> bool {
        matches!(
            self,
            Self::Relu | Self::Gated | Self::Jumprelu | Self::Splice
        )
    }
}

/// Which unknown latents the mean of forced activation runs over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForcedMean {
    /// All unknown latents: the literal reading.
    #[default]
    All,
    /// Those that are active in the row; 0 if none is.
    Active,
}

/// What the axioms' class centres are normalised by, inside the axiom loss alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AxiomNorm {
    /// Nothing.
    #[default]
    None,
    /// Batch normalisation over the axioms of a form, one per position in it, with one learned
    /// scale and shift: what the `DeepGO` family does.
    Batchnorm,
    /// Each centre's length.
    Unit,
}

/// The weight of a concept's positives in the annotation loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// 1: the paper's.
    None,
    /// sqrt(negatives / positives).
    #[default]
    Sqrt,
    /// negatives / positives.
    Inverse,
}

impl Balance {
    /// The weight for a concept with these counts; 1 for a concept without positives or
    /// negatives.
    #[must_use]
    pub fn weight(self, positives: u64, negatives: u64) -> f64 {
        if positives == 0 || negatives == 0 {
            return 1.0;
        }
        let ratio = negatives as f64 / positives as f64;
        match self {
            Self::None => 1.0,
            Self::Sqrt => ratio.sqrt(),
            Self::Inverse => ratio,
        }
    }
}

/// The sizes of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Width of the protein language model, d.
    pub width: usize,
    /// All latents, n.
    pub latents: usize,
    /// Defined latents, m: the first ones, one a concept.
    pub defined: usize,
    /// Classes of axioms that are no concept, z.
    pub zero_classes: usize,
    /// Relations of axioms, R.
    pub relations: usize,
}

impl Shape {
    /// Unknown latents, n - m.
    #[must_use]
    pub fn unknown(&self) -> usize {
        self.latents - self.defined
    }

    /// Classes of the axioms, m + z.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.defined + self.zero_classes
    }
}

/// Most rows that a latent's idleness is counted over: f32 holds it exactly in checkpoints.
const MAX_IDLE: u32 = 1 << 24;
/// Largest width, number of latents or of concepts that a reader allocates for.
pub const MAX_SIZE: usize = 1 << 24;

/// What is minimised, and how latents are chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Objective {
    /// Which autoencoder.
    pub variant: Variant,
    /// Latents kept per row, K.
    pub k: usize,
    /// Weight of the annotation loss.
    pub lambda_annot: f64,
    /// Weight of the axiom loss; 0 leaves it out.
    pub lambda_axiom: f64,
    /// Margin of the axioms' hinges.
    pub margin: f64,
    /// Axioms drawn per form and step; none: all of them, each step.
    pub axioms_per_step: Option<usize>,
    /// Normalisation of the class centres inside the axiom loss.
    pub axiom_norm: AxiomNorm,
    /// Whether a predicted concept's latent is lifted to the mean of the unknown ones.
    pub forced_activation: bool,
    /// Which mean that is.
    pub forced_mean: ForcedMean,
    /// Whether the reconstruction loss is kept out of the predictor's weights.
    pub detach: bool,
    /// Whether the defined encoder rows have a learned scale.
    pub rescale: bool,
    /// Weight of the penalty on active latents, of variants that have one.
    pub lambda_sparsity: f64,
    /// Width of the window in which a threshold feels a pre-activation (jumprelu).
    pub bandwidth: f64,
    /// Dead latents per row that reconstruct what the others leave (`AuxK`, arXiv 2406.04093);
    /// none: they have no part in the loss.
    pub aux_k: Option<usize>,
    /// Weight of the error of that reconstruction.
    pub aux_weight: f64,
    /// Rows without activation after which a latent is dead.
    pub dead_after: u32,
    /// Numbers of first latents that must reconstruct by themselves too (matryoshka), ascending;
    /// the reconstruction loss is the mean over these and all latents.
    pub prefixes: Vec<usize>,
}

impl Default for Objective {
    fn default() -> Self {
        Self {
            variant: Variant::Protsae,
            k: 32,
            lambda_annot: 10.0,
            lambda_axiom: 1.0,
            margin: 0.1,
            axioms_per_step: None,
            axiom_norm: AxiomNorm::None,
            forced_activation: true,
            forced_mean: ForcedMean::All,
            detach: true,
            rescale: true,
            lambda_sparsity: 1.0,
            bandwidth: 0.2,
            aux_k: None,
            aux_weight: 1.0 / 32.0,
            dead_after: 1 << 17,
            prefixes: Vec::new(),
        }
    }
}

impl Objective {
    /// Checks the settings against each other and against the sizes.
    ///
    /// # Errors
    /// [`SaeError::Settings`], which names the option.
    pub fn check(&self, shape: &Shape) -> Result<(), SaeError> {
        let fail = |message: String| Err(SaeError::Settings(message));
        if shape.width == 0 || shape.latents == 0 {
            return fail("--latents and the width of the table must be at least 1".into());
        }
        if shape.latents < shape.defined {
            return fail(format!(
                "--latents {} is less than the {} concepts; each has a latent of its own",
                shape.latents, shape.defined
            ));
        }
        for (name, size) in [
            ("width", shape.width),
            ("--latents", shape.latents),
            ("zero classes", shape.zero_classes),
            ("relations", shape.relations),
        ] {
            if size > MAX_SIZE {
                return fail(format!("{name} {size} is above {MAX_SIZE}"));
            }
        }
        if self.variant.uses_k() && (self.k == 0 || self.k > shape.latents) {
            return fail(format!(
                "--k {} must be from 1 to the number of latents, {}",
                self.k, shape.latents
            ));
        }
        for (name, value) in [
            ("--lambda-annot", self.lambda_annot),
            ("--lambda-axiom", self.lambda_axiom),
            ("--lambda-sparsity", self.lambda_sparsity),
            ("--aux-weight", self.aux_weight),
        ] {
            if !value.is_finite() || value < 0.0 {
                return fail(format!("{name} {value} must be a number of at least 0"));
            }
        }
        if !self.bandwidth.is_finite() || self.bandwidth <= 0.0 {
            return fail(format!("--bandwidth {} must be above 0", self.bandwidth));
        }
        let ascending = self.prefixes.is_sorted_by(|a, b| a < b);
        let within = |p: &usize| (1..shape.latents).contains(p);
        if !ascending || !self.prefixes.iter().all(within) {
            return fail(format!(
                "--prefixes {:?} must ascend, from 1 to below the number of latents, {}",
                self.prefixes, shape.latents
            ));
        }
        if self.aux_k.is_some() && !self.variant.uses_k() {
            return fail(
                "--aux-k revives dead latents of variants with --k: protsae, topk, batchtopk"
                    .into(),
            );
        }
        if self.aux_k == Some(0) || self.dead_after == 0 || self.dead_after > MAX_IDLE {
            return fail(format!(
                "--aux-k must be at least 1, and --dead-after from 1 to {MAX_IDLE}"
            ));
        }
        if !self.margin.is_finite() {
            return fail(format!("--margin {} must be a number", self.margin));
        }
        if self.axioms_per_step == Some(0) {
            return fail(
                "--axioms-per-step 0: to leave the axioms out, say --lambda-axiom 0".into(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "weights of these counts are exact")]

    use super::*;

    #[test]
    fn balance_of_rare_and_of_absent_concepts() {
        assert_eq!(Balance::Sqrt.weight(1, 100), 10.0);
        assert_eq!(Balance::Inverse.weight(1, 100), 100.0);
        assert_eq!(Balance::None.weight(1, 100), 1.0);
        assert_eq!(Balance::Sqrt.weight(0, 100), 1.0);
        assert_eq!(Balance::Inverse.weight(7, 0), 1.0);
    }

    #[test]
    fn settings_are_checked_against_sizes() {
        let shape = Shape {
            width: 4,
            latents: 8,
            defined: 9,
            ..Shape::default()
        };
        let objective = Objective {
            k: 2,
            ..Objective::default()
        };
        assert!(objective.check(&shape).is_err());
        let shape = Shape {
            defined: 3,
            ..shape
        };
        assert!(objective.check(&shape).is_ok());
        let objective = Objective {
            k: 9,
            ..Objective::default()
        };
        assert!(objective.check(&shape).is_err());
    }
}
