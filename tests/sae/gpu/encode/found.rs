//! What the CPU and a GPU find of the same rows.

use protsae::{
    sae::{
        Sae,
        encode::{Encoded, Encoder},
    },
    train::gpu::{GpuBackend, GpuEncoder, Operand},
};

/// Of what stands beside it: products are summed in another order, and exp differs in its last bit.
const NEAR: f32 = 1e-5;

/// What was found of some rows, to be kept.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) logits: Vec<f32>,
    pub(super) offsets: Vec<usize>,
    pub(super) latents: Vec<u32>,
    pub(super) values: Vec<f32>,
    pub(super) frames: Vec<[f32; 2]>,
}

impl Found {
    pub(super) fn new(encoded: &Encoded<'_>) -> Self {
        let frames = encoded.z.frames.iter();
        Self {
            logits: encoded.logits.to_vec(),
            offsets: encoded.z.offsets.to_vec(),
            latents: encoded.z.latents.to_vec(),
            values: encoded.z.values.to_vec(),
            frames: frames.map(|frame| [frame.shift, frame.scale]).collect(),
        }
    }
}

fn on_cpu(sae: &Sae, x: &[f32]) -> Found {
    Found::new(&Encoder::new(sae).encode(x).unwrap())
}

pub(super) fn on_gpu<M: GpuBackend>(machine: M, sae: &Sae, x: &[f32]) -> Found {
    multiplying(machine, sae, x, Operand::F32)
}

pub(super) fn multiplying<M: GpuBackend>(
    machine: M,
    sae: &Sae,
    x: &[f32],
    operand: Operand,
) -> Found {
    let mut encoder = GpuEncoder::new(machine, sae, operand).unwrap();
    Found::new(&encoder.encode(x).unwrap())
}

fn near(name: &str, what: &str, got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len(), "{name}: number of {what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let allowed = NEAR * want.abs().max(1.0);
        assert!(
            (got - want).abs() <= allowed,
            "{name}: {what} {i} is {got}, not {want}"
        );
    }
}

pub(super) fn alike(name: &str, got: &Found, want: &Found) {
    assert_eq!(got.offsets, want.offsets, "{name}: number of latents");
    assert_eq!(got.latents, want.latents, "{name}: latents");
    assert_eq!(got.frames, want.frames, "{name}: frames");
    near(name, "values", &got.values, &want.values);
    near(name, "logits", &got.logits, &want.logits);
}

pub(super) fn compare<M: GpuBackend + Clone>(
    name: &str,
    machine: &M,
    sae: &Sae,
    x: &[f32],
) -> Found {
    let got = on_gpu(machine.clone(), sae, x);
    alike(name, &got, &on_cpu(sae, x));
    got
}
