//! Bytes that a thread prepares ahead of the reader.

use super::{BUFFER, Reader};
use crate::error::no_thread;
use std::{
    io::{self, BufRead, Read},
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

/// Buffers that a thread fills ahead of the reader.
const BUFFERS_AHEAD: usize = 4;
/// Bytes of such a buffer: more than the decoder's own, which it then does not copy through.
const AHEAD: usize = 2 * BUFFER;

/// Fills a buffer, or as much of it as there is before the end or an error.
fn read_ahead(reader: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.resize(AHEAD, 0);
    let mut filled = 0;
    let result = loop {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break Ok(()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    buffer.truncate(filled);
    result
}

/// A reader whose bytes another thread prepares.
pub(super) struct Ahead {
    filled: Receiver<io::Result<Vec<u8>>>,
    spent: Sender<Vec<u8>>,
    buffer: Vec<u8>,
    position: usize,
    ended: bool,
}

impl Ahead {
    pub(super) fn new(mut reader: Reader) -> io::Result<Self> {
        let (fill, filled) = mpsc::sync_channel(BUFFERS_AHEAD);
        let (spent, empty) = mpsc::channel::<Vec<u8>>();
        let prepare = move || loop {
            let mut buffer = empty.try_recv().unwrap_or_default();
            let read = read_ahead(&mut reader, &mut buffer);
            // an empty buffer is the end; what was read before an error is still good
            let is_last = buffer.is_empty() || read.is_err();
            if (!buffer.is_empty() || read.is_ok()) && fill.send(Ok(buffer)).is_err() {
                return;
            }
            if let Err(error) = read {
                let _ = fill.send(Err(error));
            }
            if is_last {
                return;
            }
        };
        thread::Builder::new()
            .name("decompress".into())
            .spawn(prepare)
            .map_err(no_thread)?;
        Ok(Self {
            filled,
            spent,
            buffer: Vec::new(),
            position: 0,
            ended: false,
        })
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.buffer.len() && !self.ended {
            let lost = |_| io::Error::other("the thread that decompresses has ended early");
            let next = self.filled.recv().map_err(lost)??;
            self.ended = next.is_empty();
            let _ = self.spent.send(std::mem::replace(&mut self.buffer, next));
            self.position = 0;
        }
        Ok(&self.buffer[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position = (self.position + amount).min(self.buffer.len());
    }
}

impl Read for Ahead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::compressed::{decompress, tests::gz},
        *,
    };
    use std::io::Cursor;

    #[test]
    fn bytes_that_another_thread_prepares_are_the_same() {
        let text: Vec<u8> = (0..3 * AHEAD).map(|i| (i % 251) as u8).collect();
        let read = |bytes: Vec<u8>| {
            let mut out = Vec::new();
            let reader = decompress(Box::new(Cursor::new(bytes)))?;
            Ahead::new(reader)?.read_to_end(&mut out).map(|_| out)
        };
        assert!(read(gz(&text)).unwrap() == text);
        assert!(read(Vec::new()).unwrap().is_empty());
        let mut cut = gz(&text);
        cut.truncate(cut.len() - 9);
        assert_eq!(read(cut).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
