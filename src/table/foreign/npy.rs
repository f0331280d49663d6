//! `NumPy`'s `.npy` (`numpy.lib.format`, versions 1.0 to 3.0): one array, row by row, whatever its size.

mod header;

use super::{Float, ForeignError, write_numbers};
use crate::table::schema::ActivationType;
use header::Header;
use std::io::{self, BufRead, Read, Write};

/// What every `.npy` file begins with.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// An array of two dimensions being read from front to back.
pub struct NpyReader<R> {
    reader: R,
    rows: u64,
    width: usize,
    of: Float,
    big_endian: bool,
    /// Rows that were read.
    done: u64,
    bytes: Vec<u8>,
}

impl<R: BufRead> NpyReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`ForeignError`] where it is none of an array of floating-point numbers, one row after the other.
    pub fn new(mut reader: R) -> Result<Self, ForeignError> {
        let header = Header::read(&mut reader)?;
        let (of, big_endian) = header.number()?;
        let (rows, width) = header.rows_and_width()?;
        Ok(Self {
            reader,
            rows,
            width,
            of,
            big_endian,
            done: 0,
            bytes: Vec::new(),
        })
    }

    /// Rows that the header says.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Type of the numbers.
    pub fn of(&self) -> Float {
        self.of
    }

    /// Reads the next rows into `out` `[rows, width]`, in place of what it held.
    ///
    /// # Errors
    /// [`ForeignError::NpyTruncated`] where there are not as many, and where reading fails.
    pub fn read(&mut self, rows: usize, out: &mut Vec<f32>) -> Result<(), ForeignError> {
        out.clear();
        let row = self.width * self.of.bytes();
        let length = rows * row;
        self.bytes.clear();
        // by what comes, not by what the header says: memory is taken as bytes arrive
        let wanted = u64::try_from(length).unwrap_or(u64::MAX);
        (&mut self.reader)
            .take(wanted)
            .read_to_end(&mut self.bytes)?;
        let whole = self.bytes.len() / row;
        if self.bytes.len() < length {
            return Err(ForeignError::NpyTruncated {
                expected: self.rows,
                found: self.done + whole as u64 + 1,
            });
        }
        self.done += rows as u64;
        self.of.read(&self.bytes, self.big_endian, out);
        Ok(())
    }

    /// Demands that the file ends behind the rows of its header, all of which were read.
    ///
    /// # Errors
    /// [`ForeignError::NpyTrailing`] where it does not.
    pub fn finish(mut self) -> Result<(), ForeignError> {
        if self.reader.fill_buf()?.is_empty() {
            Ok(())
        } else {
            Err(ForeignError::NpyTrailing { rows: self.rows })
        }
    }
}

/// An array of two dimensions being written: the bytes that `numpy.save` writes.
pub struct NpyWriter<W> {
    out: W,
    of: ActivationType,
    rows: u64,
    width: usize,
    done: u64,
    bytes: Vec<u8>,
}

impl<W: Write> NpyWriter<W> {
    /// Writes the header of `[rows, width]` numbers.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn new(mut out: W, rows: u64, width: usize, of: ActivationType) -> io::Result<Self> {
        out.write_all(&header::bytes(rows, width, of))?;
        Ok(Self {
            out,
            of,
            rows,
            width,
            done: 0,
            bytes: Vec::new(),
        })
    }

    /// Writes whole rows.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn push(&mut self, rows: &[f32]) -> io::Result<()> {
        self.bytes.clear();
        write_numbers(rows, self.of, &mut self.bytes);
        self.done += (rows.len() / self.width.max(1)) as u64;
        self.out.write_all(&self.bytes)
    }

    /// Ends the array.
    ///
    /// # Errors
    /// Where there were other rows than the header says, and where writing fails.
    pub fn finish(mut self) -> Result<(), ForeignError> {
        if self.done != self.rows {
            return Err(ForeignError::Refused(format!(
                "has {} rows where {} were announced",
                self.done, self.rows
            )));
        }
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(rows: u64, width: usize, of: ActivationType, numbers: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = NpyWriter::new(&mut bytes, rows, width, of).unwrap();
        for row in numbers.chunks(width * 3) {
            writer.push(row).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    /// All rows, so many at once.
    fn read(bytes: &[u8], step: usize) -> Result<Vec<f32>, ForeignError> {
        let mut reader = NpyReader::new(bytes)?;
        let (mut all, mut some) = (Vec::new(), Vec::new());
        let mut left = usize::try_from(reader.rows()).unwrap_or(usize::MAX);
        while left > 0 {
            let take = step.min(left);
            reader.read(take, &mut some)?;
            all.extend_from_slice(&some);
            left -= take;
        }
        reader.finish()?;
        Ok(all)
    }

    proptest! {
        #[test]
        fn rows_come_back(rows in 0u16..40, width in 1usize..9, step in 1usize..50, half: bool) {
            let of = if half { ActivationType::F16 } else { ActivationType::F32 };
            let numbers: Vec<f32> = (0..usize::from(rows) * width).map(|i| i as f32 / 8.0 - 3.0).collect();
            let bytes = written(rows.into(), width, of, &numbers);
            prop_assert_eq!(bytes.len() % 64, numbers.len() * of.bytes() % 64);
            prop_assert_eq!(read(&bytes, step).unwrap(), numbers);
        }

        #[test]
        fn damaged_bytes_are_an_error_or_other_numbers(at in 0usize..176, by in 1u8..=255) {
            let mut bytes = written(3, 4, ActivationType::F32, &[1.0; 12]);
            bytes[at] ^= by;
            let _ = read(&bytes, 2);
        }
    }

    #[test]
    fn what_is_cut_or_goes_on_is_an_error() {
        let bytes = written(3, 4, ActivationType::F32, &[1.0; 12]);
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], 2).is_err(), "{length}");
        }
        let cut = read(&bytes[..bytes.len() - 17], 1).unwrap_err().to_string();
        assert!(cut.contains("3 rows") && cut.contains("row 2"), "{cut}");
        let more = [bytes, vec![0]].concat();
        let error = read(&more, 3).unwrap_err().to_string();
        assert!(error.contains("after the last of the 3 rows"), "{error}");
    }

    #[test]
    fn a_header_of_more_rows_than_memory_takes_none() {
        let mut bytes = Vec::new();
        NpyWriter::new(&mut bytes, 1 << 60, 4, ActivationType::F32).unwrap();
        let mut reader = NpyReader::new(&bytes[..]).unwrap();
        let error = reader.read(1 << 20, &mut Vec::new()).unwrap_err();
        assert!(
            matches!(error, ForeignError::NpyTruncated { found: 1, .. }),
            "{error}"
        );
    }
}
