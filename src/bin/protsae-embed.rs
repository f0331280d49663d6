//! `protsae-embed`.

use protsae::{cli, commands::embed::EmbedArgs};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run::<EmbedArgs>()
}
