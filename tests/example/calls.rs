//! Calls of whole proteins on the embedded example: the same from both tables, and right as often as they say.

use crate::{
    ROOT, example,
    ranges::{results, tool},
    run,
};
use protsae::{
    annot::label::Label,
    cli::input::Source,
    score::dictionary::{CallScores, Dictionary},
    table::{
        TableError,
        features::FeatureInfo,
        labels,
        proteins::{self, ProteinFeatures},
    },
};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
};

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

/// Proteins for the test.
fn test_proteins() -> BTreeSet<String> {
    let split = fs::read_to_string(results().join("split.tsv")).expect("a split");
    let test = split.lines().filter_map(|l| l.strip_suffix("\ttest"));
    test.map(ToOwned::to_owned).collect()
}

/// Proteins and the concepts that they have.
fn truth() -> BTreeSet<(String, String)> {
    let source = Source::File(results().join("labels.arrow"));
    let mut truth = BTreeSet::new();
    let each = |label: Label| {
        truth.insert((label.protein, label.concept));
        Ok::<_, protsae::Error>(())
    };
    labels::read(source.open_table().expect("labels"), each).expect("labels");
    truth
}

/// Calls of held-out proteins at the default of `--min-precision`, and how many of them are right.
fn held_out(table: [&str; 2]) -> (u32, u32) {
    let (test, truth) = (test_proteins(), truth());
    let text = written(table, "tsv", &["--propagated"]);
    let (mut called, mut right) = (0, 0);
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let score: f64 = fields[5].parse().expect("a score");
        assert!(score >= 0.8, "{line}");
        if test.contains(fields[0]) {
            called += 1;
            right += u32::from(truth.contains(&(fields[0].to_owned(), fields[1].to_owned())));
        }
    }
    (called, right)
}

#[test]
fn calls_of_held_out_proteins_are_right_as_often_as_they_say() {
    let (called, right) = held_out(PROTEINS);
    assert!(called > 20, "{called} calls");
    let precision = f64::from(right) / f64::from(called);
    assert!(precision >= PRECISION, "{right} of {called}");
}

/// Encodes with neighbours in the calls.
fn encode() -> Command {
    let results = results();
    let mut encode = tool("protsae-encode");
    encode
        .arg("-m")
        .arg(results.join("ranges_model"))
        .arg("--dictionary")
        .arg(results.join("ranges.json"))
        .arg("--neighbours")
        .arg(results.join("neighbours.arrow"))
        .arg("--with-neighbours");
    encode
}

/// Features and proteins with neighbours in the calls.
fn near() -> [&'static str; 2] {
    static MADE: OnceLock<[String; 2]> = OnceLock::new();
    let paths = MADE.get_or_init(|| {
        let paths = ["near.arrow", "near.proteins.arrow"].map(|name| {
            let path = results().join(name);
            path.to_str().expect("a path").to_owned()
        });
        run(encode()
            .arg("-i")
            .arg(results().join("activations.arrow"))
            .args(["-o", &paths[0], "--proteins", &paths[1]]));
        paths
    });
    [&paths[0], &paths[1]]
}

#[test]
fn neighbours_in_the_call_change_it_and_it_is_as_right_as_it_says() {
    let [features, proteins] = near();
    let (called, right) = held_out(["--proteins", proteins]);
    assert!(called > 20, "{called} calls");
    let precision = f64::from(right) / f64::from(called);
    assert!(precision >= PRECISION, "{right} of {called}");
    let of_features = written(["-i", features], "cafa", &[]);
    assert_eq!(of_features, written(["--proteins", proteins], "cafa", &[]));
    assert_ne!(of_features, written(PROTEINS, "cafa", &[]));
}

#[test]
fn a_pipe_has_the_same_calls_with_neighbours() {
    let [features, _] = near();
    let activations = File::open(results().join("activations.arrow")).expect("activations");
    let output = encode()
        .args(["-i", "-"])
        .stdin(Stdio::from(activations))
        .output()
        .expect("an executable");
    assert!(output.status.success(), "{output:?}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let piped = folder.path().join("piped.arrow");
    fs::write(&piped, &output.stdout).expect("a file");
    let piped = piped.to_str().expect("a path");
    assert_eq!(
        written(["-i", piped], "cafa", &[]),
        written(["-i", features], "cafa", &[])
    );
}

#[test]
fn the_dictionary_says_how_right_calls_are() {
    let file = File::open(results().join("ranges.json")).expect("a dictionary");
    let dictionary = Dictionary::read(file).expect("a dictionary");
    let entries = dictionary.concepts.iter().flatten();
    let calls: Vec<_> = entries.filter_map(|e| e.calls.as_ref()).collect();
    let total = |of: fn(&CallScores) -> u64| calls.iter().map(|c| of(&c.test)).sum::<u64>();
    // counted anew
    let ids: Vec<&str> = (dictionary.concepts.iter().flatten())
        .map(|e| e.id.as_str())
        .collect();
    let (test, truth) = (test_proteins(), truth());
    let (mut called, mut right) = (0, 0);
    let source = Source::File(results().join("called.arrow"));
    let each = |_: &FeatureInfo, row: ProteinFeatures| {
        let list = row.calls.unwrap_or_default();
        for (&concept, &p) in list.concepts.iter().zip(&list.probabilities) {
            if test.contains(&row.protein) && f64::from(p) >= 0.8 {
                called += 1;
                let pair = (row.protein.clone(), ids[concept as usize].to_owned());
                right += u64::from(truth.contains(&pair));
            }
        }
        Ok::<_, TableError>(())
    };
    proteins::read(source.open_table().expect("proteins"), each).expect("proteins");
    assert!(called > 20, "{called} calls");
    assert_eq!((total(|t| t.called), total(|t| t.right)), (called, right));
    assert!(calls.iter().any(|c| c.test.auroc.is_some_and(|a| a > 0.7)));
    let near: Vec<_> = (calls.iter())
        .filter_map(|c| c.with_neighbours.as_ref())
        .collect();
    assert_eq!(near.len(), calls.len());
    assert!(near.iter().any(|n| n.weight > 0.0));
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
