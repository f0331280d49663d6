//! What every row of the table is held to.

use crate::{
    arguments,
    fixture::{Fixture, command, run, succeed},
    rows::{Out, ROWS, Row},
};
use protsae::table::TableSource;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt::Write as _,
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// All arguments but those of the output.
fn inputs(row: &Row, source: &Path) -> Vec<String> {
    let mut all = arguments![row.input, source];
    all.extend((row.rest)(Fixture::get()));
    all
}

/// Runs a row into a new folder and returns what it wrote.
fn output_of(row: &Row, sources: &[PathBuf], more: &[String]) -> Content {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for source in sources {
        all.extend(arguments![row.input, source]);
    }
    all.extend((row.rest)(Fixture::get()));
    all.extend_from_slice(more);
    if row.output == Out::Stdout {
        return Content::Bytes(succeed(row.tool, &all).stdout);
    }
    let target = folder.path().join(row.output.name());
    all.extend(arguments!["-o", target]);
    succeed(row.tool, &all);
    let left: Vec<OsString> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().ends_with(".tmp")),
        "{}: {left:?}",
        row.tool
    );
    Content::of(&target)
}

/// What an output holds: bytes, or the bytes of the files in it.
#[derive(PartialEq, Eq)]
enum Content {
    Bytes(Vec<u8>),
    Folder(BTreeMap<String, Vec<u8>>),
}

impl Content {
    fn of(path: &Path) -> Self {
        if !path.is_dir() {
            return Self::Bytes(fs::read(path).unwrap());
        }
        let files = fs::read_dir(path).unwrap().map(|e| e.unwrap().path());
        let read = |p: PathBuf| {
            (
                p.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(p).unwrap(),
            )
        };
        Self::Folder(files.map(read).collect())
    }

    fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Folder(files) => files.values().map(Vec::len).sum(),
        }
    }
}

/// The rows of a table, whatever its container and batches.
fn table_rows(bytes: &[u8]) -> String {
    let source = TableSource::from_reader(Box::new(std::io::Cursor::new(bytes.to_vec()))).unwrap();
    let mut text = format!("{:?}\n", source.schema());
    for batch in source {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            for column in batch.columns() {
                write!(text, "{:?}|", column.slice(row, 1)).unwrap();
            }
            text += "\n";
        }
    }
    text
}

fn source(row: &Row) -> PathBuf {
    (row.source)(Fixture::get())
}

#[test]
fn every_executable_has_a_row() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let mut built: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| {
            e.unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let mut listed: Vec<String> = ROWS.iter().map(|r| r.tool.to_owned()).collect();
    let mut known: Vec<String> = protsae::commands::all()
        .iter()
        .map(|c| c.get_name().to_owned())
        .collect();
    built.sort();
    listed.sort();
    listed.dedup();
    known.sort();
    assert_eq!(built, listed, "executables and rows of the contract table");
    assert_eq!(built, known, "executables and commands::all()");
}

