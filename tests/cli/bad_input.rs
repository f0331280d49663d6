//! Bad input: a message that names the file and what is wrong, the right status, nothing written.

use crate::{
    arguments,
    fixture::{Fixture, example, plm, run, succeed},
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Runs a tool that must fail with a status, naming all of these, and leaving no output.
fn refuse(tool: &str, mut arguments: Vec<String>, status: i32, named: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    arguments.extend(arguments!["-o", folder.path().join("out.arrow")]);
    let output = run(tool, &arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(status),
        "{tool} {arguments:?}: {stderr}"
    );
    for name in named {
        assert!(stderr.contains(name), "'{name}' is not in: {stderr}");
    }
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{tool} left {left:?}");
}

fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        fs::copy(&entry, to.join(entry.file_name().unwrap())).unwrap();
    }
}

fn embed(fasta: &Path, model: &Path) -> Vec<String> {
    arguments!["-i", fasta, "-m", model, "--layer", "1"]
}

#[test]
fn fasta_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "digits",
            ">a\nMK\n>b\nMK7A\n",
            &["record 'b'", "'7'", "line 3"],
        ),
        ("duplicate", ">a\nMK\n>a\nMK\n", &["'a' occurs twice"]),
        (
            "empty_record",
            ">a\nMK\n>b\n>c\nMK\n",
            &["record 'b' has no residues"],
        ),
        ("no_id", ">\nMK\n", &["record 1 has no id"]),
        (
            "report",
            "FASTA searches a protein\n",
            &["expected a FASTA header"],
        ),
        (
            "lfs",
            "version https://git-lfs.github.com/spec/v1\n",
            &["git lfs pull"],
        ),
    ];
    for (name, content, named) in cases {
        let fasta = file(&folder, &format!("{name}.fasta"), content);
        let mut all = vec![*name];
        all.extend_from_slice(named);
        refuse("protsae-embed", embed(&fasta, &plm()), 1, &all);
    }
    refuse(
        "protsae-embed",
        embed(Path::new("no.fasta"), &plm()),
        1,
        &["no.fasta"],
    );
}

#[test]
fn bad_records_are_skipped_on_request_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let fasta = file(&folder, "some.fasta", ">a\nMK\n>b\nM7\n>c\n>d\nMKA\n");
    let counts = folder.path().join("counts.json");
    let out = folder.path().join("out.arrow");
    let mut all = embed(&fasta, &plm());
    all.extend(arguments![
        "--on-bad",
        "skip",
        "--metrics",
        counts,
        "-o",
        out
    ]);
    succeed("protsae-embed", &all);
    let checked = succeed("protsae-schema", &arguments!["check", out]).stdout;
    assert!(
        String::from_utf8_lossy(&checked).contains("5 rows"),
        "{checked:?}"
    );
    let counts = fs::read_to_string(counts).unwrap();
    assert!(counts.contains("'7'") && counts.contains("'c'"), "{counts}");
}

#[test]
fn a_plm_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let fasta = file(&folder, "a.fasta", ">a\nMK\n");
    let spoiled = |name: &str, spoil: fn(&Path)| {
        let path = folder.path().join(name);
        copy_folder(&plm(), &path);
        spoil(&path);
        path
    };
    let missing = spoiled("missing", |p| {
        fs::remove_file(p.join("model.safetensors")).unwrap();
    });
    refuse(
        "protsae-embed",
        embed(&fasta, &missing),
        1,
        &["missing", "model.safetensors"],
    );
    let pointer = spoiled("pointer", |p| {
        fs::write(
            p.join("model.safetensors"),
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        )
        .unwrap();
    });
    refuse(
        "protsae-embed",
        embed(&fasta, &pointer),
        1,
        &["pointer", "LFS"],
    );
    let other = spoiled("other", |p| {
        let config = p.join("config.json");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, text.replace("\"esm\"", "\"bert\"")).unwrap();
    });
    refuse(
        "protsae-embed",
        embed(&fasta, &other),
        1,
        &["other", "bert"],
    );
    let absolute = spoiled("absolute", |p| {
        let config = p.join("config.json");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, text.replace("\"rotary\"", "\"absolute\"")).unwrap();
    });
    refuse("protsae-embed", embed(&fasta, &absolute), 1, &["absolute"]);
    let narrow = spoiled("narrow", |p| {
        let config = p.join("config.json");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(
            &config,
            text.replace("\"hidden_size\": 128", "\"hidden_size\": 64"),
        )
        .unwrap();
    });
    refuse(
        "protsae-embed",
        embed(&fasta, &narrow),
        1,
        &["narrow", "128", "64"],
    );
    let cut = spoiled("cut", |p| {
        let weights = p.join("model.safetensors");
        let bytes = fs::read(&weights).unwrap();
        fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    });
    refuse("protsae-embed", embed(&fasta, &cut), 1, &["cut"]);
    let mut layer = embed(&fasta, &plm());
    let at = layer.iter().position(|a| a == "1").unwrap();
    layer[at] = "99".into();
    let output = run("protsae-embed", &layer);
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("99") && stderr.contains('6'), "{stderr}");
}

