//! What is minimised, and its checks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AxiomNorm, AxiomRadius, ForcedBy, ForcedMean, MAX_SIZE, PredictorCenter, Shape, Variant,
};
use crate::sae::error::SettingError;

/// Most rows that a latent's idleness is counted over: f32 holds it exactly in checkpoints.
const MAX_IDLE: u32 = 1 << 24;

/// What is minimised, and how latents are chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Objective {
    /// Which autoencoder, with the options of its own.
    pub variant: Variant,
    /// Weight of the annotation loss.
    pub lambda_annot: f64,
    /// What the concept predictor's input is centred by.
    pub predictor_center: PredictorCenter,
    /// Weight of the implication loss beside the annotation loss: of children that are predicted
    /// more strongly than their parents; 0 leaves it out.
    pub lambda_implication: f64,
    /// Weight of the axiom loss; 0 leaves it out.
    pub lambda_axiom: f64,
    /// Margin of the axioms' hinges.
    pub margin: f64,
    /// Axioms drawn per form and step; none: all of them, each step.
    pub axioms_per_step: Option<usize>,
    /// Normalisation of the class centres inside the axiom loss.
    pub axiom_norm: AxiomNorm,
    /// What a class's radius is.
    pub axiom_radius: AxiomRadius,
    /// Whether a predicted concept's latent is lifted to the mean of the unknown ones.
    pub forced_activation: bool,
    /// Which mean that is.
    pub forced_mean: ForcedMean,
    /// Whose prediction lifts it.
    pub forced_by: ForcedBy,
    /// Whether the reconstruction loss is kept out of the predictor's weights.
    pub detach: bool,
    /// Whether the defined encoder rows have a learned scale.
    pub rescale: bool,
    /// Whether each decoder row keeps an inner product of 1 with its encoder row.
    pub aligned: bool,
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
            variant: Variant::default(),
            lambda_annot: 10.0,
            predictor_center: PredictorCenter::Mean,
            lambda_implication: 1.0,
            lambda_axiom: 0.1,
            margin: 0.1,
            axioms_per_step: None,
            axiom_norm: AxiomNorm::Unit,
            axiom_radius: AxiomRadius::Signed,
            forced_activation: true,
            forced_mean: ForcedMean::All,
            forced_by: ForcedBy::Own,
            detach: true,
            rescale: true,
            aligned: false,
            aux_k: None,
            aux_weight: 1.0 / 32.0,
            dead_after: 1 << 17,
            prefixes: Vec::new(),
        }
    }
}

impl Objective {
    /// The objective of the paper (arXiv 2509.05309), in all in which the defaults differ from it:
    /// a predictor centred by the decoder's bias, radii that are absolute values, centres as they
    /// are, and no implications.
    #[must_use]
    pub fn paper() -> Self {
        Self {
            predictor_center: PredictorCenter::BDec,
            lambda_implication: 0.0,
            lambda_axiom: 1.0,
            axiom_norm: AxiomNorm::None,
            axiom_radius: AxiomRadius::Abs,
            ..Self::default()
        }
    }

    /// Whether the predictor of a model of this shape is centred by a mean that stands still.
    #[must_use]
    pub fn has_fixed_center(&self, shape: &Shape) -> bool {
        shape.defined > 0
            && self.variant.learns_predictor()
            && self.predictor_center == PredictorCenter::Mean
    }

    /// Checks the settings against each other and against the sizes.
    ///
    /// # Errors
    /// [`SettingError`], which names the field.
    pub fn check(&self, shape: &Shape) -> Result<(), SettingError> {
        check_sizes(shape)?;
        self.variant.check(shape)?;
        for (field, value) in [
            ("lambda_annot", self.lambda_annot),
            ("lambda_axiom", self.lambda_axiom),
            ("lambda_implication", self.lambda_implication),
            ("aux_weight", self.aux_weight),
        ] {
            if !value.is_finite() || value < 0.0 {
                return Err(SettingError::new(
                    field,
                    format!("{value} is no number of at least 0"),
                ));
            }
        }
        self.check_latents(shape)?;
        if !self.margin.is_finite() {
            return Err(SettingError::new("margin", "it must be a number"));
        }
        if self.axioms_per_step == Some(0) {
            return Err(SettingError::new(
                "axioms_per_step",
                "0 draws none; a lambda_axiom of 0 leaves the axioms out",
            ));
        }
        Ok(())
    }

    /// Checks what is said of latents beside their choice.
    fn check_latents(&self, shape: &Shape) -> Result<(), SettingError> {
        let ascending = self.prefixes.is_sorted_by(|a, b| a < b);
        let within = |p: &usize| (1..shape.latents).contains(p);
        if !ascending || !self.prefixes.iter().all(within) {
            return Err(SettingError::new(
                "prefixes",
                format!(
                    "{:?} must ascend, from 1 to below the number of latents, {}",
                    self.prefixes, shape.latents
                ),
            ));
        }
        if self.aux_k.is_some() && self.variant.k().is_none() {
            return Err(SettingError::new(
                "aux_k",
                format!(
                    "it revives dead latents of variants with a K, which {} has not",
                    self.variant.name()
                ),
            ));
        }
        if self.aux_k == Some(0) {
            return Err(SettingError::new("aux_k", "it must be at least 1"));
        }
        if self.dead_after == 0 || self.dead_after > MAX_IDLE {
            return Err(SettingError::new(
                "dead_after",
                format!("{} is not from 1 to {MAX_IDLE}", self.dead_after),
            ));
        }
        if self.aligned && self.variant.only_concepts() {
            return Err(SettingError::new(
                "aligned",
                format!("{} learns no decoder rows", self.variant.name()),
            ));
        }
        Ok(())
    }
}

fn check_sizes(shape: &Shape) -> Result<(), SettingError> {
    if shape.width == 0 {
        return Err(SettingError::new("width", "it must be at least 1"));
    }
    if shape.latents == 0 {
        return Err(SettingError::new("latents", "it must be at least 1"));
    }
    if shape.latents < shape.defined {
        return Err(SettingError::new(
            "latents",
            format!(
                "{} is less than the {} concepts; each has a latent of its own",
                shape.latents, shape.defined
            ),
        ));
    }
    for (field, size) in [
        ("width", shape.width),
        ("latents", shape.latents),
        ("zero_classes", shape.zero_classes),
        ("relations", shape.relations),
    ] {
        if size > MAX_SIZE {
            return Err(SettingError::new(
                field,
                format!("{size} is above {MAX_SIZE}"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked_against_sizes() {
        let shape = Shape {
            width: 4,
            latents: 8,
            defined: 9,
            ..Shape::default()
        };
        let with_k = |k| Objective {
            variant: Variant::default().with_k(k),
            ..Objective::default()
        };
        assert_eq!(with_k(2).check(&shape).unwrap_err().field, "latents");
        let shape = Shape {
            defined: 3,
            ..shape
        };
        assert!(with_k(2).check(&shape).is_ok());
        assert_eq!(with_k(9).check(&shape).unwrap_err().field, "k");
    }
}
