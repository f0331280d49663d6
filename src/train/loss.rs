//! The terms of the objective beside reconstruction: annotation and axioms.

pub mod annotation;
pub(crate) mod axiom_norm;
pub mod axioms;
