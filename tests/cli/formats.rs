//! Files that others read: what is quoted, what is escaped, and what becomes of a reader that goes away.

use crate::{
    arguments,
    fixture::{Fixture, command, succeed},
};
use protsae::{
    cli::Source,
    table::{
        Container,
        features::{FeatureReader, FeatureWriter, ResidueFeatures},
    },
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

const FORMATS: [&str; 4] = ["gff3", "bed", "tsv", "parquet"];

fn annotate(table: &Path, model: &Path, format: &str) -> Vec<String> {
    arguments![
        "-i",
        table,
        "-m",
        model,
        "--latents",
        "all",
        "--format",
        format
    ]
}

#[test]
fn a_reader_that_goes_away_is_no_failure_in_any_format() {
    let fixture = Fixture::get();
    for format in FORMATS {
        let table = fixture.path("proteins.features.arrow");
        let all = annotate(&table, &fixture.path("model"), format);
        let mut child = command("protsae-annotate", &all)
            .args(["--threshold", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{format}: {stderr}");
    }
}

#[test]
fn a_fifo_whose_reader_goes_away_is_no_failure_either() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("table.tsv");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let all = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "-m",
        fixture.path("model"),
        "--labels",
        fixture.path("labels.arrow"),
        "--concepts",
        fixture.path("concepts.json"),
        "-o",
        folder.path().join("dictionary.json"),
        "--table",
        fifo
    ];
    let child = command("protsae-interpret", &all)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(fs::File::open(&fifo).unwrap());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
}

/// The features of the fixture, of proteins of other names, and a model whose concepts have others too.
fn renamed(folder: &Path, proteins: &[&str], concept: &str) {
    let fixture = Fixture::get();
    let source = Source::File(fixture.path("proteins.features.arrow"));
    let reader = FeatureReader::new(source.open_table().unwrap()).unwrap();
    let mut writer =
        FeatureWriter::new(Vec::new(), Container::File, &reader.info().clone()).unwrap();
    let mut names: Vec<String> = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let columns = batch.columns().unwrap();
        for row in 0..batch.rows() {
            let old = batch.protein(row);
            if names.last().is_none_or(|last| last != old) {
                names.push(old.to_owned());
            }
            let Some(name) = proteins.get(names.len() - 1) else {
                break;
            };
            let residue = ResidueFeatures {
                position: columns.position[row],
                residue: b'A',
                latents: columns.latent.row(row),
                activations: columns.activation.row(row),
                concepts: columns.concept.row(row),
                probabilities: columns.probability.row(row),
            };
            writer.push(name, residue).unwrap();
        }
    }
    fs::write(folder.join("f.arrow"), writer.finish().unwrap()).unwrap();
    fs::create_dir(folder.join("model")).unwrap();
    for file in ["config.yaml", "model.safetensors"] {
        fs::copy(
            fixture.path("model").join(file),
            folder.join("model").join(file),
        )
        .unwrap();
    }
    let concepts = fs::read(fixture.path("model/concepts.json")).unwrap();
    let mut concepts: serde_json::Value = serde_json::from_slice(&concepts).unwrap();
    for entry in concepts["concepts"].as_array_mut().unwrap() {
        entry["name"] = concept.into();
    }
    fs::write(folder.join("model/concepts.json"), concepts.to_string()).unwrap();
}

#[test]
fn names_stand_unquoted_in_bed_and_in_tables() {
    let folder = tempfile::tempdir().unwrap();
    let name = "Motif: \"HIGH\" region, part\tone\nof two";
    let shown = "Motif: \"HIGH\" region, part one of two";
    renamed(folder.path(), &["a\"b", "c,d"], name);
    let (table, model) = (folder.path().join("f.arrow"), folder.path().join("model"));
    for (format, column, protein) in [("bed", 3, 0), ("tsv", 5, 0)] {
        let all = annotate(&table, &model, format);
        let text = String::from_utf8(succeed("protsae-annotate", &all).stdout).unwrap();
        let columns = if format == "bed" { 6 } else { 12 };
        assert!(
            text.lines().all(|l| l.split('\t').count() == columns),
            "{text}"
        );
        let fields = |n: usize| text.lines().map(move |l| l.split('\t').nth(n).unwrap());
        assert!(fields(column).any(|field| field == shown), "{text}");
        assert!(fields(protein).any(|field| field == "a\"b"), "{text}");
    }
}

