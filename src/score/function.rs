//! Function prediction: how well scores of proteins for terms of an ontology agree with what is known of them.
//!
//! [`terms`] is the part of an ontology that is scored, [`deepgo`] and [`cafa`] are two evaluators of the field with
//! conventions of their own, [`baseline`] are predictors that any model must beat, [`interval`] says how sure a score is.

pub mod baseline;
pub mod cafa;
pub mod curve;
pub mod deepgo;
pub mod interval;
pub mod result;
pub mod terms;

use crate::error::{Classify, ErrorKind};

/// Why nothing is scored where nothing is known.
const NO_TERM: &str = "no protein has a term that counts";

/// What can be wrong with a task of function prediction.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// Terms that are each other's ancestors.
    #[error("the hierarchy of terms has a cycle through '{0}'")]
    Cycle(String),
    /// A parent that is no term.
    #[error("the parent of '{term}' has number {parent}, there are {terms} terms")]
    Parent {
        /// The term.
        term: String,
        /// The number.
        parent: u32,
        /// Terms that there are.
        terms: usize,
    },
}

impl Classify for FunctionError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}
