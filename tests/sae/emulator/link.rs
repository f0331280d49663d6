//! The process that emulates, and the pipes to it.

use std::{
    io::{Read, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use super::Order;
use protsae::train::gpu::GpuError;

/// Statuses as main.cpp counts them.
const DONE: u64 = 0;
const NO_ROOM: u64 = 2;

#[derive(Debug)]
pub(super) struct Link {
    side: Mutex<Side>,
}

#[derive(Debug)]
struct Side {
    child: Child,
    // taken when the link ends, so that the other side does
    requests: Option<ChildStdin>,
    replies: ChildStdout,
    /// Requests that wait until they are waited for, and the memory that they fill.
    held: Vec<(u64, Vec<u8>)>,
}

impl Link {
    pub(super) fn start(executable: &Path, order: Order) -> Self {
        let order = match order {
            Order::Ascending => "ascending",
            Order::Descending => "descending",
        };
        let mut child = Command::new(executable)
            .arg(order)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("what was just compiled runs");
        let requests = child.stdin.take();
        let replies = child.stdout.take().expect("it was asked for");
        Self {
            side: Mutex::new(Side {
                child,
                requests,
                replies,
                held: Vec::new(),
            }),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Side) -> T) -> T {
        // a test that panics elsewhere says enough
        act(&mut self.side.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn ask(&self, request: &[u8]) -> Result<Vec<u8>, GpuError> {
        self.with(|side| side.ask(request))
    }

    /// Keeps a request back until [`Link::settle`].
    pub(super) fn hold(&self, memory: u64, request: Vec<u8>) {
        self.with(|side| side.held.push((memory, request)));
    }

    /// Makes the requests that were kept back.
    pub(super) fn settle(&self) -> Result<(), GpuError> {
        self.with(|side| {
            for (_, request) in std::mem::take(&mut side.held) {
                side.ask(&request)?;
            }
            Ok(())
        })
    }

    /// That no request for this memory is kept back.
    pub(super) fn settled(&self, memory: u64) -> Result<(), GpuError> {
        self.with(|side| {
            if side.held.iter().any(|(held, _)| *held == memory) {
                let message = "memory is used while it is sent to; arrived() comes first";
                return Err(GpuError::Failed(message.into()));
            }
            Ok(())
        })
    }

    /// Drops what was kept back for a memory.
    pub(super) fn forget(&self, memory: u64) {
        self.with(|side| side.held.retain(|(held, _)| *held != memory));
    }
}

impl Side {
    fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>, GpuError> {
        let ended = |error| GpuError::Failed(format!("the emulator has ended: {error}"));
        let requests = self.requests.as_mut().expect("taken at the end alone");
        requests.write_all(request).map_err(ended)?;
        let mut head = [[0; 8]; 2];
        self.replies
            .read_exact(head.as_flattened_mut())
            .map_err(ended)?;
        let [status, length] = head.map(u64::from_ne_bytes);
        let length = usize::try_from(length).expect("it was asked for");
        let mut data = vec![0; length];
        self.replies.read_exact(&mut data).map_err(ended)?;
        match status {
            DONE => Ok(data),
            NO_ROOM => Err(GpuError::Memory { bytes: 0 }),
            _ => Err(GpuError::Failed(
                String::from_utf8_lossy(&data).into_owned(),
            )),
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}
