//! What products multiply: bf16 numbers, and f32 numbers made of them, beside f32 itself.

use super::{
    recovery::{mean, scores},
    synthetic::{self, WIDTH},
    train::Bench,
};
use protsae::{
    annot::concept::Axioms,
    math::{
        matrix_unit::Split,
        random::{Purpose, normal, stream},
    },
    sae::{
        Sae,
        config::{Objective, Shape, Variant},
        encode::Encoder,
        params::Params,
        settings::Operand,
        variants::Topk,
    },
    train::{cpu::Engine, data::batch::Batch},
};

/// Latents and activations of each row.
type Rows = Vec<Vec<(u32, f32)>>;

fn encode(sae: &Sae, compute: Operand, x: &[f32]) -> (Rows, Vec<f32>) {
    let mut encoder = Encoder::with(sae, compute);
    let encoded = encoder.encode(x).unwrap();
    let row = |row| {
        let (latents, values) = encoded.z.row(row);
        latents
            .iter()
            .copied()
            .zip(values.iter().copied())
            .collect()
    };
    (
        (0..encoded.rows).map(row).collect(),
        encoded.logits.to_vec(),
    )
}

/// Share of latents that both found, and the relative error of their activations.
fn agreement(got: &Rows, want: &Rows) -> (f64, f64) {
    let (mut both, mut all, mut error, mut norm) = (0, 0, 0.0, 0.0);
    for (got, want) in got.iter().zip(want) {
        all += want.len();
        for (latent, value) in want {
            if let Some((_, other)) = got.iter().find(|(l, _)| l == latent) {
                both += 1;
                error += f64::from(value - other).powi(2);
                norm += f64::from(*value).powi(2);
            }
        }
    }
    (f64::from(both) / all as f64, (error / norm).sqrt())
}

#[test]
fn encoders_agree_as_far_as_their_numbers_go() {
    let bench = Bench::of(synthetic::make(60));
    bench.train(&["all.arrow"], "model", &["--epochs", "2"]);
    let sae = Sae::load(&bench.path("model")).unwrap();
    let d = sae.config.shape.width;
    let mut rng = stream(3, Purpose::Weights, 0);
    // no whole number of blocks of rows
    let x: Vec<f32> = (0..333 * d).map(|_| normal(&mut rng) as f32).collect();
    let (want, logits) = encode(&sae, Operand::F32, &x);
    let (got, of_concepts) = encode(&sae, Operand::Bf16, &x);
    let (share, error) = agreement(&got, &want);
    assert!(share > 0.95 && error < 1e-2, "{share} {error}");
    let errors = of_concepts.iter().zip(&logits).map(|(a, b)| (a - b).abs());
    let worst = errors.fold(0.0, f32::max);
    assert!(worst < 0.3, "{worst}");
    let alone = encode(&sae, Operand::Bf16, &x[200 * d..201 * d]);
    assert_eq!(alone.0[0], got[200]);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let again = pool.install(|| encode(&sae, Operand::Bf16, &x));
        assert!(
            again.0 == got && again.1 == of_concepts,
            "{threads} threads"
        );
    }
}

/// On whatever unit the machine has, and where it has none.
#[test]
fn steps_agree_as_far_as_their_parts_go() {
    let shape = Shape {
        width: WIDTH,
        latents: 150,
        defined: 37,
        ..Shape::default()
    };
    let objective = Objective {
        variant: Variant::Topk(Topk { k: 6 }),
        ..Objective::default()
    };
    let data = synthetic::make(20);
    let mut batch = Batch::<f32>::default();
    batch.clear();
    for (number, (_, x)) in data.proteins.iter().enumerate() {
        batch.x.extend_from_slice(x);
        for _ in 0..x.len() / WIDTH {
            batch.labels.push(number as u32 % 37);
            batch.end_row(true);
        }
    }
    let losses = |split| {
        let params = Params::initial(shape, &objective, 1, 0.0, &[0.0; WIDTH]);
        let weights = vec![1.0; shape.defined];
        let mut engine = Engine::new(params, objective.clone(), weights, &Axioms::default(), 0);
        engine.split(split);
        let first = engine.step(&batch, 1e-3, true).total;
        (first, engine.step(&batch, 1e-3, true).total)
    };
    let want = losses(None);
    for (split, most) in [
        (Split::Bf16x6, 1e-5),
        (Split::Bf16x3, 1e-4),
        (Split::Bf16, 1e-2),
    ] {
        let got = losses(Some(split));
        let error = (got.0 / want.0 - 1.0)
            .abs()
            .max((got.1 / want.1 - 1.0).abs());
        assert!(error < most, "{split:?}: {error:e}");
    }
}

#[test]
fn models_learn_as_well_from_products_of_bf16_numbers() {
    let bench = Bench::of(synthetic::make(300));
    let settings = [
        "--split",
        "split.tsv",
        "--epochs",
        "8",
        "--lr",
        "0.003",
        "--lr-epoch",
        "8",
    ];
    let quality = |compute: &str| {
        let options = [&settings[..], &["--compute", compute]].concat();
        bench.train(&["all.arrow"], compute, &options);
        let config = std::fs::read_to_string(bench.path(compute).join("config.yaml")).unwrap();
        let line = format!("compute: {compute}\n");
        assert!(config.contains(&line), "{config}");
        let (pi, z, _) = scores(&bench.path(compute), &bench.data);
        (mean(&pi), mean(&z))
    };
    let (want, got) = (quality("f32"), quality("bf16"));
    let lost = [want.0 - got.0, want.1 - got.1].map(f64::abs);
    assert!(lost[0] < 0.01 && lost[1] < 0.02, "{want:?} {got:?}");
    let options = [&settings[..], &["--compute", "bf16", "-t", "1"]].concat();
    bench.train(&["all.arrow"], "one", &options);
    bench.assert_same_files("bf16", "one");
}
