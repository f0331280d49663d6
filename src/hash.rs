//! Identities by content.

use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    io::{self, Read},
};

/// Bytes of a stream that are read at a time.
const CHUNK: usize = 1 << 20;

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // writing to a string cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a stream to its end, in lower-case hexadecimal.
///
/// # Errors
/// Where it cannot be read.
pub fn sha256_of_stream(mut stream: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..n]);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sha256_of_nothing_is_the_known_value() {
        assert!(super::sha256(b"").starts_with("e3b0c44298fc1c149afbf4c8996fb924"));
    }

    #[test]
    fn a_stream_has_the_identity_of_its_bytes() {
        let bytes: Vec<u8> = (0..super::CHUNK + 7).map(|n| (n % 251) as u8).collect();
        assert_eq!(
            super::sha256_of_stream(bytes.as_slice()).unwrap(),
            super::sha256(&bytes)
        );
    }
}
