//! See [`protsae::commands::concepts`].

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::concepts::Args>()
}
