//! `protsae-encode`.

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::encode::Args>()
}
