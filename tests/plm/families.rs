//! `protsae-embed` with models of each family, and what comes after it.

use crate::{
    family_parity::{data, list},
    support::{Reference, relative_error},
};
use protsae::table::{
    PlmIdentity, TableSource, activations::ActivationReader, metadata::Convention,
};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

fn start(dir: &Path, tool: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(tool);
    command.args(arguments).current_dir(dir);
    command.output().expect("the executable starts")
}

pub(crate) fn run(dir: &Path, tool: &str, arguments: &[&str]) -> String {
    let output = start(dir, tool, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{tool} {arguments:?}: {said}");
    format!("{said}{}", String::from_utf8_lossy(&output.stdout))
}

pub(crate) fn refused(dir: &Path, tool: &str, arguments: &[&str], status: i32) -> String {
    let output = start(dir, tool, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    said
}

pub(crate) const EMBED: &str = env!("CARGO_BIN_EXE_protsae-embed");

/// The path of a file of the embedded example.
pub(crate) fn example(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/test_data/example");
    format!("{folder}/{name}")
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Rows of a table, and which activations they are.
fn rows(path: &Path) -> (PlmIdentity, Vec<f32>) {
    let bytes = fs::read(path).expect("a table");
    let source = TableSource::from_file_bytes(bytes.into()).expect("a table");
    let reader = ActivationReader::new(source).expect("an activation table");
    let plm = reader.info().plm.clone().expect("an identity");
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.expect("a batch");
        rows.extend_from_slice(&batch.activations().expect("activations"));
    }
    (plm, rows)
}

/// Sequences of a model's saved numbers as FASTA, and their structures where there are some; the numbers.
fn inputs(dir: &Path, name: &str) -> Reference {
    let reference = Reference::read(&data(&format!("{name}.safetensors")));
    let fasta = |texts: &[String]| -> String {
        let records = texts.iter().enumerate();
        records.fold(String::new(), |all, (i, text)| {
            format!("{all}>p{i}\n{text}\n")
        })
    };
    fs::write(dir.join("p.fa"), fasta(&reference.sequences)).expect("a file");
    if let Some(structures) = list::<String>(name, "structures") {
        // Foldseek writes capitals
        let structures: Vec<String> = structures.iter().map(|s| s.to_uppercase()).collect();
        fs::write(dir.join("s.fa"), fasta(&structures)).expect("a file");
    }
    reference
}

/// Trains a small SAE on a table of the sequences of [`inputs`].
fn train(dir: &Path, table: &str) {
    let features = "protein_id,feature,isoform_id,start,end,note\np0,BINDING,,2,28,ATP\np2,BINDING,,80,87,ATP\n";
    fs::write(dir.join("features.csv"), features).expect("a file");
    let concepts = [
        "--annotations",
        "features.csv",
        "--sequences",
        "p.fa",
        "--min-count",
        "1",
        "--concepts",
        "c.json",
        "-o",
        "l.arrow",
    ];
    run(dir, env!("CARGO_BIN_EXE_protsae-concepts"), &concepts);
    let train = [
        "-i",
        table,
        "--labels",
        "l.arrow",
        "--concepts",
        "c.json",
        "--latents",
        "32",
        "--k",
        "4",
        "--epochs",
        "1",
        "-o",
        "sae",
    ];
    run(dir, env!("CARGO_BIN_EXE_protsae-train"), &train);
}

#[test]
fn tables_name_family_layer_site_and_convention() {
    for (name, family, layer) in [
        ("esmc", "ESM-C", 3),
        ("prostt5", "T5 encoder", 2),
        ("esm1b", "ESM-1b", 2),
        ("esm1v", "ESM-1v", 2),
        ("amplify", "AMPLIFY", 2),
    ] {
        let dir = TempDir::new().expect("a folder");
        let reference = inputs(dir.path(), name);
        let model = data(name);
        let common = ["-i", "p.fa", "-m", text(&model), "--dtype", "f32"];
        let planned = run(dir.path(), EMBED, &[&common[..], &["--dry-run"]].concat());
        assert!(
            planned.contains(&format!("model: {family}, {layer} of")),
            "{planned}"
        );
        for (convention, saved) in [
            (Convention::HiddenStates, format!("residual.{layer}")),
            (Convention::BlockOutputs, format!("unnormed.{layer}")),
        ] {
            let said = convention.to_string();
            let own = ["--convention", &said, "-o", "t.arrow"];
            run(dir.path(), EMBED, &[&common[..], &own].concat());
            let (plm, got) = rows(&dir.path().join("t.arrow"));
            assert_eq!(plm.family.as_deref(), Some(family));
            assert_eq!((plm.layer, plm.convention), (layer, convention));
            // the last protein's last residue
            let width = plm.width as usize;
            let want = reference.get(&format!("s{}.{saved}", reference.sequences.len() - 1));
            let (got, want) = (&got[got.len() - width..], &want[want.len() - width..]);
            assert!(relative_error(got, want) < 1e-5, "{name} {said}");
            fs::remove_file(dir.path().join("t.arrow")).expect("it was written");
        }
    }
}

#[test]
fn a_model_of_another_convention_is_refused_and_both_are_named() {
    let dir = TempDir::new().expect("a folder");
    inputs(dir.path(), "esmc");
    let model = data("esmc");
    for (convention, table) in [("hidden-states", "h.arrow"), ("block-outputs", "b.arrow")] {
        let arguments = [
            "-i",
            "p.fa",
            "-m",
            text(&model),
            "--convention",
            convention,
            "-o",
            table,
        ];
        run(dir.path(), EMBED, &arguments);
    }
    train(dir.path(), "b.arrow");
    let encode = env!("CARGO_BIN_EXE_protsae-encode");
    let said = refused(
        dir.path(),
        encode,
        &["-i", "h.arrow", "-m", "sae", "-o", "f.arrow"],
        3,
    );
    assert!(
        said.contains("block-outputs") && said.contains("hidden-states"),
        "{said}"
    );
    run(
        dir.path(),
        encode,
        &["-i", "b.arrow", "-m", "sae", "-o", "f.arrow"],
    );
    // which the SAE's folder says by itself
    let own = [
        "-i",
        "p.fa",
        "-m",
        text(&model),
        "--for",
        "sae",
        "-o",
        "own.arrow",
    ];
    run(dir.path(), EMBED, &own);
    assert_eq!(
        rows(&dir.path().join("own.arrow")),
        rows(&dir.path().join("b.arrow"))
    );
}

#[test]
fn structures_are_read_and_their_lack_is_told() {
    let dir = TempDir::new().expect("a folder");
    let reference = inputs(dir.path(), "saprot");
    let model = data("saprot");
    let common = ["-i", "p.fa", "-m", text(&model), "--dtype", "f32", "-o"];
    let with = |more: &[&'static str]| [&common[..], more].concat();
    run(
        dir.path(),
        EMBED,
        &with(&["t.arrow", "--structure-letters", "s.fa"]),
    );
    let (plm, got) = rows(&dir.path().join("t.arrow"));
    let want = reference.get("s0.residual.2");
    let width = plm.width as usize;
    assert!(relative_error(&got[..width], &want[..width]) < 1e-5);
    let said = run(dir.path(), EMBED, &with(&["none.arrow"]));
    assert!(said.contains("sees structures and is given none"), "{said}");
    assert_ne!(rows(&dir.path().join("none.arrow")).1, got);

    let all = fs::read_to_string(dir.path().join("s.fa")).expect("it was written");
    let (first, others) = all.split_at(all[1..].find('>').expect("two records") + 1);
    fs::write(dir.path().join("few.fa"), others).expect("a file");
    let said = run(
        dir.path(),
        EMBED,
        &with(&["few.arrow", "--structure-letters", "few.fa"]),
    );
    assert!(
        said.contains("1 proteins have no letters of structure"),
        "{said}"
    );
    for (content, status, message) in [
        (
            first.replacen(">p0\nH", ">p0\n", 1),
            3,
            "letters of structure, and",
        ),
        (
            first.replacen(">p0\nH", ">p0\nZ", 1),
            1,
            "'z' at position 1 is no 3Di letter",
        ),
        (format!("{first}{first}"), 1, "occurs twice"),
        (">p0\n".to_owned(), 1, "has no residues"),
    ] {
        fs::write(dir.path().join("odd.fa"), content).expect("a file");
        let said = refused(
            dir.path(),
            EMBED,
            &with(&["x.arrow", "--structure-letters", "odd.fa"]),
            status,
        );
        assert!(said.contains(message), "{said}");
        assert!(!dir.path().join("x.arrow").exists());
    }
    let other = data("esm1v");
    let arguments = [
        "-i",
        "p.fa",
        "-m",
        text(&other),
        "-o",
        "x.arrow",
        "--structure-letters",
        "s.fa",
    ];
    let said = refused(dir.path(), EMBED, &arguments, 2);
    assert!(said.contains("sees residues alone"), "{said}");
}

#[test]
fn long_proteins_go_through_in_windows() {
    let dir = TempDir::new().expect("a folder");
    let protein = "MKTAYIAKQR".repeat(120);
    fs::write(dir.path().join("p.fa"), format!(">p\n{protein}\n")).expect("a file");
    // as two proteins of which each is a window
    let (first, second) = protein.split_at(600);
    fs::write(
        dir.path().join("w.fa"),
        format!(">a\n{first}\n>b\n{second}\n"),
    )
    .expect("a file");
    for name in ["esm1b", "prostt5", "esmc", "amplify"] {
        let model = data(name);
        let embed = |input: &str, output: &str| {
            let own = ["-i", input, "-o", output, "-m", text(&model)];
            let windows = ["--max-length", "600", "--overlap", "0"];
            run(dir.path(), EMBED, &[&own[..], &windows].concat());
            let (plm, got) = rows(&dir.path().join(output));
            fs::remove_file(dir.path().join(output)).expect("it was written");
            (plm.width as usize, got)
        };
        let (width, got) = embed("p.fa", "p.arrow");
        assert_eq!(got.len(), 1200 * width, "{name}");
        assert!(got == embed("w.fa", "w.arrow").1, "{name}");
    }
    // positions that are learned end
    let model = data("esm1b");
    let common = ["-i", "p.fa", "-m", text(&model), "-o", "t.arrow"];
    let longer = [&common[..], &["--max-length", "1023"]].concat();
    let said = refused(dir.path(), EMBED, &longer, 2);
    assert!(said.contains("1023") && said.contains("1022"), "{said}");
    run(dir.path(), EMBED, &common);
    let (plm, got) = rows(&dir.path().join("t.arrow"));
    assert_eq!(got.len(), 1200 * plm.width as usize);
}

#[test]
fn a_family_without_a_head_is_not_steered() {
    let dir = TempDir::new().expect("a folder");
    inputs(dir.path(), "prott5");
    let model = data("prott5");
    run(
        dir.path(),
        EMBED,
        &["-i", "p.fa", "-m", text(&model), "-o", "t.arrow"],
    );
    train(dir.path(), "t.arrow");
    let steer = [
        "-i",
        "p.fa",
        "-m",
        text(&model),
        "--sae",
        "sae",
        "--latent",
        "3",
        "--scale",
        "1",
        "-o",
        "s.fa",
    ];
    let said = refused(dir.path(), env!("CARGO_BIN_EXE_protsae-steer"), &steer, 2);
    assert!(said.contains("T5 encoder"), "{said}");
}

/// From the example's proteins to ranges in GFF3, with an ESM-C and with a T5 encoder.
#[test]
fn proteins_become_annotations() {
    let (fasta, features) = (example("proteins.fasta"), example("features.csv"));
    for name in ["esmc", "prott5"] {
        let dir = TempDir::new().expect("a folder");
        let model = data(name);
        let step = |tool: &str, arguments: &[&str]| run(dir.path(), tool, arguments);
        step(EMBED, &["-i", &fasta, "-m", text(&model), "-o", "a.arrow"]);
        let concepts = [
            "--annotations",
            &features,
            "--sequences",
            &fasta,
            "--min-count",
            "5",
            "--split",
            "s.tsv",
            "--concepts",
            "c.json",
            "-o",
            "l.arrow",
        ];
        step(env!("CARGO_BIN_EXE_protsae-concepts"), &concepts);
        let labels = [
            "--labels",
            "l.arrow",
            "--concepts",
            "c.json",
            "--split",
            "s.tsv",
        ];
        let train = [
            "-i",
            "a.arrow",
            "--latents",
            "96",
            "--k",
            "8",
            "--epochs",
            "6",
            "-o",
            "m",
        ];
        step(
            env!("CARGO_BIN_EXE_protsae-train"),
            &[&train[..], &labels, &["--on-bad", "skip"]].concat(),
        );
        let interpret = ["-i", "a.arrow", "-m", "m", "-o", "d.json"];
        step(
            env!("CARGO_BIN_EXE_protsae-interpret"),
            &[&interpret[..], &labels, &["--on-bad", "skip"]].concat(),
        );
        let encode = [
            "-i",
            "a.arrow",
            "-m",
            "m",
            "--dictionary",
            "d.json",
            "-o",
            "f.arrow",
        ];
        step(env!("CARGO_BIN_EXE_protsae-encode"), &encode);
        // an untrained PLM says little, so ranges of any probability
        let annotate = [
            "-i",
            "f.arrow",
            "-m",
            "m",
            "--dictionary",
            "d.json",
            "--min-precision",
            "0",
            "--format",
            "gff3",
        ];
        let gff = step(env!("CARGO_BIN_EXE_protsae-annotate"), &annotate);
        assert!(gff.contains("##gff-version 3\n"), "{name}: {gff:.200}");
        assert!(
            gff.lines().any(|line| line.contains("\tProtSAE\t")),
            "{name}: no range"
        );
    }
}

/// A copy of a model's folder.
fn copied(dir: &Path, name: &str) -> std::path::PathBuf {
    let folder = dir.join(name);
    fs::create_dir(&folder).expect("a folder");
    for entry in fs::read_dir(data(name)).expect("a model folder") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, folder.join(path.file_name().expect("a name"))).expect("a copy");
    }
    folder
}

#[test]
fn folders_that_lack_something_are_refused() {
    let dir = TempDir::new().expect("a folder");
    fs::write(dir.path().join("p.fa"), ">p\nMKTAYIAKQR\n").expect("a file");
    let refuse = |model: &str| {
        refused(
            dir.path(),
            EMBED,
            &["-i", "p.fa", "-m", model, "-o", "x.arrow"],
            1,
        )
    };
    // else the prefix that tells amino acids from structures would be left out without a word
    fs::remove_file(copied(dir.path(), "prostt5").join("added_tokens.json")).expect("it was there");
    let said = refuse("prostt5");
    assert!(said.contains("28 tokens, config.json says 150"), "{said}");
    let pieces = copied(dir.path(), "prott5").join("spiece.model");
    let all = fs::read(&pieces).expect("pieces");
    fs::write(&pieces, &all[..=all.len() / 2]).expect("a file");
    let said = refuse("prott5");
    assert!(
        said.contains("spiece.model: not a model of SentencePiece, or cut short"),
        "{said}"
    );
    fs::remove_file(&pieces).expect("it was there");
    let said = refuse("prott5");
    assert!(
        said.contains("no vocab.txt, tokenizer.json or spiece.model"),
        "{said}"
    );
    let config = copied(dir.path(), "esmc_native").join("config.json");
    let deeper = fs::read_to_string(&config)
        .expect("a configuration")
        .replace("\"n_layers\": 3", "\"n_layers\": 4");
    fs::write(&config, deeper).expect("a file");
    let said = refuse("esmc_native");
    assert!(said.contains("no tensor 'layers.3."), "{said}");
}
