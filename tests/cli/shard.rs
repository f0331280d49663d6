//! FASTA in parts.

use crate::{
    arguments,
    fixture::{Fixture, command, plm, run, succeed},
};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// The shards of a folder, in order.
fn shards(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let paths = (1..).map(|n| folder.join(format!("s {n}{suffix}")));
    paths.take_while(|path| path.exists()).collect()
}

fn embedded(inputs: &[PathBuf]) -> Vec<u8> {
    let mut all: Vec<String> = inputs.iter().flat_map(|i| arguments!["-i", i]).collect();
    all.extend(arguments!["-m", plm(), "--layer", "1"]);
    succeed("protsae-embed", &all).stdout
}

#[test]
fn embed_gives_the_same_bytes_of_shards_as_of_the_whole() {
    let whole = Fixture::get().path("proteins.fasta");
    let expected = embedded(std::slice::from_ref(&whole));
    for (option, number, count) in [("--size", "7", 4), ("--count", "3", 3)] {
        for suffix in [".fasta", ".fasta.gz", ".fa.bgz", ".fa.zst"] {
            let folder = tempfile::tempdir().unwrap();
            let pattern = folder.path().join(format!("s {{shard}}{suffix}"));
            let table = folder.path().join("table.tsv");
            let all = arguments!["-i", whole, option, number, "-o", pattern, "--table", table];
            succeed("protsae-shard", &all);
            let shards = shards(folder.path(), suffix);
            assert_eq!(shards.len(), count);
            assert!(embedded(&shards) == expected, "{option} {suffix}");
            let table = fs::read_to_string(table).unwrap();
            assert_eq!(table.lines().count(), count + 1, "{table}");
            let line = format!("1\ts 1{suffix}\t");
            assert!(table.lines().nth(1).unwrap().starts_with(&line), "{table}");
        }
    }
}

#[test]
fn headers_and_letters_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let long = "acdefghiklmnpqrstvwy".repeat(4);
    let mut text = b"; comment\r\n>sp|P1|A_B caf\xe9 (x)\r\n".to_vec();
    text.extend(format!("{long}\r\n*\r\n>b+1 x\ty\nMK\n\nMK").bytes());
    fs::write(path("a.fa"), &text).unwrap();
    let pattern = path("{shard}.fa");
    succeed(
        "protsae-shard",
        &arguments!["-i", path("a.fa"), "--size", "1", "-o", pattern],
    );
    let mut first = b">sp|P1|A_B caf\xe9 (x)\n".to_vec();
    first.extend(format!("{}\n{}*\n", &long[..60], &long[60..]).bytes());
    assert!(fs::read(path("1.fa")).unwrap() == first);
    assert_eq!(
        fs::read_to_string(path("2.fa")).unwrap(),
        ">b+1 x\ty\nMKMK\n"
    );
    // a second time, and of its own output, nothing changes
    let again = succeed(
        "protsae-shard",
        &arguments!["-i", path("1.fa"), "--count", "1", "-o", "-"],
    );
    assert!(again.stdout == first);
}

#[test]
fn a_changed_protein_changes_one_shard() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read_to_string(Fixture::get().path("proteins.fasta")).unwrap();
    let input = folder.path().join("a.fasta");
    let cut = |text: &str| -> Vec<Vec<u8>> {
        fs::write(&input, text).unwrap();
        let pattern = folder.path().join("s {shard}.fa");
        succeed(
            "protsae-shard",
            &arguments!["-i", input, "--size", "5", "-o", pattern],
        );
        let shards = shards(folder.path(), ".fa");
        shards.iter().map(|path| fs::read(path).unwrap()).collect()
    };
    let before = cut(&whole);
    let second = whole.match_indices('>').nth(9).unwrap().0;
    let (head, tail) = whole.split_at(second);
    let after = cut(&format!("{head}{}", tail.replacen('\n', "\nMKV", 1)));
    let changed = before.iter().zip(&after).filter(|(a, b)| a != b);
    assert_eq!((before.len(), changed.count()), (after.len(), 1));
}

#[test]
fn nothing_makes_an_empty_shard_and_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Fixture::get().path("empty.fasta");
    for (more, count) in [(vec![], 1), (arguments!["--count", "3"], 3)] {
        let pattern = folder.path().join("s {shard}.fa");
        let mut all = arguments!["-i", empty, "-o", pattern, "--quiet"];
        all.extend(more);
        let output = succeed("protsae-shard", &all);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains("empty.fasta: no proteins"), "{stderr}");
        let shards = shards(folder.path(), ".fa");
        assert_eq!(shards.len(), count);
        assert!(shards.iter().all(|path| fs::read(path).unwrap().is_empty()));
    }
}

