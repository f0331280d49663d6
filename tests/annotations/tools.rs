//! `protsae-concepts` from the outside.

use crate::support::{EXAMPLE, run, stderr};
use std::{fs, path::Path};

fn concepts(folder: &Path, more: &[&str]) -> std::process::Output {
    let labels = folder.join("labels.arrow").display().to_string();
    let concepts = folder.join("concepts.json").display().to_string();
    let mut arguments = vec!["--concepts", &concepts, "-o", &labels];
    arguments.extend(more);
    run("protsae-concepts", &arguments)
}

#[test]
fn every_source_of_the_example_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let ontology = format!("{EXAMPLE}/go_mini.obo");
    let fasta = format!("{EXAMPLE}/proteins.fasta");
    let count = |annotations: &str, kinds: &str| {
        let annotations = format!("{EXAMPLE}/{annotations}");
        let output = concepts(
            folder.path(),
            &[
                "--ontology",
                &ontology,
                "--annotations",
                &annotations,
                "--sequences",
                &fasta,
                "--kinds",
                kinds,
                "--min-count",
                "5",
            ],
        );
        assert!(output.status.success(), "{}", stderr(&output));
        let text = fs::read(folder.path().join("concepts.json")).unwrap();
        let file: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let concepts = file["concepts"].as_array().unwrap();
        concepts
            .iter()
            .map(|c| {
                (
                    c["id"].as_str().unwrap().to_owned(),
                    c["proteins"].as_u64().unwrap(),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(count("annotations.gaf", "go"), count("uniprot.tsv", "go"));
    assert_eq!(
        count("features.csv", "feature"),
        count("uniprot.tsv", "feature")
    );
    assert_eq!(
        count("interproscan.tsv", "interpro"),
        count("uniprot.tsv", "interpro")
    );
}

#[test]
fn the_order_of_the_inputs_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let ontology = format!("{EXAMPLE}/go_mini.obo");
    let files: Vec<String> = [
        "annotations.gaf",
        "features.csv",
        "interproscan.tsv",
        "uniprot.tsv",
    ]
    .iter()
    .map(|name| format!("{EXAMPLE}/{name}"))
    .collect();
    let mut results = Vec::new();
    for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
        let mut arguments = vec!["--ontology", ontology.as_str()];
        for i in order {
            arguments.extend(["--annotations", files[i].as_str()]);
        }
        let output = concepts(folder.path(), &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        results.push((
            fs::read(folder.path().join("concepts.json")).unwrap(),
            fs::read(folder.path().join("labels.arrow")).unwrap(),
        ));
    }
    assert!(results[0] == results[1]);
}

#[test]
fn labels_past_the_end_name_file_line_protein_and_both_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let features = folder.path().join("f.csv");
    let fasta = folder.path().join("p.fasta");
    fs::write(
        &features,
        "protein,feature,start,end,note\nP1,HELIX,2,9,\nP1,HELIX,1,3,\n",
    )
    .unwrap();
    fs::write(&fasta, ">P1\nMKTAY\n").unwrap();
    let (features, fasta) = (features.display().to_string(), fasta.display().to_string());
    let arguments = [
        "--annotations",
        &features,
        "--sequences",
        &fasta,
        "--min-count",
        "1",
    ];
    let output = concepts(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    for part in [
        "f.csv",
        "line 2",
        "P1",
        "residue 9",
        "5 residues",
        "--on-bad skip",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!folder.path().join("labels.arrow").exists());
    assert!(!folder.path().join("concepts.json").exists());
    let output = concepts(
        folder.path(),
        &[&arguments[..], &["--on-bad", "skip"]].concat(),
    );
    assert!(output.status.success());
    assert!(
        stderr(&output).contains("skipped: line 2"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_id_in_two_files_of_sequences_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (a, b) = (
        file("a.fasta", ">P1\nMKKA\n"),
        file("b.fasta", ">P2\nAAC\n>P1\nMKV\n"),
    );
    let arguments = ["--sequences", &a, "--sequences", &b, "--kinds", "residue"];
    let output = concepts(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("b.fasta") && said.contains("'P1'"), "{said}");
    let output = concepts(
        folder.path(),
        &[&arguments[..], &["--on-bad", "skip"]].concat(),
    );
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("skipped:"), "{}", stderr(&output));
}

#[test]
fn amino_acids_are_concepts_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let fasta = folder.path().join("p.fasta");
    fs::write(&fasta, ">P1\nMKKA\n>P2\nAAC\n").unwrap();
    let fasta = fasta.display().to_string();
    let output = concepts(
        folder.path(),
        &["--sequences", &fasta, "--kinds", "residue"],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let text = fs::read(folder.path().join("concepts.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let found: Vec<(&str, u64)> = file["concepts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["id"].as_str().unwrap(), c["residues"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("residue:A", 3),
            ("residue:C", 1),
            ("residue:K", 2),
            ("residue:M", 1)
        ]
    );
}

#[test]
fn nothing_in_is_nothing_out() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.gaf");
    fs::write(&empty, "!gaf-version: 2.2\n").unwrap();
    let empty = empty.display().to_string();
    let ontology = format!("{EXAMPLE}/go_mini.obo");
    let output = concepts(
        folder.path(),
        &["--ontology", &ontology, "--annotations", &empty],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(folder.path().join("labels.arrow").exists());
}

#[test]
fn terms_without_an_ontology_are_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let gaf = format!("{EXAMPLE}/annotations.gaf");
    let output = concepts(folder.path(), &["--annotations", &gaf]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--ontology"));
}
