//! The choices of an objective.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// Whose prediction forces a concept's latent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForcedBy {
    /// The concept's own.
    #[default]
    Own,
    /// The concept's own or that of any of its descendants: what is said of a child holds for its
    /// parents.
    Coherent,
}

/// What the concept predictor's input is centred by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PredictorCenter {
    /// The mean of training rows, which stands still.
    #[default]
    Mean,
    /// The decoder's bias, as the paper has it: it moves while training goes on, and every logit
    /// with it.
    BDec,
}

/// What the axioms' class centres are normalised by, inside the axiom loss alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AxiomNorm {
    /// Nothing: the paper's.
    None,
    /// Batch normalisation over the axioms of a form, one per position in it, with one learned
    /// scale and shift: what the `DeepGO` family does.
    Batchnorm,
    /// Each centre's length.
    #[default]
    Unit,
}

/// What the radius of a class is, by its predictor's bias.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AxiomRadius {
    /// The bias plus 6, at least 0: a class of many members has a large ball.
    #[default]
    Signed,
    /// The absolute value of the bias, as the paper has it; biases are negative, so a class of many
    /// members has a small ball.
    Abs,
}

impl AxiomRadius {
    /// What is added to a bias: predictors begin at -3, and concepts of one row in 400 have -6.
    pub const SHIFT: f64 = 6.0;
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
}
