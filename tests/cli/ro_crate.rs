//! Results and the steps that made them, as an RO-Crate.

use crate::{
    arguments,
    fixture::{Fixture, plm, run, succeed},
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A folder of results with odd names, and the provenance of what made them.
struct Results {
    folder: TempDir,
}

impl Results {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn root(&self) -> PathBuf {
        self.path("results")
    }

    /// Embeds, encodes and annotates; tables stay outside of the results, which link to the model.
    fn new() -> Self {
        let results = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let fixture = Fixture::get();
        let path = |name: &str| results.path(name);
        fs::create_dir_all(path("results/x y+ü/.hidden")).unwrap();
        fs::create_dir_all(path("results/provenance")).unwrap();
        fs::create_dir_all(path("results/model.checkpoints")).unwrap();
        fs::write(path("results/model.checkpoints/step"), "").unwrap();
        fs::write(path("results/x y+ü/.hidden/secret"), "").unwrap();
        symlink(fixture.path("model"), path("results/model")).unwrap();
        symlink(path("results"), path("results/x y+ü/round")).unwrap();
        symlink(path("nothing"), path("results/dangling")).unwrap();
        let input = fixture.path("proteins.fasta");
        let activations = path("a.arrow");
        let features = path("f.arrow");
        let model = fixture.path("model");
        let gff3 = path("results/x y+ü/annotations.gff3");
        let steps = [
            (
                "embed",
                arguments!["-i", input, "-m", plm(), "--for", model, "-o", activations],
            ),
            (
                "encode",
                arguments!["-i", activations, "-m", model, "-o", features],
            ),
            (
                "annotate",
                arguments!["-i", features, "-m", model, "-o", gff3],
            ),
        ];
        for (step, mut all) in steps {
            let provenance = path(&format!("results/provenance/{step}.json"));
            all.extend(arguments!["--provenance", provenance]);
            succeed(&format!("protsae-{step}"), &all);
        }
        let train = path("results/provenance/train.json");
        fs::copy(fixture.path("train.provenance.json"), train).unwrap();
        results
    }

    fn provenance(&self) -> Vec<String> {
        let steps = ["annotate", "train", "embed", "encode"];
        let files = steps.map(|step| self.path(&format!("results/provenance/{step}.json")));
        files
            .iter()
            .flat_map(|file| arguments!["-i", file])
            .collect()
    }

    fn describe(&self, more: &[String]) -> Value {
        let mut all = self.provenance();
        all.extend(arguments!["--root", self.root()]);
        all.extend_from_slice(more);
        succeed("protsae-crate", &all);
        let text = fs::read(self.path("results/ro-crate-metadata.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

fn entity<'a>(document: &'a Value, key: &str, value: &str) -> &'a Value {
    let graph = document["@graph"].as_array().unwrap();
    let found = graph.iter().find(|entity| entity[key] == value);
    found.unwrap_or_else(|| panic!("no {key} {value} in {document:#}"))
}

/// The run of an executable; its software has the same name.
fn run_of<'a>(document: &'a Value, tool: &str) -> &'a Value {
    let graph = document["@graph"].as_array().unwrap();
    let is_run = |entity: &&Value| entity["@type"] == "CreateAction" && entity["name"] == tool;
    graph.iter().find(is_run).unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    // one alone is no list
    let alone = std::slice::from_ref(list);
    let items = list.as_array().map_or(alone, Vec::as_slice).iter();
    items.filter_map(|item| item["@id"].as_str()).collect()
}

#[test]
fn results_and_steps_are_described_and_matched_by_content() {
    let results = Results::new();
    let document = results.describe(&arguments!["--name", "Yeast", "--license", "CC0-1.0"]);
    let root = entity(&document, "@id", "./");
    assert_eq!(root["name"], "Yeast");
    let parts = ids(&root["hasPart"]);
    let annotations = "x%20y%2B%C3%BC/annotations.gff3";
    assert!(
        parts.contains(&"model/") && parts.contains(&annotations),
        "{parts:?}"
    );
    let listed = document.to_string();
    for left_out in [
        "secret",
        "checkpoints",
        "dangling",
        "round",
        "metadata.json/",
    ] {
        let graph = document["@graph"].as_array().unwrap().iter();
        let mut all = graph.filter_map(|entity| entity["@id"].as_str());
        assert!(!all.any(|id| id.contains(left_out)), "{left_out}: {listed}");
    }
    let file = entity(&document, "@id", annotations);
    let bytes = fs::read(results.path("results/x y+ü/annotations.gff3")).unwrap();
    assert_eq!(file["contentSize"], bytes.len().to_string());
    assert_eq!(file["encodingFormat"][0], "text/x-gff3");
    let annotate = run_of(&document, "protsae-annotate");
    assert_eq!(ids(&annotate["result"]), [annotations]);
    // features are not published: the step that made them and the one that read them name one entity
    let encode = run_of(&document, "protsae-encode");
    let features = ids(&encode["result"])[0];
    assert!(features.starts_with("#sha256-"), "{features}");
    assert!(ids(&annotate["object"]).contains(&features));
    assert!(ids(&annotate["object"]).contains(&"model/"));
    assert_eq!(entity(&document, "@id", features)["name"], "f.arrow");
    let train = run_of(&document, "protsae-train");
    assert_eq!(ids(&train["result"]), ["model/"]);
    assert_eq!(ids(&root["mentions"]).len(), 4);
    let last = annotate["endTime"].as_str().unwrap();
    assert_eq!(root["datePublished"], last);
}

#[test]
fn a_second_run_and_another_order_give_the_same_bytes() {
    let results = Results::new();
    results.describe(&[]);
    let target = results.path("results/ro-crate-metadata.json");
    let first = fs::read(&target).unwrap();
    let side = results.path("results/crate.json");
    for _ in 0..2 {
        results.describe(&arguments!["--provenance", side]);
        assert!(fs::read(&target).unwrap() == first);
    }
    let mut reversed = vec!["-i".to_owned()];
    let files = results.provenance().into_iter().filter(|a| a != "-i");
    reversed.extend(files.collect::<Vec<_>>().into_iter().rev());
    fs::remove_file(&side).unwrap();
    reversed.extend(arguments!["--root", results.root(), "-o", "-"]);
    assert!(succeed("protsae-crate", &reversed).stdout == first);
}

#[test]
fn a_workflow_is_the_main_entity() {
    let results = Results::new();
    let script = results.path("results/main.nf");
    fs::write(&script, "workflow {}\n").unwrap();
    let document = results.describe(&arguments!["--workflow", script]);
    let root = entity(&document, "@id", "./");
    assert_eq!(root["mainEntity"], json!({"@id": "main.nf"}));
    let main = entity(&document, "@id", "main.nf");
    assert_eq!(
        main["@type"],
        json!(["File", "SoftwareSourceCode", "ComputationalWorkflow"])
    );
    let whole = entity(&document, "name", "Run of main.nf");
    assert!(ids(&whole["result"]).contains(&"model/"));
    let elsewhere = results.path("Snakefile");
    fs::write(&elsewhere, "rule all:\n").unwrap();
    let mut all = results.provenance();
    all.extend(arguments![
        "--root",
        results.root(),
        "--workflow",
        elsewhere,
        "-o",
        "-"
    ]);
    let output = succeed("protsae-crate", &all);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("does not hold"), "{stderr}");
}