#[test]
fn version_is_one_line_and_help_has_an_example_and_the_exit_statuses() {
    for row in ROWS {
        let version = run(row.tool, &arguments!["--version"]);
        assert!(version.status.success());
        let expected = format!("{} {}\n", row.tool, env!("CARGO_PKG_VERSION"));
        assert_eq!(String::from_utf8_lossy(&version.stdout), expected);
        let help = run(row.tool, &arguments!["--help"]);
        assert!(help.status.success());
        let text = String::from_utf8_lossy(&help.stdout).into_owned();
        assert!(
            text.contains("Example") && text.contains("Exit statuses"),
            "{}: {text}",
            row.tool
        );
        let wrong = run(row.tool, &arguments!["--no-such-option"]);
        assert_eq!(wrong.status.code(), Some(2), "{}", row.tool);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_whatever_the_threads() {
    for row in ROWS {
        let with =
            |threads: &str| output_of(row, &[source(row)], &arguments!["--threads", threads]);
        let one = with("1");
        assert!(one.size() > 0, "{}", row.tool);
        assert!(one == with("2"), "{}: one thread and two", row.tool);
        assert!(one == with("1"), "{}: twice", row.tool);
    }
}

#[test]
fn shards_in_order_give_the_bytes_of_the_whole() {
    for row in ROWS {
        let Ok(shards) = row.shards else { continue };
        let whole = output_of(row, &[source(row)], &[]);
        let [a, b] = shards(Fixture::get());
        let parts = output_of(row, &[a.clone(), b.clone()], &[]);
        assert!(whole == parts, "{}: shards in order", row.tool);
        if !row.ordered {
            assert!(
                whole == output_of(row, &[b, a], &[]),
                "{}: shards in another order",
                row.tool
            );
        }
    }
}

#[test]
fn shards_in_any_order_give_the_same_rows() {
    for row in ROWS.iter().filter(|r| r.ordered) {
        let Ok(shards) = row.shards else { continue };
        let [a, b] = shards(Fixture::get());
        let sorted = |content: Content| {
            let Content::Bytes(bytes) = content else {
                panic!("{} writes a file", row.tool)
            };
            let text = match row.output {
                Out::Table => table_rows(&bytes),
                _ => String::from_utf8(bytes).unwrap(),
            };
            let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
            lines.sort();
            lines
        };
        let (one, other) = (
            output_of(row, &[a.clone(), b.clone()], &[]),
            output_of(row, &[b, a], &[]),
        );
        assert!(sorted(one) == sorted(other), "{}", row.tool);
    }
}

#[test]
fn standard_input_and_output_are_streams() {
    for row in ROWS {
        let whole = output_of(row, &[source(row)], &[]);
        let Content::Bytes(whole) = whole else {
            continue;
        };
        let same = |bytes: &[u8], what: &str| match row.output {
            Out::Table => assert!(
                table_rows(bytes) == table_rows(&whole),
                "{}: {what}",
                row.tool
            ),
            _ => assert!(bytes == whole, "{}: {what}", row.tool),
        };
        let to_stdout = |row: &Row| {
            if row.output == Out::Stdout {
                Vec::new()
            } else {
                arguments!["-o", "-"]
            }
        };
        let mut all = inputs(row, &source(row));
        all.extend(to_stdout(row));
        same(&succeed(row.tool, &all).stdout, "standard output");
        if row.stdin.is_err() {
            continue;
        }
        let mut all = inputs(row, Path::new("-"));
        all.extend(to_stdout(row));
        let file = fs::File::open(source(row)).unwrap();
        let output = command(row.tool, &all).stdin(file).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {stderr}", row.tool);
        same(&output.stdout, "standard input");
    }
}

#[test]
fn compressed_input_is_read_as_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    for row in ROWS.iter().filter(|r| r.output != Out::Stdout) {
        let bytes = fs::read(source(row)).unwrap();
        let name = source(row)
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let gz = folder.path().join(format!("{name}.gz"));
        // two members, as bgzip writes them
        let mut packed = Vec::new();
        for part in [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]] {
            let mut encoder =
                flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap();
        }
        fs::write(&gz, packed).unwrap();
        let zst = folder.path().join(format!("{name}.zst"));
        fs::write(&zst, zstd::encode_all(&bytes[..], 1).unwrap()).unwrap();
        let plain = output_of(row, &[source(row)], &[]);
        for packed in [gz, zst] {
            let same = output_of(row, std::slice::from_ref(&packed), &[]) == plain;
            assert!(same, "{}: {}", row.tool, packed.display());
        }
    }
}

#[test]
fn empty_input_gives_empty_output() {
    for row in ROWS {
        let Ok(empty) = row.empty else { continue };
        let Content::Bytes(bytes) = output_of(row, &[empty(Fixture::get())], &[]) else {
            panic!("{} writes a file", row.tool)
        };
        match row.output {
            Out::Table => {
                let source =
                    TableSource::from_reader(Box::new(std::io::Cursor::new(bytes))).unwrap();
                assert_eq!(
                    source.map(|b| b.unwrap().num_rows()).sum::<usize>(),
                    0,
                    "{}",
                    row.tool
                );
            }
            Out::Text("gff3") => assert_eq!(bytes, b"##gff-version 3\n"),
            // FASTA of no sequences
            Out::Text("fasta") => assert!(bytes.is_empty(), "{}", row.tool),
            _ => assert!(!bytes.is_empty(), "{}", row.tool),
        }
    }
}

/// A new folder that must stay empty, and a target in it.
fn untouched(row: &Row) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join(row.output.name());
    (folder, target)
}

fn assert_empty(folder: &TempDir, row: &Row, what: &str) {
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{}: {what} left {left:?}", row.tool);
}

