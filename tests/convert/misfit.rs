//! `protsae-encode --check-fvu`: a model that is given the activations of another layer is told of.

use crate::{converted, data, run, text};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Proteins of the example that are enough to learn a layer, and few enough to be quick.
const PROTEINS: usize = 90;

/// Activations of layers 1 and 3, and a model of layer 3 that does not know of which layer it is.
struct Fixture {
    root: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self {
            root: tempfile::tempdir().unwrap(),
        };
        let fasta = fs::read_to_string(data("example/proteins.fasta")).unwrap();
        let records = fasta.split('>').skip(1).take(PROTEINS + 2);
        let records: Vec<String> = records.map(|record| format!(">{record}")).collect();
        let [proteins, labels, concepts, table] =
            ["p.fasta", "labels.arrow", "concepts.json", "layer3.arrow"].map(|n| fixture.path(n));
        let (many, few) = records.split_at(PROTEINS);
        fs::write(&proteins, many.concat()).unwrap();
        fs::write(fixture.path("few.fasta"), few.concat()).unwrap();
        let plm = data("mini_esm2");
        for (input, pattern) in [
            ("p.fasta", "layer{layer}.arrow"),
            ("few.fasta", "few{layer}.arrow"),
        ] {
            let (input, pattern) = (fixture.path(input), fixture.path(pattern));
            let arguments = [
                "-i",
                text(&input),
                "-m",
                text(&plm),
                "--layer",
                "1,3",
                "-o",
                text(&pattern),
            ];
            run(env!("CARGO_BIN_EXE_protsae-embed"), &arguments);
        }
        let features = data("example/features.csv");
        let arguments = [
            "--annotations",
            text(&features),
            "--sequences",
            text(&proteins),
            "--min-count",
            "1",
            "--kinds",
            "feature",
            "--concepts",
            text(&concepts),
            "-o",
            text(&labels),
        ];
        run(env!("CARGO_BIN_EXE_protsae-concepts"), &arguments);
        let model = fixture.path("model");
        let settings = [
            "--variant",
            "topk",
            "--latents",
            "256",
            "--k",
            "16",
            "--epochs",
            "6",
            "-q",
        ];
        let files = [
            "-i",
            text(&table),
            "--labels",
            text(&labels),
            "-o",
            text(&model),
        ];
        run(
            env!("CARGO_BIN_EXE_protsae-train"),
            &[&files[..], &settings].concat(),
        );
        forget_plm(&model);
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Encodes a table; its exit status, and what it says.
    fn encode(
        &self,
        model: &str,
        table: &str,
        output: &str,
        more: &[&str],
    ) -> (Option<i32>, String) {
        let [model, table, output] = [model, table, output].map(|name| self.path(name));
        let encoded = Command::new(env!("CARGO_BIN_EXE_protsae-encode"))
            .args(["-i", text(&table), "-m", text(&model), "-o", text(&output)])
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&encoded.stderr).into_owned();
        (encoded.status.code(), said)
    }
}

/// Takes from a model what it knows of its PLM, so that tables of every layer are taken by their width.
fn forget_plm(model: &Path) {
    let path = model.join("config.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let mut within = false;
    let kept = text.lines().filter(|line| {
        within = *line == "plm:" || (within && line.starts_with(' '));
        !within
    });
    let kept = kept.fold(String::from("plm: null\n"), |all, line| all + line + "\n");
    assert!(kept.len() + 100 < text.len(), "{text}");
    fs::write(&path, kept).unwrap();
}

/// What was measured of the tables of a run.
fn measured(path: &Path) -> Vec<Value> {
    let counts: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    counts["counts"]["fvu"].as_array().unwrap().clone()
}

#[test]
fn another_layer_does_not_pass_in_silence() {
    let fixture = Fixture::new();
    let counts = fixture.path("counts.json");
    let metrics = ["--metrics", text(&counts)];
    // the layer that it was trained on: nothing is said, and the FVU is about that of training
    let (status, said) = fixture.encode("model", "layer3.arrow", "right.arrow", &metrics);
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("FVU"), "{said}");
    let right = &measured(&counts)[0];
    let of = |measured: &Value, key: &str| measured[key].as_f64().unwrap();
    assert_eq!(right["rows"], 4096);
    let ratio = of(right, "fvu") / of(right, "reached");
    assert!((0.7..1.3).contains(&ratio), "{right}");
    let (status, said) = fixture.encode(
        "model",
        "layer3.arrow",
        "strict.arrow",
        &["--check-fvu", "error"],
    );
    assert_eq!(status, Some(0), "{said}");

    // another one, in all three settings
    let (status, said) = fixture.encode("model", "layer1.arrow", "warn.arrow", &metrics);
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("warning") && said.contains("layer 1 at site residual"),
        "{said}"
    );
    let wrong = &measured(&counts)[0];
    for key in ["fvu", "reached", "limit"] {
        let number = format!("{:.4}", of(wrong, key));
        assert!(said.contains(&number), "{key} {number}: {said}");
    }
    assert!(of(wrong, "fvu") > 2.0 * of(wrong, "reached"), "{wrong}");
    let (status, said) = fixture.encode(
        "model",
        "layer1.arrow",
        "error.arrow",
        &["--check-fvu", "error"],
    );
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("error") && said.contains("above"), "{said}");
    assert!(!fixture.path("error.arrow").exists());
    let (status, said) = fixture.encode(
        "model",
        "layer1.arrow",
        "off.arrow",
        &["--check-fvu", "off"],
    );
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("FVU"), "{said}");
    // what is looked at changes no byte
    let bytes = |name: &str| fs::read(fixture.path(name)).unwrap();
    assert!(bytes("warn.arrow") == bytes("off.arrow"));
    assert!(bytes("right.arrow") == bytes("strict.arrow"));

    every_table_is_judged_and_small_ones_with_more_patience(&fixture, text(&counts));
    without_a_record_only_what_is_worse_than_the_mean_is_told(&fixture);
    a_converted_model_is_held_to_what_it_was_checked_on(&fixture);
}

