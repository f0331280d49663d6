//! What protsae-evaluate refuses, and what it says of several models.

use crate::{
    arguments,
    fixture::{Fixture, plm, run, succeed},
};
use serde_json::Value;
use std::fs;

fn refused(more: &[String], status: i32, words: &[&str]) {
    let fixture = Fixture::get();
    let mut all = arguments!["-m", fixture.path("model")];
    if !more.iter().any(|m| m == "-i") {
        all.extend(arguments!["-i", fixture.path("proteins.activations.arrow")]);
    }
    all.extend_from_slice(more);
    let output = run("protsae-evaluate", &all);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{all:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{all:?}: {stderr}");
    }
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let fixture = Fixture::get();
    let model = fixture.path("model");
    let cases = [
        (arguments!["-m", model, "-i", "-"], vec!["standard input"]),
        (
            arguments!["-m", model, "--labels", "-"],
            vec!["several models", "give a file"],
        ),
        (
            arguments!["--suite", "ranges,function", "--clusters", "-"],
            vec!["--clusters", "give a file"],
        ),
        (
            arguments!["-m", model, "--dictionary", "dictionary.json"],
            vec!["--dictionary", "several"],
        ),
        (
            arguments!["--controls", "none,random-sae"],
            vec!["--controls", "none"],
        ),
        (
            arguments!["-i", "-", "--controls", "plm-neurons"],
            vec!["plm-neurons", "pipe"],
        ),
        (
            arguments!["--suite", "probing"],
            vec!["probing", "--labels"],
        ),
        (
            arguments!["--suite", "disentanglement", "--plm", plm()],
            vec!["--plm", "fidelity"],
        ),
        (
            arguments![
                "--suite",
                "fidelity",
                "--plm",
                plm(),
                "--mask-fraction",
                "1.5"
            ],
            vec!["--mask-fraction", "1.5"],
        ),
    ];
    for (more, words) in cases {
        refused(&more, 2, &words);
    }
}

#[test]
fn another_plm_is_refused_with_both_named() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other_esm2");
    fs::create_dir(&other).unwrap();
    for file in fs::read_dir(plm()).unwrap().flatten() {
        fs::copy(file.path(), other.join(file.file_name())).unwrap();
    }
    let weights = other.join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, bytes).unwrap();
    let more = arguments!["--suite", "fidelity", "--plm", other];
    refused(&more, 3, &["sha256", "other_esm2"]);
}

#[test]
fn a_model_beside_itself_is_one_row_without_spread() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let all = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "-m",
        fixture.path("model"),
        "--labels",
        fixture.path("labels.arrow"),
        "--split",
        fixture.path("split.tsv"),
        "--min-residues",
        "5",
        "--min-proteins",
        "2",
        "--suite",
        "fidelity,alignment,disentanglement",
        "--controls",
        "random-sae,shuffled-labels,plm-neurons",
        "-o",
        path("comparison.json"),
        "--table",
        path("comparison.md"),
        "--multiqc",
        path("two_mqc.json")
    ];
    succeed("protsae-evaluate", &all);
    let text = fs::read(path("comparison.json")).unwrap();
    let comparison: Value = serde_json::from_slice(&text).unwrap();
    let [row] = comparison["rows"].as_array().unwrap().as_slice() else {
        panic!("{comparison}")
    };
    assert_eq!(row["scores"]["fvu"]["half_width"], 0.0);
    let stability = &row["stability"];
    for key in ["defined", "matched", "largest"] {
        let cosine = stability[key].as_f64().unwrap();
        assert!((cosine - 1.0).abs() < 1e-5, "{key}: {cosine}");
    }
    // both are scored, and the neurons of the PLM are those of both
    let [first, second] = comparison["models"].as_array().unwrap().as_slice() else {
        panic!("{comparison}")
    };
    assert_eq!(first["metrics"], second["metrics"]);
    let controls = first["metrics"]["alignment"]["controls"]
        .as_array()
        .unwrap();
    assert_eq!(controls.len(), 3);
    let table = fs::read_to_string(path("comparison.md")).unwrap();
    assert!(table.starts_with("| model | models | L0 |"), "{table}");
    assert!(table.contains(" ± 0.000 "), "{table}");
}
