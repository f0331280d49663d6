//! See [`protsae::commands::split`].

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::split::Args>()
}
