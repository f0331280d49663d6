//! Proteins into training, validation and test: clusters of homologues whole, concepts evenly.

pub mod clusters;
pub mod grouping;
pub mod partition;
pub mod stratification;
