//! The schemas in `schemas/` are those of the code, and real files follow them.

use crate::{
    arguments,
    fixture::{Fixture, run, succeed, training},
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

/// The files of a run beside those of the fixture, in a folder.
fn rest_of_a_run(folder: &Path) {
    let fixture = Fixture::get();
    let path = |name: &str| folder.join(name);
    let evaluate = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "--labels",
        fixture.path("labels.arrow"),
        "-o",
        path("metrics.json"),
        "--multiqc",
        path("evaluate_mqc.json"),
        "--metrics",
        path("counts.json"),
        "--provenance",
        path("provenance.json")
    ];
    succeed("protsae-evaluate", &evaluate);
    let compare = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "-m",
        fixture.path("model"),
        "--suite",
        "fidelity",
        "-o",
        path("comparison.json")
    ];
    succeed("protsae-evaluate", &compare);
    let interpret = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "-m",
        fixture.path("model"),
        "--labels",
        fixture.path("labels.arrow"),
        "--concepts",
        fixture.path("concepts.json"),
        "--split",
        fixture.path("split.tsv"),
        "-o",
        path("dictionary.json"),
        "--table",
        path("dictionary.tsv")
    ];
    succeed("protsae-interpret", &interpret);
    for format in ["gff3", "bed", "tsv", "gff3.gz", "parquet"] {
        let annotate = arguments![
            "-i",
            fixture.path("proteins.features.arrow"),
            "-m",
            fixture.path("model"),
            "--dictionary",
            path("dictionary.json"),
            "--latents",
            "all",
            "-o",
            path(&format!("ranges.{format}"))
        ];
        succeed("protsae-annotate", &annotate);
    }
    let mut train = arguments!["-i", fixture.path("proteins.activations.arrow")];
    train.extend(training(fixture));
    train.extend(arguments!["--grid", "seed=1,2", "-o", path("grid")]);
    succeed("protsae-train", &train);
    sides_of_a_run(folder);
    for tool in ["annotate", "train"] {
        let mut all = arguments!["-i", "x.arrow", "-o", "y", "--print-config"];
        let more = if tool == "train" {
            arguments!["--labels", "l.arrow", "--prefixes", "1,2"]
        } else {
            arguments!["-m", "model", "--format", "tsv"]
        };
        all.extend(more);
        let printed = succeed(&format!("protsae-{tool}"), &all).stdout;
        fs::write(path(&format!("{tool}.yaml")), printed).unwrap();
    }
}

/// What shows a run to others: tables of its shards and for MultiQC, and its description.
fn sides_of_a_run(folder: &Path) {
    let fixture = Fixture::get();
    let path = |name: &str| folder.join(name);
    let multiqc = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "-m",
        fixture.path("model"),
        "--multiqc",
        path("annotate_mqc.json"),
        "-o",
        path("active.gff3")
    ];
    succeed("protsae-annotate", &multiqc);
    let shard = arguments![
        "-i",
        fixture.path("proteins.fasta"),
        "--count",
        "1",
        "--table",
        path("shards.tsv"),
        "-o",
        "/dev/null"
    ];
    succeed("protsae-shard", &shard);
    let provenance = path("provenance.json");
    let described = arguments!["-i", provenance, "--root", folder];
    succeed("protsae-crate", &described);
}

#[test]
fn every_file_of_a_run_is_what_it_claims_to_be() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    rest_of_a_run(folder.path());
    let mut all = arguments!["check"];
    let ours = [
        "concepts.json",
        "labels.arrow",
        "split.tsv",
        "proteins.activations.arrow",
        "proteins.features.arrow",
        "model/config.yaml",
        "model/log.jsonl",
        "model",
    ];
    all.extend(ours.iter().flat_map(|name| arguments![fixture.path(name)]));
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
    names.sort_by_key(fs::DirEntry::file_name);
    all.extend(names.iter().flat_map(|name| arguments![name.path()]));
    let checked = String::from_utf8(succeed("protsae-schema", &all).stdout).unwrap();
    for what in [
        "\tconcepts/1",
        "\tlabels/1 of ",
        "\tsplit of 24 proteins",
        "\tactivations/1 of ",
        "\tfeatures/2 of ",
        "\tmodel/2 of 96 latents",
        "\tsummary/1",
        "\tlog of ",
        "\tmetrics/1",
        "\tcomparison/1",
        "\tMultiQC table of 1 samples",
        "\tcounts/1",
        "\tprovenance/1",
        "\tdictionary/1",
        "\tdictionary table of 96 rows",
        "\tGFF3 of ",
        "\tBED of ",
        "\ttable of ranges of ",
        "\tParquet table of ranges of ",
        "\ttable of shards of 1 rows",
        "\tRO-Crate of ",
        "\tgrid/1",
        "\tconfig-annotate",
        "\tconfig-train",
    ] {
        assert!(checked.contains(what), "{what} in {checked}");
    }
    assert_eq!(checked.matches("\tGFF3 of ").count(), 3, "{checked}");
    assert_eq!(checked.matches("\tmodel/2 of 96").count(), 3, "{checked}");
}

