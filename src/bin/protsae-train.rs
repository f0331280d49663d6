//! `protsae-train`.

use protsae::{cli, commands::train::TrainArgs};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run::<TrainArgs>()
}
