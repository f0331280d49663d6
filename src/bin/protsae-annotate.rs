//! `protsae-annotate`.

use protsae::{cli, commands::annotate::AnnotateArgs};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run::<AnnotateArgs>()
}
