//! Calls of whole proteins: every format, the rules of the ontology, and what is refused.

use crate::{
    arguments,
    fixture::{Fixture, example, run, succeed},
};
use std::{collections::BTreeSet, fs, path::PathBuf, sync::OnceLock};
use tempfile::TempDir;

/// A protein table of the fixture's model.
fn proteins() -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let fixture = Fixture::get();
        let folder = tempfile::tempdir().unwrap();
        let encode = arguments![
            "-i",
            fixture.path("proteins.activations.arrow"),
            "-m",
            fixture.path("model"),
            "-o",
            "/dev/null",
            "--proteins",
            folder.path().join("proteins.arrow")
        ];
        succeed("protsae-encode", &encode);
        folder
    });
    folder.path().join("proteins.arrow")
}

fn annotate(more: &[String]) -> Vec<String> {
    let fixture = Fixture::get();
    let mut all = arguments!["--proteins", proteins(), "-m", fixture.path("model")];
    all.extend_from_slice(more);
    all
}

/// What gaf and gpad need.
fn official() -> Vec<String> {
    arguments![
        "--ontology",
        example("go_mini.obo"),
        "--date",
        "2026-11-28",
        "--taxon",
        "32630"
    ]
}

fn written(more: &[String]) -> String {
    String::from_utf8(succeed("protsae-annotate", &annotate(more)).stdout).unwrap()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('!')).collect()
}

#[test]
fn gaf_and_gpad_are_read_again_with_the_same_terms() {
    let fixture = Fixture::get();
    let mut found = Vec::new();
    for format in ["gaf", "gpad"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("calls.{format}"));
        let mut all = official();
        all.extend(arguments![
            "--min-precision",
            "0.05",
            "--propagated",
            "-o",
            path
        ]);
        succeed("protsae-annotate", &annotate(&all));
        succeed("protsae-schema", &arguments!["check", path]);
        let text = fs::read_to_string(&path).unwrap();
        assert!(lines(&text).len() > 10, "{text}");
        let concepts = arguments![
            "--ontology",
            example("go_mini.obo"),
            "--annotations",
            path,
            "--sequences",
            fixture.path("proteins.fasta"),
            "--min-count",
            "1",
            "--concepts",
            folder.path().join("concepts.json"),
            "-o",
            folder.path().join("labels.arrow")
        ];
        succeed("protsae-concepts", &concepts);
        let read = fs::read(folder.path().join("concepts.json")).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&read).unwrap();
        let counts: BTreeSet<(String, u64)> = (read["concepts"].as_array().unwrap().iter())
            .map(|c| {
                (
                    c["id"].as_str().unwrap().to_owned(),
                    c["proteins"].as_u64().unwrap(),
                )
            })
            .collect();
        let term = if format == "gaf" { 4 } else { 3 };
        for (id, proteins) in &counts {
            let of = |line: &&&str| line.split('\t').nth(term) == Some(id);
            let is_bare = ["GO:0005488", "GO:0005515"].contains(&id.as_str());
            let all = lines(&text);
            assert!(
                is_bare || all.iter().filter(of).count() as u64 == *proteins,
                "{id}"
            );
        }
        found.push(counts);
    }
    assert_eq!(found[0], found[1]);
}

#[test]
fn only_the_most_specific_terms_are_written_unless_all_are_asked_for() {
    let mut all = arguments!["--format", "topgo", "--min-precision", "0.05"];
    all.extend(official());
    let specific = written(&all);
    all.push("--propagated".into());
    let propagated = written(&all);
    let terms = |text: &str| -> usize { text.matches("GO:").count() };
    assert!(terms(&specific) < terms(&propagated));
    // the vocabulary's parents say so as well
    let by_model = written(&arguments!["--format", "topgo", "--min-precision", "0.05"]);
    assert!(terms(&by_model) < terms(&propagated));
}

