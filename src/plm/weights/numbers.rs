//! Numbers in files.

use crate::mapped::Mapped;

/// Numbers in a map, or owned where the file does not align them.
pub(crate) enum Numbers<T: Number> {
    Mapped {
        map: Mapped,
        begin: usize,
        count: usize,
    },
    Owned(Vec<T>),
}

/// Little-endian numbers of which every bit pattern is valid.
pub(crate) trait Number: bytemuck::AnyBitPattern + Send + Sync {
    fn read(bytes: &[u8]) -> Self;
}

impl Number for f32 {
    fn read(bytes: &[u8]) -> Self {
        bytes.try_into().map_or(Self::NAN, Self::from_le_bytes)
    }
}

impl Number for half::f16 {
    fn read(bytes: &[u8]) -> Self {
        bytes.try_into().map_or(Self::NAN, Self::from_le_bytes)
    }
}

impl Number for half::bf16 {
    fn read(bytes: &[u8]) -> Self {
        bytes.try_into().map_or(Self::NAN, Self::from_le_bytes)
    }
}

impl<T: Number> Numbers<T> {
    /// The numbers at `begin..begin + bytes` of a map.
    pub(crate) fn new(map: &Mapped, begin: usize, bytes: usize) -> Self {
        let data = &map[begin..begin + bytes];
        if cast::<T>(data).is_some() {
            return Self::Mapped {
                map: map.clone(),
                begin,
                count: bytes / size_of::<T>(),
            };
        }
        Self::copied(data)
    }

    /// A copy of the numbers in these bytes.
    pub(crate) fn copied(bytes: &[u8]) -> Self {
        Self::Owned(bytes.chunks_exact(size_of::<T>()).map(T::read).collect())
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::Owned(values) => values,
            Self::Mapped { map, begin, count } => {
                let data = &map[*begin..begin + count * size_of::<T>()];
                cast(data).expect("alignment and length were checked when it was made")
            }
        }
    }
}

impl<T: Number> Numbers<T> {
    /// Drops them, and lets the system take back the pages of their map: they are not read again.
    pub(crate) fn release(self) {
        if let Self::Mapped { map, begin, count } = self {
            map.release(begin..begin + count * size_of::<T>());
        }
    }
}

/// Bytes as numbers, where they are aligned and this machine is little-endian.
fn cast<T: Number>(bytes: &[u8]) -> Option<&[T]> {
    let numbers = bytemuck::try_cast_slice(bytes).ok()?;
    cfg!(target_endian = "little").then_some(numbers)
}
