//! `protsae-interpret`.

use protsae::{cli, commands::interpret::InterpretArgs};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run::<InterpretArgs>()
}
