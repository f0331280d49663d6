//! Checksums by which annotation files name sequences.

use md5::{Digest, Md5};

/// MD5 of a sequence in upper case, as `InterProScan` computes it.
#[must_use]
pub fn md5(sequence: &[u8]) -> [u8; 16] {
    Md5::digest(sequence).into()
}

/// An MD5 in hexadecimal, in either case; none where it is no MD5.
#[must_use]
pub fn parse_md5(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}

/// The polynomial x^64 + x^4 + x^3 + x + 1 of ISO 3309, reflected.
const POLYNOMIAL: u64 = 0xd800_0000_0000_0000;

/// Remainders of a byte that so many zero bytes follow, for eight bytes at a time ("slicing by 8").
const TABLES: [[u64; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ POLYNOMIAL
            } else {
                crc >> 1
            };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut zeros = 1;
    while zeros < 8 {
        byte = 0;
        while byte < 256 {
            let crc = tables[zeros - 1][byte];
            tables[zeros][byte] = (crc >> 8) ^ tables[0][(crc & 0xff) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
};

/// CRC64 of a sequence in upper case, as the SQ line of a `UniProt` entry gives it.
#[must_use]
pub fn crc64(sequence: &[u8]) -> u64 {
    let (eights, rest) = sequence.as_chunks::<8>();
    let crc = eights.iter().fold(0, |crc, letters| {
        let bytes = (crc ^ u64::from_le_bytes(*letters)).to_le_bytes();
        (TABLES.iter().rev().zip(bytes)).fold(0, |crc, (table, byte)| crc ^ table[byte as usize])
    });
    rest.iter().fold(crc, |crc, &letter| {
        (crc >> 8) ^ TABLES[0][((crc ^ u64::from(letter)) & 0xff) as usize]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc64_is_swiss_prot_s() {
        for sequence in [
            &b""[..],
            b"M",
            b"MSLKVYGD",
            b"MSLKVYGDKRQQ",
            b"MAFSAEDVLKEYDRRRRMEALLLSL",
        ] {
            assert_eq!(crc64(sequence), crc64_slow(sequence));
        }
        // the example of Biopython's `Bio.SeqUtils.CheckSum`
        assert_eq!(crc64(b"ACGTACGTACGT"), 0xc4fb_b762_c4a8_7ebd);
    }

    /// Bit by bit, as the standard writes it.
    fn crc64_slow(sequence: &[u8]) -> u64 {
        let mut crc = 0u64;
        for &letter in sequence {
            crc ^= u64::from(letter);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
            }
        }
        crc
    }

    #[test]
    fn md5_is_read_in_either_case() {
        let md5 = md5(b"MKTAYIAK");
        let text = crate::hash::hex(&md5);
        assert_eq!(parse_md5(&text), Some(md5));
        assert_eq!(parse_md5(&text.to_uppercase()), Some(md5));
        assert_eq!(parse_md5("xyz"), None);
    }
}
