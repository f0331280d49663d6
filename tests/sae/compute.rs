//! What products multiply: bf16 numbers, and f32 numbers made of them, beside f32 itself.

use super::{
    recovery::{mean, scores},
    synthetic,
    train::Bench,
};
use protsae::{
    math::random::{Purpose, normal, stream},
    sae::{Sae, encode::Encoder, settings::Compute},
};

/// Latents and activations of each row.
type Rows = Vec<Vec<(u32, f32)>>;

fn encode(sae: &Sae, compute: Compute, x: &[f32]) -> (Rows, Vec<f32>) {
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
    let (want, logits) = encode(&sae, Compute::F32, &x);
    for (compute, least, most) in [(Compute::Bf16x3, 0.999, 2e-5), (Compute::Bf16, 0.95, 1e-2)] {
        let (got, of_concepts) = encode(&sae, compute, &x);
        let (share, error) = agreement(&got, &want);
        assert!(
            share > least && error < most,
            "{compute:?}: {share} {error}"
        );
        let errors = of_concepts.iter().zip(&logits).map(|(a, b)| (a - b).abs());
        let worst = errors.fold(0.0, f32::max);
        assert!(f64::from(worst) < 30.0 * most, "{compute:?}: {worst}");
        let alone = encode(&sae, compute, &x[200 * d..201 * d]);
        assert_eq!(alone.0[0], got[200]);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let again = pool.install(|| encode(&sae, compute, &x));
            assert!(
                again.0 == got && again.1 == of_concepts,
                "{threads} threads"
            );
        }
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
        let (pi, z, _) = scores(&bench.path(compute), &bench.data);
        let summary = std::fs::read_to_string(bench.path(compute).join("summary.json")).unwrap();
        (mean(&pi), mean(&z), summary)
    };
    let (pi, z, _) = quality("f32");
    for compute in ["bf16", "bf16x3"] {
        let (of_pi, of_z, _) = quality(compute);
        assert!(
            (of_pi - pi).abs() < 0.01 && (of_z - z).abs() < 0.02,
            "{compute}: {of_pi} {pi} {of_z} {z}"
        );
        let config = std::fs::read_to_string(bench.path(compute).join("config.yaml")).unwrap();
        assert!(
            config.contains(&format!("compute: {compute}\n")),
            "{config}"
        );
    }
    let options = [&settings[..], &["--compute", "bf16", "-t", "1"]].concat();
    bench.train(&["all.arrow"], "one", &options);
    bench.assert_same_files("bf16", "one");
}
