//! Every site, layer and logit of three models against transformers.

use crate::{
    shared::shared,
    support::{Reference, batch, load, load_at, load_split, places, relative_error, rows},
};
use protsae::{
    math::matrix_unit::Split,
    plm::{encoder::Model, weights::Precision},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Largest relative error of a tensor in single precision.
const SINGLE: f64 = 1e-5;
/// Largest relative error of a tensor with weights of 8 bits of precision.
const BRAIN: f64 = 2e-2;

/// Largest relative error of a tensor whose products are of numbers of two parts.
const TWO_PARTS: f64 = 4e-5;

/// Name, folder and saved numbers of each model.
fn models() -> Vec<(&'static str, PathBuf, Reference)> {
    let mut models = Vec::new();
    for (name, folder) in [
        ("mini_esm2", "data/mini_esm2"),
        ("random_3x48", "vectors/esm2/random_3x48"),
        ("random_2x80", "vectors/esm2/random_2x80"),
    ] {
        let numbers = shared(&format!("vectors/esm2/{name}.safetensors"));
        if let (Some(folder), Some(numbers)) = (shared(folder), numbers) {
            models.push((name, folder, Reference::read(&numbers)));
        }
    }
    models
}

fn compare(load: &dyn Fn(&Path) -> Model, tolerance: f64, together: bool) {
    for (name, folder, reference) in models() {
        let model = load(&folder);
        let places = places(model.architecture());
        let sequences: Vec<&str> = reference.sequences.iter().map(String::as_str).collect();
        let batches: Vec<(usize, Vec<&str>)> = if together {
            vec![(0, sequences)]
        } else {
            sequences
                .into_iter()
                .enumerate()
                .map(|(i, s)| (i, vec![s]))
                .collect()
        };
        for (first, sequences) in batches {
            let batch = batch(&model, &sequences);
            let activations = model.forward(&batch, &places, None);
            let logits = model.logits(&batch, None);
            for s in 0..sequences.len() {
                let n = first + s;
                for (p, place) in places.iter().enumerate() {
                    let want = reference.at(n, *place);
                    let error = relative_error(&rows(&activations, p, &batch, s), &want);
                    assert!(error < tolerance, "{name} s{n} {place}: {error:e}");
                }
                let got: Vec<f32> = batch
                    .residues(s)
                    .flat_map(|t| logits.row(t).to_vec())
                    .collect();
                let error = relative_error(&got, &reference.get(&format!("s{n}.logits")));
                assert!(error < tolerance, "{name} s{n} logits: {error:e}");
            }
        }
    }
}

#[test]
fn every_site_of_single_sequences() {
    compare(&load, SINGLE, false);
}

#[test]
fn every_site_of_all_sequences_in_one_batch() {
    compare(&load, SINGLE, true);
}

#[test]
fn weights_of_half_the_size_are_close() {
    compare(&|path| load_at(path, Precision::Bf16), BRAIN, true);
    compare(&|path| load_at(path, Precision::F16), BRAIN, true);
}

#[test]
fn products_of_split_numbers_are_as_exact_as_they_say() {
    for (split, tolerance) in [
        (None, SINGLE),
        (Some(Split::Bf16x6), SINGLE),
        (Some(Split::Bf16x3), TWO_PARTS),
        (Some(Split::Bf16), BRAIN),
    ] {
        let load = |path: &Path| load_split(path, split);
        compare(&load, tolerance, true);
        compare_long(&load, tolerance);
    }
}

/// Models and numbers that this project made (`reference.py`): 15 sequences of 1 to 1,022 residues,
/// their first, middle and last rows.
fn compare_long(load: &dyn Fn(&Path) -> Model, tolerance: f64) {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/test_data/esm2_parity"
    ));
    for name in ["2x32", "3x60", "2x96"] {
        let reference = Reference::read(&folder.join(format!("{name}.safetensors")));
        let folder = folder.join(name);
        let model = load(&folder);
        let places = places(model.architecture());
        let texts: Vec<&str> = reference.sequences.iter().map(String::as_str).collect();
        let batch = batch(&model, &texts);
        let activations = model.forward(&batch, &places, None);
        let logits = model.logits(&batch, None);
        for (s, text) in texts.iter().enumerate() {
            let chosen = BTreeSet::from([0, text.len() / 2, text.len() - 1]);
            let first = batch.residues(s).start;
            for (p, place) in places.iter().enumerate() {
                let all = rows(&activations, p, &batch, s);
                let got: Vec<f32> = chosen
                    .iter()
                    .flat_map(|&r| &all[r * activations.width()..][..activations.width()])
                    .copied()
                    .collect();
                let want = reference.at(s, *place);
                let error = relative_error(&got, &want);
                let length = text.len();
                assert!(
                    error < tolerance,
                    "{name}, {length} residues, {place}: {error:e}"
                );
            }
            let got: Vec<f32> = chosen
                .iter()
                .flat_map(|&r| logits.row(first + r))
                .copied()
                .collect();
            let error = relative_error(&got, &reference.get(&format!("s{s}.logits")));
            assert!(error < tolerance, "{name} s{s} logits: {error:e}");
        }
    }
}

#[test]
fn lengths_of_1_to_1022_in_one_packed_batch() {
    compare_long(&load, SINGLE);
    compare_long(&|path| load_at(path, Precision::Bf16), BRAIN);
}

#[test]
fn the_embedded_model_is_the_one_of_the_saved_numbers() {
    let Some(numbers) = shared("vectors/esm2/mini_esm2.safetensors") else {
        return;
    };
    let reference = Reference::read(&numbers);
    let model = load(&crate::support::mini());
    let batch = batch(&model, &[&reference.sequences[2]]);
    let place = places(model.architecture())[3];
    let activations = model.forward(&batch, &[place], None);
    let want = reference.at(2, place);
    assert!(relative_error(&rows(&activations, 0, &batch, 0), &want) < SINGLE);
}
