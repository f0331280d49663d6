//! One module for each executable: its options and what it does with files and sciences.

pub mod annotate;
pub mod encode;
pub mod evaluate;
pub mod interpret;
mod shared;
