//! `protsae-encode`.

use protsae::{cli, commands::encode::EncodeArgs};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run::<EncodeArgs>()
}