#[test]
fn asking_for_a_higher_precision_only_takes_calls_away() {
    let at = |least: &str| -> BTreeSet<String> {
        let mut all = arguments!["--format", "cafa", "--propagated", "--min-precision", least];
        all.extend(official());
        let text = written(&all);
        let key = |line: &str| line.rsplit_once('\t').unwrap().0.to_owned();
        text.lines().map(key).collect()
    };
    let thresholds = ["0.02", "0.1", "0.3", "0.6", "0.9"].map(at);
    assert!(!thresholds[0].is_empty());
    for pair in thresholds.windows(2) {
        assert!(pair[1].is_subset(&pair[0]));
    }
}

#[test]
fn predictions_for_cafa_are_scored_by_our_own_evaluator() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (file, format) in [("a.cafa", "cafa"), ("b.txt", "cafa-submission")] {
        let mut all = arguments!["--format", format, "-o", path(file)];
        all.extend(official());
        succeed("protsae-annotate", &annotate(&all));
    }
    let submission = fs::read_to_string(path("b.txt")).unwrap();
    assert!(submission.starts_with("AUTHOR ProtSAE\nMODEL 1\nKEYWORDS machine learning.\n"));
    assert!(submission.ends_with("\nEND\n"));
    let gaf = fs::read_to_string(example("annotations.gaf")).unwrap();
    let positive = lines(&gaf).into_iter().filter(|l| !l.contains("NOT"));
    let rows = positive.map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        [fields[1], fields[4]].join("\t")
    });
    let truth = rows.collect::<Vec<_>>().join("\n");
    fs::write(path("truth.tsv"), truth).unwrap();
    let evaluate = arguments![
        "--suite",
        "function",
        "--predictions",
        path("a.cafa"),
        "--predictions",
        path("b.txt"),
        "--truth",
        path("truth.tsv"),
        "--ontology",
        example("go_mini.obo"),
        "--bootstrap",
        "0"
    ];
    let metrics = succeed("protsae-evaluate", &evaluate).stdout;
    let metrics: serde_json::Value = serde_json::from_slice(&metrics).unwrap();
    let cells = metrics["function"]["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 6);
    assert!(
        cells
            .iter()
            .all(|c| c["f_max"]["value"].as_f64().unwrap() > 0.0)
    );
}

#[test]
fn tables_and_documents_of_calls_are_what_they_claim_to_be() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "calls.tsv",
        "calls.json",
        "calls.gaf.gz",
        "calls.gpad",
        "calls.parquet",
    ] {
        let path = folder.path().join(name);
        let mut all = official();
        all.extend(arguments!["--min-precision", "0.1", "-o", path]);
        succeed("protsae-annotate", &annotate(&all));
        let checked = succeed("protsae-schema", &arguments!["check", path]).stdout;
        let checked = String::from_utf8(checked).unwrap();
        assert!(checked.contains("calls"), "{checked}");
    }
}

#[test]
fn what_a_format_needs_is_asked_for() {
    let fixture = Fixture::get();
    let refuse = |arguments: &[String], words: &[&str]| {
        let output = run("protsae-annotate", arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "no {word} in {stderr}");
        }
    };
    refuse(
        &annotate(&arguments!["--format", "gaf"]),
        &["gaf", "--ontology"],
    );
    let ontology = arguments!["--format", "gaf", "--ontology", example("go_mini.obo")];
    refuse(&annotate(&ontology), &["--date"]);
    refuse(
        &annotate(&arguments!["--format", "gff3"]),
        &["gff3", "--input"],
    );
    let ranges = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "-m",
        fixture.path("model"),
        "--format",
        "gaf"
    ];
    let output = run("protsae-annotate", &[ranges, official()].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("no calls") && stderr.contains("--dictionary"),
        "{stderr}"
    );
    refuse(
        &annotate(&arguments!["--format", "tsv", "--min-precision", "2"]),
        &["--min-precision"],
    );
}
