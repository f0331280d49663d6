//! `protsae-report`.

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::report::Args>()
}
