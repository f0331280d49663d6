//! `protsae-evaluate`.

use protsae::{cli, commands::evaluate::EvaluateArgs};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run::<EvaluateArgs>()
}
