//! What ends a run from outside: little memory, signals, readers that go away, streams that are closed.

use crate::{
    arguments,
    fixture::{Fixture, command, executable, succeed},
    rows::{Out, ROWS, Row},
    sandbox::Sandbox,
};
use std::{
    fs,
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

fn row(tool: &str) -> &'static Row {
    ROWS.iter().find(|row| row.tool == tool).unwrap()
}

/// A command that runs a tool by a shell, which sets something up before (`ulimit`, `trap`, redirections after).
fn by_shell(tool: &str, arguments: &[String], before: &str, after: &str) -> Command {
    let mut shell = Command::new("bash");
    shell.arg("-c");
    shell.arg(format!("{before}; exec \"$0\" \"$@\" {after}"));
    shell.arg(executable(tool)).args(arguments);
    shell.env_clear().stdin(Stdio::null());
    shell
}

#[test]
fn exhausted_memory_is_137_whatever_the_limit() {
    for row in ROWS.iter().filter(|row| row.output != Out::Stdout) {
        let mut sandbox = Sandbox::new(row);
        let all = sandbox.with(&arguments!["-t", "1"]);
        // megabytes of address space, as LSF's and SGE's h_vmem limit it
        for limit in (10..60).step_by(5).chain((60..=200).step_by(20)) {
            let before = format!("ulimit -c 0; ulimit -v {}", limit * 1000);
            // below that not even the loader of programs succeeds
            let loads = by_shell(row.tool, &arguments!["--version"], &before, "").output();
            if !loads.unwrap().status.success() {
                continue;
            }
            let output = by_shell(row.tool, &all, &before, "").output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => sandbox.settle(),
                Some(137) => {
                    assert!(!stderr.is_empty(), "{} {limit}", row.tool);
                    sandbox.assert_untouched(&format!("{limit} MB"));
                }
                _ => panic!("{} with {limit} MB: {}: {stderr}", row.tool, output.status),
            }
        }
    }
}

/// Where no room is for an arena of a thread's own, each small piece was asked of the system.
#[test]
fn little_address_space_is_not_slow() {
    let row = row("protsae-annotate");
    let sandbox = Sandbox::new(row);
    // seconds of computing, of which a tenth of one is needed
    let before = "ulimit -c 0; ulimit -v 75000; ulimit -t 2";
    let all = sandbox.with(&arguments!["-t", "1"]);
    let output = by_shell(row.tool, &all, before, "").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {stderr}", output.status);
}

#[test]
fn memory_that_zstd_does_not_find_is_137_too() {
    let row = row("protsae-embed");
    let sandbox = Sandbox::new(row);
    let target = sandbox.path("out.arrow.zst");
    let all = sandbox.with(&arguments!["-t", "1", "-o", target]);
    for limit in (20..50).step_by(2) {
        let before = format!("ulimit -c 0; ulimit -v {}", limit * 1000);
        let loads = by_shell(row.tool, &arguments!["--version"], &before, "").output();
        if !loads.unwrap().status.success() {
            continue;
        }
        let output = by_shell(row.tool, &all, &before, "").output().unwrap();
        let status = output.status.code();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            matches!(status, Some(0 | 137)),
            "{limit} MB: {status:?} {stderr}"
        );
    }
}

#[test]
fn threads_that_cannot_start_are_a_lack_of_memory() {
    for row in ROWS.iter().filter(|row| row.output != Out::Stdout) {
        let sandbox = Sandbox::new(row);
        let all = sandbox.with(&arguments!["-t", "500"]);
        let output = by_shell(row.tool, &all, "ulimit -v 900000", "")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(137), "{}: {stderr}", row.tool);
        sandbox.assert_untouched("many threads");
    }
}

