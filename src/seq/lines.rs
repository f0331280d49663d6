//! Line numbers for parsers that do not know where they are, and what stands before the first line.

use std::{
    cell::Cell,
    io::{self, BufRead, Read},
    rc::Rc,
};

/// What some editors put before a text.
pub(crate) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Counts the line ends that pass, for parsers that do not know where they are.
pub(crate) struct CountLines<R> {
    inner: R,
    lines: Rc<Cell<u64>>,
}

impl<R: BufRead> CountLines<R> {
    /// The reader, and the number of lines that it has passed.
    pub(crate) fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let lines = Rc::new(Cell::new(0));
        let reader = Self {
            inner,
            lines: Rc::clone(&lines),
        };
        (reader, lines)
    }
}

impl<R: BufRead> Read for CountLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for CountLines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(buffer) = self.inner.fill_buf() {
            let passed = &buffer[..amount.min(buffer.len())];
            let ends = memchr::memchr_iter(b'\n', passed).count() as u64;
            self.lines.set(self.lines.get() + ends);
        }
        self.inner.consume(amount);
    }
}
