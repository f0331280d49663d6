//! The suite `function` of protsae-evaluate: what both evaluators of the field say of the same files.

use crate::{
    arguments,
    fixture::{Fixture, example, run, succeed},
    shared::shared,
};
use protsae::score::{
    function::result::{Cell, Knowledge},
    metrics::Metrics,
};
use std::{collections::BTreeMap, fs, path::Path};

/// How far scores may be from those of the evaluators.
const TOLERANCE: f64 = 1e-6;

fn cells(arguments: &[String]) -> Vec<Cell> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.json");
    let mut all = arguments!["--suite", "function", "-o", path];
    all.extend_from_slice(arguments);
    succeed("protsae-evaluate", &all);
    succeed("protsae-schema", &arguments!["check", path]);
    let metrics: Metrics = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    metrics.function.unwrap().cells
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() < TOLERANCE
}

/// The toy's options: two files of predictions.
fn toy(folder: &Path) -> Vec<String> {
    arguments![
        "--predictions",
        folder.join("predictions/model_a.tsv"),
        "--predictions",
        folder.join("predictions/model_b.tsv"),
        "--truth",
        folder.join("ground_truth.tsv"),
        "--ontology",
        folder.join("toy.obo")
    ]
}

#[test]
fn the_toy_has_the_scores_of_deepgos_evaluator() {
    let Some(folder) = shared("vectors/cafaeval") else {
        return;
    };
    let inbox = tempfile::tempdir().unwrap();
    let training = inbox.path().join("training.tsv");
    // the most specific terms of the training proteins of the vectors
    let text = "T1\tGO:0000106\nT2\tGO:0000103\nT3\tGO:0000104\nT4\tGO:0000102\nT5\tGO:0000101\n";
    fs::write(&training, text).unwrap();
    let mut all = toy(&folder);
    all.extend(arguments![
        "--relations",
        "all",
        "--training",
        training,
        "--bootstrap",
        "20"
    ]);
    let found = cells(&all);
    let saved = fs::read(folder.join("deepgo2_metrics.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_slice(&saved).unwrap();
    for method in ["model_a", "model_b"] {
        let of = |c: &&Cell| c.method == method && c.aspect == "biological_process";
        let cell = found.iter().find(of).unwrap();
        let expected = |group: &str, key: &str| saved[method][group][key].as_f64().unwrap();
        assert!(
            close(cell.f_max.unwrap().value, expected("result", "fmax")),
            "{cell:?}"
        );
        assert!(
            close(cell.f_max.unwrap().threshold, expected("result", "tmax")),
            "{cell:?}"
        );
        assert!(
            close(cell.s_min.unwrap().value, expected("result", "smin")),
            "{cell:?}"
        );
        assert!(
            close(cell.auc.unwrap(), expected("result", "avg_auc")),
            "{cell:?}"
        );
        let aupr = expected("extra", "aupr_stable_t_ascending");
        assert!(close(cell.aupr.unwrap(), aupr), "{cell:?}");
        let [low, high] = cell.f_max.unwrap().interval.unwrap();
        assert!(low <= cell.f_max.unwrap().value && cell.f_max.unwrap().value <= high);
    }
    assert!(found.iter().any(|c| c.method == "naive"));
}

#[test]
fn the_toy_has_the_curves_of_cafa_evaluator() {
    let Some(folder) = shared("vectors/cafaeval") else {
        return;
    };
    let inbox = tempfile::tempdir().unwrap();
    let curves = inbox.path().join("curves.tsv");
    for (saved, options) in [
        ("results_default", &[][..]),
        ("results_no_orphans", &["--no-orphans"]),
        (
            "results_fill_pred",
            &["--no-orphans", "--prop", "fill", "--norm", "pred"],
        ),
    ] {
        let mut all = toy(&folder);
        all.extend(arguments![
            "--evaluator",
            "cafa",
            "--information-accretion",
            folder.join("IA.txt"),
            "--bootstrap",
            "0",
            "--curves",
            curves
        ]);
        all.extend(options.iter().map(|&o| o.to_owned()));
        cells(&all);
        succeed("protsae-schema", &arguments!["check", curves]);
        let ours = rows(&fs::read_to_string(&curves).unwrap(), |r| {
            (
                r["method"].clone(),
                r["threshold"][..].parse::<f64>().unwrap(),
            )
        });
        let theirs = fs::read_to_string(folder.join(saved).join("evaluation_all.tsv")).unwrap();
        let theirs = rows(&theirs, |r| {
            (
                r["filename"].trim_end_matches(".tsv").to_owned(),
                r["tau"].parse::<f64>().unwrap(),
            )
        });
        let mut compared = 0;
        for ((method, threshold), row) in &theirs {
            let same = |(m, t): &&(String, f64)| m == method && (t - threshold).abs() < 1e-9;
            let own = &ours[ours.keys().find(same).unwrap()];
            for (column, name) in [
                ("n", "predicted"),
                ("tp", "true_positives"),
                ("mi", "misinformation"),
                ("ru", "remaining_uncertainty"),
                ("pr", "precision"),
                ("rc", "recall"),
                ("f", "f"),
                ("s", "s"),
                ("pr_micro", "precision_micro"),
                ("cov", "coverage"),
            ] {
                for (theirs, own_name) in [
                    (column.to_owned(), name.to_owned()),
                    (format!("{column}_w"), format!("{name}_weighted")),
                ] {
                    let (a, b) = (number(&row[&theirs]), number(&own[&own_name]));
                    // the saved table has three decimal places
                    assert!(
                        (a - b).abs() < 5.01e-4,
                        "{saved} {method} {threshold} {theirs}: {a} {b}"
                    );
                    compared += 1;
                }
            }
        }
        assert!(compared > 1000, "{compared}");
    }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

type Row = BTreeMap<String, String>;

/// Rows of a table with a header, by a key; numbers as keys are ordered by their text.
fn rows<K>(text: &str, key: impl Fn(&Row) -> K) -> Keyed<K> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let row = |line: &str| -> Row {
        let fields = line.split('\t').map(str::to_owned);
        header.iter().map(|&h| h.to_owned()).zip(fields).collect()
    };
    Keyed(lines.map(row).map(|row| (key(&row), row)).collect())
}

struct Keyed<K>(Vec<(K, Row)>);

impl<K: PartialEq> Keyed<K> {
    fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }
}

impl<K: PartialEq> std::ops::Index<&K> for Keyed<K> {
    type Output = Row;

    fn index(&self, key: &K) -> &Row {
        &self.0.iter().find(|(k, _)| k == key).unwrap().1
    }
}

impl<'a, K> IntoIterator for &'a Keyed<K> {
    type Item = (&'a K, &'a Row);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        let pairs: Vec<Self::Item> = self.0.iter().map(|(k, r)| (k, r)).collect();
        pairs.into_iter()
    }
}

