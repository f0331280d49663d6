//! Training: what is minimised, the data it is minimised on, the engines that make steps, and the course of a run.

pub(crate) mod adam;
pub mod backend;
pub(crate) mod checkpoint;
pub mod cpu;
pub mod data;
pub(crate) mod device;
pub(crate) mod driver;
pub mod gpu;
pub(crate) mod identity;
pub mod loss;
pub(crate) mod meter;
pub(crate) mod options;
pub(crate) mod session;
pub(crate) mod speed;
pub(crate) mod splice;
pub(crate) mod statistics;
pub(crate) mod task;