#[test]
fn a_table_of_another_plm_or_layer_does_not_fit() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.arrow");
    let mut all = embed(&fixture.path("proteins.fasta"), &plm());
    all.extend(arguments!["-o", other]);
    succeed("protsae-embed", &all);
    let model = fixture.path("model");
    // layer 1 where the model knows layer 3
    let encode = arguments!["-i", other, "-m", model];
    refuse(
        "protsae-encode",
        encode,
        3,
        &["layer", "'1'", "'3'", "other.arrow"],
    );
    let evaluate = arguments!["-i", other, "-m", model, "--suite", "fidelity"];
    refuse("protsae-evaluate", evaluate, 3, &["layer", "'1'", "'3'"]);
    let labels = arguments!["-i", fixture.path("labels.arrow"), "-m", model];
    refuse("protsae-encode", labels, 3, &["labels/1", "activations/1"]);
    let annotate = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        model,
        "--format",
        "gff3"
    ];
    refuse(
        "protsae-annotate",
        annotate,
        3,
        &["activations/1", "features/2"],
    );
    let sampled = folder.path().join("sampled.arrow");
    let mut all = arguments![
        "-i",
        fixture.path("proteins.fasta"),
        "-m",
        plm(),
        "--layer",
        "3",
        "--sample",
        "5"
    ];
    all.extend(arguments!["-o", sampled]);
    succeed("protsae-embed", &all);
    let features = folder.path().join("sampled.features.arrow");
    succeed(
        "protsae-encode",
        &arguments!["-i", sampled, "-m", model, "-o", features],
    );
    let annotate = arguments!["-i", features, "-m", model, "--format", "gff3"];
    refuse(
        "protsae-annotate",
        annotate,
        3,
        &["5 residues a protein", "plm.sample"],
    );
}

#[test]
fn labels_that_do_not_fit() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let long = file(
        &folder,
        "long.csv",
        "protein,feature,start,end,note\nP1,DOMAIN,2,99,Sushi\n",
    );
    let fasta = file(&folder, "p1.fasta", ">P1\nMKTAYIAKQR\n");
    let concepts = arguments![
        "--annotations",
        long,
        "--sequences",
        fasta,
        "--min-count",
        "1",
        "--kinds",
        "feature",
        "--concepts",
        folder.path().join("c.json")
    ];
    refuse(
        "protsae-concepts",
        concepts.clone(),
        1,
        &["long.csv", "P1", "99", "10"],
    );
    let mut skip = concepts;
    skip.extend(arguments![
        "--on-bad",
        "skip",
        "-o",
        folder.path().join("l.arrow")
    ]);
    succeed("protsae-concepts", &skip);
    // a vocabulary that lacks the labels' concepts
    let text = fs::read_to_string(fixture.path("concepts.json")).unwrap();
    let mut vocabulary: serde_json::Value = serde_json::from_str(&text).unwrap();
    for list in ["concepts", "zero_classes", "relations"] {
        vocabulary[list] = serde_json::json!([]);
    }
    for form in ["nf1", "nf2", "nf3", "nf4", "disjoint"] {
        vocabulary["axioms"][form] = serde_json::json!([]);
    }
    let empty = file(&folder, "empty.json", vocabulary.to_string());
    let train = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "--labels",
        fixture.path("labels.arrow"),
        "--concepts",
        empty,
        "--latents",
        "32",
        "--k",
        "4"
    ];
    refuse(
        "protsae-train",
        train,
        1,
        &["labels.arrow", "not in the vocabulary"],
    );
    // proteins of the table that the split does not list
    let split = file(&folder, "split.tsv", "protein\tsplit\nNOBODY\ttest\n");
    let evaluate = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "--labels",
        fixture.path("labels.arrow"),
        "--split",
        split
    ];
    refuse(
        "protsae-evaluate",
        evaluate,
        1,
        &["not in the split", "--on-bad skip"],
    );
}

