//! What a GPU holds of a model that it applies: the encoder and the rule by which latents are active.

use crate::{
    sae::{
        config::{ForcedBy, Variant},
        folder::Sae,
        hierarchy::Hierarchy,
        params::Params,
    },
    train::gpu::{GpuBackend, GpuError, Operand, concepts::Lists, memory::Buffer},
};
use half::bf16;

/// The parameters of an encoder; those that only some variants have are none elsewhere.
#[derive(Debug)]
pub(super) struct EncoderWeights<M: GpuBackend> {
    /// Encoder rows, `[n, d]`, as products take them.
    pub(super) enc: Buffer<M>,
    /// Log-scales of the concepts' rows, `[m]`.
    pub(super) r_pred: Buffer<M>,
    /// Biases of latents, `[n]`.
    pub(super) b_enc: Buffer<M>,
    /// Biases of logits, `[m]`.
    pub(super) b_pred: Buffer<M>,
    /// What pre-activations must be above, `[n]`.
    pub(super) thresholds: Option<Buffer<M>>,
    /// Log-scales and biases of magnitudes, `[n]` each.
    pub(super) magnitudes: Option<[Buffer<M>; 2]>,
    /// Ancestors of each concept, if they are forced with it.
    pub(super) ancestors: Option<Lists<M>>,
}

impl<M: GpuBackend> EncoderWeights<M> {
    /// Those of a model that was checked.
    pub(super) fn new(machine: &M, sae: &Sae, operand: Operand) -> Result<Self, GpuError> {
        let params = &sae.params;
        let tensor = |values: &[f32]| Buffer::of(machine, values);
        let magnitudes = match (own(params, "r_mag"), own(params, "b_mag")) {
            (Some(scales), Some(biases)) => Some([tensor(scales)?, tensor(biases)?]),
            _ => None,
        };
        let ancestors = match sae.config.objective.forced_by {
            ForcedBy::Own => None,
            ForcedBy::Coherent => {
                let hierarchy = Hierarchy::new(&sae.concepts, sae.config.shape.defined);
                let (starts, values) = hierarchy.ancestor_lists();
                Some(Lists::new(machine, starts, values)?)
            }
        };
        Ok(Self {
            enc: match operand {
                Operand::F32 => tensor(&params.enc)?,
                Operand::Bf16 => Buffer::of(machine, &rounded(&params.enc))?,
            },
            r_pred: tensor(&params.r_pred)?,
            b_enc: tensor(&params.b_enc)?,
            b_pred: tensor(&params.b_pred)?,
            thresholds: thresholds(sae).map(|t| tensor(&t)).transpose()?,
            magnitudes,
            ancestors,
        })
    }
}

/// Numbers rounded to bfloat16.
pub(super) fn rounded(numbers: &[f32]) -> Vec<bf16> {
    numbers
        .iter()
        .map(|&number| bf16::from_f32(number))
        .collect()
}

/// Refuses models that there are no kernels for.
pub(super) fn check(sae: &Sae) -> Result<(), GpuError> {
    let variant = sae.config.objective.variant;
    if matches!(variant, Variant::Splice(_)) {
        return Err(GpuError::CpuEncodes(format!("variant {}", variant.name())));
    }
    // patterns of numbers are ordered as the numbers are above 0 alone
    if thresholds(sae).is_some_and(|all| all.iter().any(|&t| t.is_nan() || t < 0.0)) {
        return Err(GpuError::CpuEncodes(format!(
            "variant {} with thresholds below 0",
            variant.name()
        )));
    }
    Ok(())
}

/// Thresholds of all latents, `[n]`, of variants that have any.
fn thresholds(sae: &Sae) -> Option<Vec<f32>> {
    let own = own(&sae.params, "threshold")?;
    Some(match sae.config.objective.variant {
        // one for all latents
        Variant::Batchtopk(_) | Variant::ProtsaeBatchtopk(_) => {
            vec![own.first().copied().unwrap_or(0.0); own.len()]
        }
        _ => own.to_vec(),
    })
}

/// A tensor of a variant's own.
fn own<'p>(params: &'p Params<f32>, name: &str) -> Option<&'p [f32]> {
    let tensor = params.own.iter().find(|tensor| tensor.name == name)?;
    Some(&tensor.values)
}
