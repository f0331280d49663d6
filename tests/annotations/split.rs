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

/// Writes files into a folder and gives their paths.
fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A table of labels of proteins P00 to P39.
fn many_labels(folder: &Path) -> String {
    let rows = (0..40).map(|i| format!("P{i:02},HELIX,1,2\n"));
    let csv = rows.fold("protein,feature,start,end\n".to_owned(), |all, row| {
        all + &row
    });
    let features = write(folder, "features.csv", &csv);
    let (concepts, labels) = (folder.join("concepts.json"), folder.join("labels.arrow"));
    let arguments = [
        "--annotations",
        &features,
        "--concepts",
        concepts.to_str().unwrap(),
        "-o",
        labels.to_str().unwrap(),
    ];
    let output = run("protsae-concepts", &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    labels.display().to_string()
}

/// FASTA of those proteins: the sequence of each depends on half its number alone, in either case.
fn twins(range: std::ops::Range<usize>) -> String {
    let record = |i: usize| {
        let sequence = format!("MKTAYIAKQ{}", "RL".repeat(i / 2 + 1));
        let sequence = if i.is_multiple_of(2) {
            sequence
        } else {
            sequence.to_lowercase()
        };
        format!(">P{i:02} twin\n{sequence}\n")
    };
    range.map(record).collect()
}

#[test]
fn proteins_of_one_sequence_are_in_one_part_whatever_clusters_say() {
    let folder = tempfile::tempdir().unwrap();
    let labels = many_labels(folder.path());
    let first = write(folder.path(), "a.fasta", &twins(0..20));
    let second = write(folder.path(), "b.fasta", &twins(20..40));
    // P01 and P02 are in one cluster, so that four proteins are together; the others are alone
    let alone = (3..40).map(|i| format!("P{i:02}\tP{i:02}\n"));
    let alone: String = alone.collect();
    let clusters = format!("representative\tmember\nP00\tP00\nP01\tP01\nP01\tP02\n{alone}");
    let clusters = write(folder.path(), "clusters.tsv", &clusters);
    let metrics = folder.path().join("metrics.json").display().to_string();
    for clusters in [&[][..], &["--clusters", clusters.as_str()][..]] {
        let split = |sequences: [&str; 2]| {
            let mut arguments = vec![
                "--labels",
                &labels,
                "--fractions",
                "0.4,0.3,0.3",
                "--metrics",
                &metrics,
            ];
            for source in sequences {
                arguments.extend(["--sequences", source]);
            }
            arguments.extend(clusters);
            let output = run("protsae-split", &arguments);
            assert!(output.status.success(), "{}", stderr(&output));
            (
                String::from_utf8(output.stdout.clone()).unwrap(),
                stderr(&output),
            )
        };
        let (text, said) = split([&first, &second]);
        let part_of = parts(&text);
        assert_eq!(part_of.len(), 40);
        for i in (0..40).step_by(2) {
            assert_eq!(
                part_of[&format!("P{i:02}")],
                part_of[&format!("P{:02}", i + 1)]
            );
        }
        assert!(
            said.contains("40 proteins have a sequence that another one has too"),
            "{said}"
        );
        let counted: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&metrics).unwrap()).unwrap();
        let joined = if clusters.is_empty() { 0 } else { 39 };
        let expected = serde_json::json!({"groups": 20, "proteins": 40, "clusters_joined": joined});
        assert_eq!(counted["counts"]["identical_sequences"], expected);
        assert_eq!(split([&second, &first]).0, text);
        if !clusters.is_empty() {
            assert_eq!(part_of["P00"], part_of["P03"]);
        }
    }
}

#[test]
fn concepts_split_proteins_of_one_sequence_together_as_protsae_split_does() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..40).map(|i| format!("P{i:02},HELIX,1,2\n"));
    let csv = rows.fold("protein,feature,start,end\n".to_owned(), |all, row| {
        all + &row
    });
    let features = write(folder.path(), "f.csv", &csv);
    let fasta = write(folder.path(), "p.fasta", &twins(0..40));
    // sequences that the annotations themselves hold
    let rows = (0..40).map(|i| {
        let sequence = format!("MKTAYIAKQ{}", "RL".repeat(i / 2 + 1));
        format!("P{i:02}\t{sequence}\tHELIX 1..2\n")
    });
    let table = rows.fold("Entry\tSequence\tHelix\n".to_owned(), |all, row| all + &row);
    let table = write(folder.path(), "t.tsv", &table);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (concepts, labels, split) = (path("c.json"), path("l.arrow"), path("s.tsv"));
    let metrics = path("m.json");
    let mut found = Vec::new();
    for inputs in [
        &[
            "--annotations",
            features.as_str(),
            "--sequences",
            fasta.as_str(),
        ][..],
        &["--annotations", table.as_str()][..],
    ] {
        let mut arguments = vec![
            "--concepts",
            &concepts,
            "-o",
            &labels,
            "--split",
            &split,
            "--metrics",
            &metrics,
            "--fractions",
            "0.4,0.3,0.3",
        ];
        arguments.extend(inputs);
        let output = run("protsae-concepts", &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        let counted: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&metrics).unwrap()).unwrap();
        assert_eq!(
            counted["counts"]["split"]["identical_sequences"]["groups"],
            20
        );
        found.push(fs::read_to_string(&split).unwrap());
    }
    let output = run(
        "protsae-split",
        &[
            "--labels",
            &labels,
            "--sequences",
            &fasta,
            "--fractions",
            "0.4,0.3,0.3",
        ],
    );
    found.push(String::from_utf8(output.stdout).unwrap());
    assert!(found.iter().all(|text| *text == found[0]));
    let part_of = parts(&found[0]);
    for i in (0..40).step_by(2) {
        assert_eq!(
            part_of[&format!("P{i:02}")],
            part_of[&format!("P{:02}", i + 1)]
        );
    }
}

#[test]
fn an_id_with_two_sequences_is_refused_and_one_that_is_repeated_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let labels = many_labels(folder.path());
    let a = write(folder.path(), "a.fasta", ">P00\nMKTAY\n");
    for (text, status) in [(">P00\nmktay\n", 0), (">P00\nMKTAV\n", 1)] {
        let b = write(folder.path(), "b.fasta", text);
        let output = run(
            "protsae-split",
            &["--labels", &labels, "--sequences", &a, "--sequences", &b],
        );
        assert_eq!(output.status.code(), Some(status), "{}", stderr(&output));
    }
    assert!(
        !stderr(&run(
            "protsae-split",
            &["--labels", &labels, "--sequences", &a]
        ))
        .contains("no sequences")
    );
    assert!(stderr(&run("protsae-split", &["--labels", &labels])).contains("no sequences"));
}

#[test]
fn sequences_that_look_like_nucleotides_are_warned_of_once_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let labels = many_labels(folder.path());
    let dna = write(
        folder.path(),
        "dna.fasta",
        &format!(">a\n{}\n>b\n{}\n", "ACGT".repeat(20), "ACGTN".repeat(9)),
    );
    let protein = write(folder.path(), "protein.fasta", ">GATTACA\nGATTACA\n");
    let said = stderr(&run(
        "protsae-split",
        &[
            "--labels",
            &labels,
            "--sequences",
            &dna,
            "--sequences",
            &protein,
        ],
    ));
    assert_eq!(said.matches("look like nucleotides").count(), 1, "{said}");
    assert!(said.contains("dna.fasta"), "{said}");
}
