//! `protsae-crate`.

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::ro_crate::Args>()
}