/// Runs and demands a failure that leaves nothing and names these.
fn refuse(arguments: &[String], folder: &Path, status: i32, named: &[&str]) {
    let before = fs::read_dir(folder).unwrap().count();
    let output = run("protsae-shard", arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {stderr}"
    );
    for name in named {
        assert!(stderr.contains(name), "no {name}: {stderr}");
    }
    assert_eq!(
        fs::read_dir(folder).unwrap().count(),
        before,
        "{arguments:?}"
    );
}

#[test]
fn what_is_wrong_is_named_and_no_shard_appears() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let whole = Fixture::get().path("proteins.fasta");
    fs::write(path("twice.fa"), ">a\nMK\n>b\nMK\n>a\nMK\n").unwrap();
    fs::write(path("letter.fa"), ">a\nMK\n>b\nM1K\n").unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&fs::read(&whole).unwrap()).unwrap();
    let packed = packed.finish().unwrap();
    fs::write(path("cut.fa.gz"), &packed[..packed.len() / 2]).unwrap();
    fs::write(path("in3.fa"), fs::read(&whole).unwrap()).unwrap();
    let pattern = path("out{shard}.fa");
    let with = |input: PathBuf| arguments!["-i", input, "--size", "1", "-o", pattern];
    let at = folder.path();
    refuse(
        &with(path("twice.fa")),
        at,
        1,
        &["twice.fa", "line 5", "'a' occurs twice"],
    );
    refuse(
        &with(path("letter.fa")),
        at,
        1,
        &["letter.fa", "'b'", "position 2"],
    );
    refuse(&with(path("cut.fa.gz")), at, 1, &["cut.fa.gz"]);
    refuse(&with(path("no.fa")), at, 1, &["no.fa"]);
    let over = arguments![
        "-i",
        path("in3.fa"),
        "--size",
        "5",
        "-o",
        path("in{shard}.fa")
    ];
    refuse(&over, at, 2, &["in3.fa", "never replaced"]);
    let table = arguments![
        "-i",
        whole,
        "--size",
        "5",
        "-o",
        pattern,
        "--table",
        path("out3.fa")
    ];
    refuse(&table, at, 2, &["out3.fa", "--table"]);
    let alone = arguments!["-i", whole, "--size", "5", "-o", path("out.fa")];
    refuse(&alone, at, 2, &["{shard}"]);
    let none = arguments!["-i", whole, "--size", "0", "-o", pattern];
    refuse(&none, at, 2, &["--size"]);
    let pipe = arguments!["-i", "-", "--count", "2", "-o", pattern];
    refuse(&pipe, at, 2, &["standard input", "--count 2"]);
    let missing = arguments!["-i", whole, "-o", path("missing/{shard}.fa")];
    refuse(&missing, at, 1, &["missing"]);
}

#[test]
fn bad_records_are_left_out_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.fa"), ">a\nMK\n>b\nM1K\n>a\nMK\n>c\nMKV\n").unwrap();
    for count in [vec![], arguments!["--count", "2"]] {
        let pattern = path("{shard}.fa");
        let metrics = path("counts.json");
        let mut all = arguments![
            "-i",
            path("a.fa"),
            "--on-bad",
            "skip",
            "-o",
            pattern,
            "--metrics",
            metrics
        ];
        all.extend(count);
        let output = succeed("protsae-shard", &all);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(stderr.matches("left out: ").count(), 2, "{stderr}");
        let counts: serde_json::Value =
            serde_json::from_slice(&fs::read(&metrics).unwrap()).unwrap();
        assert_eq!(counts["counts"]["proteins"], 2);
        assert_eq!(counts["counts"]["skipped"], 2);
    }
    assert_eq!(fs::read_to_string(path("1.fa")).unwrap(), ">a\nMK\n");
    assert_eq!(fs::read_to_string(path("2.fa")).unwrap(), ">c\nMKV\n");
}

#[test]
fn shards_of_another_run_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Fixture::get().path("proteins.fasta");
    let pattern = folder.path().join("{shard}.fa");
    let with = |size: &str| {
        let all = arguments!["-i", whole, "--size", size, "-o", pattern];
        let output = command("protsae-shard", &all).output().unwrap();
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(!with("5").contains("warning"));
    assert!(with("10").contains("4.fa is there too"));
}
