//! Proteins into training, validation and test: clusters of homologues whole, concepts evenly.

pub mod clusters;
pub(crate) mod grouping;
pub mod partition;
pub(crate) mod stratification;
