//! Which proteins the rows of an array are of: a table of tab-separated columns.
//!
//! With a head the columns are known by their names, so that UniProt's tables (`Entry`, `Length`, `Sequence`) are read as
//! they are; without one they are accession, length and sequence, and those behind the first may be missing.

use super::ForeignError;
use std::{
    collections::HashSet,
    io::{self, BufRead, Write},
};

/// Names of the column of accessions, in lower case.
const ACCESSION: [&str; 5] = ["protein", "accession", "entry", "id", "original_id"];
/// Names of the column of lengths.
const LENGTH: [&str; 2] = ["length", "rows"];
/// Names of the column of residues.
const SEQUENCE: [&str; 2] = ["sequence", "residues"];
/// Names of the column of first rows, which count from 0.
const FIRST_ROW: [&str; 2] = ["first_row", "start_row"];
/// The head of a list that is written.
const HEAD: &str = "protein\tlength\tsequence\n";
/// Longest line that is read: a sequence of more residues than any protein has.
const LONGEST_LINE: u64 = 1 << 24;

/// A protein, and what its list says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its accession.
    pub accession: String,
    /// Its residues, of which each has a row; none where the list says no lengths.
    pub length: Option<u32>,
    /// Letters of its residues, as many as its length; none where the list says none.
    pub residues: Option<Vec<u8>>,
}

/// Where the columns are.
#[derive(Clone, Copy)]
struct Columns {
    accession: usize,
    length: Option<usize>,
    sequence: Option<usize>,
    first_row: Option<usize>,
}

impl Columns {
    /// Of a head; none where the line is none.
    fn of_head(line: &str) -> Option<Self> {
        let names: Vec<String> = line.split('\t').map(|n| n.trim().to_lowercase()).collect();
        let find = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        Some(Self {
            accession: find(&ACCESSION)?,
            length: find(&LENGTH),
            sequence: find(&SEQUENCE),
            first_row: find(&FIRST_ROW),
        })
    }

    const WITHOUT_HEAD: Self = Self {
        accession: 0,
        length: Some(1),
        sequence: Some(2),
        first_row: None,
    };
}

