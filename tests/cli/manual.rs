//! Manual pages and completions of all executables.

use crate::{
    arguments,
    fixture::{executable, succeed},
    rows::ROWS,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let read = entries.map(|entry| {
        let name = entry.file_name().to_str().unwrap().to_owned();
        (name, fs::read(entry.path()).unwrap())
    });
    read.collect()
}

/// What is written into a new folder, and again beside a file of somebody else.
fn written(arguments: &[String]) -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("made here");
    let mut all = arguments.to_vec();
    all.extend(arguments![inner]);
    succeed("protsae-schema", &all);
    let first = files(&inner);
    fs::write(inner.join("theirs"), "precious").unwrap();
    succeed("protsae-schema", &all);
    let mut second = files(&inner);
    assert_eq!(second.remove("theirs").as_deref(), Some(&b"precious"[..]));
    assert!(first == second, "the same bytes");
    (folder, first)
}

/// Whether a program is there.
fn has(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output();
    found.is_ok_and(|output| output.status.success())
}

#[test]
fn every_executable_has_a_page_that_groff_takes() {
    let (folder, pages) = written(&arguments!["man"]);
    for row in ROWS {
        let page = &pages[&format!("{}.1", row.tool)];
        let text = String::from_utf8(page.clone()).unwrap();
        assert!(text.is_ascii(), "{}: roff of plain letters", row.tool);
        for part in [".SH NAME", ".SH OPTIONS", "EXAMPLES", "EXIT STATUS", "seed"] {
            assert!(text.contains(part), "{}: no {part}", row.tool);
        }
    }
    if !has("groff") {
        crate::skip::skipped("no groff on PATH");
        return;
    }
    for name in pages.keys() {
        let path = folder.path().join("made here").join(name);
        let output = Command::new("groff")
            .args(["-man", "-Tutf8", "-ww", "-z"])
            .arg(path)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && stderr.is_empty(),
            "{name}: {stderr}"
        );
    }
}

#[test]
fn completions_are_what_each_shell_looks_for() {
    let names = [
        ("bash", "protsae-embed.bash"),
        ("zsh", "_protsae-embed"),
        ("fish", "protsae-embed.fish"),
        ("elvish", "protsae-embed.elv"),
        ("powershell", "_protsae-embed.ps1"),
    ];
    for (shell, name) in names {
        let (_folder, all) = written(&arguments!["completions", shell]);
        // an executable may have several rows
        let executables: BTreeSet<&str> = ROWS.iter().map(|row| row.tool).collect();
        assert_eq!(all.len(), executables.len(), "{shell}");
        let text = String::from_utf8(all[name].clone()).unwrap();
        assert!(text.contains("batch-tokens"), "{shell}: {text}");
    }
}

#[test]
fn bash_completes_options_by_what_is_written() {
    if !has("bash") {
        crate::skip::skipped("no bash on PATH");
        return;
    }
    let (folder, all) = written(&arguments!["completions", "bash"]);
    let inner = folder.path().join("made here");
    for name in all.keys() {
        let checked = Command::new("bash")
            .arg("-n")
            .arg(inner.join(name))
            .output();
        let checked = checked.unwrap();
        let stderr = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success(), "{name}: {stderr}");
    }
    let script = "source \"$1\"; COMP_WORDS=(protsae-embed --batch); COMP_CWORD=1; \
                  _protsae__embed protsae-embed --batch protsae-embed; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(inner.join("protsae-embed.bash"))
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(stdout.trim(), "--batch-tokens", "{output:?}");
}

#[test]
fn nothing_is_written_in_a_dry_run_and_a_file_is_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("man");
    let plan = succeed("protsae-schema", &arguments!["man", inner, "--dry-run"]);
    assert!(String::from_utf8_lossy(&plan.stdout).contains("protsae-embed.1"));
    assert!(!inner.exists());
    fs::write(&inner, "").unwrap();
    let output = Command::new(executable("protsae-schema"))
        .arg("man")
        .arg(&inner)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("is no folder"), "{stderr}");
}
