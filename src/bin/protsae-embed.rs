//! `protsae-embed`.

use protsae::{cli, commands::embed::Args};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run::<Args>()
}
