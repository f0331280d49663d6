//! A converted model in the hands of the other executables, and the check that shows a wrong guess.

use crate::{checkpoint, converted, data, refused, run, text};
use protsae::{
    sae::Sae,
    table::{TableSource, activations::ActivationReader, features::FeatureReader},
};
use safetensors::{Dtype, tensor::TensorView};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Width of the embedded example's PLM.
const WIDTH: usize = 128;

/// A checkpoint of `InterProt` whose latents are the positive and the negative part of every
/// dimension: with K = d it gives back what it reads, times `factor`.
fn parts(path: &Path, factor: f32) {
    let latents = 2 * WIDTH;
    let (mut enc, mut dec) = (vec![0.0f32; WIDTH * latents], vec![0.0f32; latents * WIDTH]);
    for i in 0..WIDTH {
        for (latent, sign) in [(i, 1.0), (WIDTH + i, -1.0)] {
            enc[i * latents + latent] = sign;
            dec[latent * WIDTH + i] = sign * factor;
        }
    }
    let bytes =
        |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    let tensors = [
        ("w_enc", vec![WIDTH, latents], bytes(&enc)),
        ("w_dec", vec![latents, WIDTH], bytes(&dec)),
        ("b_enc", vec![latents], bytes(&vec![0.0; latents])),
        ("b_pre", vec![WIDTH], bytes(&vec![0.01; WIDTH])),
    ];
    let views = tensors.iter().map(|(name, shape, data)| {
        (
            *name,
            TensorView::new(Dtype::F32, shape.clone(), data).unwrap(),
        )
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Activations of a few proteins of the embedded example.
fn activations(folder: &Path) -> PathBuf {
    let fasta = fs::read_to_string(data("example/proteins.fasta")).unwrap();
    let records: Vec<String> = fasta
        .split('>')
        .skip(1)
        .take(12)
        .map(|r| format!(">{r}"))
        .collect();
    let input = folder.join("proteins.fasta");
    fs::write(&input, records.concat()).unwrap();
    let table = folder.join("activations.arrow");
    let plm = data("mini_esm2");
    let arguments = [
        "-i",
        text(&input),
        "-m",
        text(&plm),
        "--layer",
        "3",
        "--dtype",
        "f32",
        "-o",
        text(&table),
    ];
    run(env!("CARGO_BIN_EXE_protsae-embed"), &arguments);
    table
}

fn source(path: &Path) -> TableSource {
    TableSource::from_file_bytes(fs::read(path).unwrap().into()).unwrap()
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Latents named after features, ranges of them, and what `protsae-evaluate` says of the model.
fn interpret(root: &Path, table: &Path, features: &Path, model: &Path) -> serde_json::Value {
    let path = |name: &str| root.join(name);
    let (labels, concepts) = (path("labels.arrow"), path("concepts.json"));
    run(
        env!("CARGO_BIN_EXE_protsae-concepts"),
        &[
            "--annotations",
            text(&data("example/features.csv")),
            "--sequences",
            text(&path("proteins.fasta")),
            "--min-count",
            "1",
            "--kinds",
            "feature",
            "--concepts",
            text(&concepts),
            "-o",
            text(&labels),
        ],
    );
    let dictionary = path("dictionary.json");
    run(
        env!("CARGO_BIN_EXE_protsae-interpret"),
        &[
            "-i",
            text(features),
            "-m",
            text(model),
            "--labels",
            text(&labels),
            "--concepts",
            text(&concepts),
            "-o",
            text(&dictionary),
        ],
    );
    let gff = run(
        env!("CARGO_BIN_EXE_protsae-annotate"),
        &[
            "-i",
            text(features),
            "-m",
            text(model),
            "--dictionary",
            text(&dictionary),
            "--latents",
            "all",
            "--format",
            "gff3",
            "-o",
            "-",
        ],
    );
    assert!(
        gff.lines()
            .filter(|l| l.contains("polypeptide_region"))
            .count()
            > 100
    );
    let metrics = path("metrics.json");
    run(
        env!("CARGO_BIN_EXE_protsae-evaluate"),
        &[
            "-i",
            text(table),
            "-m",
            text(model),
            "--labels",
            text(&labels),
            "--concepts",
            text(&concepts),
            "-o",
            text(&metrics),
        ],
    );
    json(&metrics)
}

#[test]
fn a_converted_model_goes_through_the_pipeline() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let table = activations(root.path());
    parts(&path("sae.safetensors"), 1.0);
    let model = path("model");
    let plm = data("mini_esm2");
    let said = converted(&[
        "-i",
        text(&path("sae.safetensors")),
        "-o",
        text(&model),
        "--k",
        "128",
        "--plm",
        text(&plm),
        "--layer",
        "3",
        "--check",
        text(&table),
        "--check-rows",
        "1000000",
        "--metrics",
        text(&path("counts.json")),
    ]);
    assert!(!said.contains("warning"), "{said}");
    let fidelity = &json(&path("counts.json"))["counts"]["fidelity"];
    assert!(fidelity["fvu"].as_f64().unwrap() < 1e-6, "{fidelity}");
    assert_eq!(fidelity["l0"].as_f64().unwrap().round(), 128.0);
    // the PLM that was named is that of the table
    let sae = Sae::load(&model).unwrap();
    let reader = ActivationReader::new(source(&table)).unwrap();
    assert_eq!(sae.config.plm, reader.info().plm);

    let features = path("features.arrow");
    run(
        env!("CARGO_BIN_EXE_protsae-encode"),
        &[
            "-i",
            text(&table),
            "-m",
            text(&model),
            "-o",
            text(&features),
        ],
    );
    let mut largest = vec![0.0f32; 2 * WIDTH];
    for batch in FeatureReader::new(source(&features)).unwrap() {
        let batch = batch.unwrap();
        let columns = batch.columns().unwrap();
        let active = columns
            .latent
            .values
            .iter()
            .zip(columns.activation.values.iter());
        for (&latent, &value) in active {
            largest[latent as usize] = largest[latent as usize].max(value);
        }
    }
    assert_eq!(sae.latent_max, largest);

    let evaluated = interpret(root.path(), &table, &features, &model);
    assert_eq!(evaluated["fidelity"]["fvu"], fidelity["fvu"], "{evaluated}");
    assert_eq!(evaluated["fidelity"]["l0"], fidelity["l0"]);
    let output = Command::new(env!("CARGO_BIN_EXE_protsae-train"))
        .args([
            "-i",
            text(&table),
            "--labels",
            text(&path("labels.arrow")),
            "--latents",
            "256",
            "--k",
            "128",
        ])
        .args([
            "--variant",
            "topk",
            "--init",
            text(&model),
            "-o",
            text(&path("trained")),
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("converted from InterProt"), "{said}");
    let config = model.join("config.yaml");
    let checked = run(
        env!("CARGO_BIN_EXE_protsae-schema"),
        &["check", text(&config)],
    );
    assert!(checked.contains("model/2"), "{checked}");
}

#[test]
fn a_wrong_guess_does_not_pass_the_check() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let table = activations(root.path());
    parts(&path("sae.safetensors"), 3.0);
    let (sae, model) = (path("sae.safetensors"), path("model"));
    let said = converted(&[
        "-i",
        text(&sae),
        "-o",
        text(&model),
        "--k",
        "128",
        "--check",
        text(&table),
    ]);
    assert!(said.contains("worse than their mean"), "{said}");
    // the table says which PLM, and for how many rows latents' maxima are of
    assert!(Sae::load(&model).unwrap().config.plm.is_some());
    let few = converted(&[
        "-i",
        text(&sae),
        "-o",
        text(&model),
        "--k",
        "128",
        "--check",
        text(&table),
        "--check-rows",
        "7",
    ]);
    assert!(few.contains(": 7 rows"), "{few}");
    // a model of another width, and one of another layer
    let other = checkpoint("interplm_legacy/ae.pt");
    let said = refused(
        &[
            "-i",
            text(&other),
            "-o",
            text(&model),
            "--check",
            text(&table),
        ],
        3,
    );
    assert!(said.contains("12") && said.contains("128"), "{said}");
    let plm = data("mini_esm2");
    let said = refused(
        &[
            "-i",
            text(&sae),
            "-o",
            text(&model),
            "--k",
            "128",
            "--plm",
            text(&plm),
            "--layer",
            "4",
            "--check",
            text(&table),
        ],
        3,
    );
    assert!(said.contains("layer"), "{said}");
}

#[test]
fn what_is_written_depends_on_the_checkpoint_alone() {
    let root = tempfile::tempdir().unwrap();
    let input = checkpoint("interprot_lightning/esm2_plm12_l4_sae40.ckpt");
    let mut contents = BTreeSet::new();
    for name in ["a", "b"] {
        let folder = root.path().join(name);
        converted(&[
            "-i",
            text(&input),
            "-o",
            text(&folder),
            "--k",
            "7",
            "--any-plm",
        ]);
        let files = ["model.safetensors", "config.yaml", "concepts.json"];
        contents.insert(files.map(|file| fs::read(folder.join(file)).unwrap()));
    }
    assert_eq!(contents.len(), 1);
}