#[test]
fn a_split_that_lists_no_protein_is_said_under_quiet_too() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let split = file(&folder, "split.tsv", "protein\tsplit\nNOBODY\ttest\n");
    let common = |mut arguments: Vec<String>| {
        arguments.extend(arguments![
            "--labels",
            fixture.path("labels.arrow"),
            "--split",
            split,
            "--on-bad",
            "skip",
            "-q"
        ]);
        arguments
    };
    let evaluate = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "-o",
        folder.path().join("m.json")
    ];
    let interpret = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "-m",
        fixture.path("model"),
        "--concepts",
        fixture.path("concepts.json"),
        "-o",
        folder.path().join("d.json")
    ];
    for (tool, arguments) in [
        ("protsae-evaluate", evaluate),
        ("protsae-interpret", interpret),
    ] {
        let output = succeed(tool, &common(arguments));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("none of the 24 proteins is in the split"),
            "{tool}: {said}"
        );
    }
    // nothing to train on is an error
    let train = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "--latents",
        "128",
        "--k",
        "4"
    ];
    refuse("protsae-train", common(train), 1, &["no"]);
}

#[test]
fn an_ontology_with_a_cycle_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let cycle = "format-version: 1.2\n\n[Term]\nid: GO:0000001\nname: a\nnamespace: biological_process\nis_a: GO:0000002\n\n\
        [Term]\nid: GO:0000002\nname: b\nnamespace: biological_process\nis_a: GO:0000001\n";
    let obo = file(&folder, "cycle.obo", cycle);
    let concepts = arguments![
        "--ontology",
        obo,
        "--annotations",
        example("annotations.gaf"),
        "--concepts",
        folder.path().join("c.json")
    ];
    refuse(
        "protsae-concepts",
        concepts,
        1,
        &["cycle.obo", "GO:0000001", "GO:0000002"],
    );
}

#[test]
fn options_that_make_no_sense_are_usage_errors() {
    let fixture = Fixture::get();
    let (features, model) = (
        fixture.path("proteins.features.arrow"),
        fixture.path("model"),
    );
    let annotate = |more: &[&str]| {
        let mut all = arguments!["-i", features, "-m", model, "--format", "gff3"];
        all.extend(more.iter().map(ToString::to_string));
        all
    };
    refuse(
        "protsae-annotate",
        annotate(&["--threshold", "-1"]),
        2,
        &["--threshold"],
    );
    refuse(
        "protsae-annotate",
        annotate(&["--min-run", "0"]),
        2,
        &["--min-run"],
    );
    let unnamed = arguments!["-i", features, "-m", model];
    refuse("protsae-annotate", unnamed, 2, &["--format"]);
    let encode = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        model,
        "--min-probability",
        "2"
    ];
    refuse("protsae-encode", encode, 2, &["--min-probability"]);
    let train = arguments![
        "-i",
        fixture.path("empty.activations.arrow"),
        "--labels",
        fixture.path("labels.arrow"),
        "--concepts",
        fixture.path("concepts.json")
    ];
    refuse("protsae-train", train, 1, &["no"]);
}
