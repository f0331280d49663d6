//! See [`protsae::commands::convert`].

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::convert::Args>()
}
