//! The path of other devices, run on the CPU, against the path of the CPU.

use crate::{
    shared::shared,
    support::{batch, load, mini, places, relative_error, rows, sequence},
};
use candle_core::{Device, Tensor};
use protsae::plm::{
    batch::Batch,
    encoder::{Activations, CandleModel, LoadPlan, Model},
    engine::{Computed, Engine, Transfer, Where},
    place::{Place, Replacement},
    weights::{ModelFolder, Precision},
};
use std::path::Path;

/// Largest relative error in single precision.
const SINGLE: f64 = 1e-5;
/// Largest relative error in half precision.
const HALF: f64 = 2e-2;

fn dense(path: &Path, precision: Precision) -> CandleModel {
    let folder = ModelFolder::open(path).expect("a model folder");
    let needs = LoadPlan {
        layers: folder.architecture.layers,
        head: true,
        precision,
    };
    CandleModel::load(&folder, needs, &Device::Cpu).expect("all tensors")
}

fn fetch(model: &CandleModel, batch: &Batch, places: &[Place]) -> Activations {
    let part = model.forward(batch, places, None).expect("no device fails");
    join(model, vec![part])
}

fn join(model: &CandleModel, parts: Vec<Vec<Tensor>>) -> Activations {
    let transfer = Transfer::new(model.device()).expect("no device fails");
    let there = Computed::There {
        width: model.width(),
        parts,
        moment: transfer.now(model.device()).expect("no device fails"),
        transfer,
    };
    there.fetch().expect("no device fails")
}

/// Mixed lengths, some nearly equal, so that groups have padding.
fn mixed(model: &Model) -> Batch {
    let texts: Vec<String> = [300, 295, 1, 64, 62, 290, 7]
        .into_iter()
        .enumerate()
        .map(|(i, length)| sequence(length, i))
        .collect();
    batch(model, &texts.iter().map(String::as_str).collect::<Vec<_>>())
}

fn compare(path: &Path, precision: Precision, tolerance: f64) {
    let model = load(path);
    let other = dense(path, precision);
    let places = places(model.architecture());
    let batch = mixed(&model);
    let want = model.forward(&batch, &places, None);
    let got = fetch(&other, &batch, &places);
    for s in 0..batch.sequences() {
        for (p, place) in places.iter().enumerate() {
            let error = relative_error(&rows(&got, p, &batch, s), &rows(&want, p, &batch, s));
            assert!(error < tolerance, "{place}, sequence {s}: {error:e}");
        }
    }
    let want = model.logits(&batch, None);
    let got = other.logits(&batch, None).expect("no device fails");
    for token in 0..batch.tokens().len() {
        let error = relative_error(got.row(token), want.row(token));
        assert!(error < tolerance, "logits of token {token}: {error:e}");
    }
}

#[test]
fn every_site_agrees_in_single_precision() {
    compare(&mini(), Precision::F32, SINGLE);
    for name in ["random_3x48", "random_2x80"] {
        if let Some(path) = shared(&format!("vectors/esm2/{name}")) {
            compare(&path, Precision::F32, SINGLE);
        }
    }
}

#[test]
fn every_site_is_close_in_half_precision() {
    compare(&mini(), Precision::F16, HALF);
}

#[test]
fn edits_reach_the_same_logits() {
    let model = load(&mini());
    let other = dense(&mini(), Precision::F32);
    let batch = mixed(&model);
    let halve = |_: &[usize], rows: &mut [f32]| {
        for value in rows {
            *value *= 0.5;
        }
    };
    for place in places(model.architecture()) {
        let want = model.logits(
            &batch,
            Some(Replacement {
                place,
                edit: &halve,
            }),
        );
        let got = other
            .logits(
                &batch,
                Some(Replacement {
                    place,
                    edit: &halve,
                }),
            )
            .expect("no device fails");
        for token in 0..batch.tokens().len() {
            let error = relative_error(got.row(token), want.row(token));
            assert!(error < SINGLE, "{place}, token {token}: {error:e}");
        }
    }
}

#[test]
fn parts_of_a_batch_are_joined_in_order() {
    let model = load(&mini());
    let other = dense(&mini(), Precision::F32);
    let places = &places(model.architecture())[2..4];
    let whole = mixed(&model);
    let (left, right) = whole.halves();
    let parts = [&left, &right].map(|b| other.forward(b, places, None).expect("no device fails"));
    let joined = join(&other, parts.into());
    let want = fetch(&other, &whole, places);
    for s in 0..whole.sequences() {
        for p in 0..places.len() {
            let error = relative_error(&rows(&joined, p, &whole, s), &rows(&want, p, &whole, s));
            assert!(error < SINGLE, "{error:e}");
        }
    }
}

#[test]
fn a_build_without_cuda_says_so() {
    let folder = ModelFolder::open(&mini()).expect("a model folder");
    let needs = LoadPlan {
        layers: 1,
        head: false,
        precision: Precision::F32,
    };
    let auto = Engine::load(&folder, needs, Where::Auto).expect("some device");
    if !cfg!(feature = "cuda") {
        assert_eq!(auto.device(), "cpu");
        let error = Engine::load(&folder, needs, Where::Cuda(0))
            .err()
            .expect("no CUDA");
        assert!(error.to_string().contains("--features cuda"));
    }
}

/// Every site on the first GPU, and logits, in each precision.
#[test]
fn a_gpu_agrees_with_the_cpu() {
    let folder = ModelFolder::open(&mini()).expect("a model folder");
    let cpu = load(&mini());
    let places = places(cpu.architecture());
    let batch = mixed(&cpu);
    for (precision, tolerance) in [
        (Precision::F32, 1e-4),
        (Precision::F16, HALF),
        (Precision::Bf16, HALF),
    ] {
        let needs = LoadPlan {
            layers: cpu.architecture().layers,
            head: true,
            precision,
        };
        let Ok(gpu) = Engine::load(&folder, needs, Where::Cuda(0)) else {
            crate::skip::skipped("no GPU");
            return;
        };
        let want = cpu.forward(&batch, &places, None);
        let got = gpu.forward(&batch, &places).and_then(Computed::fetch);
        let got = got.expect("the GPU computes");
        for s in 0..batch.sequences() {
            for (p, place) in places.iter().enumerate() {
                let error = relative_error(&rows(&got, p, &batch, s), &rows(&want, p, &batch, s));
                assert!(
                    error < tolerance,
                    "{precision:?} {place}, sequence {s}: {error:e}"
                );
            }
        }
        let want = cpu.logits(&batch, None);
        let got = gpu.logits(&batch, None).expect("the GPU computes");
        for token in 0..batch.tokens().len() {
            let error = relative_error(got.row(token), want.row(token));
            assert!(
                error < tolerance,
                "{precision:?} logits of token {token}: {error:e}"
            );
        }
    }
}
