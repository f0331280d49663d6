//! What the products of a run multiply, and on which unit of the CPU.

use crate::{
    cli::Context,
    math::{
        matrix_unit::{self, Split},
        simd,
    },
    sae::settings::Operand,
};

/// What the products of an SAE's encoder multiply.
#[derive(clap::Args, Debug)]
pub(super) struct ComputeArgs {
    /// What the products of rows with the encoder multiply; weights and all sums are f32
    #[arg(long, value_enum, default_value_t = Operand::F32, value_name = "TYPE")]
    pub(super) compute: Operand,
}

impl ComputeArgs {
    /// Notes it for provenance and the log.
    pub(super) fn note(&self, context: &Context) {
        note(context, self.compute.name(), self.compute.split());
    }
}

/// Notes what the CPU multiplies, and on which of its units.
pub(super) fn note(context: &Context, name: impl std::fmt::Display, split: Option<Split>) {
    let unit = match split {
        None => simd::isa().to_string(),
        Some(Split::Bf16) => matrix_unit::unit().to_string(),
        Some(Split::Bf16x3) => format!("{}, 3 products", matrix_unit::unit()),
        Some(Split::Bf16x6) => format!("{}, 6 products", matrix_unit::unit()),
    };
    context.note_compute(&name.to_string(), &unit);
}
