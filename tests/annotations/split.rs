//! Splits of the embedded example.

use crate::support::{EXAMPLE, run, stderr};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

fn example_labels(folder: &Path) -> String {
    let labels = folder.join("labels.arrow").display().to_string();
    let concepts = folder.join("concepts.json").display().to_string();
    let output = run(
        "protsae-concepts",
        &[
            "--ontology",
            &format!("{EXAMPLE}/go_mini.obo"),
            "--annotations",
            &format!("{EXAMPLE}/annotations.gaf"),
            "--annotations",
            &format!("{EXAMPLE}/features.csv"),
            "--sequences",
            &format!("{EXAMPLE}/proteins.fasta"),
            "--concepts",
            &concepts,
            "-o",
            &labels,
        ],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    labels
}

fn parts(text: &str) -> BTreeMap<String, String> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("protein\tsplit"));
    lines
        .map(|line| line.split_once('\t').unwrap())
        .map(|(protein, part)| (protein.to_owned(), part.to_owned()))
        .collect()
}

#[test]
fn clusters_stay_together_and_concepts_keep_their_shares() {
    let folder = tempfile::tempdir().unwrap();
    let labels = example_labels(folder.path());
    let metrics = folder.path().join("metrics.json").display().to_string();
    let clusters = format!("{EXAMPLE}/clusters.tsv");
    let split = |arguments: &[&str]| {
        let output = run("protsae-split", arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        (
            parts(&String::from_utf8(output.stdout.clone()).unwrap()),
            stderr(&output),
        )
    };
    let arguments = [
        "--labels",
        &labels,
        "--clusters",
        &clusters,
        "--fractions",
        "0.7,0.1,0.2",
        "--metrics",
        &metrics,
    ];
    let (part_of, messages) = split(&arguments);
    assert_eq!(part_of.len(), 396);
    assert!(!messages.contains("homologues"), "{messages}");
    for line in fs::read_to_string(&clusters).unwrap().lines() {
        let (representative, member) = line.split_once('\t').unwrap();
        assert_eq!(part_of[representative], part_of[member], "{line}");
    }
    let test = part_of.values().filter(|p| *p == "test").count();
    assert!(
        (75..=83).contains(&test),
        "a fifth of 396 is 79, not {test}"
    );
    let metrics: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&metrics).unwrap()).unwrap();
    let concepts = metrics["counts"]["concepts"].as_object().unwrap();
    assert!(concepts.len() > 20);
    for (concept, achieved) in concepts {
        let share = achieved["shares"][2].as_f64().unwrap();
        assert!(
            (0.1..=0.3).contains(&share),
            "{concept}: {share} of the test"
        );
    }

    // the order of the clusters does not matter, the seed does
    let reversed = folder.path().join("clusters.tsv");
    let mut lines: Vec<String> = fs::read_to_string(&clusters)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    lines.reverse();
    fs::write(&reversed, lines.join("\n")).unwrap();
    let reversed = reversed.display().to_string();
    let with = |clusters: &str, seed: &str| {
        split(&[
            "--labels",
            &labels,
            "--clusters",
            clusters,
            "--fractions",
            "0.7,0.1,0.2",
            "--seed",
            seed,
        ])
        .0
    };
    assert_eq!(with(&reversed, "0"), part_of);
    assert_ne!(with(&clusters, "1"), part_of);
}

#[test]
fn without_clusters_the_user_is_warned() {
    let folder = tempfile::tempdir().unwrap();
    let labels = example_labels(folder.path());
    let fasta = format!("{EXAMPLE}/proteins.fasta");
    let output = run(
        "protsae-split",
        &["--labels", &labels, "--sequences", &fasta],
    );
    assert!(output.status.success());
    assert!(
        stderr(&output).contains("homologues"),
        "{}",
        stderr(&output)
    );
    let part_of = parts(&String::from_utf8(output.stdout).unwrap());
    let names: BTreeSet<&str> = part_of.values().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["train", "valid", "test"]));
    assert_eq!(part_of.len(), 396);
}

#[test]
fn clusters_of_other_ids_protect_nobody_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let labels = example_labels(folder.path());
    let clusters = folder.path().join("clusters.tsv");
    let all = fs::read_to_string(format!("{EXAMPLE}/clusters.tsv")).unwrap();
    let split = |text: &str| {
        fs::write(&clusters, text).unwrap();
        let clusters = clusters.display().to_string();
        run(
            "protsae-split",
            &["--labels", &labels, "--clusters", &clusters],
        )
    };
    let output = split("other1\tother1\nother2\tother2\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("-d 0"), "{}", stderr(&output));
    let (first, _) = all.split_at(all.find('\n').unwrap() + 1);
    let output = split(first);
    assert!(output.status.success());
    let said = stderr(&output);
    assert!(said.contains("of 396 proteins are in no cluster"), "{said}");
    let output = split(&all);
    assert!(
        !stderr(&output).contains("in no cluster"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn fractions_that_do_not_add_up_are_a_usage_error() {
    let output = run(
        "protsae-split",
        &["--labels", "x", "--fractions", "0.5,0.1,0.1"],
    );
    assert_eq!(output.status.code(), Some(2));
}
