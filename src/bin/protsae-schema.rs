//! `protsae-schema`.

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::schema::Args>()
}
