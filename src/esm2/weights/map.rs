//! Files mapped into memory.

use memmap2::Mmap;
use std::{fs::File, io, ops::Deref, sync::Arc};

/// A file's bytes, read only, paged in as they are used.
#[derive(Clone)]
pub(super) struct Map(Arc<Mmap>);

impl Map {
    #[expect(unsafe_code, reason = "mapping a file")]
    pub(super) fn new(file: &File) -> io::Result<Self> {
        // SAFETY: the map is read only and private to this process; that nobody cuts the file
        // short while it is in use is the documented condition of this module.
        unsafe { Mmap::map(file) }.map(|map| Self(Arc::new(map)))
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Numbers in a map, or owned where the file does not align them.
pub(super) enum Numbers<T: Number> {
    Mapped {
        map: Map,
        begin: usize,
        count: usize,
    },
    Owned(Vec<T>),
}

/// Little-endian numbers of which every bit pattern is valid.
pub(super) trait Number: Copy + Send + Sync + 'static {
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
    pub(super) fn new(map: &Map, begin: usize, bytes: usize) -> Self {
        let data = &map[begin..begin + bytes];
        if cast::<T>(data).is_some() {
            return Self::Mapped {
                map: map.clone(),
                begin,
                count: bytes / size_of::<T>(),
            };
        }
        Self::Owned(data.chunks_exact(size_of::<T>()).map(T::read).collect())
    }

    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::Owned(values) => values,
            Self::Mapped { map, begin, count } => {
                let data = &map[*begin..begin + count * size_of::<T>()];
                cast(data).expect("alignment and length were checked when it was made")
            }
        }
    }
}

/// Bytes as numbers, where they are aligned and this machine is little-endian.
#[expect(unsafe_code, reason = "bytes of a mapped file as numbers")]
fn cast<T: Number>(bytes: &[u8]) -> Option<&[T]> {
    // SAFETY: every bit pattern of the three implementors of `Number` is a valid value.
    let (before, values, after) = unsafe { bytes.align_to::<T>() };
    (cfg!(target_endian = "little") && before.is_empty() && after.is_empty()).then_some(values)
}
