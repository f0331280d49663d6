//! Completions of command lines, for shells.

use crate::commands;
use clap_complete::{Generator as _, Shell};

/// The completions of every executable: the name that the shell looks for, and what it reads.
pub(super) fn all(shell: Shell) -> Vec<(String, Vec<u8>)> {
    let files = commands::all().into_iter().map(|mut command| {
        let name = command.get_name().to_owned();
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut command, &name, &mut text);
        // bash-completion loads by the name of the command alone, or with the suffix .bash
        (shell.file_name(&name), text)
    });
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn every_executable_and_its_options_are_completed_in_every_shell() {
        for shell in Shell::value_variants() {
            let files = all(*shell);
            assert_eq!(files.len(), commands::all().len());
            let (name, text) = &files[0];
            assert!(name.contains("protsae-concepts"), "{name}");
            let text = String::from_utf8(text.clone()).unwrap();
            assert!(text.contains("min-count"), "{shell}: {text}");
        }
    }
}
