//! Training: what is minimised, the data it is minimised on, the engines that make steps, and the course of a run.

pub mod adam;
pub mod backend;
pub mod checkpoint;
pub mod cpu;
pub mod data;
pub mod device;
pub mod driver;
pub mod gpu;
pub mod identity;
pub mod loss;
pub mod meter;
pub(crate) mod session;
pub mod speed;
pub(crate) mod splice;
pub(crate) mod statistics;
