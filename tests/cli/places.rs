//! Outputs at places that paths do not show: made of patterns, open already, mounted, of names that no file can have.

use crate::{
    arguments,
    fixture::{Fixture, command, example, executable, run, succeed},
    rows::{Out, ROWS, Row},
    sandbox::{Role, Sandbox, path_options},
};
use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Output},
};

fn row(tool: &str) -> &'static Row {
    ROWS.iter().find(|row| row.tool == tool).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Arguments of a run that writes files for each namespace, into a folder.
fn by_namespace(folder: &std::path::Path) -> Vec<String> {
    arguments![
        "--ontology",
        example("go_mini.obo"),
        "--annotations",
        example("annotations.gaf"),
        "--min-count",
        "2",
        "--by-namespace",
        "--concepts",
        folder.join("concepts.json"),
        "-o",
        folder.join("labels.arrow")
    ]
}

#[test]
fn names_made_of_patterns_are_in_no_other_outputs_way() {
    let sandbox = Sandbox::new(row("protsae-embed"));
    let pattern = sandbox.path("x{layer}.arrow");
    for option in ["--metrics", "--provenance"] {
        let other = sandbox.path("x2.arrow");
        let more = arguments!["--layer", "1,2", "-o", pattern, option, other];
        let output = sandbox.run(&more);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(option), "{}", stderr(&output));
        sandbox.assert_untouched(option);
    }
    for option in ["--metrics", "--provenance", "--multiqc"] {
        for name in ["concepts.mf.json", "labels.bp.arrow"] {
            let folder = tempfile::tempdir().unwrap();
            let mut all = by_namespace(folder.path());
            all.extend(arguments![option, folder.path().join(name)]);
            let output = run("protsae-concepts", &all);
            assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
            assert!(stderr(&output).contains(option), "{}", stderr(&output));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}

/// What is read beside a named input is known only when that was looked at; provenance is written of failed runs too.
#[test]
fn provenance_of_a_refused_run_replaces_no_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let model = Fixture::get().path("model");
    let written = arguments!["-i", model, "--to", "saelens", "-o", path("sae")];
    succeed("protsae-convert", &written);
    let config = path("sae/cfg.json");
    let before = fs::read(&config).unwrap();
    for option in ["--metrics", "--provenance"] {
        let weights = path("sae/sae_weights.safetensors");
        let all = arguments!["-i", weights, option, config, "-o", path("back")];
        let output = run("protsae-convert", &all);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(fs::read(&config).unwrap() == before, "{option}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{option}");
    }
}

#[test]
fn what_stands_for_a_layer_may_be_the_name_of_a_folder() {
    let sandbox = Sandbox::new(row("protsae-embed"));
    for layer in [1, 2] {
        fs::create_dir(sandbox.path(&format!("layer{layer}"))).unwrap();
    }
    let pattern = sandbox.path("layer{layer}/out.arrow");
    let more = arguments!["--layer", "1,2", "-o", pattern];
    succeed("protsae-embed", &sandbox.with(&more));
    assert!(sandbox.path("layer1/out.arrow").exists());
    assert!(sandbox.path("layer2/out.arrow").exists());
}

#[test]
fn two_namespaces_of_one_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let obo = folder.path().join("x.obo");
    let term = |id: u8, namespace: &str| {
        format!("[Term]\nid: GO:000000{id}\nname: t{id}\nnamespace: {namespace}\n\n")
    };
    let text = format!(
        "format-version: 1.2\n\n{}{}",
        term(1, "a-b"),
        term(2, "a_b")
    );
    fs::write(&obo, text).unwrap();
    let mut all = by_namespace(folder.path());
    obo.to_str().unwrap().clone_into(&mut all[1]);
    let output = run("protsae-concepts", &all);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("a-b") && text.contains("a_b"), "{text}");
    // one that is named twice is one
    let mut all = by_namespace(folder.path());
    all.extend(arguments!["--namespace", "mf,molecular_function"]);
    succeed("protsae-concepts", &all);
    assert!(folder.path().join("labels.mf.arrow").exists());
}

#[test]
fn what_a_shell_appends_to_keeps_what_it_holds() {
    for (tool, option) in [("protsae-annotate", "-o"), ("protsae-embed", "--metrics")] {
        let sandbox = Sandbox::new(row(tool));
        let whole = sandbox.path("whole");
        succeed(tool, &sandbox.with(&arguments![option, whole]));
        let whole = fs::read_to_string(&whole).unwrap();
        for (name, redirection) in [("/dev/stdout", ">>"), ("/dev/fd/7", "7>>")] {
            let log = sandbox.path("log");
            fs::write(&log, "before\n").unwrap();
            let mut shell = Command::new("bash");
            shell
                .arg("-c")
                .arg(format!("exec \"$0\" \"$@\" {redirection} \"$LOG\""));
            shell.arg(executable(tool)).env("LOG", &log);
            shell.args(sandbox.with(&arguments![option, name]));
            let output = shell.output().unwrap();
            assert!(
                output.status.success(),
                "{tool} {name}: {}",
                stderr(&output)
            );
            let text = fs::read_to_string(&log).unwrap();
            assert_eq!(text, format!("before\n{whole}"), "{tool} {name}");
        }
    }
}

