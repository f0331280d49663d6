//! The walls between the modules, and the size of what stands in each.

mod circles;
mod uses;

use std::{
    fs,
    path::{Path, PathBuf},
};
use uses::House;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every source file by its path below `src`, with its text.
fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap();
        let name = name.to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// The same before the unit tests.
fn without_tests() -> Vec<(String, String)> {
    let mut files = all();
    for (_, text) in &mut files {
        text.truncate(text.find("#[cfg(test)]").unwrap_or(text.len()));
    }
    files
}

/// The room of a file: `plm` for `plm.rs` and `plm/esm2/model.rs`.
fn module(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap_or_default()
}

/// The rooms from the top of the house to its ground: each may use those below, and of those beside it only such as do
/// not use it in turn.
const FLOORS: &[&[&str]] = &[
    &["bin"],
    &["commands"],
    &["cli"],
    &["train", "exchange", "steer", "score", "report"],
    &["sae", "plm"],
    &["table"],
    &["annot", "split"],
    &["ontology", "seq"],
    &["math", "error", "hash", "mapped", "torch"],
];

#[test]
fn arrows_go_down() {
    let floor = |room: &str| FLOORS.iter().position(|rooms| rooms.contains(&room));
    for (module, uses) in &House::new(&all()).0 {
        let Some(room) = module.first() else { continue };
        let own = floor(room).unwrap_or_else(|| panic!("no floor has the room {room}"));
        for path in &uses.paths {
            let [root, used, ..] = &path[..] else {
                continue;
            };
            if let ("crate", Some(other)) = (root.as_str(), floor(used)) {
                let file = module.join("/");
                assert!(other >= own, "{file} uses {used}, which is above {room}");
            }
        }
    }
}

/// Files of more than 500 lines, tests beside the code included, and why each is one thing.
const LONG_FILES: &[(&str, &str)] = &[];

#[test]
fn files_are_short_or_say_why_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    for path in paths {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let reason = LONG_FILES.iter().find(|(long, _)| *long == name);
        assert_eq!(
            lines > 500,
            reason.is_some(),
            "{name} has {lines} lines: split it, or say in LONG_FILES why it is one thing"
        );
    }
}

#[test]
fn sciences_know_neither_files_nor_command_lines() {
    let codecs = [
        "annot", "math", "ontology", "report", "score", "seq", "split", "steer", "table", "torch",
    ];
    for (name, code) in without_tests() {
        if codecs.contains(&module(&name)) {
            for forbidden in ["candle_core", "std::fs", "File::open", "Path"] {
                assert!(!code.contains(forbidden), "{name} uses {forbidden}");
            }
        }
    }
}

#[test]
fn options_are_the_business_of_commands() {
    for (name, code) in without_tests() {
        let knows = ["bin", "commands", "cli"].contains(&module(&name));
        assert!(knows || !code.contains("clap"), "{name} uses clap");
    }
}

#[test]
fn only_the_command_line_prints_and_ends_the_process() {
    for (name, code) in without_tests() {
        if module(&name) == "cli" {
            continue;
        }
        for forbidden in [
            "println!",
            "eprintln!",
            "print!(",
            "process::exit",
            "std::env::var",
            "todo!",
            "unimplemented!",
        ] {
            assert!(!code.contains(forbidden), "{name} has {forbidden}");
        }
    }
}

#[test]
fn executables_are_thin() {
    for (name, code) in without_tests() {
        if module(&name) == "bin" {
            assert!(code.lines().count() <= 40, "{name}");
        }
    }
}

#[test]
fn tests_are_skipped_in_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    for path in paths {
        let name = path.strip_prefix(&root).unwrap();
        // what tests/run.sh counts, and where PROTSAE_REQUIRE_SHARED is heard
        let [print, beside] =
            [["print", "ln!(\"skipped"], ["/../sha", "red"]].map(|parts| parts.concat());
        if name.starts_with("support") || name.starts_with("bench") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for forbidden in [print, beside] {
            assert!(
                !text.contains(&forbidden),
                "{}: {forbidden}",
                name.display()
            );
        }
    }
}
