//! `protsae-interpret`.

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::interpret::Args>()
}
