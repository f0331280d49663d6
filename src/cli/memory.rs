//! Exhausted memory ends the process with status 137, which schedulers retry with more.

use super::{exit, temporary};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fs::File,
    io::Write as _,
    os::fd::AsFd as _,
    panic,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// Bytes that are set aside for the last words and for removing temporary files.
const RESERVE: usize = 1 << 20;
/// Bytes that must be had at a panic, or memory was its cause.
const PROBE: usize = 1 << 19;

/// The system's allocator; a refused request ends the process cleanly instead of aborting it
/// (an abort reads as 134, which nobody takes for a lack of memory).
struct EndingAllocator;

#[global_allocator]
static ALLOCATOR: EndingAllocator = EndingAllocator;

static RESERVED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// Whether a thread ends the process already.
static ENDING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread is the one.
    static ENDS: Cell<bool> = const { Cell::new(false) };
}

/// Lets all threads allocate from one arena where the address space is limited (`ulimit -v`), before there is another
/// thread: the GNU allocator reserves 64 MB for each, and where it finds no room for them it asks the system for every
/// small piece alone, a hundred times as slowly.
pub(super) fn share_where_limited() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "the standard library knows no limits")]
    {
        let mut limit = libc::rlimit {
            rlim_cur: libc::RLIM_INFINITY,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: the call writes a limit to where one lies.
        let known = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) } == 0;
        if known && limit.rlim_cur != libc::RLIM_INFINITY {
            // SAFETY: the call takes numbers alone, and no other thread runs yet.
            unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
        }
    }
}

/// Sets memory aside, and lets panics for want of memory end as such. Libraries in C report a refused request by a
/// null pointer, which their wrappers turn into a panic.
pub(super) fn set_up() {
    if let Ok(mut reserved) = RESERVED.lock() {
        *reserved = Vec::with_capacity(RESERVE);
    }
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if memmap2::MmapMut::map_anon(PROBE).is_err() {
            exhausted(PROBE);
        }
        usual(info);
    }));
}

/// Ends the process. It takes no lock that another thread may hold: that thread may wait for memory as well.
#[cold]
fn exhausted(bytes: usize) -> ! {
    let status = i32::from(exit::MEMORY);
    if ENDS.get() {
        // even the reserve did not suffice
        signal_hook::low_level::exit(status);
    }
    if ENDING.swap(true, Ordering::SeqCst) {
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    }
    ENDS.set(true);
    if let Ok(mut reserved) = RESERVED.try_lock() {
        *reserved = Vec::new();
    }
    temporary::remove_all();
    let line = format!(
        "{}: error: out of memory: {bytes} bytes more were refused; give the step more, or smaller batches\n",
        super::log::name()
    );
    // not through the lock of standard error
    if let Ok(stderr) = std::io::stderr().as_fd().try_clone_to_owned() {
        let _ = File::from(stderr).write_all(line.as_bytes());
    }
    signal_hook::low_level::exit(status)
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
