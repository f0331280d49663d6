//! How a model is trained: everything that determines its numbers beside the objective.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{config::Balance, error::SettingError};
use crate::math::matrix_unit::{self, Split};

/// Type of the numbers that products with the encoder multiply; weights and all sums are f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Operand {
    /// The numbers themselves; on a CPU with AMX parts of them, as exact as one product needs (4e-6).
    #[default]
    F32,
    /// Copies of two bytes, where the processor multiplies such numbers.
    Bf16,
}

impl Operand {
    /// Bytes of a number.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    /// Into which bfloat16 numbers a CPU splits factors; `None` where it multiplies f32 numbers, since nothing is faster.
    #[must_use]
    pub fn split(self) -> Option<Split> {
        match self {
            Self::F32 => matrix_unit::has_tiles().then_some(Split::Bf16x3),
            Self::Bf16 => matrix_unit::is_fast().then_some(Split::Bf16),
        }
    }

    /// Its name in files and options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }
}

/// Whether activations are scaled before the model sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Normalize {
    /// One scalar that gives training rows, centred, a mean square of d.
    #[default]
    Scale,
    /// Not at all.
    None,
}

/// Which labels of a concept count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LabelLevel {
    /// Only those that name residues.
    Residue,
    /// All, broadcast to the whole protein.
    Protein,
    /// Those that name residues where the concept has any, else those of proteins, broadcast.
    #[default]
    Auto,
}

/// What the absence of labels says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unlabelled {
    /// It carries no concept.
    #[default]
    Negative,
    /// Nothing: it is left out of the annotation loss.
    Ignore,
    /// Nothing on concepts of a kind and namespace (GO's three, say) of which it has no label.
    Namespace,
}

/// How the learning rate goes on after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It falls once, after an epoch.
    #[default]
    Step,
    /// It stays.
    Constant,
    /// It falls along half a cosine to `lr_factor` of itself at the end of training.
    Cosine,
}

/// How a model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// Seed of the initial weights, of the order of rows and of sampled axioms.
    pub seed: u64,
    /// Seed of the order of rows, where it is another: models of a grid share it.
    pub order_seed: Option<u64>,
    /// Rows a step.
    pub batch: usize,
    /// Passes over the training rows.
    pub epochs: u32,
    /// Steps after which training ends, whatever the epoch.
    pub max_steps: Option<u64>,
    /// Learning rate of Adam.
    pub lr: f64,
    /// How the learning rate goes on.
    pub schedule: Schedule,
    /// Steps over which the learning rate rises from 0.
    pub warmup: u64,
    /// What the learning rate is multiplied by once `lr_epoch` has passed, or at the end.
    pub lr_factor: f64,
    /// Epoch after which the learning rate falls.
    pub lr_epoch: u32,
    /// Longest gradient, of all parameters taken together; longer ones are shortened to it.
    pub clip: Option<f64>,
    /// Epochs without a better validation after which training ends.
    pub patience: Option<u32>,
    /// Initial bias of the predictor.
    pub predictor_bias: f64,
    /// Whether activations are scaled.
    pub normalize: Normalize,
    /// Whether the decoder's bias begins at the mean of the activations; otherwise at 0.
    pub center: bool,
    /// What the products of rows with the encoder multiply.
    pub compute: Operand,
    /// Weights of positives in the annotation loss.
    pub balance: Balance,
    /// Which labels count.
    pub label_level: LabelLevel,
    /// What unlabelled proteins say.
    pub unlabelled: Unlabelled,
    /// Whether rows are shuffled; otherwise they come sorted by protein.
    pub shuffle: bool,
    /// First epoch whose model may be selected by validation.
    pub select_from: u32,
    /// SHA-256 of the weights of the model that training began with; none: initial weights.
    pub init: Option<String>,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            seed: 0,
            order_seed: None,
            batch: 128,
            epochs: 50,
            max_steps: None,
            lr: 5e-4,
            schedule: Schedule::Step,
            warmup: 0,
            lr_factor: 0.1,
            lr_epoch: 5,
            clip: None,
            patience: None,
            predictor_bias: -3.0,
            normalize: Normalize::Scale,
            center: true,
            compute: Operand::F32,
            balance: Balance::Sqrt,
            label_level: LabelLevel::Auto,
            unlabelled: Unlabelled::Negative,
            shuffle: true,
            select_from: 1,
            init: None,
        }
    }
}

impl Training {
    /// Learning rate of a step (from 1) in an epoch (from 1), of so many steps in all.
    #[must_use]
    pub fn rate(&self, step: u64, epoch: u32, steps: u64) -> f64 {
        let rise = if step < self.warmup {
            step as f64 / self.warmup as f64
        } else {
            1.0
        };
        let factor = match self.schedule {
            Schedule::Step if epoch > self.lr_epoch => self.lr_factor,
            Schedule::Step | Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let done = (step as f64 / steps.max(1) as f64).min(1.0);
                let cosine = f64::midpoint(1.0, (std::f64::consts::PI * done).cos());
                self.lr_factor + (1.0 - self.lr_factor) * cosine
            }
        };
        self.lr * rise * factor
    }

    /// Whether the learning rate will not grow from this step on.
    #[must_use]
    pub fn lr_never_grows(&self, step: u64) -> bool {
        step >= self.warmup && (self.lr_factor <= 1.0 || self.schedule == Schedule::Constant)
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`SettingError`], which names the field.
    pub fn check(&self) -> Result<(), SettingError> {
        let at_least_one = |field, value: u64| match value {
            0 => Err(SettingError::new(field, "it must be at least 1")),
            _ => Ok(()),
        };
        let above_zero = |field, value: f64| {
            if value.is_finite() && value > 0.0 {
                return Ok(());
            }
            Err(SettingError::new(
                field,
                format!("{value} is no number above 0"),
            ))
        };
        at_least_one("batch", self.batch as u64)?;
        at_least_one("epochs", self.epochs.into())?;
        above_zero("lr", self.lr)?;
        above_zero("lr_factor", self.lr_factor)?;
        above_zero("clip", self.clip.unwrap_or(1.0))?;
        at_least_one("patience", self.patience.unwrap_or(1).into())?;
        if !self.predictor_bias.is_finite() {
            return Err(SettingError::new("predictor_bias", "it must be a number"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_rates() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let step = Training {
            lr: 1.0,
            warmup: 10,
            ..Training::default()
        };
        near(step.rate(5, 1, 100), 0.5);
        near(step.rate(10, 5, 100), 1.0);
        near(step.rate(90, 6, 100), 0.1);
        assert!(!step.lr_never_grows(9) && step.lr_never_grows(10));
        let cosine = Training {
            schedule: Schedule::Cosine,
            warmup: 0,
            ..step
        };
        near(cosine.rate(50, 1, 100), 0.55);
        near(cosine.rate(100, 9, 100), 0.1);
    }
}
