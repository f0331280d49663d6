//! Ranges by a dictionary: what goes together, what is refused, and the same bytes whichever way.

use crate::{
    arguments,
    fixture::{Fixture, example, run, succeed},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// A dictionary of all proteins of the fixture, and features that are calibrated by it.
fn made() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Fixture::get();
        let dictionary = folder.path().join("dictionary.json");
        interpret("proteins.activations.arrow", &dictionary);
        for shard in ["proteins", "shard0", "shard1"] {
            let encode = arguments![
                "-i",
                fixture.path(&format!("{shard}.activations.arrow")),
                "-m",
                fixture.path("model"),
                "--dictionary",
                dictionary,
                "-o",
                folder.path().join(format!("{shard}.arrow"))
            ];
            succeed("protsae-encode", &encode);
        }
        folder
    })
    .path()
}

fn interpret(table: &str, dictionary: &Path) -> String {
    let fixture = Fixture::get();
    let all = arguments![
        "-i",
        fixture.path(table),
        "-m",
        fixture.path("model"),
        "--labels",
        fixture.path("labels.arrow"),
        "--concepts",
        fixture.path("concepts.json"),
        "-o",
        dictionary
    ];
    String::from_utf8_lossy(&succeed("protsae-interpret", &all).stderr).into_owned()
}

pub(crate) fn path(name: &str) -> PathBuf {
    made().join(name)
}

fn annotate(tables: &[PathBuf], more: &[String]) -> Vec<String> {
    let mut all = arguments!["--dictionary", path("dictionary.json"), "-o", "-"];
    for table in tables {
        all.extend(arguments!["-i", table]);
    }
    all.extend_from_slice(more);
    all
}

#[test]
fn shards_in_order_give_the_bytes_of_the_whole_in_every_format() {
    for format in ["gff3", "bed", "bedgraph", "tsv", "json", "parquet"] {
        let more = arguments!["--min-precision", "0", "--format", format];
        let bytes =
            |tables: &[PathBuf]| succeed("protsae-annotate", &annotate(tables, &more)).stdout;
        let whole = bytes(&[path("proteins.arrow")]);
        assert!(whole == bytes(&[path("shard0.arrow"), path("shard1.arrow")]));
        assert!(
            whole.len() > 500,
            "{format}: {}",
            String::from_utf8_lossy(&whole)
        );
        if format == "json" {
            let all: Vec<serde_json::Value> = serde_json::from_slice(&whole).unwrap();
            let is_share =
                |p: &serde_json::Value| p.as_f64().is_some_and(|p| (0.0..=1.0).contains(&p));
            assert!(all.iter().all(|r| is_share(&r["probability"])));
        }
        if ["gff3", "bed", "tsv", "parquet"].contains(&format) {
            let file = tempfile::Builder::new()
                .suffix(&format!(".{format}"))
                .tempfile()
                .unwrap();
            fs::write(file.path(), &whole).unwrap();
            succeed("protsae-schema", &arguments!["check", file.path()]);
        }
    }
}

#[test]
fn ids_are_the_same_whatever_else_is_written_and_more_certainty_only_removes() {
    let lines = |least: &str| -> Vec<String> {
        let more = arguments!["--format", "gff3", "--min-precision", least];
        let all = annotate(&[path("proteins.arrow")], &more);
        let text = String::from_utf8(succeed("protsae-annotate", &all).stdout).unwrap();
        text.lines()
            .filter(|l| !l.starts_with('#'))
            .map(ToOwned::to_owned)
            .collect()
    };
    let all = lines("0");
    let some = lines("0.3");
    assert!(some.len() < all.len() && some.iter().all(|line| all.contains(line)));
}

/// A dictionary in which the neighbours of every call count by half, and the proteins of the fixture as neighbours.
pub(crate) fn with_neighbours(folder: &Path) -> [PathBuf; 2] {
    let fixture = Fixture::get();
    let mut dictionary: serde_json::Value =
        serde_json::from_slice(&fs::read(path("dictionary.json")).unwrap()).unwrap();
    let mut called = 0;
    for concept in dictionary["concepts"].as_array_mut().unwrap() {
        let calls = &mut concept["calls"];
        if calls.is_object() {
            called += 1;
            calls["with_neighbours"] = serde_json::json!({
                "calibration": {"method": "platt", "slope": 6.0, "intercept": -3.0},
                "weight": 0.5,
                "precision": calls["precision"],
            });
        }
    }
    assert!(called > 0);
    let paths = ["near.json", "means.arrow"].map(|name| folder.join(name));
    fs::write(&paths[0], dictionary.to_string()).unwrap();
    let split = folder.join("split.tsv");
    let text = fs::read_to_string(fixture.path("split.tsv")).unwrap();
    fs::write(
        &split,
        text.replace("\tvalid", "\ttrain")
            .replace("\ttest", "\ttrain"),
    )
    .unwrap();
    let all = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "--labels",
        fixture.path("labels.arrow"),
        "--concepts",
        fixture.path("concepts.json"),
        "--split",
        split,
        "--neighbours-out",
        paths[1],
        "-o",
        folder.join("unused.json")
    ];
    succeed("protsae-interpret", &all);
    paths
}

