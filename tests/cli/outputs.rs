//! No output is ever in the way of an input, of another output, or of what somebody else put there.

use crate::{
    arguments,
    fixture::{Fixture, command, succeed},
    rows::{Out, ROWS, Row},
    sandbox::{PathOption, Role, Sandbox, path_options},
};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Output,
};

/// The options of a row that name something to write.
fn outputs(row: &Row) -> Vec<PathOption> {
    let all = path_options(row.tool).into_iter();
    all.filter(|option| option.role != Role::Input).collect()
}

/// The output options of a row that name a file.
fn output_files(row: &Row) -> Vec<String> {
    let files = outputs(row).into_iter();
    files
        .filter(|option| option.role == Role::OutputFile)
        .map(|option| option.name)
        .collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Demands a refusal that names these texts.
fn assert_refused(row: &Row, output: &Output, what: &str, named: &[&str]) {
    let text = stderr(output);
    assert_eq!(
        output.status.code(),
        Some(2),
        "{}: {what}: {text}",
        row.tool
    );
    for name in named {
        let short = name.trim_start_matches("--");
        assert!(
            text.contains(short),
            "{}: {what}: no {name}: {text}",
            row.tool
        );
    }
}

fn show(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_option_of_a_path_has_a_role() {
    let known: Vec<(&str, Vec<&str>)> = vec![
        (
            "protsae-concepts",
            vec!["concepts", "output", "split", "write-sequences", "multiqc"],
        ),
        ("protsae-split", vec!["output"]),
        ("protsae-shard", vec!["output", "table"]),
        ("protsae-embed", vec!["output"]),
        ("protsae-train", vec!["output", "checkpoint-dir"]),
        ("protsae-encode", vec!["output", "proteins"]),
        ("protsae-annotate", vec!["output", "multiqc"]),
        (
            "protsae-interpret",
            vec!["output", "table", "neighbours-out", "missing"],
        ),
        (
            "protsae-evaluate",
            vec!["output", "table", "multiqc", "curves"],
        ),
        ("protsae-steer", vec!["output", "table"]),
        ("protsae-report", vec!["output", "structures-out"]),
        ("protsae-crate", vec!["output"]),
        ("protsae-convert", vec!["output", "proteins-out"]),
        ("protsae-convert", vec!["output", "proteins-out"]),
        ("protsae-schema", vec![]),
    ];
    for (row, (tool, mut names)) in ROWS.iter().zip(known) {
        assert_eq!(row.tool, tool);
        names.extend(["metrics", "provenance"]);
        let mut found: Vec<String> = outputs(row).into_iter().map(|o| o.name).collect();
        let mut names: Vec<String> = names.iter().map(|name| format!("--{name}")).collect();
        found.sort();
        names.sort();
        assert_eq!(found, names, "{tool}: an output's type says that it is one");
    }
}

#[test]
fn an_output_that_is_an_input_is_refused_whatever_its_name() {
    for row in ROWS.iter().filter(|row| row.output != Out::Stdout) {
        let mut sandbox = Sandbox::new(row);
        for (i, (_, input)) in sandbox.inputs.clone().iter().enumerate() {
            symlink(input, sandbox.path(&format!("link{i}"))).unwrap();
            if input.is_file() {
                fs::hard_link(input, sandbox.path(&format!("hard{i}"))).unwrap();
            }
        }
        sandbox.settle();
        for option in outputs(row) {
            for (i, (named_by, input)) in sandbox.inputs.iter().enumerate() {
                // results, among which their description goes; that it replaces none is tested in `ro_crate`
                if named_by == "--root" {
                    continue;
                }
                let folder = input.parent().unwrap();
                let dotted = folder.join(".").join(input.file_name().unwrap());
                let mut names = vec![input.clone(), dotted, sandbox.path(&format!("link{i}"))];
                if input.is_file() {
                    names.push(sandbox.path(&format!("hard{i}")));
                } else if option.role != Role::SharedFolder || named_by == "--init" {
                    names.push(input.join("new"));
                }
                for name in names {
                    let output = sandbox.run(&arguments![option.name, name]);
                    let what = format!("{} {}", option.name, name.display());
                    assert_refused(row, &output, &what, &[&option.name, &show(input)]);
                    sandbox.assert_untouched(&what);
                }
            }
        }
    }
}

#[test]
fn an_output_folder_that_holds_an_input_is_refused() {
    for row in ROWS.iter().filter(|row| row.output == Out::Folder) {
        let sandbox = Sandbox::new(row);
        let holders = sandbox
            .inputs
            .iter()
            .map(|(_, input)| input.parent().unwrap());
        for folder in holders.chain([sandbox.folder.path()]) {
            let output = sandbox.run(&arguments!["-o", folder]);
            assert_refused(row, &output, "a folder with an input", &[&show(folder)]);
            sandbox.assert_untouched("a folder with an input");
        }
    }
}

#[test]
fn the_configuration_and_standard_input_are_inputs_too() {
    let row = ROWS
        .iter()
        .find(|row| row.tool == "protsae-encode")
        .unwrap();
    let mut sandbox = Sandbox::new(row);
    let config = sandbox.path("encode.yaml");
    fs::write(&config, "threads: 1\n").unwrap();
    sandbox.settle();
    for option in output_files(row) {
        let output = sandbox.run(&arguments!["--config", config, option, config]);
        assert_refused(row, &output, &option, &[&option, "--config"]);
    }
    let (_, table) = &sandbox.inputs[0];
    let arguments = sandbox.with(&arguments!["-i", "-", "-o", table]);
    let mut child = command(row.tool, &arguments);
    child.stdin(fs::File::open(table).unwrap());
    assert_refused(
        row,
        &child.output().unwrap(),
        "standard input",
        &["--input"],
    );
    // what standard output goes to is an output
    let file = sandbox.path("stdout");
    let mut child = command(
        row.tool,
        &sandbox.with(&arguments!["-o", "-", "--metrics", file]),
    );
    child.stdout(fs::File::create(&file).unwrap());
    assert_refused(
        row,
        &child.output().unwrap(),
        "standard output",
        &["--metrics"],
    );
    fs::remove_file(&file).unwrap();
    sandbox.assert_untouched("standard streams");
}

#[test]
fn two_outputs_in_one_place_are_refused() {
    for row in ROWS.iter().filter(|row| row.output != Out::Stdout) {
        let mut sandbox = Sandbox::new(row);
        let place = sandbox.path("place");
        symlink(&place, sandbox.path("dangling")).unwrap();
        sandbox.settle();
        let options = outputs(row);
        for (i, one) in options.iter().enumerate() {
            for other in &options[i + 1..] {
                let names = [
                    place.clone(),
                    sandbox.path("./place"),
                    sandbox.path("dangling"),
                ];
                for name in names {
                    let more = arguments![one.name, place, other.name, name];
                    let output = sandbox.run(&more);
                    assert_refused(row, &output, "one place", &[&one.name, &other.name]);
                    sandbox.assert_untouched("one place");
                }
                let both_files = [one, other].iter().all(|o| o.role == Role::OutputFile);
                if both_files {
                    let output = sandbox.run(&arguments![one.name, "-", other.name, "-"]);
                    assert_refused(row, &output, "standard output twice", &[&one.name]);
                }
            }
            if one.role == Role::OutputFolder {
                let more = arguments![one.name, place, "--metrics", place.join("counts.json")];
                let output = sandbox.run(&more);
                assert_refused(row, &output, "inside", &[&one.name, "--metrics"]);
            }
        }
    }
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_any_work() {
    for row in ROWS.iter().filter(|row| row.output != Out::Stdout) {
        let mut sandbox = Sandbox::new(row);
        // work that would not end: training waits for nothing else
        if let Some(at) = sandbox.arguments.iter().position(|a| a == "--epochs") {
            sandbox.arguments[at + 1] = "1000000".into();
        }
        fs::write(sandbox.path("file"), "").unwrap();
        fs::create_dir(sandbox.path("folder")).unwrap();
        fs::write(sandbox.path("folder/theirs"), "").unwrap();
        sandbox.settle();
        for option in outputs(row) {
            let mut bad = vec!["missing/x", "file/x", "file/"];
            match option.role {
                Role::OutputFile => bad.extend(["folder", "missing/", "folder/"]),
                Role::OutputFolder | Role::SharedFolder => bad.push("file"),
                Role::Input => {}
            }
            for name in bad {
                let path = format!("{}/{name}", sandbox.folder.path().display());
                let output = sandbox.run(&[option.name.clone(), path.clone()]);
                let text = stderr(&output);
                let what = format!("{} {} {path}: {text}", row.tool, option.name);
                assert!(matches!(output.status.code(), Some(1 | 2)), "{what}");
                let named = text.contains(option.name.trim_start_matches('-'));
                assert!(named && text.contains(path.trim_end_matches('/')), "{what}");
                sandbox.assert_untouched(&what);
            }
        }
    }
}

#[test]
fn a_dangling_link_is_followed() {
    for row in ROWS.iter().filter(|row| row.output != Out::Stdout) {
        let sandbox = Sandbox::new(row);
        fs::create_dir(sandbox.path("elsewhere")).unwrap();
        let place = sandbox.path("elsewhere").join(row.output.name());
        let link = sandbox.path(&row.output.name());
        symlink(&place, &link).unwrap();
        for _ in 0..2 {
            succeed(row.tool, &sandbox.with(&arguments!["-o", link]));
            assert!(
                fs::symlink_metadata(&link).unwrap().is_symlink(),
                "{}",
                row.tool
            );
            assert!(place.exists(), "{}", row.tool);
        }
        assert_eq!(fs::read_dir(sandbox.path("elsewhere")).unwrap().count(), 1);
    }
}

#[test]
fn a_folder_with_files_of_others_is_never_replaced() {
    for row in ROWS.iter().filter(|row| row.output == Out::Folder) {
        let mut sandbox = Sandbox::new(row);
        let target = sandbox.path("target");
        succeed(row.tool, &sandbox.with(&arguments!["-o", target]));
        succeed(row.tool, &sandbox.with(&arguments!["-o", target]));
        for foreign in ["notes.txt", "data/x"] {
            let path = target.join(foreign);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "precious").unwrap();
            sandbox.settle();
            let output = sandbox.run(&arguments!["-o", target]);
            let first = foreign.split('/').next().unwrap();
            assert_refused(row, &output, foreign, &[&show(&target), first]);
            sandbox.assert_untouched(foreign);
            let _ = fs::remove_file(&path);
            let _ = fs::remove_dir(path.parent().unwrap());
        }
        // names alone make no folder ours
        let theirs = sandbox.path("theirs");
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("config.yaml"), "format: other/1\n").unwrap();
        sandbox.settle();
        let output = sandbox.run(&arguments!["-o", theirs]);
        assert_refused(row, &output, "another config.yaml", &["config.yaml"]);
        sandbox.assert_untouched("another config.yaml");
        let here = sandbox.path("here");
        fs::create_dir(&here).unwrap();
        let output = command(row.tool, &sandbox.with(&arguments!["-o", "."]))
            .current_dir(&here)
            .output()
            .unwrap();
        assert_refused(row, &output, "the current folder", &["current folder"]);
    }
}

#[test]
fn checkpoints_remove_only_what_they_made() {
    let row = ROWS.iter().find(|row| row.tool == "protsae-train").unwrap();
    let sandbox = Sandbox::new(row);
    let folder = sandbox.path("shared");
    for name in ["step-3/notes", "step-1", "notes", "other/x"] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "precious").unwrap();
    }
    let more = arguments![
        "--checkpoint-dir",
        folder,
        "--checkpoint-every",
        "2",
        "-o",
        sandbox.path("model")
    ];
    succeed(row.tool, &sandbox.with(&more));
    for name in ["step-3/notes", "step-1", "notes", "other/x"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(text, "precious", "{name}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
    let empty = sandbox.path("empty");
    fs::create_dir(&empty).unwrap();
    let mut with_empty = more.clone();
    with_empty[1] = show(&empty);
    succeed(row.tool, &sandbox.with(&with_empty));
    assert_eq!(
        fs::read_dir(&empty).unwrap().count(),
        0,
        "a folder of the user's"
    );
    fs::create_dir(folder.join("unfinished")).unwrap();
    fs::write(folder.join("unfinished/notes"), "precious").unwrap();
    let output = sandbox.run(&more);
    assert_refused(row, &output, "unfinished", &["unfinished/notes"]);
}

#[test]
fn a_failing_last_output_leaves_all_old_ones() {
    let row = ROWS
        .iter()
        .find(|row| row.tool == "protsae-encode")
        .unwrap();
    let mut sandbox = Sandbox::new(row);
    let [features, proteins] = ["f.arrow", "p.arrow"].map(|name| sandbox.path(name));
    fs::write(&features, "old").unwrap();
    fs::write(&proteins, "old").unwrap();
    // the second input waits at a FIFO until the second output's place is a folder
    let outside = tempfile::tempdir().unwrap();
    let fifo = outside.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let input = Fixture::get().path("empty.activations.arrow");
    let mut all = sandbox.with(&arguments!["-o", features, "--proteins", proteins]);
    all.extend(arguments!["-i", fifo]);
    let child = command(row.tool, &all)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    fs::remove_file(&proteins).unwrap();
    fs::create_dir(&proteins).unwrap();
    fs::write(proteins.join("theirs"), "precious").unwrap();
    sandbox.settle();
    std::io::Write::write_all(&mut writer, &fs::read(input).unwrap()).unwrap();
    drop(writer);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("p.arrow"), "{}", stderr(&output));
    sandbox.assert_untouched("a failing rename");
}

