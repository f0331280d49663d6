//! Gradients of every variant against central differences, and the laws of their choices.

use protsae::{
    annot::concept::Axioms,
    math::random::{Purpose, normal, stream},
    sae::{
        config::{Objective, Shape, Variant},
        params::Params,
    },
    train::{cpu::Engine, data::batch::Batch},
};

use super::relative_error;

const ROWS: usize = 12;

fn setting(variant: Variant) -> (Shape, Objective) {
    let shape = Shape {
        width: 5,
        latents: 14,
        defined: if variant.predicts() { 3 } else { 0 },
        ..Shape::default()
    };
    let shape = Shape {
        latents: if variant == Variant::LinearProbe {
            3
        } else {
            14
        },
        ..shape
    };
    let objective = Objective {
        variant,
        k: 3,
        lambda_sparsity: 0.3,
        bandwidth: 1e-5,
        // the loss must see every gradient that is compared
        detach: false,
        ..Objective::default()
    };
    (shape, objective)
}

fn params(shape: Shape, objective: &Objective) -> Params<f64> {
    let mut rng = stream(2, Purpose::Weights, 7);
    let mut params = Params::initial(shape, objective, 4, -0.3, &[0.1; 5]);
    for (name, values) in params.tensors_mut() {
        let size = match name {
            "w_dec" | "b_mag" | "r_mag" | "b_enc" | "r_pred" => 0.2,
            _ => 0.0,
        };
        for value in values {
            *value += size * normal(&mut rng);
        }
    }
    if objective.variant == Variant::Jumprelu {
        params.threshold.fill(0.4);
    }
    params
}

fn batch() -> Batch<f64> {
    let mut rng = stream(3, Purpose::Rows, 7);
    let mut batch = Batch::default();
    batch.clear();
    for row in 0..ROWS {
        batch.x.extend((0..5).map(|_| normal(&mut rng)));
        if row % 3 == 0 {
            batch.labels.push(row as u32 / 3 % 3);
        }
        batch.end_row(row != 5);
    }
    batch
}

fn engine(params: Params<f64>, objective: &Objective) -> Engine<f64> {
    let weights = vec![2.0; params.shape.defined];
    Engine::new(params, objective.clone(), weights, &Axioms::default(), 0)
}

/// Compares the gradients of all tensors but `constant`, which the loss takes as constants where
/// it penalises.
fn compare(objective: &Objective, shape: Shape, constant: &[&str]) {
    let start = params(shape, objective);
    let (_, gradients) = engine(start.clone(), objective).gradients(&batch());
    let names: Vec<&str> = start.tensors().map(|(name, ..)| name).collect();
    for name in names.into_iter().filter(|name| !constant.contains(name)) {
        let got = gradients
            .tensors()
            .find(|t| t.0 == name)
            .unwrap()
            .2
            .to_vec();
        let numeric: Vec<f64> = (0..got.len())
            .map(|i| {
                let at = |h: f64| {
                    let mut moved = start.clone();
                    moved.tensors_mut().find(|t| t.0 == name).unwrap().1[i] += h;
                    engine(moved, objective).gradients(&batch()).0.total
                };
                (at(1e-6) - at(-1e-6)) / 2e-6
            })
            .collect();
        let error = relative_error(&got, &numeric);
        assert!(
            error < 1e-6 || got.iter().chain(&numeric).all(|g| g.abs() < 1e-7),
            "{:?} {name}: {error:e}",
            objective.variant
        );
    }
}

#[test]
fn gradients_equal_differences() {
    for (variant, constant) in [
        (Variant::Protsae, &[][..]),
        (Variant::Topk, &[]),
        (Variant::Batchtopk, &["threshold"]),
        (Variant::Relu, &["w_dec"]),
        (Variant::Gated, &["w_dec", "b_dec"]),
        (Variant::Jumprelu, &["threshold"]),
        (Variant::LinearProbe, &[]),
    ] {
        let (shape, objective) = setting(variant);
        compare(&objective, shape, constant);
    }
}

#[test]
fn gradients_of_prefixes_equal_differences() {
    for variant in [Variant::Protsae, Variant::Topk] {
        let (shape, objective) = setting(variant);
        let objective = Objective {
            prefixes: vec![2, 8],
            ..objective
        };
        compare(&objective, shape, &[]);
    }
}

/// The threshold of jumprelu feels the rows in its window, as the straight-through estimate says.
#[test]
fn thresholds_feel_their_window() {
    let (shape, objective) = setting(Variant::Jumprelu);
    let objective = Objective {
        bandwidth: 0.5,
        ..objective
    };
    let start = params(shape, &objective);
    let (_, gradients) = engine(start.clone(), &objective).gradients(&batch());
    let d = shape.width;
    let x = batch().x;
    let mut want = vec![0.0; shape.latents];
    for row in x.chunks_exact(d) {
        let xc: Vec<f64> = row.iter().zip(&start.b_dec).map(|(x, b)| x - b).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let pre: Vec<f64> = (0..shape.latents)
            .map(|l| dot(&xc, &start.enc[l * d..][..d]) + start.b_enc[l])
            .collect();
        let mut error: Vec<f64> = xc.iter().map(|v| -v).collect();
        for (l, &pre) in pre.iter().enumerate().filter(|(_, p)| **p > 0.4) {
            for (e, w) in error.iter_mut().zip(&start.dec[l * d..][..d]) {
                *e += pre * w;
            }
        }
        for (l, &pre) in pre.iter().enumerate() {
            if (pre - 0.4).abs() < 0.25 {
                let of_latent = 2.0 * dot(&error, &start.dec[l * d..][..d]);
                want[l] -= (0.4 * of_latent + 0.3) / 0.5 / ROWS as f64;
            }
        }
    }
    assert!(want.iter().any(|w| w.abs() > 0.01));
    let error = relative_error(&gradients.threshold, &want);
    assert!(error < 1e-9, "{error:e}");
}

#[test]
fn a_batch_wide_choice_keeps_k_per_row_on_average() {
    let (shape, objective) = setting(Variant::Batchtopk);
    let mut engine = engine(params(shape, &objective), &objective);
    for _ in 0..3 {
        let losses = engine.step(&batch(), 1e-3, true);
        assert_eq!(losses.sums.active, 3 * ROWS as u64);
    }
    assert!(engine.params().threshold.iter().all(|&t| t > 0.0));
}

/// Steps whose gradients are held and shortened equal fused ones where nothing is shortened, and
/// are bounded where it is.
#[test]
fn clipping_changes_long_gradients_only() {
    for variant in [Variant::Protsae, Variant::Gated] {
        let (shape, objective) = setting(variant);
        let run = |clip: Option<f64>| {
            let mut engine = engine(params(shape, &objective), &objective);
            engine.clip(clip);
            for _ in 0..4 {
                engine.step(&batch(), 1e-2, true);
            }
            engine.params().clone()
        };
        let fused = run(None);
        assert_eq!(fused, run(Some(1e9)));
        assert_ne!(fused, run(Some(1e-3)));
    }
}
