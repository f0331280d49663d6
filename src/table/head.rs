//! Heads of IPC files, where the schema stands before all rows.
//!
//! Polars (2.1) writes the schema there without the prefix that makes a message of it, and its own reader, which begins
//! at the footer, never looks. The schema ends where the first whole message or the end-of-stream marker begins.

use super::TableError;
use std::io::{BufRead, Cursor, Read};

/// What every message begins with since Arrow 0.15, and the end-of-stream marker too.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];
/// Messages begin at multiples of this.
const ALIGNMENT: usize = 8;
/// No message is as short: what stands in the place of its length is where the root of a bare schema lies.
const SHORTEST: i32 = 24;
/// Longest schema whose end is looked for.
const LONGEST: usize = 1 << 26;

/// Whether a schema without its prefix begins with this word.
pub(super) fn is_bare(word: i32) -> bool {
    (1..SHORTEST).contains(&word)
}

/// Length of a schema without its prefix; none where nothing follows it.
pub(super) fn bare_length(bytes: &[u8]) -> Option<usize> {
    let mut words = bytes.chunks(ALIGNMENT);
    let length = words.position(|word| word.starts_with(&CONTINUATION))?;
    Some(length * ALIGNMENT)
}

/// The reader of a stream that begins with a schema; gives a bare one its prefix.
pub(super) fn with_prefix(
    mut reader: Box<dyn BufRead + Send>,
) -> Result<Box<dyn BufRead + Send>, TableError> {
    let mut held = Vec::with_capacity(ALIGNMENT);
    reader.by_ref().take(4).read_to_end(&mut held)?;
    let word = held
        .first_chunk()
        .map_or(0, |word| i32::from_le_bytes(*word));
    if !is_bare(word) {
        return Ok(Box::new(Cursor::new(held).chain(reader)));
    }
    let cut = TableError::Truncated("it ends in its head");
    reader.by_ref().take(4).read_to_end(&mut held)?;
    let length = loop {
        let before = held.len();
        reader
            .by_ref()
            .take(ALIGNMENT as u64)
            .read_to_end(&mut held)?;
        if held.len() - before < ALIGNMENT || before > LONGEST {
            return Err(cut);
        }
        if held[before..].starts_with(&CONTINUATION) {
            break before;
        }
    };
    let mut whole = CONTINUATION.to_vec();
    whole.extend(i32::try_from(length).map_err(|_| cut)?.to_le_bytes());
    whole.append(&mut held);
    Ok(Box::new(Cursor::new(whole).chain(reader)))
}
