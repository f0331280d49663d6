//! Exhausted memory ends the process with status 137, which schedulers retry with more.

use super::{exit, signal};
use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator; a refused request ends the process cleanly instead of aborting it
/// (an abort reads as 134, which nobody takes for a lack of memory).
struct EndingAllocator;

#[global_allocator]
static ALLOCATOR: EndingAllocator = EndingAllocator;

#[cold]
fn exhausted(bytes: usize) -> ! {
    signal::remove_all();
    super::log::error(
        "protsae",
        &format!(
            "out of memory: {bytes} bytes more were refused; give the step more, or smaller batches"
        ),
    );
    std::process::exit(i32::from(exit::MEMORY))
}

fn checked(pointer: *mut u8, bytes: usize) -> *mut u8 {
    if pointer.is_null() {
        exhausted(bytes);
    }
    pointer
}

#[expect(
    unsafe_code,
    reason = "every call is handed to the system's allocator unchanged; only a null result is treated differently"
)]
// SAFETY: upholds the contract of GlobalAlloc because System does.
unsafe impl GlobalAlloc for EndingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is System's.
        checked(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is System's.
        checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's contract is System's.
        checked(unsafe { System.realloc(pointer, layout, size) }, size)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is System's.
        unsafe { System.dealloc(pointer, layout) }
    }
}