#[test]
fn ids_of_any_characters_make_gff3_that_a_validator_takes() {
    let folder = tempfile::tempdir().unwrap();
    let proteins = [
        "a=b;c",
        "x,y&z",
        "50%id",
        ">gt",
        "tab%09x",
        "sp|P1|N|x",
        "q\"uote",
        "#hash",
        "1",
        "NaN",
    ];
    renamed(folder.path(), &proteins, "ATP; binding = 100 %, \"quoted\"");
    let (table, model) = (folder.path().join("f.arrow"), folder.path().join("model"));
    let gff3 = folder.path().join("out.gff3");
    let mut all = annotate(&table, &model, "gff3");
    all.extend(arguments!["-o", gff3]);
    succeed("protsae-annotate", &all);
    let checked = succeed("protsae-schema", &arguments!["check", gff3]);
    let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.contains("of 10 sequences"), "{checked}");
    let validator = Command::new("gt")
        .args(["gff3validator", "-typecheck", "so", "-xrfcheck", "--"])
        .arg(&gff3)
        .output();
    let Ok(output) = validator else {
        crate::skip::skipped("gt is not installed (Debian: genometools)");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !said.contains("warning"),
        "{said}"
    );
}

#[test]
fn tables_for_multiqc_tell_their_samples_apart_and_name_every_column() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let table = |file: &str, more: &[String]| -> serde_json::Value {
        let path = folder.path().join(file);
        let mut all = arguments![
            "-i",
            fixture.path("proteins.activations.arrow"),
            "-m",
            fixture.path("model"),
            "-o",
            folder.path().join("metrics.json"),
            "--multiqc",
            path
        ];
        all.extend_from_slice(more);
        succeed("protsae-evaluate", &all);
        succeed("protsae-schema", &arguments!["check", path]);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let labels = arguments!["--labels", fixture.path("labels.arrow")];
    let one = table("one_mqc.json", &labels);
    // without labels there is no score of alignment
    let two = table("two_mqc.json", &arguments!["--suite", "fidelity"]);
    assert_eq!(one["headers"], two["headers"]);
    for header in one["headers"].as_object().unwrap().values() {
        assert!(header["format"].is_string(), "{header}");
    }
    let samples = |t: &serde_json::Value| -> Vec<String> {
        t["data"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(
        (samples(&one), samples(&two)),
        (vec!["one".to_owned()], vec!["two".to_owned()])
    );
    let more = arguments!["--suite", "fidelity", "--sample-name", "yeast"];
    assert_eq!(samples(&table("three_mqc.json", &more)), ["yeast"]);
}

#[test]
fn annotate_tells_multiqc_what_its_file_holds() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let all = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "-m",
        fixture.path("model"),
        "--latents",
        "all",
        "-o",
        path("ranges.tsv"),
        "--multiqc",
        path("x_mqc.json")
    ];
    succeed("protsae-annotate", &all);
    succeed("protsae-schema", &arguments!["check", path("x_mqc.json")]);
    let table: serde_json::Value =
        serde_json::from_slice(&fs::read(path("x_mqc.json")).unwrap()).unwrap();
    let cells = &table["data"]["x"];
    let text = fs::read_to_string(path("ranges.tsv")).unwrap();
    let lines: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|l| l.split('\t').collect())
        .collect();
    assert_eq!(cells["found"], lines.len());
    let distinct = |column: usize| {
        let values: std::collections::BTreeSet<&str> = lines.iter().map(|l| l[column]).collect();
        values.len()
    };
    assert_eq!(cells["annotated"], distinct(0));
    assert_eq!(cells["concepts"], distinct(5));
    assert_eq!(cells["proteins"], 24);
    let named = cells["most_frequent"].as_str().unwrap();
    let first = named.split(" (").next().unwrap();
    let count = lines.iter().filter(|l| l[5] == first).count();
    assert!(named.starts_with(&format!("{first} ({count})")), "{named}");
    assert!(
        cells.get("probability").is_none(),
        "nobody knows it: {cells}"
    );
}
