//! The schemas in `schemas/` are those of the code, and real files follow them.

use crate::{
    arguments,
    fixture::{Fixture, succeed},
};
use std::{fs, path::Path};

#[test]
fn the_folder_holds_the_schemas_of_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let list = String::from_utf8(succeed("protsae-schema", &arguments!["list"]).stdout).unwrap();
    let mut expected = Vec::new();
    for name in list.lines() {
        let file = format!("{name}.schema.json");
        let schema = succeed("protsae-schema", &arguments!["show", name]).stdout;
        let path = folder.join(&file);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &schema).unwrap();
        }
        let kept = fs::read(&path).unwrap_or_default();
        assert!(
            kept == schema,
            "{file} is not what the code says; UPDATE_GOLDEN=1 cargo test --release --test cli renews it"
        );
        expected.push(file);
    }
    let mut kept: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".schema.json"))
        .collect();
    kept.sort();
    expected.sort();
    assert_eq!(kept, expected);
}

#[test]
fn every_file_of_a_run_is_what_it_claims_to_be() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let metrics = folder.path().join("metrics.json");
    let evaluate = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "--labels",
        fixture.path("labels.arrow"),
        "-o",
        metrics
    ];
    succeed("protsae-evaluate", &evaluate);
    let files = arguments![
        fixture.path("concepts.json"),
        fixture.path("labels.arrow"),
        fixture.path("proteins.activations.arrow"),
        fixture.path("proteins.features.arrow"),
        fixture.path("model/config.yaml"),
        fixture.path("model/concepts.json"),
        fixture.path("model/summary.json"),
        metrics
    ];
    let mut all = arguments!["check"];
    all.extend(files);
    let checked = String::from_utf8(succeed("protsae-schema", &all).stdout).unwrap();
    for format in [
        "concepts/1",
        "labels/1",
        "activations/1",
        "features/1",
        "model/1",
        "metrics/1",
    ] {
        assert!(checked.contains(format), "{format} in {checked}");
    }
}
