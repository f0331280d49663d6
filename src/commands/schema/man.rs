//! Manual pages: what `--help` says, as roff.

use crate::{Result, cli::exit::STATUSES, commands, error::Context as _};
use clap::{
    Command,
    builder::{Resettable, StyledStr},
};
use clap_mangen::Man;
use std::io;

/// The name of the manual.
const MANUAL: &str = "ProtSAE";

/// The pages of every executable and its commands, with their file names.
///
/// # Errors
/// Where a page cannot be rendered, which would be a bug.
pub(super) fn pages() -> Result<Vec<(String, Vec<u8>)>> {
    let mut pages = Vec::new();
    for command in commands::all() {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        add(&command, &mut pages).during(command.get_name())?;
    }
    Ok(pages)
}

fn add(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let example = command.get_after_help().map(ToString::to_string);
    let bare = command.clone().after_help(Resettable::<StyledStr>::Reset);
    let page = Man::new(bare);
    let mut text = Vec::new();
    page.render(&mut text)?;
    let mut text = with_title(&String::from_utf8_lossy(&text), command);
    if let Some(example) = example {
        let lines = example.trim_start_matches("Example:\n");
        text += &section("EXAMPLES", lines);
    }
    text += &section("EXIT STATUS", STATUSES);
    pages.push((page.get_filename(), text.into_bytes()));
    for command in command.get_subcommands() {
        add(command, pages)?;
    }
    Ok(())
}

/// A page with a title that has no date. Left to the library, an empty one would vanish, and the version stand there.
fn with_title(page: &str, command: &Command) -> String {
    let name = command.get_display_name();
    let name = name.unwrap_or_else(|| command.get_name()).to_uppercase();
    let version = env!("CARGO_PKG_VERSION");
    let title = format!(".TH \"{name}\" \"1\" \"\" \"{MANUAL} {version}\" \"{MANUAL}\"");
    let lines = page.lines().map(|line| {
        if line.starts_with(".TH ") {
            &title
        } else {
            line
        }
    });
    lines.fold(String::new(), |page, line| page + line + "\n")
}

/// A section whose lines stay as they are.
fn section(title: &str, text: &str) -> String {
    let mut roff = format!(".SH \"{title}\"\n.nf\n");
    for line in text.lines() {
        if line.starts_with(['.', '\'']) {
            roff += "\\&";
        }
        for letter in line.chars() {
            match letter {
                '\\' => roff += "\\e",
                '-' => roff += "\\-",
                '\'' => roff += "\\(aq",
                '`' => roff += "\\(ga",
                _ => roff.push(letter),
            }
        }
        roff += "\n";
    }
    roff + ".fi\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_executable_and_command_has_a_page_with_examples_and_statuses() {
        let pages = pages().unwrap();
        for command in commands::all() {
            let name = format!("{}.1", command.get_name());
            let (_, page) = pages.iter().find(|(own, _)| *own == name).unwrap();
            let page = String::from_utf8(page.clone()).unwrap();
            assert!(page.contains(".SH \"EXAMPLES\""), "{page}");
            assert!(page.contains(".SH \"EXIT STATUS\""), "{page}");
            assert!(!page.contains("Example:"), "{page}");
            let title = format!(".TH \"{}\" \"1\" \"\"", command.get_name().to_uppercase());
            assert_eq!(page.matches(&title).count(), 1, "{page}");
        }
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"protsae-schema-check.1"), "{names:?}");
    }

    #[test]
    fn lines_of_a_section_are_text() {
        let lines = section("X", "  a -o 'x{y}' \\\n.b");
        assert_eq!(
            lines,
            ".SH \"X\"\n.nf\n  a \\-o \\(aqx{y}\\(aq \\e\n\\&.b\n.fi\n"
        );
    }
}