#[test]
fn names_that_no_file_can_have_are_found_before_any_work() {
    for row in ROWS.iter().filter(|row| row.output != Out::Stdout) {
        let mut sandbox = Sandbox::new(row);
        if let Some(at) = sandbox.arguments.iter().position(|a| a == "--epochs") {
            sandbox.arguments[at + 1] = "1000000".into();
        }
        let options = path_options(row.tool).into_iter();
        for option in options.filter(|option| option.role != Role::Input) {
            // of the last, checkpoints would have too long a name
            let lengths = if row.tool == "protsae-train" && option.role == Role::OutputFolder {
                vec![256, 250]
            } else {
                vec![256]
            };
            for length in lengths {
                let long = sandbox.path(&"x".repeat(length));
                let output = sandbox.run(&arguments![option.name, long]);
                let text = stderr(&output);
                assert_eq!(output.status.code(), Some(1), "{} {text}", option.name);
                sandbox.assert_untouched(&option.name);
            }
        }
    }
}

#[test]
fn a_dangling_link_to_a_folder_is_followed_with_a_slash_too() {
    for row in ROWS.iter().filter(|row| row.output == Out::Folder) {
        let sandbox = Sandbox::new(row);
        symlink("place", sandbox.path("link")).unwrap();
        let link = format!("{}/", sandbox.path("link").display());
        for _ in 0..2 {
            succeed(row.tool, &sandbox.with(&arguments!["-o", link]));
            assert!(sandbox.path("place/config.yaml").exists());
            assert!(sandbox.path("link").is_symlink());
        }
    }
}

/// Containers mount single files and folders; nothing can be renamed onto them.
#[test]
fn a_mount_point_is_found_before_any_work() {
    for row in [row("protsae-train"), row("protsae-annotate")] {
        let mut sandbox = Sandbox::new(row);
        let [target, other] = ["target", "other"].map(|name| sandbox.path(name));
        if row.output == Out::Folder {
            for path in [&target, &other] {
                fs::create_dir(path).unwrap();
            }
            let at = sandbox.arguments.iter().position(|a| a == "--epochs");
            sandbox.arguments[at.unwrap() + 1] = "1000000".into();
        } else {
            for path in [&target, &other] {
                fs::write(path, "old").unwrap();
            }
        }
        sandbox.settle();
        let script =
            "mount --bind \"$OTHER\" \"$TARGET\" 2> /dev/null || exit 99; exec \"$0\" \"$@\"";
        let output = Command::new("unshare")
            .args(["-m", "bash", "-c", script])
            .arg(executable(row.tool))
            .args(sandbox.with(&arguments!["-o", target]))
            .env("OTHER", &other)
            .env("TARGET", &target)
            .output();
        // only where this may be done
        let Some(output) = output.ok().filter(|o| stderr(o).contains("error")) else {
            crate::skip::skipped("mounting is not permitted");
            return;
        };
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("mount point"),
            "{}",
            stderr(&output)
        );
        sandbox.assert_untouched("a mount point");
    }
}

#[test]
fn folders_of_others_among_checkpoints_are_found_before_any_work() {
    let mut sandbox = Sandbox::new(row("protsae-train"));
    let folder = sandbox.path("shared");
    // names of ours, of other content
    for name in ["step-4/log.jsonl", "step-5/state.yaml"] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "precious").unwrap();
    }
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    symlink(sandbox.path("elsewhere"), folder.join("step-7")).unwrap();
    sandbox.settle();
    let with = |every: &str| {
        let more = arguments!["--checkpoint-dir", folder, "--checkpoint-every", every];
        sandbox.run(&more)
    };
    for (every, found) in [
        ("2", "step-4"),
        ("5", "step-5"),
        ("7", "step-7"),
        ("1", "step-4"),
    ] {
        let output = with(every);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{every}: {text}");
        assert!(text.contains(found), "{every}: {text}");
        sandbox.assert_untouched(every);
    }
    let output = with("3");
    assert!(output.status.success(), "{}", stderr(&output));
    fs::remove_dir_all(sandbox.path("out")).unwrap();
    sandbox.assert_untouched("checkpoints between");
}

#[test]
fn an_old_folder_is_there_at_every_moment() {
    let sandbox = Sandbox::new(row("protsae-convert"));
    let target = sandbox.path("model");
    let all = sandbox.with(&arguments!["-o", target]);
    succeed("protsae-convert", &all);
    for _ in 0..5 {
        let mut child = command("protsae-convert", &all).spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            assert!(target.join("config.yaml").exists());
        }
    }
    let _ = Fixture::get();
}
