//! Threads and memory of this process.

use crate::{Error, ErrorKind, Result, error::no_thread};
use std::{fs, panic::resume_unwind, thread};

/// Bytes of the stack of the thread that does the work. All of them are asked for at once: a stack that would have to
/// grow when no memory is left ends a process without a word.
const STACK: usize = 8 << 20;
/// Bytes of the stacks of the threads that compute.
const COMPUTING_STACK: usize = 2 << 20;
/// Bytes that a new thread takes beside its stack.
const BESIDE_STACK: usize = 1 << 18;

/// Runs the work on a thread with a stack of its own.
///
/// # Errors
/// [`ErrorKind::Memory`] where the thread cannot be started; a panic of the work goes on here.
pub(super) fn on_own_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .name("main".into())
            .stack_size(STACK)
            .spawn_scoped(scope, work)
            .map_err(no_thread)?;
        Ok(worker.join().unwrap_or_else(|p| resume_unwind(p)))
    })
}

/// Bounds every parallel computation to this number of threads (0: one for every core) and
/// returns it.
///
/// # Errors
/// [`ErrorKind::Memory`] where the threads cannot be started.
pub(super) fn set_threads(asked: usize) -> Result<usize> {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = if asked == 0 { cores } else { asked };
    let refused = |error: &dyn std::fmt::Display| {
        let text = format!("cannot start {threads} threads: {error}");
        Error::new(ErrorKind::Memory, text)
    };
    // a thread that finds no room while it starts cannot report it: so all that they need is asked for once before
    let needed = threads.saturating_mul(COMPUTING_STACK + BESIDE_STACK);
    memmap2::MmapMut::map_anon(needed).map_err(|error| refused(&error))?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(COMPUTING_STACK)
        .build_global()
        .map_err(|error| refused(&error))?;
    Ok(threads)
}

/// The largest memory that this process has had, in bytes, where the system tells.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
