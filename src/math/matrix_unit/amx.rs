//! The unit of AMX: tiles of 16 rows of 64 bytes, and `tdpbf16ps`, which multiplies two of them. Its instructions are
//! written as assembly: the compiler knows neither them nor the tiles, so it leaves alone what a tile holds.

use super::{
    BlockProduct, Line, PAIRS,
    tiles::{self, Tiles},
};
use std::{
    arch::{
        asm,
        x86_64::{_MM_HINT_T0, _mm_prefetch},
    },
    cell::Cell,
    sync::OnceLock,
};

/// What `ldtilecfg` reads: palette 1, and for each of eight tiles 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Configuration([u8; 64]);

/// Whether the CPU has tiles of bf16 numbers, and the system lets this process use them.
pub(super) fn is_permitted() -> bool {
    static PERMITTED: OnceLock<bool> = OnceLock::new();
    *PERMITTED.get_or_init(|| has_instructions() && ask())
}

/// Whether the CPU has AVX-512, AMX-TILE and AMX-BF16, and tiles of 16 rows of 64 bytes.
fn has_instructions() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    if !is_x86_feature_detected!("avx512f") || __cpuid(0).eax < 0x1d {
        return false;
    }
    let bits = 1 << 22 | 1 << 24;
    let palette = __cpuid_count(0x1d, 1);
    let (tiles, bytes, rows) = (
        palette.ebx >> 16,
        palette.ebx & 0xffff,
        palette.ecx & 0xffff,
    );
    __cpuid_count(7, 0).edx & bits == bits && tiles >= 8 && bytes == 64 && rows >= 16
}

/// Asks the kernel for the state of tiles, which it grants to a process.
#[cfg(target_os = "linux")]
fn ask() -> bool {
    // arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA), Linux 5.16
    const REQUEST: libc::c_ulong = 0x1023;
    const TILE_DATA: libc::c_ulong = 18;
    #[expect(unsafe_code, reason = "a system call that has no wrapper")]
    // SAFETY: it takes two numbers, and changes what the process may use alone.
    unsafe {
        libc::syscall(libc::SYS_arch_prctl, REQUEST, TILE_DATA) == 0
    }
}

#[cfg(not(target_os = "linux"))]
fn ask() -> bool {
    false
}

/// The tiles of this thread, configured; they stay so while it lives.
struct ThreadTiles(());

impl ThreadTiles {
    fn new() -> Self {
        thread_local! {
            static CONFIGURED: Cell<bool> = const { Cell::new(false) };
        }
        if !CONFIGURED.get() {
            assert!(is_permitted(), "tiles that are not there");
            let mut configuration = Configuration([0; 64]);
            configuration.0[0] = 1;
            for tile in 0..8 {
                configuration.0[16 + 2 * tile] = 64;
                configuration.0[48 + tile] = 16;
            }
            #[expect(unsafe_code, reason = "an instruction that the compiler does not know")]
            // SAFETY: the machine has it and the kernel permits it; it reads 64 bytes.
            unsafe {
                asm!("ldtilecfg [{}]", in(reg) configuration.0.as_ptr(), options(nostack, readonly, preserves_flags));
            }
            CONFIGURED.set(true);
        }
        Self(())
    }
}

/// Computes a product, whose sizes are checked.
///
/// # Panics
/// Where the machine has no tiles.
pub(super) fn multiply(product: &mut BlockProduct) {
    tiles::multiply(&mut ThreadTiles::new(), product);
}

/// Whether a tile of sums, rows `stride` apart, lies within so many numbers.
fn fits(numbers: usize, stride: usize) -> bool {
    let last = (PAIRS - 1).checked_mul(stride);
    last.and_then(|at| at.checked_add(PAIRS))
        .is_some_and(|end| end <= numbers)
}

#[expect(unsafe_code, reason = "instructions that the compiler does not know")]
impl Tiles for ThreadTiles {
    fn zero<const T: usize>(&mut self) {
        // SAFETY: the thread's tiles are configured; no memory is touched.
        unsafe { asm!("tilezero tmm{}", const T, options(nostack, nomem, preserves_flags)) }
    }

    fn load<const T: usize>(&mut self, lines: &[Line; PAIRS]) {
        // SAFETY: the thread's tiles are configured; 16 rows of 64 bytes, 64 apart, are read, which is what there is.
        unsafe {
            asm!("tileloadd tmm{}, [{} + {} * 1]", const T, in(reg) lines.as_ptr(), in(reg) 64_usize,
                options(nostack, readonly, preserves_flags));
        }
    }

    fn load_sums<const T: usize>(&mut self, sums: &[f32], stride: usize) {
        assert!(fits(sums.len(), stride), "sums end before the tile");
        // SAFETY: the thread's tiles are configured; 16 rows of 64 bytes are read, which was just compared.
        unsafe {
            asm!("tileloadd tmm{}, [{} + {} * 1]", const T, in(reg) sums.as_ptr(), in(reg) 4 * stride,
                options(nostack, readonly, preserves_flags));
        }
    }

    fn store_sums<const T: usize>(&mut self, sums: &mut [f32], stride: usize) {
        assert!(fits(sums.len(), stride), "sums end before the tile");
        // SAFETY: the thread's tiles are configured; 16 rows of 64 bytes are written, which was just compared, to memory
        // that is borrowed alone, as numbers of which every pattern of bits is valid.
        unsafe {
            asm!("tilestored [{} + {} * 1], tmm{}", in(reg) sums.as_mut_ptr(), in(reg) 4 * stride, const T,
                options(nostack, preserves_flags));
        }
    }

    fn prefetch(&self, lines: &[Line]) {
        for line in lines {
            // SAFETY: every x86-64 has the instruction, and it touches no memory.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) };
        }
    }

    fn dot<const C: usize, const A: usize, const B: usize>(&mut self) {
        // SAFETY: the thread's tiles are configured; no memory is touched.
        unsafe {
            asm!("tdpbf16ps tmm{}, tmm{}, tmm{}", const C, const A, const B, options(nostack, nomem, preserves_flags));
        }
    }
}
