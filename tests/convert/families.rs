//! Each family against `expected.json`, computed by numpy from the family's formula.

use crate::{checkpoint, converted, refused, text};
use protsae::sae::{Sae, SaeError, encode::Encoder};
use serde::Deserialize;
use std::{collections::BTreeSet, fs};

/// Largest difference, as a share of the largest number.
const TOLERANCE: f32 = 2e-6;

#[derive(Deserialize)]
struct Expected {
    weights: String,
    options: Vec<String>,
    width: usize,
    latents: usize,
    x: Vec<f32>,
    z: Vec<f32>,
    x_hat: Vec<f32>,
}

fn expected(name: &str) -> Expected {
    let json = fs::read(checkpoint(name).join("expected.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

fn names() -> BTreeSet<String> {
    let folder = fs::read_dir(checkpoint("")).unwrap();
    folder
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

fn close(name: &str, what: &str, got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len(), "{name}: {what}");
    let largest = want.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(
            (got - want).abs() <= TOLERANCE * largest,
            "{name}: {what} {i} is {got}, expected {want}"
        );
    }
}

/// Latents as a matrix, and reconstructions.
pub(crate) fn apply(sae: &Sae, x: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let n = sae.config.shape.latents;
    let mut encoder = Encoder::new(sae);
    let encoded = encoder.encode(x).unwrap();
    let mut z = vec![0.0; encoded.rows * n];
    for row in 0..encoded.rows {
        let (latents, values) = encoded.z.row(row);
        for (&latent, &value) in latents.iter().zip(values) {
            z[row * n + latent as usize] = value;
        }
    }
    let mut x_hat = vec![0.0; x.len()];
    sae.decode(encoded.z, &mut x_hat).unwrap();
    (z, x_hat)
}

#[test]
fn every_family_gives_the_numbers_of_its_formula() {
    let names = names();
    assert!(names.len() >= 30, "{names:?}");
    for name in names {
        let want = expected(&name);
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model");
        let input = checkpoint(&name).join(&want.weights);
        let mut arguments = vec!["-i", text(&input), "-o", text(&model), "--any-plm"];
        arguments.extend(want.options.iter().map(String::as_str));
        converted(&arguments);
        let sae = Sae::load(&model).unwrap();
        let shape = &sae.config.shape;
        assert_eq!((shape.width, shape.latents), (want.width, want.latents));
        let (z, x_hat) = apply(&sae, &want.x);
        assert!(want.z.iter().filter(|v| **v > 0.0).count() > 9, "{name}");
        close(&name, "latent", &z, &want.z);
        close(&name, "reconstruction", &x_hat, &want.x_hat);
    }
}

#[test]
fn maxima_that_a_checkpoint_has_are_those_of_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, more: &[&str]| {
        let model = folder.path().join("model");
        let want = expected(name);
        let input = checkpoint(name).join(&want.weights);
        let mut arguments = vec!["-i", text(&input), "-o", text(&model), "--any-plm"];
        arguments.extend(more);
        let said = converted(&arguments);
        (Sae::load(&model).unwrap().latent_max, said)
    };
    let (raw, said) = of("interplm_v1_raw_latents", &["--normalize-latents", "false"]);
    assert!(raw.iter().any(|&m| m > 2.0));
    assert!(!said.contains("not known"), "{said}");
    let (normalized, said) = of("interplm_v1_normalized", &[]);
    assert!(normalized.iter().all(|&m| m == 1.0));
    assert!(said.contains("1 latents were never active"), "{said}");
    let (unknown, said) = of("interplm_legacy", &[]);
    assert!(unknown.iter().all(|&m| m == 1.0));
    assert!(said.contains("not known"), "{said}");
    let (_, said) = of("interplm_legacy_normalized", &[]);
    assert!(said.contains("2 dead latents"), "{said}");
}

#[test]
fn a_converted_model_is_no_beginning_of_a_training_and_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    let input = checkpoint("saelens_jumprelu");
    converted(&["-i", text(&input), "-o", text(&model), "--any-plm"]);
    let config = fs::read_to_string(model.join("config.yaml")).unwrap();
    assert!(config.contains("family: saelens") && config.contains("input: layer-norm"));
    assert!(!config.contains("training:"), "{config}");
    // a row that cannot be turned back is an error, not a wrong reconstruction
    let sae = Sae::load(&model).unwrap();
    let x = expected("saelens_jumprelu").x;
    let mut encoder = Encoder::new(&sae);
    let mut z = encoder.encode(&x).unwrap().z;
    z.frames = &[];
    let mut out = vec![0.0; x.len()];
    assert!(matches!(
        sae.decode(z, &mut out),
        Err(SaeError::Width { .. })
    ));
    // what was converted is not converted again
    refused(
        &["-i", text(&model), "-o", text(&folder.path().join("x"))],
        2,
    );
}
