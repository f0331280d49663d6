//! FASTA, through noodles, with every departure from it an error that names the record.
//!
//! Positions count residues, in annotations as in every table: a gap (`-` or `.`) would shift all
//! that follow it, so aligned sequences are refused although ESM-2 has tokens for gaps. A stop (`*`)
//! is dropped at the end and refused inside.

mod error;

pub use error::FastaError;

use super::{
    Protein, accession, alphabet,
    composition::Letters,
    lines::{BYTE_ORDER_MARK, CountLines},
};
use noodles::fasta;
use std::{
    cell::Cell,
    collections::HashSet,
    io::{self, BufRead, Read, Write},
    rc::Rc,
};

/// Residues of a line, as `UniProt` writes it.
const WIDTH: usize = 60;

/// Writes a record: its header without `>`, and its residues in lines.
///
/// # Errors
/// Where writing fails.
pub fn write_record(
    mut out: impl Write,
    header: impl AsRef<[u8]>,
    residues: &[u8],
) -> io::Result<()> {
    out.write_all(b">")?;
    out.write_all(header.as_ref())?;
    out.write_all(b"\n")?;
    for line in residues.chunks(WIDTH) {
        out.write_all(line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// A record as it stands in a file, and the protein that it is read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The protein.
    pub protein: Protein,
    /// The header without `>` and line end; a description may be in any encoding.
    pub header: Vec<u8>,
    /// The letters as given, lower case and a `*` at the end included, without line ends and blanks.
    pub letters: Vec<u8>,
}

/// What a file says of a record, before any check but that it is there.
struct Text {
    /// Line of the header, from 1.
    line: u64,
    header: Vec<u8>,
    letters: Vec<u8>,
}

/// Longest sequence that is read.
const MAX_LENGTH: usize = i32::MAX as usize;

/// Reads proteins one by one; ids must be unique.
pub struct Reader<R> {
    inner: fasta::io::Reader<CountLines<R>>,
    lines: Rc<Cell<u64>>,
    raw_ids: bool,
    seen: HashSet<String>,
    records: u64,
    started: bool,
    letters: Letters,
}

impl<R: BufRead> Reader<R> {
    /// Begins to read; `raw_ids` keeps `sp|P12345|NAME` as it is.
    pub fn new(inner: R, raw_ids: bool) -> Self {
        let (inner, lines) = CountLines::new(inner);
        Self {
            inner: fasta::io::Reader::new(inner),
            lines,
            raw_ids,
            seen: HashSet::new(),
            records: 0,
            started: false,
            letters: Letters::default(),
        }
    }

    /// Whether what was read so far looks like nucleotides: nine tenths of at least twenty letters are.
    #[must_use]
    pub fn looks_like_nucleotides(&self) -> bool {
        self.letters.are_nucleotides()
    }

    /// Passes a byte order mark, empty lines and the `;` comment lines that may stand before the first header.
    fn find_first_header(&mut self) -> Result<(), FastaError> {
        self.started = true;
        loop {
            let input = self.inner.get_mut();
            let head = input.fill_buf()?;
            if head.starts_with(BYTE_ORDER_MARK.as_bytes()) {
                input.consume(BYTE_ORDER_MARK.len());
                continue;
            }
            let line = match head.first() {
                None | Some(b'>') => return Ok(()),
                Some(b'\n' | b'\r' | b';') => {
                    let mut line = Vec::new();
                    input.take(1 << 20).read_until(b'\n', &mut line)?;
                    continue;
                }
                Some(_) => String::from_utf8_lossy(&head[..head.len().min(20)]).into_owned(),
            };
            return Err(FastaError::NoHeader {
                line: self.lines.get() + 1,
                found: line.lines().next().unwrap_or_default().to_owned(),
            });
        }
    }

    fn read_text(&mut self) -> Result<Option<Text>, FastaError> {
        if !self.started {
            self.find_first_header()?;
        }
        let line = self.lines.get() + 1;
        let mut header = Vec::new();
        if self.inner.get_mut().read_until(b'\n', &mut header)? == 0 {
            return Ok(None);
        }
        self.records += 1;
        // bytes that are no residue stay in the sequence and are named by `check`
        let mut letters = Vec::new();
        self.inner.read_sequence(&mut letters)?;
        self.letters.count(&letters);
        letters.retain(|letter| !matches!(letter, b' ' | b'\t' | b'\r'));
        Ok(Some(Text {
            line,
            header,
            letters,
        }))
    }

    /// The protein of a record: its id and its letters.
    fn protein(
        &mut self,
        line: u64,
        header: &[u8],
        letters: Vec<u8>,
    ) -> Result<Protein, FastaError> {
        let id = self.id(line, header)?;
        let mut sequence = letters;
        check(&mut sequence, line, &id)?;
        self.demand_new(line, &id)?;
        Ok(Protein {
            accession: id,
            sequence,
        })
    }

    fn demand_new(&mut self, line: u64, id: &str) -> Result<(), FastaError> {
        if self.seen.insert(id.to_owned()) {
            return Ok(());
        }
        let id = id.to_owned();
        Err(FastaError::Duplicate { line, id })
    }

    /// The id of a record.
    fn id(&self, line: u64, header: &[u8]) -> Result<String, FastaError> {
        let header = header.get(1..).unwrap_or_default();
        // a description may be in any encoding
        let end = header.iter().position(u8::is_ascii_whitespace);
        let word = &header[..end.unwrap_or(header.len())];
        let record = self.records;
        let word = std::str::from_utf8(word).map_err(|_| FastaError::Encoding {
            line,
            record,
            shown: String::from_utf8_lossy(word).into_owned(),
        })?;
        let Some(word) = word.split_whitespace().next() else {
            return Err(FastaError::NoId { line, record });
        };
        Ok(if self.raw_ids {
            word.to_owned()
        } else {
            accession::from_header_word(word).to_owned()
        })
    }

    /// The next record of a file of structures: its id, and a letter a residue, in lower case, as far as `known` has it.
    ///
    /// # Errors
    /// [`FastaError`], as of the iterator; of a letter that is not known [`FastaError::Structure`].
    pub fn read_structure(
        &mut self,
        known: impl Fn(u8) -> bool,
    ) -> Result<Option<(String, Vec<u8>)>, FastaError> {
        let Some(Text {
            line,
            header,
            mut letters,
        }) = self.read_text()?
        else {
            return Ok(None);
        };
        let id = self.id(line, &header)?;
        letters.make_ascii_lowercase();
        if letters.is_empty() {
            return Err(FastaError::Empty { line, id });
        }
        if let Some(at) = letters.iter().position(|&letter| !known(letter)) {
            return Err(FastaError::Structure {
                line,
                id,
                letter: char::from(letters[at]),
                position: at + 1,
            });
        }
        self.demand_new(line, &id)?;
        Ok(Some((id, letters)))
    }

    fn read(&mut self) -> Result<Option<Protein>, FastaError> {
        let text = self.read_text()?;
        text.map(|text| self.protein(text.line, &text.header, text.letters))
            .transpose()
    }

    /// The next record with its text, which [`write_record`] writes so that it is read as the same protein; checked
    /// as proteins are.
    ///
    /// # Errors
    /// [`FastaError`], as of the iterator.
    pub fn read_record(&mut self) -> Result<Option<Record>, FastaError> {
        let Some(mut text) = self.read_text()? else {
            return Ok(None);
        };
        let protein = self.protein(text.line, &text.header, text.letters.clone())?;
        let end = text.header.trim_ascii_end().len();
        text.header.truncate(end);
        text.header.drain(..text.header.len().min(1));
        Ok(Some(Record {
            protein,
            header: text.header,
            letters: text.letters,
        }))
    }
}

/// Upper-cases the residues, drops a `*` at the end, refuses what is no residue.
fn check(sequence: &mut Vec<u8>, line: u64, id: &str) -> Result<(), FastaError> {
    let id = || id.to_owned();
    if sequence.last() == Some(&b'*') {
        sequence.pop();
    }
    if sequence.is_empty() {
        return Err(FastaError::Empty { line, id: id() });
    }
    if sequence.len() > MAX_LENGTH {
        return Err(FastaError::TooLong { line, id: id() });
    }
    for (i, letter) in sequence.iter_mut().enumerate() {
        if let Some(upper) = alphabet::normalise(*letter).filter(|&l| l != b'*') {
            *letter = upper;
            continue;
        }
        let (id, position) = (id(), i + 1);
        let is_gap = alphabet::GAPS.contains(letter);
        let letter = char::from(*letter);
        return Err(if is_gap {
            FastaError::Gap {
                line,
                id,
                letter,
                position,
            }
        } else {
            FastaError::Letter {
                line,
                id,
                letter,
                position,
            }
        });
    }
    Ok(())
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Protein, FastaError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Protein>, FastaError> {
        Reader::new(text.as_bytes(), false).collect()
    }

    #[test]
    fn records_are_read_with_carriage_returns_comments_and_blank_lines() {
        let proteins = read("; a comment\r\n>sp|P1|A_B first\r\nmk\r\n\r\nTA*\r\n>q\nM\n").unwrap();
        assert_eq!(proteins.len(), 2);
        assert_eq!(proteins[0].accession, "P1");
        assert_eq!(proteins[0].sequence, b"MKTA");
        assert_eq!(proteins[1].accession, "q");
    }

    #[test]
    fn nothing_is_no_error() {
        assert!(read("").unwrap().is_empty());
        assert!(read("\n\n").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |text| read(text).unwrap_err().to_string();
        assert_eq!(
            message(">a\nMK1\n"),
            "line 1: record 'a': '1' at position 3 is no residue"
        );
        assert_eq!(
            message(">a\nM*K\n"),
            "line 1: record 'a': '*' at position 2 is no residue"
        );
        assert!(message(">a\nM-K\n").starts_with("line 1: record 'a': '-' at position 2 is a gap"));
        assert!(message(">a\nM.K\n").contains("'.' at position 2 is a gap"));
        assert_eq!(
            message(">a\nM\n>b\n>c\nM\n"),
            "line 3: record 'b' has no residues"
        );
        assert_eq!(message(">a\nM\n>a\nM\n"), "line 3: the id 'a' occurs twice");
        assert_eq!(message(">\nM\n"), "line 1: record 1 has no id behind '>'");
        assert_eq!(
            message("LOCUS x\n"),
            "line 1: expected a FASTA header ('>'), found 'LOCUS x'"
        );
    }

    #[test]
    fn an_id_that_is_no_utf8_is_refused_and_a_description_is_not() {
        let read = |bytes: &[u8]| Reader::new(bytes, false).collect::<Vec<_>>();
        let found = read(b">a first\nMK\n>prot\xe9 x\nMK\n>prot\xe8 x\nMK\n>b caf\xe9\nMK\n");
        assert_eq!(found.len(), 4);
        let error = found[1].as_ref().unwrap_err();
        assert!(error.is_of_one_record());
        assert_eq!(
            error.to_string(),
            "line 3: the id 'prot\u{fffd}' of record 2 is not valid UTF-8"
        );
        assert!(matches!(
            found[2],
            Err(FastaError::Encoding { line: 5, .. })
        ));
        assert_eq!(found[3].as_ref().unwrap().accession, "b");
        let found = read(">prot\u{e9}\u{a0}x\nMK\n".as_bytes());
        assert_eq!(found[0].as_ref().unwrap().accession, "prot\u{e9}");
    }

    #[test]
    fn a_record_keeps_its_text_and_is_written_as_the_same_protein() {
        let text = b">sp|P1|A_B caf\xe9  (x)\t y \r\nmk t\r\n\r\nTA*\r\n>q\nM\n";
        let mut reader = Reader::new(&text[..], false);
        let first = reader.read_record().unwrap().unwrap();
        assert_eq!(first.header, b"sp|P1|A_B caf\xe9  (x)\t y");
        assert_eq!(first.letters, b"mktTA*");
        assert_eq!(first.protein.accession, "P1");
        assert_eq!(first.protein.sequence, b"MKTTA");
        let mut written = Vec::new();
        write_record(&mut written, &first.header, &first.letters).unwrap();
        let again = Reader::new(&written[..], false).next().unwrap().unwrap();
        assert_eq!(again, first.protein);
        let last = reader.read_record().unwrap().unwrap();
        assert_eq!((last.header, last.letters), (b"q".to_vec(), b"M".to_vec()));
        assert!(reader.read_record().unwrap().is_none());
    }

    #[test]
    fn a_bad_record_does_not_lose_the_next() {
        let results: Vec<_> = Reader::new(&b">a\nM1\n>b\nMK\n"[..], false).collect();
        assert!(results[0].is_err());
        assert_eq!(results[1].as_ref().unwrap().accession, "b");
    }
}
