//! `protsae-evaluate`.

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::evaluate::Args>()
}