/// An ontology of two aspects, with files of predictions about three proteins.
fn made(folder: &Path) -> Vec<String> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let obo = "format-version: 1.2\nontology: toy\n\n[Term]\nid: GO:1\nname: root\nnamespace: biological_process\n\n\
        [Term]\nid: GO:2\nname: a\nnamespace: biological_process\nis_a: GO:1\n\n\
        [Term]\nid: GO:3\nname: b\nnamespace: biological_process\nis_a: GO:2\n\n\
        [Term]\nid: GO:4\nname: other root\nnamespace: molecular_function\n\n\
        [Term]\nid: GO:5\nname: c\nnamespace: molecular_function\nis_a: GO:4\n";
    arguments![
        "--ontology",
        write("go.obo", obo),
        "--truth",
        write("truth.tsv", "P1\tGO:3\nP2\tGO:3\nP3\tGO:2\nP1\tGO:5\n"),
        "--predictions",
        write(
            "mine.tsv",
            "P1\tGO:3\t0.9\nP2\tGO:2\t0.6\nP3\tGO:3\t0.2\nP9\tGO:3\t1\n"
        ),
        "--bootstrap",
        "0"
    ]
}

#[test]
fn proteins_of_each_kind_of_knowledge_have_scores_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let known = folder.path().join("known.tsv");
    fs::write(&known, "P2\tGO:2\nP3\tGO:5\n").unwrap();
    let mut all = made(folder.path());
    all.extend(arguments!["--evaluator", "cafa", "--known", known]);
    let found = cells(&all);
    let cell = |kind| {
        let of = |c: &&Cell| c.aspect == "biological_process" && c.knowledge == kind;
        found.iter().find(of).unwrap()
    };
    // P1 was unknown, P3 known in the other aspect, and of P2 only GO:3 is left to find, which is not predicted
    assert_eq!(cell(Some(Knowledge::None)).f_max.unwrap().value, 1.0);
    assert_eq!(cell(Some(Knowledge::Limited)).f_max.unwrap().recall, 1.0);
    let partial = cell(Some(Knowledge::Partial));
    assert_eq!((partial.proteins, partial.f_max), (1, None));
    assert_eq!(
        partial.reason.as_deref(),
        Some("no protein has a prediction")
    );
    assert_eq!(cell(None).proteins, 3);
}

