//! `protsae-train --resume` goes on with what it was begun with, and with nothing else.

use super::{synthetic, train::Bench};
use protsae::table::Container;
use std::fs;

const EVERY: [&str; 6] = [
    "--split",
    "split.tsv",
    "--concepts",
    "concepts.json",
    "--checkpoint-every",
    "3",
];

fn concepts(name: &str, axioms: &str) -> String {
    let concept = |i: usize| {
        serde_json::json!({
            "index": i, "id": format!("SITE:c{i:02}"), "name": name, "kind": "feature",
            "namespace": null, "level": "residue", "parents": [], "proteins": 1,
            "residues": 1, "information_content": 0.0,
        })
    };
    let axioms: serde_json::Value = serde_json::from_str(axioms).unwrap();
    serde_json::json!({
        "format": "concepts/1", "ontology": null,
        "concepts": (0..synthetic::CONCEPTS).map(concept).collect::<Vec<_>>(),
        "zero_classes": [], "relations": [],
        "axioms": {"nf1": axioms, "nf2": [], "nf3": [], "nf4": [], "disjoint": []},
    })
    .to_string()
}

#[test]
fn a_checkpoint_of_other_inputs_is_refused() {
    let bench = Bench::of(synthetic::make(30));
    fs::write(bench.path("concepts.json"), concepts("", "[[0, 1]]")).unwrap();
    let settings = [&EVERY[..], &["--epochs", "1000"]].concat();
    bench.kill_after(9, "m", &settings);
    let again = [&settings[..], &["--resume"]].concat();
    let refused = |what: &str, options: &[&str]| {
        let out = bench.run(&["all.arrow"], "m", options);
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(3), "{what}: {stderr}");
        assert!(
            stderr.contains(&format!("{what} was ")) && stderr.contains(", now "),
            "{what}: {stderr}"
        );
    };
    let with = |file: &str, content: &[u8], what: &str| {
        let before = fs::read(bench.path(file)).unwrap();
        fs::write(bench.path(file), content).unwrap();
        refused(what, &again);
        fs::write(bench.path(file), before).unwrap();
    };
    // as many labels of the same proteins, elsewhere
    let mut other = synthetic::make(30);
    for label in &mut other.labels {
        label.start = label.start.map(|s| if s == 1 { 2 } else { s - 1 });
        label.end = label.start;
    }
    other.write_labels(&bench.path("other.arrow"));
    let labels = fs::read(bench.path("other.arrow")).unwrap();
    with("labels.arrow", &labels, "labels");
    with(
        "concepts.json",
        concepts("x", "[[0, 1]]").as_bytes(),
        "concepts",
    );
    with(
        "concepts.json",
        concepts("", "[[1, 0]]").as_bytes(),
        "axioms",
    );
    let split = fs::read_to_string(bench.path("split.tsv")).unwrap();
    let moved = split.replacen("\tvalid", "\ttest", 1);
    with("split.tsv", moved.as_bytes(), "validation proteins");
    let moved = split.replacen("\ttrain", "\ttest", 1);
    with("split.tsv", moved.as_bytes(), "training proteins");
    // the same proteins and shapes, of other numbers
    let mut other = synthetic::make(30);
    other.proteins[1].1[5] += 1.0;
    let all: Vec<usize> = (0..30).collect();
    other.write_activations(&bench.path("other.arrow"), &all, Container::File);
    let table = fs::read(bench.path("other.arrow")).unwrap();
    with("all.arrow", &table, "activations");
    refused("training.seed", &[&again[..], &["--seed", "1"]].concat());
    refused("objective.variant.k", &[&again[..], &["--k", "7"]].concat());
    refused("models", &[&again[..], &["--grid", "k=5,6"]].concat());
    // with what it was begun with, it goes on
    let settings = [&again[..], &["--max-steps", "1000000"]].concat();
    refused("training.max_steps", &settings);
}

/// Whatever the step of the last checkpoint, of an epoch's end too, nothing shows in the folder.
#[test]
fn every_file_of_a_resumed_run_is_that_of_an_uninterrupted_one() {
    let bench = Bench::of(synthetic::make(30));
    fs::write(bench.path("concepts.json"), concepts("", "[[0, 1]]")).unwrap();
    let base = ["--split", "split.tsv", "--epochs", "40", "--tensorboard"];
    let base = [&base[..], &["--aux-k", "4", "--dead-after", "300"]].concat();
    bench.train(&["all.arrow"], "whole", &base);
    for (name, every, least) in [("a", "1", 7), ("b", "7", 20), ("c", "9", 18)] {
        let settings = [&base[..], &["--checkpoint-every", every]].concat();
        bench.kill_after(least, name, &settings);
        let out = bench.run(
            &["all.arrow"],
            name,
            &[&settings[..], &["--resume"]].concat(),
        );
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{stderr}");
        assert!(stderr.contains("going on from step"), "{stderr}");
        bench.assert_same_files("whole", name);
    }
}
