//! Copies to a GPU beside its computing: through two pieces of pinned host memory in turn, so that one is
//! filled while the other is on its way.

use candle_core::cuda_backend::cudarc::driver::{
    CudaEvent, CudaSlice, CudaStream, DriverError, PinnedHostSlice,
};
use std::sync::Arc;

pub(crate) struct Staging {
    copies: Arc<CudaStream>,
    buffers: [Option<Buffer>; 2],
    /// The one to fill next.
    turn: usize,
    sent: bool,
}

struct Buffer {
    // pinned: the GPU reads it while the host goes on
    host: PinnedHostSlice<u8>,
    /// The end of the copy from it.
    end: CudaEvent,
}

impl Staging {
    /// Beside a stream that computes.
    pub(crate) fn new(compute: &CudaStream) -> Result<Self, DriverError> {
        Ok(Self {
            copies: compute.fork()?,
            buffers: [None, None],
            turn: 0,
            sent: false,
        })
    }

    /// Begins a copy to the first bytes of a memory, after an event.
    pub(crate) fn send(
        &mut self,
        data: &[u8],
        to: &mut CudaSlice<u8>,
        after: Option<&CudaEvent>,
    ) -> Result<(), DriverError> {
        let place = &mut self.buffers[self.turn];
        if let Some(buffer) = place {
            buffer.end.synchronize()?;
        }
        let buffer = match place {
            Some(buffer) if buffer.host.num_bytes() >= data.len() => buffer,
            _ => place.insert(Buffer::new(&self.copies, data.len())?),
        };
        buffer.host.as_mut_slice()?[..data.len()].copy_from_slice(data);
        if let Some(event) = after {
            self.copies.wait(event)?;
        }
        let from = &buffer.host.as_slice()?[..data.len()];
        self.copies
            .memcpy_htod(from, &mut to.slice_mut(..data.len()))?;
        buffer.end.record(&self.copies)?;
        self.turn = 1 - self.turn;
        self.sent = true;
        Ok(())
    }

    /// The end of the last copy, and so of all; none where nothing was sent.
    pub(crate) fn last(&self) -> Option<&CudaEvent> {
        let buffer = self.buffers[1 - self.turn].as_ref().filter(|_| self.sent);
        buffer.map(|buffer| &buffer.end)
    }
}

impl Buffer {
    fn new(copies: &CudaStream, bytes: usize) -> Result<Self, DriverError> {
        let context = copies.context();
        // SAFETY: all bytes are written before any is read.
        #[expect(unsafe_code, reason = "the driver hands out memory as it is")]
        let host = unsafe {
            let mut host = context.alloc_pinned::<u8>(bytes)?;
            host.as_mut_ptr()?.write_bytes(0, bytes);
            host
        };
        Ok(Self {
            host,
            end: context.new_event(None)?,
        })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // pinned memory is freed at once: nothing may be on its way from it; whoever waits for the copies
        // hears of failures
        let _ = self.copies.synchronize();
    }
}
