//! A trained model applied on a GPU against the same on the CPU: every variant, transform and switch.

mod found;
mod limited;
mod models;

use super::SHAPE;
use crate::machines::on_machines;
use found::{Found, alike, compare, multiplying, on_gpu};
use limited::Limited;
use models::{activations, model, objective, sae, variant};
use protsae::{
    math::random::{Purpose, below, stream},
    sae::{
        Sae,
        config::{ForcedBy, ForcedMean, Objective, Variant},
        conversion::{Conversion, Family, InputTransform},
        error::SaeError,
        params::Params,
    },
    train::gpu::{GpuBackend, GpuEncoder, GpuError, Operand},
};

const ROWS: usize = 37;

on_machines!(
    every_variant_is_that_of_the_cpu,
    every_input_transform_and_scale_is_that_of_the_cpu,
    ties_go_to_the_lower_latent,
    rows_do_not_depend_on_the_cut_into_calls,
    short_memory_halves_the_rows_that_are_computed_together,
    what_no_memory_suffices_for_is_memory_exhausted,
    what_only_the_cpu_encodes_is_refused,
    bad_activations_are_named,
);

fn every_variant_is_that_of_the_cpu<M: GpuBackend + Clone>(machine: &M) {
    let x = activations(ROWS);
    for variant in Variant::ALL {
        if matches!(variant, Variant::Splice(_)) {
            continue;
        }
        let switches: &[(bool, ForcedBy, ForcedMean)] = if variant.ties_latents() {
            &[
                (true, ForcedBy::Own, ForcedMean::All),
                (true, ForcedBy::Coherent, ForcedMean::Active),
                (false, ForcedBy::Own, ForcedMean::All),
            ]
        } else {
            &[(true, ForcedBy::Own, ForcedMean::All)]
        };
        let mut active = Vec::new();
        for &(forced_activation, forced_by, forced_mean) in switches {
            let objective = Objective {
                forced_activation,
                forced_by,
                forced_mean,
                ..objective(variant)
            };
            let sae = model(&objective);
            let name = format!(
                "{}, forced {forced_activation} {forced_by:?}",
                variant.name()
            );
            let found = compare(&name, machine, &sae, &x);
            let some = !matches!(variant, Variant::LinearProbe(_));
            assert_eq!(found.latents.len() > ROWS, some, "{name}: active latents");
            active.push(found.latents.len());
        }
        if let [forced, coherent, not] = active[..] {
            assert!(coherent > forced && forced > not, "{variant:?}: {active:?}");
        }
    }
}

fn every_input_transform_and_scale_is_that_of_the_cpu<M: GpuBackend + Clone>(machine: &M) {
    let x = activations(ROWS);
    for input in [
        InputTransform::None,
        InputTransform::LayerNorm,
        InputTransform::LayerNormBiased,
        InputTransform::UnitLength,
        InputTransform::Center,
    ] {
        let mut sae = model(&objective(Variant::default()));
        sae.latent_scale = (0..SHAPE.latents).map(|l| 0.5 + l as f32 / 16.0).collect();
        sae.config.conversion = Some(Conversion {
            family: Family::Esmc,
            sha256: String::new(),
            input,
            latent_scale: true,
            assumed_maxima: false,
            claim: None,
            statistics: None,
            reached: None,
        });
        compare(&format!("{input:?}"), machine, &sae, &x);
    }
}

/// Whole numbers, whose sums are exact: pre-activations are equal by the dozen.
fn ties_go_to_the_lower_latent<M: GpuBackend + Clone>(machine: &M) {
    let objective = objective(Variant::default());
    let mut params = Params::zeros_for(SHAPE, &objective);
    let mut rng = stream(9, Purpose::Weights, 0);
    for value in &mut params.enc {
        *value = below(&mut rng, 3) as f32 - 1.0;
    }
    let x: Vec<f32> = (0..ROWS * SHAPE.width)
        .map(|_| below(&mut rng, 3) as f32 - 1.0)
        .collect();
    let mut sae = sae(params, objective);
    sae.config.input_scale = 1.0;
    let found = compare("ties", machine, &sae, &x);
    assert!(found.latents.len() > 6 * ROWS, "nothing is forced");
    // they are bf16 numbers, so nothing is rounded
    let halves = multiplying(machine.clone(), &sae, &x, Operand::Bf16);
    alike("bf16", &halves, &found);
}