fn every_table_is_judged_and_small_ones_with_more_patience(fixture: &Fixture, counts: &str) {
    let second = fixture.path("few1.arrow");
    let more = ["--metrics", counts, "-i", text(&second)];
    let (status, said) = fixture.encode("model", "layer3.arrow", "both.arrow", &more);
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("few1.arrow: FVU") && !said.contains("layer3.arrow: FVU"),
        "{said}"
    );
    assert_eq!(measured(Path::new(counts)).len(), 2);
    let (status, said) = fixture.encode("model", "few3.arrow", "few.arrow", &["--metrics", counts]);
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("FVU"), "{said}");
    let few = &measured(Path::new(counts))[0];
    let (rows, limit) = (
        few["rows"].as_u64().unwrap(),
        few["limit"].as_f64().unwrap(),
    );
    let whole = 1.5 * few["reached"].as_f64().unwrap();
    assert!((100..1000).contains(&rows) && limit > whole, "{few}");
}

fn without_a_record_only_what_is_worse_than_the_mean_is_told(fixture: &Fixture) {
    let summary = fixture.path("model/summary.json");
    let text = fs::read(&summary).unwrap();
    fs::write(&summary, &text[..text.len() / 2]).unwrap();
    let (status, said) = fixture.encode("model", "layer3.arrow", "x.arrow", &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("summary.json"), "{said}");
    fs::remove_file(&summary).unwrap();
    let (status, said) = fixture.encode(
        "model",
        "layer1.arrow",
        "x.arrow",
        &["--check-fvu", "error"],
    );
    assert_eq!(status, Some(0), "a wrong layer with an FVU below 1: {said}");
    // a model of activations of a hundredth of the size
    let config = fixture.path("model/config.yaml");
    let yaml = fs::read_to_string(&config).unwrap();
    let scale = yaml
        .lines()
        .find(|line| line.starts_with("input_scale: "))
        .unwrap();
    let number: f64 = scale["input_scale: ".len()..].parse().unwrap();
    fs::write(
        &config,
        yaml.replace(scale, &format!("input_scale: {}", number / 100.0)),
    )
    .unwrap();
    let (status, said) = fixture.encode(
        "model",
        "layer3.arrow",
        "x.arrow",
        &["--check-fvu", "error"],
    );
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("nothing is recorded"), "{said}");
    fs::write(&config, yaml).unwrap();
    fs::write(&summary, text).unwrap();
}

fn a_converted_model_is_held_to_what_it_was_checked_on(fixture: &Fixture) {
    let [model, other, table, converted_model] =
        ["model", "saelens", "layer3.arrow", "converted"].map(|name| fixture.path(name));
    converted(&["-i", text(&model), "--to", "saelens", "-o", text(&other)]);
    converted(&[
        "-i",
        text(&other),
        "-o",
        text(&converted_model),
        "--check",
        text(&table),
    ]);
    let config = fs::read_to_string(converted_model.join("config.yaml")).unwrap();
    assert!(config.contains("reached:"), "{config}");
    forget_plm(&converted_model);
    let strict = ["--check-fvu", "error"];
    let (status, said) = fixture.encode("converted", "layer3.arrow", "x.arrow", &strict);
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = fixture.encode("converted", "layer1.arrow", "x.arrow", &strict);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("its model reached"), "{said}");
}
