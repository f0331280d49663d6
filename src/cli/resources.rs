//! Threads and memory of this process.

use crate::{Error, Result};
use std::fs;

/// Bounds every parallel computation to this number of threads (0: one for every core) and
/// returns it.
///
/// # Errors
/// Where the threads cannot be started.
pub(super) fn set_threads(asked: usize) -> Result<usize> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = if asked == 0 { cores } else { asked };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|e| Error::data(format!("cannot start {threads} threads: {e}")))?;
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