#[test]
fn paths_need_not_be_text() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    for row in ROWS.iter().filter(|row| row.output != Out::Stdout) {
        let sandbox = Sandbox::new(row);
        let (_, source) = &sandbox.inputs[0];
        let suffix = row.output.name();
        let odd = |name: &[u8]| sandbox.folder.path().join(OsStr::from_bytes(name));
        let input = odd(b"in\xff");
        fs::copy(source, &input).unwrap();
        let target = odd(&[b"\xfe", suffix.as_bytes()].concat());
        let mut all = sandbox.with(&[]);
        all.truncate(all.len() - 2);
        let at = all
            .iter()
            .position(|a| Path::new(a) == source.as_path())
            .unwrap();
        let mut child = command(row.tool, &all[..at]);
        child
            .arg(&input)
            .args(&all[at + 1..])
            .arg("-o")
            .arg(&target);
        child.arg("--provenance").arg(odd(b"\xfd.json"));
        let output = child.output().unwrap();
        assert!(output.status.success(), "{}: {}", row.tool, stderr(&output));
        assert!(
            target.exists() && odd(b"\xfd.json").exists(),
            "{}",
            row.tool
        );
        // and nowhere do they end in a panic
        for option in ["--seed", "--threads", "--no-such", "--config"] {
            let mut child = command(row.tool, &all);
            child.arg(option).arg(OsStr::from_bytes(b"\xff"));
            let status = child.output().unwrap().status.code();
            assert!(
                matches!(status, Some(1 | 2)),
                "{} {option}: {status:?}",
                row.tool
            );
        }
    }
}

#[test]
fn layers_are_put_into_names_that_are_no_text() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let row = ROWS.iter().find(|row| row.tool == "protsae-embed").unwrap();
    let sandbox = Sandbox::new(row);
    let mut all = sandbox.with(&arguments!["--layer", "1,2"]);
    all.truncate(all.len() - 2);
    let odd = |name: &[u8]| -> PathBuf { sandbox.folder.path().join(OsStr::from_bytes(name)) };
    let mut child = command(row.tool, &all);
    child.arg("-o").arg(odd(b"\xff{layer}.arrow"));
    assert!(child.output().unwrap().status.success());
    assert!(odd(b"\xff1.arrow").exists() && odd(b"\xff2.arrow").exists());
    // one of the names to be is an input
    let table = odd(b"x2.arrow");
    fs::write(&table, "").unwrap();
    let mut child = command(row.tool, &all);
    child
        .arg("-i")
        .arg(&table)
        .arg("-o")
        .arg(odd(b"x{layer}.arrow"));
    let output = child.output().unwrap();
    assert_refused(row, &output, "a layer's name", &["x2.arrow"]);
}