#[test]
fn signals_that_schedulers_send_clean_up() {
    let row = row("protsae-embed");
    // HUP, INT, QUIT, USR1, USR2, ALRM, TERM, XCPU
    for signal in [1, 2, 3, 10, 12, 14, 15, 24] {
        let mut sandbox = Sandbox::new(row);
        let fifo = sandbox.path("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let target = sandbox.path("out.arrow");
        fs::write(&target, "old").unwrap();
        let bytes = fs::read(&sandbox.inputs[0].1).unwrap();
        let all = sandbox.with(&arguments!["-i", fifo, "-o", target]);
        // whoever runs the tests in the background may ignore some of them
        let mut child = Command::new("env")
            .arg("--default-signal")
            .arg(executable(row.tool))
            .args(&all)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
        writer.write_all(&bytes[..bytes.len() / 2]).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        fs::remove_file(&fifo).unwrap();
        sandbox.settle_but(".out.arrow");
        let kill = Command::new("kill")
            .args([format!("-{signal}"), child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal), "{status}");
        sandbox.assert_untouched(&format!("signal {signal}"));
    }
}

#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let row = row("protsae-embed");
    let sandbox = Sandbox::new(row);
    let fifo = sandbox.path("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let all = sandbox.with(&arguments!["-i", fifo]);
    let mut child = by_shell(row.tool, &all, "trap '' HUP", "").spawn().unwrap();
    let mut writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let kill = Command::new("kill")
        .args(["-1", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    std::thread::sleep(Duration::from_millis(100));
    writer
        .write_all(&fs::read(&sandbox.inputs[0].1).unwrap())
        .unwrap();
    drop(writer);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_file_that_may_not_grow_is_an_error_that_names_it() {
    let row = row("protsae-embed");
    let sandbox = Sandbox::new(row);
    let output = by_shell(row.tool, &sandbox.with(&[]), "ulimit -f 8", "")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("out.arrow"), "{stderr}");
    sandbox.assert_untouched("a limit of file size");
}

/// Arguments that make an executable write each of its formats to standard output.
fn formats() -> Vec<(&'static Row, Vec<String>)> {
    let fixture = Fixture::get();
    let mut all = Vec::new();
    for row in ROWS.iter().filter(|row| row.output != Out::Folder) {
        let mut base = arguments![row.input, (row.source)(fixture)];
        base.extend((row.rest)(fixture));
        if row.output != Out::Stdout {
            base.extend(arguments!["-o", "-"]);
        }
        if row.tool == "protsae-annotate" {
            for format in ["gff3", "bed", "tsv", "parquet"] {
                let mut with = base.clone();
                let at = with.iter().position(|a| a == "--format").unwrap();
                format.clone_into(&mut with[at + 1]);
                all.push((row, with));
            }
        } else {
            all.push((row, base));
        }
    }
    all
}

#[test]
fn a_reader_that_goes_away_is_no_failure_of_any_format() {
    for (row, arguments) in formats() {
        // before the first byte, and after some
        for read in ["true", "head -c 10"] {
            let script = format!(
                "set -o pipefail; \"$0\" \"$@\" | {read} > /dev/null; echo ${{PIPESTATUS[0]}}"
            );
            let mut shell = Command::new("bash");
            shell.args(["-c", &script]).arg(executable(row.tool));
            let output = shell.args(&arguments).output().unwrap();
            let status = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(status, "0", "{} {arguments:?}: {stderr}", row.tool);
        }
    }
}

#[test]
fn other_outputs_are_finished_when_the_reader_goes_away() {
    let cases = [
        ("protsae-encode", "--proteins"),
        ("protsae-interpret", "--table"),
        ("protsae-evaluate", "--multiqc"),
        ("protsae-concepts", "--concepts"),
        ("protsae-annotate", "--metrics"),
        ("protsae-embed", "--metrics"),
        ("protsae-steer", "--table"),
        ("protsae-shard", "--metrics"),
        ("protsae-annotate", "--multiqc"),
    ];
    for (tool, option) in cases {
        let sandbox = Sandbox::new(row(tool));
        // of one name, which stands in some files
        let [whole, cut] = ["whole", "cut"].map(|name| {
            fs::create_dir(sandbox.path(name)).unwrap();
            sandbox.path(name).join("file")
        });
        let with =
            |path: &Path, output: &Path| sandbox.with(&arguments![option, path, "-o", output]);
        let main = sandbox.path(&row(tool).output.name());
        succeed(tool, &with(&whole, &main));
        let mut child = command(tool, &with(&cut, Path::new("-")))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{tool}");
        assert!(
            fs::read(whole).unwrap() == fs::read(cut).unwrap(),
            "{tool} {option}"
        );
    }
}

#[test]
fn a_standard_stream_that_was_closed_is_an_error_when_it_is_asked_for() {
    for (row, arguments) in formats() {
        let output = by_shell(row.tool, &arguments, "true", ">&-")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{}: {stderr}", row.tool);
        assert!(stderr.contains("standard output"), "{}: {stderr}", row.tool);
        // whatever lies there on purpose is fine
        let output = by_shell(row.tool, &arguments, "true", "<>/dev/null >&0").output();
        assert!(output.unwrap().status.success(), "{}", row.tool);
    }
    for row in ROWS {
        for option in ["--version", "--help"] {
            let output = by_shell(row.tool, &arguments![option], "true", ">&-").output();
            assert_eq!(
                output.unwrap().status.code(),
                Some(1),
                "{} {option}",
                row.tool
            );
        }
        if row.stdin.is_ok() {
            let sandbox = Sandbox::new(row);
            let all = sandbox.with(&arguments![row.input, "-"]);
            let output = by_shell(row.tool, &all, "true", "<&-").output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{}: {stderr}", row.tool);
            assert!(stderr.contains("standard input"), "{}: {stderr}", row.tool);
            sandbox.assert_untouched("closed input");
        }
    }
}
