//! How `PyTorch` stores numbers.

use half::{bf16, f16};

/// How a number is stored, little end first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberType {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl NumberType {
    /// Bytes of a number.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// The type of a storage by its class; none for quantised and complex numbers.
    pub(crate) fn of_storage(class: &str) -> Option<Self> {
        Some(match class {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::Bf16,
            "LongStorage" => Self::I64,
            "IntStorage" => Self::I32,
            "ShortStorage" => Self::I16,
            "CharStorage" => Self::I8,
            "ByteStorage" => Self::U8,
            "BoolStorage" => Self::Bool,
            _ => return None,
        })
    }

    /// The number in these bytes, of which there are [`Self::size`].
    pub(crate) fn value(self, bytes: &[u8]) -> f64 {
        fn le<const N: usize>(bytes: &[u8]) -> [u8; N] {
            bytes.first_chunk().copied().unwrap_or([0; N])
        }
        match self {
            Self::F64 => f64::from_le_bytes(le(bytes)),
            Self::F32 => f64::from(f32::from_le_bytes(le(bytes))),
            Self::F16 => f16::from_le_bytes(le(bytes)).to_f64(),
            Self::Bf16 => bf16::from_le_bytes(le(bytes)).to_f64(),
            Self::I64 => i64::from_le_bytes(le(bytes)) as f64,
            Self::I32 => f64::from(i32::from_le_bytes(le(bytes))),
            Self::I16 => f64::from(i16::from_le_bytes(le(bytes))),
            Self::I8 => f64::from(i8::from_le_bytes(le(bytes))),
            Self::U8 | Self::Bool => f64::from(u8::from_le_bytes(le(bytes))),
        }
    }
}
