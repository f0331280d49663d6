//! One maximum a latent, the model's, wherever thresholds are shares of it.

use crate::{
    arguments,
    fixture::{Fixture, run, succeed},
};
use protsae::{
    cli::Source,
    table::{
        Container,
        features::{FeatureReader, FeatureWriter, ResidueFeatures},
    },
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The dictionary of a feature table.
fn interpret(table: &Path, dictionary: &Path) -> Value {
    interpret_by(&Fixture::get().path("model"), table, dictionary)
}

fn interpret_by(model: &Path, table: &Path, dictionary: &Path) -> Value {
    let fixture = Fixture::get();
    let all = arguments![
        "-i",
        table,
        "-m",
        model,
        "--labels",
        fixture.path("labels.arrow"),
        "--concepts",
        fixture.path("concepts.json"),
        "--split",
        fixture.path("split.tsv"),
        "-o",
        dictionary
    ];
    succeed("protsae-interpret", &all);
    serde_json::from_slice(&fs::read(dictionary).unwrap()).unwrap()
}

/// The part of each protein.
fn parts() -> BTreeMap<String, String> {
    let text = fs::read_to_string(Fixture::get().path("split.tsv")).unwrap();
    let rows = text.lines().skip(1).filter_map(|l| l.split_once('\t'));
    rows.map(|(protein, part)| (protein.to_owned(), part.to_owned()))
        .collect()
}

/// The features of the fixture with some proteins left out, and the activations of others multiplied.
fn features(path: &Path, keep: impl Fn(&str) -> bool, factor: impl Fn(&str) -> f32) {
    let source = Source::File(Fixture::get().path("proteins.features.arrow"));
    let reader = FeatureReader::new(source.open_table().unwrap()).unwrap();
    let mut writer =
        FeatureWriter::new(Vec::new(), Container::File, &reader.info().clone()).unwrap();
    for batch in reader {
        let batch = batch.unwrap();
        let columns = batch.columns().unwrap();
        for row in (0..batch.rows()).filter(|&row| keep(batch.protein(row))) {
            let protein = batch.protein(row);
            let of = factor(protein);
            let activations: Vec<f32> =
                columns.activation.row(row).iter().map(|z| z * of).collect();
            let residue = ResidueFeatures {
                position: columns.position[row],
                residue: b'A',
                latents: columns.latent.row(row),
                activations: &activations,
                concepts: columns.concept.row(row),
                probabilities: columns.probability.row(row),
            };
            writer.push(protein, residue).unwrap();
        }
    }
    fs::write(path, writer.finish().unwrap()).unwrap();
}

fn annotate(more: &[String]) -> Vec<u8> {
    let table = Fixture::get().path("proteins.features.arrow");
    let mut all = arguments!["-i", table, "-o", "-", "--format", "tsv"];
    all.extend_from_slice(more);
    succeed("protsae-annotate", &all).stdout
}

/// A dictionary of the whole table, in a folder of its own.
fn whole() -> (tempfile::TempDir, PathBuf, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dictionary.json");
    let content = interpret(&Fixture::get().path("proteins.features.arrow"), &path);
    (folder, path, content)
}

#[test]
fn ranges_are_the_same_with_the_model_and_with_its_dictionary_alone() {
    let (_folder, dictionary, _) = whole();
    for latents in ["defined", "named", "all"] {
        let alone = annotate(&arguments![
            "--dictionary",
            dictionary,
            "--latents",
            latents
        ]);
        let model = Fixture::get().path("model");
        let both = annotate(&arguments![
            "--dictionary",
            dictionary,
            "-m",
            model,
            "--latents",
            latents
        ]);
        assert!(alone == both && alone.len() > 100, "{latents}");
    }
}

/// What a latent is called and when it counts, which training and validation decide.
fn chosen(dictionary: &Value) -> Vec<Value> {
    let keys = ["concept", "status", "q_value", "threshold", "maximum"];
    let entries = dictionary["latents"].as_array().unwrap().iter();
    entries
        .map(|e| keys.iter().map(|k| e[*k].clone()).collect())
        .collect()
}

#[test]
fn stronger_test_proteins_move_neither_maxima_nor_thresholds() {
    let (folder, _, before) = whole();
    let table = folder.path().join("stronger.arrow");
    let parts = parts();
    let factor = |protein: &str| if parts[protein] == "test" { 8.0 } else { 1.0 };
    features(&table, |_| true, factor);
    let after = interpret(&table, &folder.path().join("stronger.json"));
    assert_eq!(chosen(&before), chosen(&after));
}

#[test]
fn a_table_without_the_training_proteins_gives_the_same_scores() {
    let (folder, _, before) = whole();
    let table = folder.path().join("held_out.arrow");
    let parts = parts();
    features(&table, |protein| parts[protein] != "train", |_| 1.0);
    let after = interpret(&table, &folder.path().join("held_out.json"));
    assert_eq!(chosen(&before), chosen(&after));
    let scores = |dictionary: &Value| -> Vec<Value> {
        let entries = dictionary["latents"].as_array().unwrap().iter();
        entries
            .map(|e| {
                ["f1", "auroc", "support"]
                    .iter()
                    .map(|k| e[*k].clone())
                    .collect()
            })
            .collect()
    };
    assert_eq!(scores(&before), scores(&after));
}

#[test]
fn a_dictionary_of_other_maxima_is_refused() {
    let (folder, _, mut content) = whole();
    let fixture = Fixture::get();
    content["latents"][3]["maximum"] = 1234.5.into();
    let other = folder.path().join("other.json");
    fs::write(&other, content.to_string()).unwrap();
    let all = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "-m",
        fixture.path("model"),
        "--dictionary",
        other,
        "--format",
        "tsv"
    ];
    let output = run("protsae-annotate", &all);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("latent 3") && stderr.contains("1234.5"),
        "{stderr}"
    );
}