#[test]
fn truncated_input_is_an_error_and_writes_nothing() {
    for row in ROWS
        .iter()
        .filter(|r| matches!(r.output, Out::Table | Out::Text(_) | Out::Folder))
    {
        let bytes = fs::read(source(row)).unwrap();
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&bytes).unwrap();
        let gz = gz.finish().unwrap();
        // a text file has no end of its own: only its compression tells that it is cut
        let is_table = bytes.starts_with(b"ARROW1");
        let mut cuts = vec![gz[..gz.len() - 10].to_vec()];
        if is_table {
            cuts.push(bytes[..bytes.len() / 2].to_vec());
        }
        for (i, cut) in cuts.into_iter().enumerate() {
            let inbox = tempfile::tempdir().unwrap();
            let input = inbox.path().join("cut");
            fs::write(&input, cut).unwrap();
            let (folder, target) = untouched(row);
            let mut all = inputs(row, &input);
            all.extend(arguments!["-o", target]);
            let output = run(row.tool, &all);
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(
                output.status.code(),
                Some(1),
                "{} cut {i}: {stderr}",
                row.tool
            );
            assert!(
                stderr.contains("cut"),
                "{}: the file is not named: {stderr}",
                row.tool
            );
            assert_empty(&folder, row, "truncated input");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for row in ROWS.iter().filter(|r| r.output != Out::Folder) {
        let mut all = inputs(row, &source(row));
        if row.output != Out::Stdout {
            all.extend(arguments!["-o", "-"]);
        }
        let mut child = command(row.tool, &all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // closed before the first byte
        drop(child.stdout.take());
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(0),
            "{}: {stderr}",
            row.tool
        );
    }
}

#[test]
fn an_existing_output_is_replaced_and_an_input_never() {
    for row in ROWS.iter().filter(|r| r.output != Out::Stdout) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join(row.output.name());
        let mut all = inputs(row, &source(row));
        all.extend(arguments!["-o", target]);
        succeed(row.tool, &all);
        let first = Content::of(&target);
        if row.output != Out::Folder {
            fs::write(&target, "old").unwrap();
        }
        succeed(row.tool, &all);
        assert!(Content::of(&target) == first, "{}", row.tool);
        let copy = folder.path().join("input");
        fs::copy(source(row), &copy).unwrap();
        let before = fs::read(&copy).unwrap();
        let mut all = inputs(row, &copy);
        all.extend(arguments!["-o", copy]);
        let output = run(row.tool, &all);
        assert!(
            !output.status.success(),
            "{} wrote over its input",
            row.tool
        );
        assert!(
            fs::read(&copy).unwrap() == before,
            "{} changed its input",
            row.tool
        );
    }
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    for row in ROWS.iter().filter(|r| r.output != Out::Stdout) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("no/such/folder").join(row.output.name());
        let mut all = inputs(row, &source(row));
        all.extend(arguments!["-o", target]);
        let output = run(row.tool, &all);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{}: {stderr}", row.tool);
        assert!(stderr.contains("no/such/folder"), "{}: {stderr}", row.tool);
    }
}

#[test]
fn a_full_disk_is_an_error() {
    if !Path::new("/dev/full").exists() {
        crate::skip::skipped("there is no /dev/full");
        return;
    }
    for row in ROWS
        .iter()
        .filter(|r| !matches!(r.output, Out::Stdout | Out::Folder))
    {
        let mut all = inputs(row, &source(row));
        all.extend(arguments!["-o", "/dev/full"]);
        let output = run(row.tool, &all);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{}: {stderr}", row.tool);
        assert!(stderr.contains("/dev/full"), "{}: {stderr}", row.tool);
    }
}

#[test]
fn devices_and_fifos_are_written_in_place() {
    for row in ROWS
        .iter()
        .filter(|r| !matches!(r.output, Out::Stdout | Out::Folder))
    {
        let mut all = inputs(row, &source(row));
        all.extend(arguments!["-o", "/dev/null"]);
        // the row of protsae-concepts has /dev/null as its other output already
        if row.tool != "protsae-concepts" {
            succeed(row.tool, &all);
        }
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join(row.output.name());
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let mut all = inputs(row, &source(row));
        all.extend(arguments!["-o", fifo]);
        let mut child = command(row.tool, &all).spawn().unwrap();
        let bytes = fs::read(&fifo).unwrap();
        assert!(child.wait().unwrap().success(), "{}", row.tool);
        let Content::Bytes(whole) = output_of(row, &[source(row)], &[]) else {
            continue;
        };
        match row.output {
            Out::Table => assert!(table_rows(&bytes) == table_rows(&whole), "{}", row.tool),
            _ => assert!(bytes == whole, "{}", row.tool),
        }
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "{}: something lies beside the FIFO", row.tool);
    }
}