#[test]
fn wrong_content_is_found_in_every_kind_of_file() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    rest_of_a_run(folder.path());
    let inbox = tempfile::tempdir().unwrap();
    let found = |from: &Path, old: &str, new: &str, words: &[&str]| {
        let name = from.file_name().unwrap();
        let text = fs::read_to_string(from).unwrap();
        let changed = text.replacen(old, new, 1);
        assert!(text != changed, "{}: no {old}", from.display());
        let path = inbox.path().join(name);
        fs::write(&path, changed).unwrap();
        let output = run("protsae-schema", &arguments!["check", path]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let status = if new.contains("/9") { 3 } else { 1 };
        assert_eq!(output.status.code(), Some(status), "{name:?}: {stderr}");
        for word in words.iter().chain([&name.to_str().unwrap()]) {
            assert!(stderr.contains(word), "{name:?}: no {word} in {stderr}");
        }
    };
    let run = |name: &str| folder.path().join(name);
    let split = fixture.path("split.tsv");
    found(&split, "\ttrain", "\ttraining", &["line", "training"]);
    found(&split, "protein\tsplit", "protein\tpart", &["header"]);
    found(
        &fixture.path("model/log.jsonl"),
        "\"step\":",
        "\"stop\":",
        &["line 1"],
    );
    found(
        &fixture.path("model/log.jsonl"),
        "\"fvu\":",
        "\"fvu2\":1,\"fvu\":",
        &["line 1", "fvu2"],
    );
    found(
        &fixture.path("model/summary.json"),
        "\"l0\":",
        "\"l9\": 1, \"l0\":",
        &["train.l9"],
    );
    found(
        &fixture.path("model/config.yaml"),
        "shape:",
        "form: 1\nshape:",
        &["form"],
    );
    found(
        &fixture.path("concepts.json"),
        "\"index\":0",
        "\"index\":7",
        &["index 7"],
    );
    found(
        &run("metrics.json"),
        "metrics/1",
        "metrics/9",
        &["metrics/9"],
    );
    found(
        &run("dictionary.json"),
        "\"index\": 1,",
        "\"index\": 5,",
        &["index 5"],
    );
    found(
        &run("dictionary.tsv"),
        "\tdefined\t",
        "\tdefnied\t",
        &["line 2", "defnied"],
    );
    found(&run("ranges.tsv"), "\t1\t", "\t0\t", &["start is '0'"]);
    found(
        &run("ranges.tsv"),
        "\tscore\t",
        "\tscore2\t",
        &["line 1", "score2"],
    );
    found(&run("ranges.bed"), "\t.\n", "\tx\n", &["line 1", "strand"]);
    found(&run("ranges.gff3"), "\tProtSAE\t", "\t\t", &["column 2"]);
    found(
        &run("evaluate_mqc.json"),
        "\"fvu\": {",
        "\"fvv\": {",
        &["fvu"],
    );
    found(&run("annotate.yaml"), "latents", "latens", &["latens"]);
    found(
        &run("grid/grid.json"),
        "\"folder\":",
        "\"floder\":",
        &["floder"],
    );
}

#[test]
fn a_column_that_nothing_reads_is_found_in_tables() {
    use arrow_schema::{DataType, Field};
    use protsae::table::{Container, TableSink, schema};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.arrow");
    let mut fields = schema::labels();
    fields.push(Field::new("note", DataType::Utf8, true));
    let table = schema::with_metadata(fields, schema::LABELS_FORMAT, []);
    let sink = TableSink::new(Vec::new(), Container::File, &table).unwrap();
    fs::write(&path, sink.finish().unwrap()).unwrap();
    let output = run("protsae-schema", &arguments!["check", path]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("labels.arrow") && stderr.contains("'note'"),
        "{stderr}"
    );
}

#[test]
fn a_text_that_is_cut_within_its_last_line_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::get();
    for name in ["split.tsv", "model/log.jsonl"] {
        let text = fs::read(fixture.path(name)).unwrap();
        let path = folder.path().join(Path::new(name).file_name().unwrap());
        fs::write(&path, &text[..text.len() - 1]).unwrap();
        let output = run("protsae-schema", &arguments!["check", path]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {stderr}");
        assert!(stderr.contains("probably cut"), "{name}: {stderr}");
    }
}
