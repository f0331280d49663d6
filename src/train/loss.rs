//! The terms of the objective beside reconstruction: annotation, implications, axioms.

pub(crate) mod annotation;
pub(crate) mod axiom_norm;
pub mod axioms;
pub(crate) mod implication;