/// Reads a list; `rename` is told each accession and gives the one to keep.
///
/// # Errors
/// [`ForeignError::List`] with the first line that is wrong.
pub fn read(
    mut reader: impl BufRead,
    rename: impl Fn(&str) -> String,
) -> Result<Vec<Listed>, ForeignError> {
    let mut parser = Parser {
        columns: None,
        seen: HashSet::new(),
        next_row: 0,
    };
    let (mut all, mut text, mut line) = (Vec::new(), Vec::new(), 0);
    loop {
        text.clear();
        let mut limited = io::Read::take(&mut reader, LONGEST_LINE);
        if limited.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        line += 1;
        let at_line = |problem: String| ForeignError::List { line, problem };
        if text.len() as u64 == LONGEST_LINE {
            return Err(at_line(format!("longer than {LONGEST_LINE} bytes")));
        }
        let text = std::str::from_utf8(&text).map_err(|_| at_line("is not UTF-8".into()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if let Some(listed) = parser.line(text, &rename).map_err(at_line)? {
            all.push(listed);
        }
    }
    Ok(all)
}

struct Parser {
    columns: Option<Columns>,
    seen: HashSet<String>,
    /// The row that the next protein begins with.
    next_row: u64,
}

impl Parser {
    /// A protein, unless the line is the head.
    fn line(
        &mut self,
        text: &str,
        rename: impl Fn(&str) -> String,
    ) -> Result<Option<Listed>, String> {
        let columns = match (self.columns, Columns::of_head(text)) {
            (Some(columns), _) => columns,
            (None, Some(columns)) => {
                self.columns = Some(columns);
                return Ok(None);
            }
            (None, None) => *self.columns.insert(Columns::WITHOUT_HEAD),
        };
        let fields: Vec<&str> = text.split('\t').collect();
        let field = |at: Option<usize>| at.and_then(|at| fields.get(at)).copied();
        let name = field(Some(columns.accession)).unwrap_or("");
        if name.is_empty() {
            return Err("has no accession".into());
        }
        let accession = rename(name);
        let number = |what: &str, text: &str| {
            let bad = |_| format!("'{accession}' has {what} '{text}', expected a number");
            text.trim().parse::<u32>().map_err(bad)
        };
        let length = field(columns.length).map(|text| number("the length", text));
        let residues = field(columns.sequence).map(|text| text.as_bytes().to_ascii_uppercase());
        if let Some(at) = residues
            .iter()
            .flatten()
            .position(|l| !l.is_ascii_alphabetic())
        {
            return Err(format!(
                "'{accession}' has no letter at position {}",
                at + 1
            ));
        }
        let letters = residues
            .as_ref()
            .map(|r| u32::try_from(r.len()).unwrap_or(u32::MAX));
        let length = length.transpose()?.or(letters);
        if let (Some(length), Some(letters)) = (length, letters)
            && length != letters
        {
            return Err(format!(
                "'{accession}' has length {length}, but {letters} residues"
            ));
        }
        if length == Some(0) {
            return Err(format!("'{accession}' has length 0"));
        }
        if let Some(first) = field(columns.first_row) {
            let first = number("the first row", first)?;
            if u64::from(first) != self.next_row {
                return Err(format!(
                    "'{accession}' begins with row {first}, but the proteins before it end at row {}: rows must \
                     follow each other as their proteins do",
                    self.next_row
                ));
            }
        }
        self.next_row += u64::from(length.unwrap_or(1));
        if !self.seen.insert(accession.clone()) {
            return Err(format!("'{accession}' occurs twice"));
        }
        Ok(Some(Listed {
            accession,
            length,
            residues,
        }))
    }
}

/// A list being written beside an array.
pub struct ListWriter<W>(W);

impl<W: Write> ListWriter<W> {
    /// Writes the head.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(HEAD.as_bytes())?;
        Ok(Self(out))
    }

    /// Writes a protein with its residues; those of a pooled table have none.
    ///
    /// # Errors
    /// [`ForeignError::Refused`] where its accession has a tab or a line end, and where writing fails.
    pub fn push(&mut self, accession: &str, residues: &[u8]) -> Result<(), ForeignError> {
        if accession.contains(['\t', '\n', '\r']) || accession.is_empty() {
            return Err(ForeignError::Refused(format!(
                "the accession {accession:?} cannot be written into a list of tab-separated columns"
            )));
        }
        write!(self.0, "{accession}")?;
        if !residues.is_empty() {
            write!(self.0, "\t{}\t", residues.len())?;
            self.0.write_all(residues)?;
        }
        Ok(self.0.write_all(b"\n")?)
    }

    /// Ends the list.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(accession: &str, length: Option<u32>, residues: Option<&str>) -> Listed {
        Listed {
            accession: accession.into(),
            length,
            residues: residues.map(|r| r.as_bytes().to_vec()),
        }
    }

    fn parse(text: &str) -> Result<Vec<Listed>, ForeignError> {
        read(text.as_bytes(), str::to_owned)
    }

    #[test]
    fn lists_with_and_without_a_head_are_read() {
        let want = [listed("P1", Some(2), None), listed("Ünï|1", Some(3), None)];
        for text in [
            "P1\t2\nÜnï|1\t3\n",
            "accession\tlength\nP1\t2\nÜnï|1\t3",
            "\u{feff}Length\tEntry\tfirst_row\r\n2\tP1\t0\r\n3\tÜnï|1\t2\r\n",
        ] {
            assert_eq!(parse(text).unwrap(), want, "{text}");
        }
        let of_uniprot = "Entry\tEntry Name\tLength\tSequence\nP1\tX_HUMAN\t2\tmK\n";
        let want = [listed("P1", Some(2), Some("MK"))];
        assert_eq!(parse(of_uniprot).unwrap(), want);
        assert_eq!(parse("id\tsequence\nP1\tMK\n").unwrap(), want);
        assert_eq!(parse("P1\nP2\n").unwrap()[1], listed("P2", None, None));
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_names_line_and_protein() {
        for (text, line, word) in [
            ("P1\t2\nP1\t3\n", 2, "occurs twice"),
            ("P1\t2\n\nP2\t3\n", 2, "no accession"),
            ("P1\ttwo\n", 1, "'two'"),
            ("P1\t-1\n", 1, "'-1'"),
            ("P1\t0\n", 1, "length 0"),
            ("P1\t3\tMK\n", 1, "2 residues"),
            ("P1\t2\tM*\n", 1, "position 2"),
            (
                "id\trows\tfirst_row\nP1\t2\t0\nP2\t2\t3\n",
                3,
                "end at row 2",
            ),
        ] {
            match parse(text).unwrap_err() {
                ForeignError::List { line: at, problem } => {
                    assert_eq!(at, line, "{problem}");
                    assert!(problem.contains(word), "{problem}");
                }
                other => panic!("{other}"),
            }
        }
        assert!(read(&b"P\xff\t1\n"[..], str::to_owned).is_err());
    }

    #[test]
    fn a_list_that_is_written_is_read() {
        let mut out = Vec::new();
        let mut list = ListWriter::new(&mut out).unwrap();
        list.push("P1", b"MK").unwrap();
        list.push("Ü 2", b"A").unwrap();
        assert!(list.push("P\t3", b"A").is_err());
        list.finish().unwrap();
        let want = [
            listed("P1", Some(2), Some("MK")),
            listed("Ü 2", Some(1), Some("A")),
        ];
        assert_eq!(read(&out[..], str::to_owned).unwrap(), want);
        let mut out = Vec::new();
        ListWriter::new(&mut out).unwrap().push("P1", b"").unwrap();
        assert_eq!(
            read(&out[..], str::to_owned).unwrap(),
            [listed("P1", None, None)]
        );
    }
}
