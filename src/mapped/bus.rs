//! SIGBUS, by which the kernel says that bytes of a mapped file are gone, as an error.
//!
//! The signal comes to the thread that needs the bytes, in the middle of whatever it does. Its handler does what is
//! allowed there: it writes the address into a pipe and waits for ever. A thread that reads from the pipe does the rest.

use super::{Lost, lost_at};
use crate::error::no_thread;
use libc::{SA_ONSTACK, SA_SIGINFO, SIG_DFL, SIGBUS, c_int, c_void, siginfo_t};
use std::{
    io::{self, PipeReader, Read},
    mem,
    os::fd::IntoRawFd,
    ptr,
    sync::{
        OnceLock,
        atomic::{AtomicI32, Ordering},
    },
    thread,
};

/// Bytes of the stack of the thread that waits for addresses.
const STACK: usize = 1 << 18;

/// How the process ends.
static REPORT: OnceLock<fn(&Lost) -> !> = OnceLock::new();
/// The end of the pipe that the handler writes to.
static PIPE: AtomicI32 = AtomicI32::new(-1);
/// Bytes of an address.
const ADDRESS: usize = size_of::<usize>();

pub(super) fn on_loss(report: fn(&Lost) -> !) {
    REPORT.get_or_init(|| report);
}

/// Puts handler and thread in place, once, where somebody wants to hear.
pub(super) fn watch() -> io::Result<()> {
    static STARTED: OnceLock<Result<(), io::ErrorKind>> = OnceLock::new();
    let Some(&report) = REPORT.get() else {
        return Ok(());
    };
    let started = STARTED.get_or_init(|| start(report).map_err(|e| e.kind()));
    started.map_err(io::Error::from)
}

fn start(report: fn(&Lost) -> !) -> io::Result<()> {
    let (reader, writer) = io::pipe()?;
    PIPE.store(writer.into_raw_fd(), Ordering::Release);
    thread::Builder::new()
        .name("lost files".into())
        .stack_size(STACK)
        .spawn(move || listen(reader, report))
        .map_err(no_thread)?;
    install()
}

/// Waits for an address and ends the process.
fn listen(mut reader: PipeReader, report: fn(&Lost) -> !) {
    let mut address = [0; ADDRESS];
    while reader.read_exact(&mut address).is_ok() {
        if let Some(lost) = lost_at(usize::from_ne_bytes(address)) {
            report(&lost);
        }
        // none of our maps: what the signal does where nobody handles it
        let _ = signal_hook::low_level::emulate_default_handler(SIGBUS);
    }
}

#[expect(unsafe_code, reason = "the standard library installs no handlers")]
fn install() -> io::Result<()> {
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = handle;
    // SAFETY: a `sigaction` is plain numbers, for which all zeros stand for no flags and an empty mask. The handler has
    // the type that SA_SIGINFO asks for and lives as long as the program; the pointers are good during each call.
    let done = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(SIGBUS, &raw const action, ptr::null_mut())
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[expect(unsafe_code, reason = "a signal handler calls the system alone")]
extern "C" fn handle(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel hands over a good pointer where SA_SIGINFO is set, and an address with SIGBUS.
    let address = unsafe { (*info).si_addr() } as usize;
    let bytes = address.to_ne_bytes();
    let pipe = PIPE.load(Ordering::Acquire);
    // SAFETY: a handler may call `write` and `pause`; the bytes live through the call.
    let written = unsafe { libc::write(pipe, bytes.as_ptr().cast(), ADDRESS) };
    if usize::try_from(written) == Ok(ADDRESS) {
        loop {
            // SAFETY: as above.
            unsafe { libc::pause() };
        }
    }
    // nobody listens: the instruction that brought us here comes again, and the signal with it
    // SAFETY: a handler may call `signal`.
    unsafe { libc::signal(SIGBUS, SIG_DFL) };
}
