//! Parquet of ranges and of calls: into files and pipes, without rows, and what it does not go with.

use crate::{
    arguments,
    fixture::{Fixture, example, run, succeed},
};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use std::{fs, path::PathBuf};

/// Options for ranges of all latents of a feature table.
fn ranges(table: &str) -> Vec<String> {
    let fixture = Fixture::get();
    let table = fixture.path(table);
    arguments![
        "-i",
        table,
        "-m",
        fixture.path("model"),
        "--latents",
        "all",
        "--threshold",
        "0.05"
    ]
}

/// What annotate writes to standard output.
fn printed(options: &[String], more: &[&str]) -> Vec<u8> {
    let mut all = options.to_vec();
    all.extend(more.iter().map(ToString::to_string));
    succeed("protsae-annotate", &all).stdout
}

/// Names of the columns, and the rows as text: empty where null, numbers of four decimal places as TSV has them.
fn read(bytes: Vec<u8>) -> (Vec<String>, Vec<String>) {
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let names = schema.columns().iter().map(|c| c.name().to_owned());
    let names = names.collect();
    let text = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::UInt(n) => n.to_string(),
        Field::Float(x) => protsae::report::number(*x),
        Field::Double(x) => protsae::report::number(*x as f32),
        other => panic!("{other} is of no type that is written"),
    };
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let cells = row.get_column_iter().map(|(_, field)| text(field));
        cells.collect::<Vec<_>>().join("\t")
    });
    (names, rows.collect())
}

#[test]
fn rows_are_the_lines_of_the_tsv_in_a_pipe_and_in_a_file_whatever_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    let options = ranges("proteins.features.arrow");
    let bytes = printed(&options, &["--format", "parquet", "-o", "-", "-t", "1"]);
    for threads in ["1", "2"] {
        let path = folder.path().join(format!("{threads}.parquet"));
        let mut all = options.clone();
        all.extend(arguments!["-o", path, "-t", threads]);
        succeed("protsae-annotate", &all);
        assert!(fs::read(&path).unwrap() == bytes, "{threads} threads");
        let checked = succeed("protsae-schema", &arguments!["check", path]).stdout;
        let checked = String::from_utf8(checked).unwrap();
        assert!(
            checked.contains("\tParquet table of ranges of "),
            "{checked}"
        );
    }
    let tsv = String::from_utf8(printed(&options, &["--format", "tsv"])).unwrap();
    let mut lines = tsv.lines();
    let (names, rows) = read(bytes);
    assert_eq!(Some(names.join("\t").as_str()), lines.next());
    assert!(rows.len() > 100 && lines.eq(rows.iter().map(String::as_str)));
}

#[test]
fn calls_have_the_columns_of_their_tsv() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let encode = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "-o",
        "/dev/null",
        "--proteins",
        path("proteins.arrow")
    ];
    succeed("protsae-encode", &encode);
    let options = arguments![
        "--proteins",
        path("proteins.arrow"),
        "-m",
        fixture.path("model"),
        "--ontology",
        example("go_mini.obo"),
        "--min-precision",
        "0.1",
        "--level",
        "proteins"
    ];
    let bytes = printed(&options, &["--format", "parquet"]);
    let tsv = String::from_utf8(printed(&options, &["--format", "tsv"])).unwrap();
    fs::write(path("calls.parquet"), &bytes).unwrap();
    let checked = succeed(
        "protsae-schema",
        &arguments!["check", path("calls.parquet")],
    )
    .stdout;
    assert!(
        String::from_utf8(checked)
            .unwrap()
            .contains("table of calls")
    );
    let mut lines = tsv.lines();
    let (names, rows) = read(bytes);
    assert_eq!(Some(names.join("\t").as_str()), lines.next());
    assert!(!rows.is_empty() && lines.eq(rows.iter().map(String::as_str)));
}

#[test]
fn without_residues_there_are_columns_and_no_rows() {
    let bytes = printed(&ranges("empty.features.arrow"), &["--format", "parquet"]);
    let (names, rows) = read(bytes);
    assert_eq!((names.len(), rows.len()), (12, 0));
}

#[test]
fn what_is_compressed_in_itself_has_no_suffix_of_a_compression() {
    let folder = tempfile::tempdir().unwrap();
    for (name, more) in [
        ("x.parquet.gz", arguments![]),
        ("x.parquet.zst", arguments!["--level", "proteins"]),
        ("x.bgz", arguments!["--format", "parquet"]),
    ] {
        let path = folder.path().join(name);
        let mut all = ranges("proteins.features.arrow");
        all.extend(arguments!["-o", path]);
        all.extend(more);
        let output = run("protsae-annotate", &all);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains("parquet") && !path.exists(), "{said}");
    }
}
