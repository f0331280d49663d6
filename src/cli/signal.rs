//! Temporary files vanish when the process is told to end; then the signal does its own work.

use crate::{Result, error::Context as _};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// Temporary files and folders of this process.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn with_list<T>(f: impl FnOnce(&mut Vec<PathBuf>) -> T) -> T {
    f(&mut TEMPORARY
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Puts a path on the list of what to remove.
pub(super) fn remember(path: &Path) {
    with_list(|list| list.push(path.to_owned()));
}

/// Takes a path off the list.
pub(super) fn forget(path: &Path) {
    with_list(|list| list.retain(|p| p != path));
}

/// Removes all temporary files and folders.
pub(super) fn remove_all() {
    with_list(|list| {
        for path in list.drain(..) {
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    });
}

/// From here on SIGINT, SIGTERM and SIGHUP remove the temporary files before they end the process,
/// whose status then says which signal it was.
pub(super) fn clean_up_on_termination() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).during("signal handlers")?;
    std::thread::spawn(move || {
        for signal in &mut signals {
            // the list stays locked, so that no new temporary file slips through
            let mut list = TEMPORARY
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            for path in list.drain(..) {
                let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            }
            let _ = emulate_default_handler(signal);
        }
    });
    Ok(())
}
