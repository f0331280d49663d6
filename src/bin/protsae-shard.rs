//! `protsae-shard`.

fn main() -> std::process::ExitCode {
    protsae::cli::run::<protsae::commands::shard::Args>()
}
