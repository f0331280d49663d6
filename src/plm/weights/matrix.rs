//! A weight matrix, as it is stored.

use super::numbers::Numbers;
use crate::math::matrix_unit::{self, PackedRows, Split};
use half::{bf16, f16, slice::HalfFloatSliceExt};
use std::{fmt, str::FromStr};

/// Precision of a PLM's products; sums, the residual stream, norms and softmax are of single precision in each case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Weights rounded to bfloat16, in half the memory; the other factor too where the processor multiplies such numbers,
    /// which is the fastest, and on a GPU.
    Bf16,
    /// Each factor as the sum of two bfloat16 numbers where that is faster (on AMX), so products are exact to 4e-6; else
    /// single precision.
    Bf16x3,
    /// Weights rounded to half precision, in half the memory; on a GPU the other factor too.
    F16,
}

impl Precision {
    /// Every precision.
    pub const ALL: [Self; 4] = [Self::F32, Self::Bf16, Self::Bf16x3, Self::F16];

    /// Into which bfloat16 numbers a CPU splits the factors of products; `None` where it multiplies numbers of single
    /// precision, since nothing is faster.
    #[must_use]
    pub fn split(self) -> Option<Split> {
        match self {
            Self::F32 => matrix_unit::has_tiles().then_some(Split::Bf16x6),
            Self::Bf16 => matrix_unit::is_fast().then_some(Split::Bf16),
            Self::Bf16x3 => matrix_unit::has_tiles().then_some(Split::Bf16x3),
            Self::F16 => None,
        }
    }

    /// The name used in options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Bf16x3 => "bf16x3",
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
            .ok_or_else(|| format!("unknown precision '{text}': f32, bf16, bf16x3 or f16"))
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

    /// The same in numbers of two bytes, where a precision has it so; else as it is stored.
    #[must_use]
    pub fn rounded(self, precision: Precision) -> Self {
        let values = match (precision, &self.values) {
            (Precision::F32 | Precision::Bf16x3, _)
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

    /// The same for the machine's matrix unit; what is mapped of it is given back.
    #[must_use]
    pub fn packed(self, split: Split) -> PackedRows {
        let packed = match &self.values {
            Values::Single(numbers) => PackedRows::new(split, numbers.as_slice(), self.inputs),
            Values::Half(_) | Values::Brain(_) => {
                PackedRows::new(split, &self.to_vec(), self.inputs)
            }
        };
        match self.values {
            Values::Single(numbers) => numbers.release(),
            Values::Half(numbers) => numbers.release(),
            Values::Brain(numbers) => numbers.release(),
        }
        packed
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