/// Ends a running tool with SIGTERM; it must still be at work, and end by that signal.
fn terminate(row: &Row, mut child: Child) {
    use std::os::unix::process::ExitStatusExt;
    std::thread::sleep(Duration::from_millis(400));
    let alive = child.try_wait().unwrap().is_none();
    assert!(alive, "{} ended before it was told to", row.tool);
    let kill = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(15), "{}: {status}", row.tool);
}

#[test]
fn sigterm_leaves_nothing_behind() {
    for row in ROWS.iter().filter(|r| r.output != Out::Stdout) {
        let inbox = tempfile::tempdir().unwrap();
        let fifo = inbox.path().join("fifo");
        let (folder, target) = untouched(row);
        // training reads files, and is long enough to be caught at work; the others wait at a FIFO
        // through which half of the input arrives and the rest never does
        let trains = row.tool == "protsae-train";
        let input = if trains { source(row) } else { fifo.clone() };
        let mut all = inputs(row, &input);
        if let Some(at) = all.iter().position(|a| a == "--epochs") {
            all[at + 1] = "1000000".into();
        }
        all.extend(arguments!["-o", target]);
        let spawn = || {
            command(row.tool, &all)
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        if trains {
            terminate(row, spawn());
        } else {
            let made = std::process::Command::new("mkfifo").arg(&fifo).status();
            assert!(made.unwrap().success());
            let child = spawn();
            let bytes = fs::read(source(row)).unwrap();
            let mut writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
            let half = &bytes[..(bytes.len() / 2).min(1 << 15)];
            writer.write_all(half).unwrap();
            terminate(row, child);
        }
        let left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            // checkpoints are there to be resumed from
            .filter(|name| !name.ends_with(".checkpoints"))
            .collect();
        assert!(left.is_empty(), "{} left {left:?}", row.tool);
    }
}

#[test]
fn side_files_are_written_and_dry_runs_write_nothing() {
    for row in ROWS.iter().filter(|r| r.output != Out::Stdout) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut all = inputs(row, &source(row));
        all.extend(arguments!["-o", path(&row.output.name()), "--dry-run"]);
        let plan = succeed(row.tool, &all);
        assert_empty(&folder, row, "a dry run");
        assert!(
            !plan.stdout.is_empty(),
            "{}: a dry run prints no plan",
            row.tool
        );
        all.pop();
        all.extend(arguments![
            "--provenance",
            path("provenance.json"),
            "--metrics",
            path("counts.json")
        ]);
        succeed(row.tool, &all);
        let checked = succeed(
            "protsae-schema",
            &arguments!["check", path("provenance.json"), path("counts.json")],
        );
        let checked = String::from_utf8(checked.stdout).unwrap();
        assert!(
            checked.contains("provenance/1") && checked.contains("counts/1"),
            "{checked}"
        );
        let provenance = fs::read_to_string(path("provenance.json")).unwrap();
        let provenance: serde_json::Value = serde_json::from_str(&provenance).unwrap();
        for list in ["inputs", "outputs"] {
            let files = provenance[list].as_array().unwrap();
            let hashed = files.iter().any(|f| f["sha256"].is_string());
            assert!(hashed, "{}: {provenance}", row.tool);
        }
    }
}

#[test]
fn quiet_prints_nothing_and_standard_output_holds_data_alone() {
    for row in ROWS.iter().filter(|r| r.output != Out::Stdout) {
        let folder = tempfile::tempdir().unwrap();
        let mut all = inputs(row, &source(row));
        all.extend(arguments![
            "-o",
            folder.path().join(row.output.name()),
            "--quiet"
        ]);
        let output = succeed(row.tool, &all);
        assert!(output.stdout.is_empty(), "{}", row.tool);
        assert!(
            output.stderr.is_empty(),
            "{}: {}",
            row.tool,
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