#[test]
fn calls_with_neighbours_are_the_same_from_shards() {
    let folder = tempfile::tempdir().unwrap();
    let [dictionary, means] = with_neighbours(folder.path());
    let fixture = Fixture::get();
    let table = |shard: &str| fixture.path(&format!("{shard}.activations.arrow"));
    let arguments = |dictionary: &Path, inputs: &[PathBuf], more: &[&str]| {
        let mut all = arguments![
            "-m",
            fixture.path("model"),
            "--dictionary",
            dictionary,
            "--neighbours",
            means
        ];
        for input in inputs {
            all.extend(arguments!["-i", input]);
        }
        all.extend(more.iter().map(ToString::to_string));
        all
    };
    let near = ["--with-neighbours"];
    let bytes = |all: &[String]| succeed("protsae-encode", all).stdout;
    let whole = bytes(&arguments(&dictionary, &[table("proteins")], &near));
    let shards = [table("shard0"), table("shard1")];
    assert!(whole == bytes(&arguments(&dictionary, &shards, &near)));
    let proteins = folder.path().join("proteins.arrow");
    let beside = ["--proteins", proteins.to_str().unwrap()];
    let without = bytes(&arguments(&dictionary, &[table("proteins")], &beside));
    assert!(whole != without, "neighbours change no call");
    let refused = |all: &[String], status: i32, word: &str| {
        let output = run("protsae-encode", all);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{all:?}: {said}");
        assert!(said.contains(word), "{said}");
    };
    let input = [table("proteins")];
    // no protein of that dictionary was for training
    let other = path("dictionary.json");
    refused(&arguments(&other, &input, &near), 3, "--with-neighbours");
    refused(&arguments(&dictionary, &input, &[]), 2, "--proteins");
    let mut all = arguments(&dictionary, &input, &near);
    let at = all.iter().position(|a| a == "--neighbours").unwrap();
    all.drain(at..at + 2);
    refused(&all, 2, "--neighbours");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let fixture = Fixture::get();
    let gff3 = arguments!["--format", "gff3"];
    let with = |more: &[&str]| {
        let mut all = annotate(&[path("proteins.arrow")], &gff3);
        all.extend(more.iter().map(ToString::to_string));
        all
    };
    let refused = |tool: &str, all: &[String], status: i32, word: &str| {
        let output = run(tool, all);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{all:?}: {said}");
        assert!(said.contains(word), "{said}");
    };
    for option in [
        ["--threshold", "0.2"],
        ["--by", "probability"],
        ["--min-run", "3"],
        ["--max-gap", "1"],
    ] {
        refused("protsae-annotate", &with(&option), 2, option[0]);
    }
    refused(
        "protsae-annotate",
        &with(&["--min-precision", "1.5"]),
        2,
        "--min-precision",
    );
    let raw = annotate(&[fixture.path("proteins.features.arrow")], &gff3);
    refused("protsae-annotate", &raw, 3, "--dictionary");
    let without = arguments![
        "-i",
        path("proteins.arrow"),
        "-m",
        fixture.path("model"),
        "-o",
        "-"
    ];
    let bedgraph = [without.clone(), arguments!["--format", "bedgraph"]].concat();
    refused("protsae-annotate", &bedgraph, 2, "bedGraph");
    let precise = [without, gff3, arguments!["--min-precision", "0.5"]].concat();
    refused("protsae-annotate", &precise, 2, "--min-precision");
    // another dictionary, which nothing was calibrated by
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(path("dictionary.json")).unwrap();
    let other = folder.path().join("other.json");
    fs::write(&other, text + "\n").unwrap();
    let all = arguments![
        "-i",
        path("proteins.arrow"),
        "--dictionary",
        other,
        "--format",
        "gff3"
    ];
    refused("protsae-annotate", &all, 3, "calibrated");
    let encode = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "--dictionary",
        path("dictionary.json"),
        "--min-probability",
        "0.5"
    ];
    refused("protsae-encode", &encode, 2, "--min-probability");
}

#[test]
fn a_dictionary_of_features_names_latents_alone_and_annotate_says_so() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let dictionary = folder.path().join("dictionary.json");
    let said = interpret("proteins.features.arrow", &dictionary);
    assert!(said.contains("give activations"), "{said}");
    let text = fs::read_to_string(&dictionary).unwrap();
    assert!(text.contains("\"dictionary/1\""));
    let all = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "--dictionary",
        dictionary,
        "--threshold",
        "0.1",
        "--format",
        "gff3"
    ];
    let output = succeed("protsae-annotate", &all);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("how likely ranges are right"), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(";max_activation=") && !text.contains(";probability="));
    let encode = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "--dictionary",
        dictionary
    ];
    let output = run("protsae-encode", &encode);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn partial_features_are_marked_in_the_vocabulary() {
    let folder = tempfile::tempdir().unwrap();
    let partial = |keys: &str| {
        let concepts = folder.path().join("concepts.json");
        let all = arguments![
            "--annotations",
            example("features.csv"),
            "--kinds",
            "feature",
            "--partial-features",
            keys,
            "--concepts",
            concepts,
            "-o",
            "/dev/null"
        ];
        let output = run("protsae-concepts", &all);
        if !output.status.success() {
            return Err(output.status.code());
        }
        let text = fs::read(&concepts).unwrap();
        let read: protsae::annot::concept::ConceptsFile = serde_json::from_slice(&text).unwrap();
        let marked = read.concepts.into_iter().filter(|c| c.partial);
        Ok(marked.map(|c| c.id).collect::<Vec<_>>())
    };
    assert_eq!(
        partial("TRANSMEM,signal").unwrap(),
        ["SIGNAL", "TRANSMEM:Helical"]
    );
    assert_eq!(partial("none").unwrap(), [""; 0]);
    assert_eq!(partial("NOVEL"), Err(Some(2)));
}