fn rows_do_not_depend_on_the_cut_into_calls<M: GpuBackend + Clone>(machine: &M) {
    let x = activations(ROWS);
    let sae = model(&objective(Variant::default()));
    let whole = on_gpu(machine.clone(), &sae, &x);
    let mut encoder = GpuEncoder::new(machine.clone(), &sae, Operand::F32).unwrap();
    let mut at = 0;
    for rows in [1, 20, 0, ROWS - 21] {
        let part = &x[at * SHAPE.width..(at + rows) * SHAPE.width];
        let found = Found::new(&encoder.encode(part).unwrap());
        let range = whole.offsets[at]..whole.offsets[at + rows];
        assert_eq!(found.values, whole.values[range.clone()]);
        assert_eq!(found.latents, whole.latents[range]);
        at += rows;
    }
}

fn short_memory_halves_the_rows_that_are_computed_together<M: GpuBackend + Clone>(machine: &M) {
    let x = activations(ROWS);
    for name in ["protsae", "relu"] {
        let sae = model(&objective(variant(name)));
        let limited = Limited::new(machine.clone(), usize::MAX);
        let mut encoder = GpuEncoder::new(limited.clone(), &sae, Operand::F32).unwrap();
        // products of eight rows are all that fits
        limited.allow(8 * 4 * SHAPE.latents);
        let found = Found::new(&encoder.encode(&x).unwrap());
        alike(name, &found, &on_gpu(machine.clone(), &sae, &x));
        assert_eq!(limited.refused(), 10, "from 8,192 rows to 8");
    }
}

fn what_no_memory_suffices_for_is_memory_exhausted<M: GpuBackend + Clone>(machine: &M) {
    let x = activations(ROWS);
    let sae = model(&objective(Variant::default()));
    let weights = size_of_val(&sae.params.enc[..]);
    let limited = Limited::new(machine.clone(), weights - 1);
    let error = GpuEncoder::new(limited, &sae, Operand::F32).unwrap_err();
    assert!(matches!(error, GpuError::Memory { bytes } if bytes == weights));
    let limited = Limited::new(machine.clone(), weights);
    let mut encoder = GpuEncoder::new(limited.clone(), &sae, Operand::F32).unwrap();
    limited.allow(4 * SHAPE.latents - 1);
    let error = encoder.encode(&x).unwrap_err();
    assert!(matches!(error, SaeError::Gpu(GpuError::Memory { .. })));
    // what there is room for again is encoded again
    limited.allow(usize::MAX);
    let found = Found::new(&encoder.encode(&x).unwrap());
    alike("again", &found, &on_gpu(machine.clone(), &sae, &x));
}

fn what_only_the_cpu_encodes_is_refused<M: GpuBackend + Clone>(machine: &M) {
    let refused = |sae: &Sae, words: &str| {
        let error = GpuEncoder::new(machine.clone(), sae, Operand::F32).unwrap_err();
        assert!(matches!(error, GpuError::CpuEncodes(_)));
        assert_eq!(
            error.to_string(),
            format!("{words} encodes on the CPU alone")
        );
    };
    refused(&model(&objective(variant("splice"))), "variant splice");
    let mut sae = model(&objective(variant("jumprelu")));
    sae.params.own[0].values[3] = -0.1;
    refused(&sae, "variant jumprelu with thresholds below 0");
}

fn bad_activations_are_named<M: GpuBackend + Clone>(machine: &M) {
    let sae = model(&objective(Variant::default()));
    let mut encoder = GpuEncoder::new(machine.clone(), &sae, Operand::F32).unwrap();
    let mut x = activations(ROWS);
    let error = encoder.encode(&x[1..]).unwrap_err();
    assert!(matches!(error, SaeError::Width { found, .. } if found == SHAPE.width - 1));
    x[5 * SHAPE.width + 2] = f32::NAN;
    let error = encoder.encode(&x).unwrap_err();
    assert!(matches!(
        error,
        SaeError::NotFinite {
            row: 5,
            column: 2,
            ..
        }
    ));
}
