//! Other readers read our tables, and we read theirs: arrow2, pyarrow, Polars.

use crate::support::*;
use protsae::table::{Container, activations::ActivationReader, schema::ActivationType};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn arrow2_reads_every_table() {
    let tables = [
        (
            write_activations(&rows(), Container::File, ActivationType::F16),
            3,
            4,
        ),
        (
            write_activations(&rows(), Container::File, ActivationType::F32),
            3,
            4,
        ),
        (write_labels(Container::File), 2, 7),
        (write_features(Container::File), 2, 9),
        (write_proteins(Container::File), 1, 13),
    ];
    for (bytes, rows, columns) in tables {
        let mut cursor = std::io::Cursor::new(bytes);
        let metadata = arrow2::io::ipc::read::read_file_metadata(&mut cursor).unwrap();
        assert!(metadata.schema.metadata.contains_key("protsae.format"));
        assert_eq!(metadata.schema.fields.len(), columns);
        let reader = arrow2::io::ipc::read::FileReader::new(cursor, metadata, None, None);
        let read: usize = reader.map(|chunk| chunk.unwrap().len()).sum();
        assert_eq!(read, rows);
    }
    let stream = write_features(Container::Stream);
    let mut stream = &stream[..];
    let metadata = arrow2::io::ipc::read::read_stream_metadata(&mut stream).unwrap();
    let reader = arrow2::io::ipc::read::StreamReader::new(stream, metadata, None);
    let mut read = 0;
    for state in reader {
        if let arrow2::io::ipc::read::StreamState::Some(chunk) = state.unwrap() {
            read += chunk.len();
        }
    }
    assert_eq!(read, 2);
}

/// The Python of the test environment, if it was set up.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    if python.is_file() {
        return Some(python);
    }
    crate::skip::skipped("no Python environment in target/venv; tests/run.sh makes it");
    None
}

fn run(python: &Path, script: &str, folder: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tables")
        .join(script);
    let output = Command::new(python)
        .arg(script)
        .arg(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn pyarrow_and_polars_read_ours() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    for (suffix, container) in [("file", Container::File), ("stream", Container::Stream)] {
        let f16 = write_activations(&rows(), container, ActivationType::F16);
        let f32 = write_activations(&rows(), container, ActivationType::F32);
        write(&format!("activations_f16.{suffix}"), f16);
        write(&format!("activations_f32.{suffix}"), f32);
        write(&format!("labels.{suffix}"), write_labels(container));
        write(&format!("features.{suffix}"), write_features(container));
        write(&format!("proteins.{suffix}"), write_proteins(container));
    }
    run(&python, "read_ours.py", folder.path());
}

#[test]
fn tables_of_pyarrow_and_polars_are_read() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, "write_theirs.py", folder.path());
    let mut files: Vec<PathBuf> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&file).unwrap();
        let mapped = bytes.starts_with(b"ARROW1");
        let source = || open(&bytes, mapped).unwrap_or_else(|e| panic!("{name}: {e}"));
        if let Some(kind) = name.strip_prefix("none_") {
            let rows = match kind.split('_').next() {
                Some("activations") => read_activations(source()).map(|rows| rows.len()),
                Some("features") => read_features(source()).map(|rows| rows.len()),
                _ => read_labels(source()).map(|rows| rows.len()),
            };
            assert_eq!(rows.unwrap_or_else(|e| panic!("{name}: {e}")), 0, "{name}");
        } else if name.starts_with("activations") {
            let read = read_activations(source()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(read, rows(), "{name}");
            // Polars drops the schema's metadata
            let info = ActivationReader::new(source()).unwrap().info().plm.clone();
            assert_eq!(info.is_some(), name.contains("identity"), "{name}");
        } else if name.starts_with("labels") {
            let read = read_labels(source()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(read, label_rows(), "{name}");
        } else {
            let read = read_features(source()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(
                read,
                [(1, vec![0, 5], vec![0.5, 2.0]), (2, vec![], vec![])],
                "{name}"
            );
        }
    }
}