#[test]
fn what_is_no_provenance_and_what_would_be_lost_is_refused() {
    let results = Results::new();
    let refuse = |more: &[String], status: i32, named: &[&str]| {
        let output = run("protsae-crate", more);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{more:?}: {stderr}");
        for name in named {
            assert!(stderr.contains(name), "no {name}: {stderr}");
        }
        assert!(!results.path("results/ro-crate-metadata.json").exists());
    };
    let root = results.root();
    let bad = results.path("bad.json");
    let contents = [
        ("", 1),
        ("{\"format\": \"metrics/1\"}", 1),
        ("{\"format\": \"provenance/2\"}", 3),
    ];
    for (content, status) in contents {
        fs::write(&bad, content).unwrap();
        let all = arguments!["-i", bad, "--root", root];
        refuse(&all, status, &["bad.json"]);
    }
    let mut all = results.provenance();
    let annotations = results.path("results/x y+ü/annotations.gff3");
    all.extend(arguments!["--root", root, "-o"]);
    let with = |target: &Path| {
        let mut all = all.clone();
        all.extend(arguments![target]);
        all
    };
    let before = fs::read(&annotations).unwrap();
    refuse(
        &with(&annotations),
        2,
        &["annotations.gff3", "is one of the results"],
    );
    assert!(fs::read(&annotations).unwrap() == before);
    let provenance = results.path("results/provenance/embed.json");
    refuse(&with(&provenance), 2, &["embed.json", "never replaced"]);
    let mut missing = results.provenance();
    missing.extend(arguments!["--root", results.path("missing")]);
    refuse(&missing, 2, &["--root", "missing"]);
    let script = results.path("results/provenance/embed.json");
    let mut unknown = results.provenance();
    unknown.extend(arguments!["--root", root, "--workflow", script]);
    refuse(&unknown, 2, &["--workflow", "language"]);
}

#[test]
fn a_failed_step_is_described_with_its_error() {
    let results = Results::new();
    let provenance = results.path("results/provenance/failed.json");
    let all = arguments![
        "-i",
        results.path("no.arrow"),
        "-m",
        results.path("no"),
        "-o",
        results.path("x"),
        "--provenance",
        provenance
    ];
    assert!(!run("protsae-encode", &all).status.success());
    let document = results.describe(&arguments!["-i", provenance]);
    let graph = document["@graph"].as_array().unwrap();
    let failed = "http://schema.org/FailedActionStatus";
    let found = graph
        .iter()
        .find(|entity| entity["actionStatus"] == failed)
        .unwrap();
    assert!(
        found["error"].as_str().unwrap().contains("No such file"),
        "{found}"
    );
}

#[test]
fn the_library_of_its_field_reads_it() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    let has = Command::new(&python)
        .args(["-c", "import rocrate"])
        .output();
    if !has.is_ok_and(|output| output.status.success()) {
        crate::skip::skipped("no rocrate in target/venv; tests/run.sh installs it");
        return;
    }
    let results = Results::new();
    results.describe(&[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/read_crate.py");
    let output = Command::new(python)
        .arg(script)
        .arg(results.root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let expected = "4 ['protsae-annotate', 'protsae-embed', 'protsae-encode', 'protsae-train']";
    assert!(said.contains(expected), "{said}");
}
