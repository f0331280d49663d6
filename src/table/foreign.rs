//! Activations in the containers of other programs: `NumPy`'s, HDF5 and Parquet, and the lists of proteins beside them.
//!
//! Like all of `table` they know bytes and readers, not paths. What they give is rows of numbers with the names of
//! proteins; which activations these are, none of them says.

mod error;
pub mod hdf5;
pub mod listing;
pub mod npy;
pub mod parquet;

pub use error::ForeignError;

use super::schema::ActivationType;
use half::f16;

/// What every HDF5 file without a user block begins with.
pub const HDF5_MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";

/// IEEE numbers as others store them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Float {
    /// Half precision.
    F16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Float {
    /// The type of so many bytes.
    #[must_use]
    pub fn of_bytes(bytes: usize) -> Option<Self> {
        match bytes {
            2 => Some(Self::F16),
            4 => Some(Self::F32),
            8 => Some(Self::F64),
            _ => None,
        }
    }

    /// Bytes of a number.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The type that a table keeps such numbers in: double precision is rounded to single.
    #[must_use]
    pub fn kept(self) -> ActivationType {
        match self {
            Self::F16 => ActivationType::F16,
            Self::F32 | Self::F64 => ActivationType::F32,
        }
    }

    /// Reads whole numbers in little-endian order, or in big-endian where `big`, onto the end of `out`.
    pub fn read(self, bytes: &[u8], big: bool, out: &mut Vec<f32>) {
        /// Numbers of `N` bytes, least significant byte first.
        fn each<const N: usize>(bytes: &[u8], big: bool) -> impl Iterator<Item = [u8; N]> {
            bytes.as_chunks::<N>().0.iter().map(move |chunk| {
                let mut chunk = *chunk;
                if big {
                    chunk.reverse();
                }
                chunk
            })
        }
        match self {
            Self::F16 => out.extend(each(bytes, big).map(|b| f16::from_le_bytes(b).to_f32())),
            Self::F32 => out.extend(each(bytes, big).map(f32::from_le_bytes)),
            Self::F64 => out.extend(each(bytes, big).map(|b| f64::from_le_bytes(b) as f32)),
        }
    }
}

/// Appends numbers in little-endian order.
pub fn write_numbers(numbers: &[f32], of: ActivationType, out: &mut Vec<u8>) {
    match of {
        ActivationType::F16 => {
            out.extend((numbers.iter()).flat_map(|&x| f16::from_f32(x).to_le_bytes()));
        }
        ActivationType::F32 => out.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_type_and_order_are_read() {
        let want = [1.5f32, -0.25, 65504.0];
        let halves = want.map(f16::from_f32);
        let cases: [(Float, bool, Vec<u8>); 6] = [
            (
                Float::F16,
                false,
                halves.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ),
            (
                Float::F16,
                true,
                halves.iter().flat_map(|x| x.to_be_bytes()).collect(),
            ),
            (
                Float::F32,
                false,
                want.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ),
            (
                Float::F32,
                true,
                want.iter().flat_map(|x| x.to_be_bytes()).collect(),
            ),
            (
                Float::F64,
                false,
                want.iter()
                    .flat_map(|&x| f64::from(x).to_le_bytes())
                    .collect(),
            ),
            (
                Float::F64,
                true,
                want.iter()
                    .flat_map(|&x| f64::from(x).to_be_bytes())
                    .collect(),
            ),
        ];
        for (of, big, bytes) in cases {
            assert_eq!(Float::of_bytes(bytes.len() / 3), Some(of));
            let mut out = Vec::new();
            of.read(&bytes, big, &mut out);
            assert_eq!(out, want, "{of:?} {big}");
            if !big && of != Float::F64 {
                let mut written = Vec::new();
                write_numbers(&out, of.kept(), &mut written);
                assert_eq!(written, bytes);
            }
        }
    }
}
