//! What a model is: its sizes, its objective, and which switches of the method are on.

mod choices;
mod objective;

pub use super::{
    shape::{MAX_SIZE, Shape},
    variants::Variant,
};
pub use choices::{AxiomNorm, AxiomRadius, Balance, ForcedBy, ForcedMean, PredictorCenter};
pub use objective::Objective;
