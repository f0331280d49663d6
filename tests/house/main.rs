//! The walls between the modules, and the size of what stands in each.

use std::{
    fs,
    path::{Path, PathBuf},
};

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

/// Every source file by its path below `src`, with its text before the unit tests.
fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let name = path
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let code = text
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .to_owned();
        (name, code)
    };
    paths.into_iter().map(read).collect()
}

/// The module of a file: `esm2` for `esm2.rs` and `esm2/model.rs`.
fn module(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap_or_default()
}

#[test]
fn sciences_know_neither_files_nor_command_lines() {
    let sciences = [
        "annot", "esm2", "ontology", "report", "sae", "score", "seq", "table",
    ];
    for (name, code) in all() {
        if sciences.contains(&module(&name)) {
            for forbidden in ["cli", "commands"] {
                let used = code.contains(&format!("crate::{forbidden}"))
                    || code.contains(&format!("    {forbidden}::"));
                assert!(!used, "{name} uses {forbidden}");
            }
        }
        if ["annot", "ontology", "report", "score", "seq", "table"].contains(&module(&name)) {
            for forbidden in ["candle_core", "std::fs", "File::open", "Path"] {
                assert!(!code.contains(forbidden), "{name} uses {forbidden}");
            }
        }
    }
}

#[test]
fn only_the_command_line_prints_and_ends_the_process() {
    for (name, code) in all() {
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
    for (name, code) in all() {
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
        if name.starts_with("support") || name.starts_with("bench") || name.starts_with("benches") {
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
