//! Calls of whole proteins on the embedded example: the same from both tables, and right as often as they say.

use crate::{
    ROOT, example,
    ranges::{results, tool},
    run,
};
use protsae::{annot::label::Label, cli::input::Source, table::labels};
use std::{collections::BTreeSet, fs, path::Path};

/// Share of the calls of held-out proteins that must be right at the default of 0.8.
const PRECISION: f64 = 0.7;

/// Calls in a format that needs no more than the dictionary and the ontology, from features or from proteins.
fn written(table: [&str; 2], format: &str, more: &[&str]) -> String {
    let results = results();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("calls");
    run(tool("protsae-annotate")
        .arg(table[0])
        .arg(results.join(table[1]))
        .arg("-m")
        .arg(results.join("ranges_model"))
        .arg("--dictionary")
        .arg(results.join("ranges.json"))
        .args(["--format", format, "--level", "proteins", "--ontology"])
        .arg(example("go_mini.obo"))
        .args(more)
        .arg("-o")
        .arg(&path));
    fs::read_to_string(path).expect("calls")
}

const FEATURES: [&str; 2] = ["-i", "calibrated.arrow"];
const PROTEINS: [&str; 2] = ["--proteins", "called.arrow"];

#[test]
fn both_tables_have_the_same_calls() {
    let of_features = written(FEATURES, "cafa", &[]);
    assert!(of_features.lines().count() > 100);
    assert_eq!(of_features, written(PROTEINS, "cafa", &[]));
}

#[test]
fn calls_of_held_out_proteins_are_right_as_often_as_they_say() {
    let results = results();
    let split = fs::read_to_string(results.join("split.tsv")).expect("a split");
    let is_test = |protein: &str| split.contains(&format!("{protein}\ttest\n"));
    let source = Source::File(results.join("labels.arrow"));
    let mut truth: BTreeSet<(String, String)> = BTreeSet::new();
    let each = |label: Label| {
        truth.insert((label.protein, label.concept));
        Ok::<_, protsae::Error>(())
    };
    labels::read(source.open_table().expect("labels"), each).expect("labels");
    let text = written(PROTEINS, "tsv", &["--propagated"]);
    let (mut called, mut right) = (0, 0);
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let score: f64 = fields[5].parse().expect("a score");
        assert!(score >= 0.8, "{line}");
        if is_test(fields[0]) {
            called += 1;
            right += usize::from(truth.contains(&(fields[0].to_owned(), fields[1].to_owned())));
        }
    }
    assert!(called > 20, "{called} calls");
    let precision = f64::from(u32::try_from(right).expect("few")) / f64::from(called);
    assert!(precision >= PRECISION, "{right} of {called}");
}

#[test]
fn neighbours_and_homologues_and_entries_speak_for_calls() {
    let text = written(PROTEINS, "tsv", &[]);
    let with_donor = |text: &str| text.lines().filter(|l| l.contains("\tneighbour")).count();
    assert!(with_donor(&text) > 20, "{text}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    };
    // every protein is a homologue of the first that has calls
    let proteins: BTreeSet<&str> = (text.lines().skip(1))
        .filter_map(|line| line.split('\t').next())
        .collect();
    let hit = |p: &&str| format!("{p}\tX9SYN0P001\t99.0\t9\t0\t0\t1\t9\t1\t9\t1e-9\t80");
    let hits = proteins.iter().map(hit).collect::<Vec<_>>().join("\n");
    let gaf = example("annotations.gaf")
        .to_str()
        .expect("a path")
        .to_owned();
    let mapping = "!date\nInterPro:IPR027417 P-loop > GO:ATP binding ; GO:0005524\n";
    let more = [
        "--homologs",
        &write("hits.m8", &hits),
        "--homolog-annotations",
        &gaf,
        "--interpro2go",
        &write("interpro2go", mapping),
        "--interpro-matches",
        &format!("{ROOT}/test_data/example/interproscan.tsv"),
        "--corroborated-only",
        "--propagated",
    ];
    let text = written(FEATURES, "tsv", &more);
    assert!(text.lines().count() > 1);
    let column = |line: &str| line.split('\t').nth(6).unwrap_or_default().to_owned();
    let by: BTreeSet<String> = text.lines().skip(1).map(column).collect();
    assert!(by.iter().any(|words| words.contains("homologue")), "{by:?}");
    assert!(!by.contains("none") && !by.iter().any(|words| words.contains("neighbour")));
    assert!(Path::new(&gaf).is_file());
}