#[test]
fn options_of_one_evaluator_are_no_options_of_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |more: &[String], words: &str| {
        let mut all = made(folder.path());
        all.extend_from_slice(more);
        let output = run("protsae-evaluate", &all);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    };
    refuse(
        &arguments!["--suite", "function", "--no-orphans"],
        "--evaluator cafa",
    );
    refuse(&arguments![], "--suite function");
    refuse(&arguments!["--suite", "function", "-m", "model"], "--model");
}

#[test]
fn a_bad_prediction_is_named_by_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let all = made(folder.path());
    fs::write(
        folder.path().join("mine.tsv"),
        "P1\tGO:3\t0.9\nP2\tGO:2\tbig\n",
    )
    .unwrap();
    let mut all = all;
    all.extend(arguments!["--suite", "function"]);
    let output = run("protsae-evaluate", &all);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("mine.tsv: line 2") && stderr.contains("big"),
        "{stderr}"
    );
}

#[test]
fn a_model_and_its_baselines_stand_side_by_side() {
    let fixture = Fixture::get();
    let model = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "--labels",
        fixture.path("labels.arrow"),
        "--split",
        fixture.path("split.tsv"),
        "--clusters",
        example("clusters.tsv"),
        "--bootstrap",
        "10"
    ];
    let found = cells(&model);
    let mut methods: Vec<&str> = found.iter().map(|c| c.method.as_str()).collect();
    methods.dedup();
    methods.sort_unstable();
    methods.dedup();
    let all = [
        "best-latent",
        "latent-probe",
        "linear-probe",
        "logit",
        "naive",
        "neighbours",
        "pi",
    ];
    assert_eq!(methods, all);
    for cell in &found {
        assert!(cell.f_max.is_some() || cell.reason.is_some(), "{cell:?}");
        assert!(
            cell.f_max
                .is_none_or(|best| (0.0..=1.0).contains(&best.value))
        );
    }
    let mut asked = model.clone();
    asked.extend(arguments![
        "--methods",
        "pi,naive",
        "--ontology",
        example("go_mini.obo")
    ]);
    let with_ontology = cells(&asked);
    assert!(
        with_ontology
            .iter()
            .all(|c| ["pi", "naive"].contains(&c.method.as_str()))
    );
    let shards = arguments![
        "-i",
        fixture.path("shard1.activations.arrow"),
        "-i",
        fixture.path("shard0.activations.arrow")
    ];
    let other_order = [&shards[..], &model[2..]].concat();
    assert_eq!(cells(&other_order), found);
}
