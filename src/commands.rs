//! One module for each executable: its options and what it does with files and sciences.

pub mod annotate;
mod calling;
mod choices;
mod compute;
pub mod concepts;
pub mod convert;
mod decoding;
pub mod embed;
pub mod encode;
pub mod evaluate;
mod feature_keys;
pub mod interpret;
mod listed;
mod missing;
mod multiqc;
mod output_folder;
mod pattern;
mod plm;
mod protein_rows;
mod protein_totals;
mod ranges;
pub mod report;
pub mod ro_crate;
pub mod schema;
pub mod shard;
mod shared;
pub mod split;
pub mod steer;
pub mod train;

use clap::{Command, CommandFactory};

/// The command lines of all executables, in the order of the pipeline.
#[must_use]
pub fn all() -> Vec<Command> {
    vec![
        concepts::Args::command(),
        split::Args::command(),
        shard::Args::command(),
        embed::Args::command(),
        train::Args::command(),
        encode::Args::command(),
        annotate::Args::command(),
        interpret::Args::command(),
        evaluate::Args::command(),
        steer::Args::command(),
        report::Args::command(),
        ro_crate::Args::command(),
        convert::Args::command(),
        schema::Args::command(),
    ]
}
