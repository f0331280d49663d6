//! `protsae-annotate`.

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::annotate::Args>()
}