#[test]
fn concepts_of_another_order_than_the_models_are_refused() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let concepts = fs::read(fixture.path("concepts.json")).unwrap();
    let mut concepts: Value = serde_json::from_slice(&concepts).unwrap();
    let list = concepts["concepts"].as_array_mut().unwrap();
    let (first, second) = (list[0]["id"].clone(), list[1]["id"].clone());
    list[0]["id"] = second.clone();
    list[1]["id"] = first.clone();
    let other = folder.path().join("concepts.json");
    fs::write(&other, concepts.to_string()).unwrap();
    for (tool, table) in [
        ("protsae-interpret", "proteins.features.arrow"),
        ("protsae-evaluate", "proteins.activations.arrow"),
    ] {
        let all = arguments![
            "-i",
            fixture.path(table),
            "-m",
            fixture.path("model"),
            "--labels",
            fixture.path("labels.arrow"),
            "--concepts",
            other
        ];
        let output = run(tool, &all);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{tool}: {stderr}");
        for id in [&first, &second] {
            assert!(stderr.contains(id.as_str().unwrap()), "{tool}: {stderr}");
        }
    }
}

/// The fixture's model as one that was converted from a checkpoint without maxima.
fn without_maxima(folder: &Path) -> PathBuf {
    let (from, to) = (Fixture::get().path("model"), folder.join("converted"));
    fs::create_dir(&to).unwrap();
    for file in ["model.safetensors", "concepts.json"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let config = fs::read_to_string(from.join("config.yaml")).unwrap();
    let said = "conversion:\n  family: interprot\n  sha256: '00'\n  assumed_maxima: true\n";
    fs::write(to.join("config.yaml"), config + said).unwrap();
    to
}

#[test]
fn a_model_without_maxima_is_read_by_those_of_the_training_proteins() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let model = without_maxima(folder.path());
    let (parts, table) = (parts(), folder.path().join("stronger.arrow"));
    let factor = |protein: &str| if parts[protein] == "test" { 8.0 } else { 1.0 };
    features(&table, |_| true, factor);
    let dictionary = folder.path().join("dictionary.json");
    let plain = fixture.path("proteins.features.arrow");
    let before = interpret_by(&model, &plain, &dictionary);
    let after = interpret_by(&model, &table, &folder.path().join("stronger.json"));
    assert_eq!(chosen(&before), chosen(&after));
    // the dictionary has what the model has not
    let alone = annotate(&arguments!["--dictionary", dictionary, "--latents", "all"]);
    let both = annotate(&arguments![
        "--dictionary",
        dictionary,
        "-m",
        model,
        "--latents",
        "all"
    ]);
    assert!(alone == both && alone.len() > 100);
    let evaluate = |model: &Path| {
        let all = arguments![
            "-i",
            fixture.path("proteins.activations.arrow"),
            "-m",
            model,
            "--labels",
            fixture.path("labels.arrow"),
            "--split",
            fixture.path("split.tsv"),
            "-o",
            "-"
        ];
        succeed("protsae-evaluate", &all)
    };
    // this model knew them once, and they are the same
    let (with, without) = (evaluate(&fixture.path("model")), evaluate(&model));
    assert!(with.stdout == without.stdout);
    let stderr = String::from_utf8_lossy(&without.stderr);
    assert!(stderr.contains("does not know the maxima"), "{stderr}");
}
