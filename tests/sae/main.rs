//! The training engine against saved numbers, and the laws it must obey.
//!
//! Saved numbers lie outside of the repository; where they are absent, their tests say so and
//! pass.

mod axioms;
mod compute;
mod emulator;
mod gpu;
mod machines;
mod recovery;
mod reference;
mod resume;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/skip.rs"]
mod skip;
mod synthetic;
mod train;
mod variants;
mod vectors;

use shared::shared as saved;

/// Length of the difference over the length of what is wanted.
fn relative_error(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len(), "sizes differ");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut got.iter().zip(want).map(|(a, b)| a - b));
    let length = norm(&mut want.iter().copied());
    if difference == 0.0 {
        0.0
    } else {
        difference / length
    }
}
