//! Gradients of every variant against central differences, and the laws of their choices.

use protsae::{
    annot::concept::Axioms,
    math::random::{Purpose, normal, stream},
    sae::{
        config::{ForcedBy, ForcedMean, Objective, PredictorCenter, Shape, Variant},
        hierarchy::Hierarchy,
        params::Params,
    },
    train::{cpu::Engine, data::batch::Batch},
};

use super::relative_error;

const ROWS: usize = 12;

/// The variant of a name, with options for these sizes.
fn variant_of(name: &str) -> Variant {
    let mut all = Variant::ALL.into_iter();
    let mut variant = all.find(|v| v.name() == name).unwrap().with_k(3);
    if let Some(weight) = variant.lambda_sparsity_mut() {
        *weight = 0.3;
    }
    if let Some(width) = variant.bandwidth_mut() {
        *width = 1e-5;
    }
    variant
}

fn setting(name: &str) -> (Shape, Objective) {
    let variant = variant_of(name);
    let shape = Shape {
        width: 5,
        latents: 14,
        defined: if variant.predicts() { 3 } else { 0 },
        ..Shape::default()
    };
    let shape = Shape {
        latents: if variant.only_concepts() { 3 } else { 14 },
        ..shape
    };
    let objective = Objective {
        variant,
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
    if objective.variant.name().ends_with("jumprelu") {
        params.own[0].values.fill(0.4);
    }
    params.set_center(&[0.3, -0.2, 0.1, 0.0, 0.2]);
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
    let mut engine = Engine::new(params, objective.clone(), weights, &Axioms::default(), 0);
    engine.set_hierarchy(Hierarchy::of_parents(&[&[1], &[2], &[]]));
    engine
}

/// Compares the gradients of all tensors but `constant`, which the loss takes as constants where
/// it penalises.
fn compare(objective: &Objective, shape: Shape, constant: &[&str]) {
    let start = params(shape, objective);
    let (_, gradients) = engine(start.clone(), objective).gradients(&batch());
    let names: Vec<&str> = start.tensors().map(|(name, ..)| name).collect();
    // it stands still
    let fixed = |name: &&str| *name == "predictor_center" || constant.contains(name);
    for name in names.into_iter().filter(|name| !fixed(name)) {
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
            "{} {name}: {error:e}",
            objective.variant.name()
        );
    }
}

/// Tensors that are taken as constants: what moves otherwise than by gradients, and what a penalty holds still.
const CONSTANT: [(&str, &[&str]); 10] = [
    ("protsae", &[]),
    ("protsae-batchtopk", &["threshold"]),
    ("protsae-gated", &["w_dec", "b_dec"]),
    ("protsae-jumprelu", &["threshold"]),
    ("topk", &[]),
    ("batchtopk", &["threshold"]),
    ("relu", &["w_dec"]),
    ("gated", &["w_dec", "b_dec"]),
    ("jumprelu", &["threshold"]),
    ("linear-probe", &[]),
];

#[test]
fn gradients_equal_differences() {
    for (variant, constant) in CONSTANT {
        let (shape, objective) = setting(variant);
        compare(&objective, shape, constant);
    }
}

/// With the centre of the paper, and with the other ways to force concepts.
#[test]
fn gradients_equal_differences_for_other_switches() {
    let (shape, objective) = setting("protsae");
    let moving = Objective {
        predictor_center: PredictorCenter::BDec,
        ..objective.clone()
    };
    compare(&moving, shape, &[]);
    for name in ["protsae", "protsae-gated", "protsae-jumprelu"] {
        let (shape, objective) = setting(name);
        let coherent = Objective {
            forced_by: ForcedBy::Coherent,
            forced_mean: ForcedMean::Active,
            ..objective
        };
        let (_, constant) = CONSTANT.iter().find(|(of, _)| *of == name).unwrap();
        compare(&coherent, shape, constant);
    }
}

/// What is forced with a child is forced with its parents.
#[test]
fn ancestors_of_predicted_concepts_are_forced_too() {
    let (shape, objective) = setting("protsae");
    let count = |forced_by| {
        let objective = Objective {
            forced_by,
            ..objective.clone()
        };
        let mut params = params(shape, &objective);
        // only the first concept is ever predicted
        params.b_center.copy_from_slice(&[0.5, -50.0, -50.0]);
        let mut engine = engine(params, &objective);
        engine.evaluate(&batch());
        engine.activity()[..3].to_vec()
    };
    let own = count(ForcedBy::Own);
    let coherent = count(ForcedBy::Coherent);
    assert!(own[0] > 0 && own[0] < ROWS as u32);
    assert!(coherent[1] >= own[0] && coherent[2] >= own[0]);
    assert!(coherent[1] > own[1] && coherent[2] > own[2]);
}

/// Aligned rows of a trained model have an inner product of 1, and checkpoints of others are as they were.
#[test]
fn aligned_rows_have_a_product_of_one() {
    for name in ["protsae", "topk", "protsae-gated"] {
        let (shape, objective) = setting(name);
        let objective = Objective {
            aligned: true,
            ..objective
        };
        let mut engine = engine(params(shape, &objective), &objective);
        for _ in 0..3 {
            assert!(engine.step(&batch(), 1e-2, true).total.is_finite());
        }
        let trained = engine.trained_params();
        let d = shape.width;
        for latent in 0..shape.latents {
            let rows = trained.enc[latent * d..][..d].iter();
            let product: f64 = rows
                .zip(&trained.dec[latent * d..][..d])
                .map(|(e, d)| e * d)
                .sum();
            let scale = trained.r_pred.get(latent).map_or(1.0, |r| r.exp());
            assert!((scale * product - 1.0).abs() < 1e-9, "{name} {latent}");
        }
    }
}

#[test]
fn gradients_of_prefixes_equal_differences() {
    for variant in ["protsae", "topk"] {
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
    let (shape, mut objective) = setting("jumprelu");
    *objective.variant.bandwidth_mut().unwrap() = 0.5;
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
    let error = relative_error(gradients.own(0), &want);
    assert!(error < 1e-9, "{error:e}");
}

#[test]
fn a_batch_wide_choice_keeps_k_per_row_on_average() {
    let (shape, objective) = setting("batchtopk");
    let mut engine = engine(params(shape, &objective), &objective);
    for _ in 0..3 {
        let losses = engine.step(&batch(), 1e-3, true);
        assert_eq!(losses.sums.active, 3 * ROWS as u64);
    }
    assert!(engine.params().own(0).iter().all(|&t| t > 0.0));
}

/// Steps whose gradients are held and shortened equal fused ones where nothing is shortened, and
/// are bounded where it is.
#[test]
fn clipping_changes_long_gradients_only() {
    for variant in ["protsae", "gated", "protsae-gated"] {
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
