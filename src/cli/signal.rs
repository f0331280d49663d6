//! Temporary files vanish when the process is told to end; then the signal does its own work.

use super::temporary;
use crate::{
    Result,
    error::{Context as _, no_thread},
};
use signal_hook::{
    consts::{
        SIGALRM, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU,
        SIGXFSZ,
    },
    iterator::Signals,
    low_level::emulate_default_handler,
};
use std::{fs, thread};

/// Signals that end a process unless it does something about them. Schedulers send USR1, USR2, ALRM and XCPU before
/// they kill.
const ENDING: [i32; 10] = [
    SIGALRM, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU,
];
/// Bytes of the stack of the thread that waits for signals.
const STACK: usize = 1 << 18;

/// From here on those signals remove the temporary files before they end the process, whose status then says which
/// signal it was. Signals that were ignored when the process was started (`nohup`) still are.
///
/// # Errors
/// Where handlers or their thread cannot be set up.
pub(super) fn clean_up_on_termination() -> Result<()> {
    let ignored = ignored();
    let heeded = ENDING
        .into_iter()
        .chain([SIGXFSZ])
        .filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let mut signals = Signals::new(heeded).during("signal handlers")?;
    let wait = move || {
        for signal in &mut signals {
            // a file that may not grow further: the write that met the limit fails, and says so
            if signal == SIGXFSZ {
                continue;
            }
            // never released, so that no temporary is made or put in place from here on
            let _held = temporary::hold_signals();
            temporary::remove_all();
            let _ = emulate_default_handler(signal);
        }
    };
    thread::Builder::new()
        .name("signals".into())
        .stack_size(STACK)
        .spawn(wait)
        .map_err(no_thread)?;
    Ok(())
}

/// The signals that are ignored, a bit each; none where the system does not tell.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .unwrap_or(0)
}
