//! A weight matrix, as it is stored.

use super::numbers::Numbers;
use half::{bf16, f16, slice::HalfFloatSliceExt};
use std::{fmt, str::FromStr};

/// Precision of the weights in use. On a CPU the arithmetic is single precision in each case; on
/// other devices products are of this precision, softmax and norms single.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As stored: no number is rounded.
    #[default]
    F32,
    /// Rounded to bfloat16: half the memory.
    Bf16,
    /// Rounded to half precision: half the memory.
    F16,
}

impl Precision {
    /// Every precision.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::F16];

    /// The name used in options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|p| p.name() == text)
            .ok_or_else(|| format!("unknown precision '{text}': f32, bf16 or f16"))
    }
}

/// The numbers of a matrix.
pub(crate) enum Values {
    Single(Numbers<f32>),
    Half(Numbers<f16>),
    Brain(Numbers<bf16>),
}

/// A matrix `outputs x inputs`, row-major.
pub struct Matrix {
    values: Values,
    outputs: usize,
    inputs: usize,
}

impl Matrix {
    pub(crate) fn new(values: Values, outputs: usize, inputs: usize) -> Self {
        Self {
            values,
            outputs,
            inputs,
        }
    }

    /// A matrix of numbers in memory.
    ///
    /// # Panics
    /// Where their number is not `outputs * inputs`.
    #[must_use]
    pub fn from_vec(values: Vec<f32>, outputs: usize, inputs: usize) -> Self {
        assert_eq!(values.len(), outputs * inputs, "numbers of a matrix");
        Self::new(Values::Single(Numbers::Owned(values)), outputs, inputs)
    }

    /// Rows: features that come out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Columns: features that go in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// All numbers, in single precision.
    #[must_use]
    pub fn to_vec(&self) -> Vec<f32> {
        match &self.values {
            Values::Single(numbers) => numbers.as_slice().to_vec(),
            Values::Half(numbers) => numbers.as_slice().to_f32_vec(),
            Values::Brain(numbers) => numbers.as_slice().to_f32_vec(),
        }
    }

    /// The same at another precision; [`Precision::F32`] leaves it as it is stored.
    #[must_use]
    pub fn rounded(self, precision: Precision) -> Self {
        let values = match (precision, &self.values) {
            (Precision::F32, _)
            | (Precision::Bf16, Values::Brain(_))
            | (Precision::F16, Values::Half(_)) => return self,
            (Precision::Bf16, _) => Values::Brain(Numbers::Owned(
                self.to_vec().into_iter().map(bf16::from_f32).collect(),
            )),
            (Precision::F16, _) => Values::Half(Numbers::Owned(
                self.to_vec().into_iter().map(f16::from_f32).collect(),
            )),
        };
        Self { values, ..self }
    }

    /// Lends `rows` rows from `from`, columns `begin..begin + steps`, in single precision, with the
    /// distance of rows.
    ///
    /// # Panics
    /// Where more is asked for than there is.
    pub fn with_rows(
        &self,
        from: usize,
        rows: usize,
        begin: usize,
        steps: usize,
        f: impl FnOnce(&[f32], usize),
    ) {
        let at = from * self.inputs + begin;
        let row = |r: usize| at + r * self.inputs..at + r * self.inputs + steps;
        match &self.values {
            Values::Single(numbers) => f(&numbers.as_slice()[at..], self.inputs),
            Values::Half(numbers) => {
                let mut tile = vec![0f32; rows * steps];
                for (r, to) in tile.chunks_exact_mut(steps).enumerate() {
                    numbers.as_slice()[row(r)].convert_to_f32_slice(to);
                }
                f(&tile, steps);
            }
            Values::Brain(numbers) => {
                let mut tile = vec![0f32; rows * steps];
                for (r, to) in tile.chunks_exact_mut(steps).enumerate() {
                    numbers.as_slice()[row(r)].convert_to_f32_slice(to);
                }
                f(&tile, steps);
            }
        }
    }
}
