//! `TensorBoard` event files: records of a length, a message, and a checksum of each.
//!
//! Formats: `TFRecord` (`tensorflow/core/lib/io/record_writer.h`) and the messages `Event` and
//! `Summary` (`tensorboard/compat/proto`). The wall time of an event is its step, in seconds: the same
//! run gives the same bytes.

use std::io::{self, Write};

/// What the first event of a file says.
const VERSION: &str = "brain.Event:2";
/// CRC-32C (Castagnoli), reflected.
const POLYNOMIAL: u32 = 0x82f6_3b78;

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ POLYNOMIAL
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |crc, &byte| {
        TABLE[(crc as u8 ^ byte) as usize] ^ crc >> 8
    })
}

/// A checksum as records store it, so that checksums of checksums stay sound.
fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A field that holds bytes: a string or a message.
fn bytes(field: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(field << 3 | 2);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// The fields that every event begins with.
fn event(step: u64) -> Vec<u8> {
    let mut out = vec![1 << 3 | 1];
    out.extend_from_slice(&(step as f64).to_le_bytes());
    out.push(2 << 3);
    varint(step, &mut out);
    out
}

fn record(out: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length = (message.len() as u64).to_le_bytes();
    out.write_all(&length)?;
    out.write_all(&masked(&length).to_le_bytes())?;
    out.write_all(message)?;
    out.write_all(&masked(message).to_le_bytes())
}

/// Writes an event file: scalars by step, in the order given.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write<'a>(
    mut out: impl Write,
    steps: impl IntoIterator<Item = (u64, Vec<(&'a str, f64)>)>,
) -> io::Result<()> {
    let mut first = event(0);
    bytes(3, VERSION.as_bytes(), &mut first);
    record(&mut out, &first)?;
    for (step, scalars) in steps {
        let mut summary = Vec::new();
        for (tag, value) in scalars {
            let mut scalar = Vec::new();
            bytes(1, tag.as_bytes(), &mut scalar);
            scalar.push(2 << 3 | 5);
            scalar.extend_from_slice(&(value as f32).to_le_bytes());
            bytes(1, &scalar, &mut summary);
        }
        let mut message = event(step);
        bytes(5, &summary, &mut message);
        record(&mut out, &message)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checksums of RFC 3720, B.4.
    #[test]
    fn checksums_are_castagnolis() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&ascending), 0x46dd_794e);
    }

    #[test]
    fn records_hold_what_was_written() {
        let mut out = Vec::new();
        let steps = [(300, vec![("train/fvu", 0.5), ("train/l0", 32.0)])];
        write(&mut out, steps).unwrap();
        let mut rest = &out[..];
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let (length, tail) = rest.split_at(8);
            let size = u64::from_le_bytes(length.try_into().unwrap()) as usize;
            assert_eq!(tail[..4], masked(length).to_le_bytes());
            let message = &tail[4..4 + size];
            assert_eq!(tail[4 + size..8 + size], masked(message).to_le_bytes());
            messages.push(message);
            rest = &tail[8 + size..];
        }
        assert_eq!(messages.len(), 2);
        assert!(messages[0].ends_with(VERSION.as_bytes()));
        // wall time 300 s, step 300, and a summary of two values
        let expected = [
            &[9][..],
            &300f64.to_le_bytes(),
            &[16, 0xac, 2, 42, 35],
            &[10, 16, 10, 9],
            b"train/fvu",
            &[21],
            &0.5f32.to_le_bytes(),
            &[10, 15, 10, 8],
            b"train/l0",
            &[21],
            &32f32.to_le_bytes(),
        ];
        assert_eq!(messages[1], expected.concat());
    }
}
