//! `protsae-train`.

use protsae::{cli, commands::train::Args};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run::<Args>()
}
