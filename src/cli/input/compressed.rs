//! Decompression by magic bytes: gzip of any members, BGZF to its end-of-file block, zstd.

use super::{BUFFER, Reader};
use flate2::{GzHeader, bufread::MultiGzDecoder};
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// First line of a file that Git LFS has not fetched.
const LFS_POINTER: &[u8] = b"version https://git-lfs";
/// Bytes that tell what an input is.
pub(super) const HEAD: usize = 32;
/// The block that BGZF files end with (SAM specification, section 4.1.2).
const END_BLOCK: [u8; 28] = [
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, b'B', b'C', 2, 0, 0x1b, 0, 3, 0, 0, 0, 0,
    0, 0, 0, 0, 0,
];

/// What is wrong with the bytes of an input, before anything is read in them.
#[derive(Debug, thiserror::Error)]
pub enum CompressionError {
    /// BGZF that ends between two blocks.
    #[error(
        "it is BGZF without the end-of-file block, so it was probably cut between two blocks; to take what is there, decompress it first: gzip -dc FILE | TOOL -i -"
    )]
    NoEndBlock,
    /// Bytes behind the last gzip member that begin none.
    #[error(
        "bytes that are no gzip follow its last member; if they mean nothing, decompress it first: gzip -dc FILE | TOOL -i -"
    )]
    TrailingBytes,
    /// A file that was not fetched.
    #[error("this is a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'")]
    LfsPointer,
}

impl From<CompressionError> for io::Error {
    fn from(error: CompressionError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Compressions that are known by their first bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

pub(super) fn compression(beginning: &[u8]) -> Option<Compression> {
    match beginning {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
        _ => None,
    }
}

/// Whether bytes with this beginning are what they seem: neither compressed nor in the place of others.
pub(super) fn is_plain(beginning: &[u8]) -> bool {
    compression(beginning).is_none() && !beginning.starts_with(LFS_POINTER)
}

/// Decompresses by magic bytes.
pub(super) fn decompress(mut reader: Reader) -> io::Result<Reader> {
    // a pipe may give its first bytes one by one
    let mut head = Vec::with_capacity(HEAD);
    reader.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    if head.starts_with(LFS_POINTER) {
        return Err(CompressionError::LfsPointer.into());
    }
    let kind = compression(&head);
    let whole = Cursor::new(head).chain(reader);
    Ok(match kind {
        Some(Compression::Gzip) => Box::new(BufReader::with_capacity(BUFFER, Gzip::new(whole))),
        Some(Compression::Zstd) => {
            let decoder = zstd::Decoder::with_buffer(whole)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
        None => Box::new(whole),
    })
}

/// All members of a gzip file. BGZF, whose members are blocks, must end with its end-of-file block: a file that was
/// cut between two of them is otherwise as good as a whole one.
struct Gzip<R> {
    members: MultiGzDecoder<Tail<R>>,
    /// The first member has a header.
    begun: bool,
}

impl<R: BufRead> Gzip<R> {
    fn new(inner: R) -> Self {
        let members = MultiGzDecoder::new(Tail {
            inner,
            last: [0; END_BLOCK.len()],
        });
        Self {
            begun: members.header().is_some(),
            members,
        }
    }

    /// Demands of the last member, where it is a block of BGZF, that it is the end-of-file block.
    fn check_end(&self) -> io::Result<()> {
        let extra = self.members.header().and_then(GzHeader::extra);
        if extra.is_some_and(is_bgzf) && self.members.get_ref().last != END_BLOCK {
            return Err(CompressionError::NoEndBlock.into());
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.members.read(out) {
            Ok(0) if !out.is_empty() => self.check_end().map(|()| 0),
            // between members there is no header: it is the next one that is none
            Err(error)
                if self.begun
                    && error.kind() == io::ErrorKind::InvalidInput
                    && self.members.header().is_none() =>
            {
                Err(CompressionError::TrailingBytes.into())
            }
            result => result,
        }
    }
}

/// Whether the extra field of a gzip header has the subfield BC, as blocks of BGZF do.
fn is_bgzf(mut extra: &[u8]) -> bool {
    while let Some((&[first, second, low, high], rest)) = extra.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([low, high]));
        if [first, second] == *b"BC" && length == 2 {
            return true;
        }
        extra = rest.get(length..).unwrap_or_default();
    }
    false
}

/// A reader that remembers the last bytes which were taken from it.
struct Tail<R> {
    inner: R,
    last: [u8; END_BLOCK.len()],
}

impl<R: BufRead> BufRead for Tail<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if amount == 0 {
            return;
        }
        // what is taken lies in the buffer: nothing is read for it
        if let Ok(buffer) = self.inner.fill_buf() {
            let taken = buffer.get(..amount).unwrap_or(buffer);
            let new = &taken[taken.len().saturating_sub(END_BLOCK.len())..];
            self.last.rotate_left(new.len());
            let from = self.last.len() - new.len();
            self.last[from..].copy_from_slice(new);
        }
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for Tail<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use noodles::bgzf;
    use std::io::Write;

    pub(in crate::cli::input) fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// BGZF of several blocks, with the end-of-file block.
    fn bgz(bytes: &[u8]) -> Vec<u8> {
        let mut writer = bgzf::io::Writer::new(Vec::new());
        for part in bytes.chunks(bytes.len().div_ceil(3).max(1)) {
            writer.write_all(part).unwrap();
            writer.flush().unwrap();
        }
        writer.finish().unwrap()
    }

    fn without_end(mut bytes: Vec<u8>) -> Vec<u8> {
        assert!(bytes.ends_with(&END_BLOCK));
        bytes.truncate(bytes.len() - END_BLOCK.len());
        bytes
    }

    /// Gives bytes one at a time, as a slow pipe does.
    struct Slow(Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let most = out.len().min(1);
            self.0.read(&mut out[..most])
        }
    }

    fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let all = |reader: Reader| {
            let mut out = Vec::new();
            decompress(reader)?.read_to_end(&mut out).map(|_| out)
        };
        let slow = all(Box::new(BufReader::new(Slow(Cursor::new(bytes.clone())))));
        let fast = all(Box::new(Cursor::new(bytes)));
        let said =
            |result: &io::Result<Vec<u8>>| result.as_ref().map_err(ToString::to_string).cloned();
        assert_eq!(said(&slow), said(&fast));
        fast
    }

    #[test]
    fn every_member_of_a_gzip_file_is_read() {
        assert_eq!(
            read([gz(b"one "), gz(b"two")].concat()).unwrap(),
            b"one two"
        );
    }

    #[test]
    fn plain_short_and_empty_input_passes() {
        assert_eq!(read(b">a".to_vec()).unwrap(), b">a");
        assert_eq!(read(Vec::new()).unwrap(), b"");
        assert_eq!(
            read(zstd::encode_all(&b"zstd"[..], 1).unwrap()).unwrap(),
            b"zstd"
        );
    }

    #[test]
    fn a_truncated_gzip_file_is_an_error() {
        let mut bytes = gz(&[7; 5000]);
        bytes.truncate(bytes.len() - 9);
        assert_eq!(
            read(bytes).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }

    #[test]
    fn bgzf_cut_between_blocks_is_an_error() {
        let text: Vec<u8> = (0..300_000_u32).map(|i| (i % 97) as u8).collect();
        assert!(read(bgz(&text)).unwrap() == text);
        assert!(read(bgz(b"")).unwrap().is_empty());
        for text in [&text[..], b"short"] {
            let error = read(without_end(bgz(text))).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().contains("gzip -dc FILE"), "{error}");
        }
    }

    #[test]
    fn the_last_member_says_whether_an_end_block_is_due() {
        let (one, two) = (bgz(b"one "), bgz(b"two"));
        for (bytes, want) in [
            ([one.clone(), two.clone()].concat(), "one two"),
            ([without_end(one.clone()), two.clone()].concat(), "one two"),
            ([without_end(one.clone()), gz(b"two")].concat(), "one two"),
            ([gz(b"one "), two.clone()].concat(), "one two"),
        ] {
            assert_eq!(read(bytes).unwrap(), want.as_bytes());
        }
        for bytes in [
            [one.clone(), without_end(two.clone())].concat(),
            [gz(b"one "), without_end(two)].concat(),
        ] {
            assert!(
                read(bytes)
                    .unwrap_err()
                    .to_string()
                    .contains("end-of-file block")
            );
        }
        // a block among whose subfields BC is not the first
        let extra = b"XX\x01\x00aBC\x02\x00\x1b\x00";
        assert!(is_bgzf(extra) && !is_bgzf(&extra[..8]) && !is_bgzf(b"BC\x01\x00a"));
    }

    #[test]
    fn bytes_behind_the_last_gzip_member_are_an_error() {
        for garbage in [&[0; 512][..], b"this is no gzip member"] {
            let error = read([&gz(b"one")[..], garbage].concat()).unwrap_err();
            assert!(
                error.to_string().contains("follow its last member"),
                "{error}"
            );
        }
        assert!(read([gz(b"one"), vec![0; 3]].concat()).is_err());
        let broken = [&gz(b"one")[..4], &[0xff; 40]].concat();
        let error = read(broken).unwrap_err();
        assert!(!error.to_string().contains("follow"), "{error}");
    }

    #[test]
    fn cut_zstd_and_bytes_behind_it_are_errors() {
        let one = zstd::encode_all(&[7; 5000][..], 1).unwrap();
        assert_eq!(
            read([one.clone(), one.clone()].concat()).unwrap(),
            [7; 10_000]
        );
        for end in [one.len() - 1, one.len() / 2, 5] {
            assert!(read(one[..end].to_vec()).is_err(), "cut at {end}");
            assert!(
                read([&one[..], &one[..end]].concat()).is_err(),
                "the second cut at {end}"
            );
        }
        for garbage in [&b"x"[..], b"this is no zstd frame"] {
            assert!(read([&one[..], garbage].concat()).is_err());
        }
    }

    #[test]
    fn an_lfs_pointer_is_named() {
        let error = read(b"version https://git-lfs.github.com/spec/v1\noid x".to_vec());
        assert!(error.unwrap_err().to_string().contains("git lfs pull"));
    }
}
