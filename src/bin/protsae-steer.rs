//! `protsae-steer`.

use protsae::{cli, commands::steer::Args};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run::<Args>()
}
