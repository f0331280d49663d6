//! The header of a `.npy` file: magic, version, length, and a Python dictionary that is read without Python.

use super::MAGIC;
use crate::table::{
    foreign::{Float, ForeignError},
    schema::ActivationType,
};
use std::io::{self, BufRead, Read};

/// Longest dictionary that is read; that of an array without fields has some hundred bytes.
const LONGEST: u32 = 1 << 16;
/// The array's bytes begin at a multiple of this (`ARRAY_ALIGN`).
const ALIGNMENT: usize = 64;
/// Digits for which the first dimension has room, so that a file may grow (`GROWTH_AXIS_MAX_DIGITS`).
const GROWTH_DIGITS: usize = 21;
/// Bytes before the dictionary of a file of version 1.0.
const PREFIX: usize = 10;

/// What a header says.
#[derive(Debug)]
pub(super) struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

fn bad(problem: impl Into<String>) -> ForeignError {
    ForeignError::NpyHeader(problem.into())
}

impl Header {
    /// Reads a header, up to the first byte of the array.
    pub(super) fn read(reader: &mut impl BufRead) -> Result<Self, ForeignError> {
        let mut head = [0; 8];
        fill(reader, &mut head)?;
        let Some([major, minor]) = head.strip_prefix(MAGIC) else {
            return Err(bad("it does not begin with \\x93NUMPY"));
        };
        let length = match (major, minor) {
            (1, 0) => {
                let mut length = [0; 2];
                fill(reader, &mut length)?;
                u32::from(u16::from_le_bytes(length))
            }
            (2 | 3, 0) => {
                let mut length = [0; 4];
                fill(reader, &mut length)?;
                u32::from_le_bytes(length)
            }
            _ => {
                let text = format!("version {major}.{minor}, expected 1.0, 2.0 or 3.0");
                return Err(bad(text));
            }
        };
        if length > LONGEST {
            return Err(bad(format!("its header claims {length} bytes")));
        }
        let mut text = vec![0; length as usize];
        fill(reader, &mut text)?;
        // versions 1.0 and 2.0 are Latin-1; none of what is taken from them has other letters than ASCII
        let text = String::from_utf8_lossy(&text);
        let mut parser = Parser(text.trim_end());
        let header = parser.header();
        header.map_err(|found| {
            bad(format!(
                "its header cannot be read from '{}' on",
                shown(found)
            ))
        })
    }

    /// Type of the numbers, and whether their most significant byte comes first.
    pub(super) fn number(&self) -> Result<(Float, bool), ForeignError> {
        let refuse = |why| {
            Err(ForeignError::NpyType {
                found: self.descr.clone(),
                why,
            })
        };
        let rest = self.descr.trim_start_matches(['<', '>', '|', '=']);
        match (rest.get(..1), rest.get(1..).map(str::parse::<usize>)) {
            (Some("f"), Some(Ok(bytes))) => match Float::of_bytes(bytes) {
                Some(of) => Ok((of, self.descr.starts_with('>'))),
                None => refuse(""),
            },
            (Some("O"), _) => refuse(", pickled Python objects, which are not read"),
            (Some("i" | "u" | "b"), _) => refuse(", integers"),
            (Some("c"), _) => refuse(", complex numbers"),
            (Some("V"), _) => {
                refuse(", raw bytes (bfloat16 is saved so: convert it to float32 before)")
            }
            _ => refuse(""),
        }
    }

    /// The two dimensions.
    pub(super) fn rows_and_width(&self) -> Result<(u64, usize), ForeignError> {
        let [rows, width] = self.shape[..] else {
            return Err(ForeignError::NpyShape(tuple(&self.shape)));
        };
        // an Arrow list counts its numbers in 31 bits
        let in_range = i32::try_from(width).ok().filter(|&width| width > 0);
        let Some(width) = in_range.and_then(|width| usize::try_from(width).ok()) else {
            return Err(ForeignError::NpyShape(tuple(&self.shape)));
        };
        if self.fortran_order && rows > 1 && width > 1 {
            return Err(ForeignError::NpyFortran(tuple(&self.shape)));
        }
        Ok((rows, width))
    }
}

fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), ForeignError> {
    reader
        .read_exact(bytes)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => bad("it ends in its header"),
            _ => error.into(),
        })
}

/// How what cannot be read begins.
fn shown(text: &str) -> String {
    text.chars().take(20).collect()
}

/// A shape as Python writes it.
fn tuple(shape: &[u64]) -> String {
    match shape {
        [one] => format!("({one},)"),
        all => {
            let all: Vec<String> = all.iter().map(u64::to_string).collect();
            format!("({})", all.join(", "))
        }
    }
}

/// Reads the dictionary from the front of what is left; an error is what was left where it was not understood.
struct Parser<'a>(&'a str);

impl<'a> Parser<'a> {
    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, keys in any order.
    fn header(&mut self) -> Result<Header, &'a str> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.takes('}') {
            let at = self.0;
            let key = self.text()?;
            self.expect(':')?;
            match key {
                "descr" => descr = Some(self.descr()?),
                "fortran_order" => fortran_order = Some(self.truth()?),
                "shape" => shape = Some(self.shape()?),
                _ => return Err(at),
            }
            if !self.takes(',') {
                self.expect('}')?;
                break;
            }
        }
        self.skip();
        match (self.0, descr, fortran_order, shape) {
            ("", Some(descr), Some(fortran_order), Some(shape)) => Ok(Header {
                descr,
                fortran_order,
                shape,
            }),
            (rest, ..) => Err(rest),
        }
    }

    fn skip(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn takes(&mut self, sign: char) -> bool {
        self.skip();
        let rest = self.0.strip_prefix(sign);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, sign: char) -> Result<(), &'a str> {
        if self.takes(sign) {
            Ok(())
        } else {
            Err(self.0)
        }
    }

    /// A string in either kind of quotes; nothing in a header needs an escape.
    fn text(&mut self) -> Result<&'a str, &'a str> {
        self.skip();
        for quote in ['\'', '"'] {
            if let Some(rest) = self.0.strip_prefix(quote) {
                let (text, rest) = rest.split_once(quote).ok_or(self.0)?;
                self.0 = rest;
                return Ok(text);
            }
        }
        Err(self.0)
    }

    /// A type; of an array of records, which has fields, the word for it.
    fn descr(&mut self) -> Result<String, &'a str> {
        self.skip();
        if !self.0.starts_with('[') {
            return Ok(self.text()?.to_owned());
        }
        let mut depth = 0;
        for (at, sign) in self.0.char_indices() {
            match sign {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.0 = &self.0[at + 1..];
                return Ok("records with fields".into());
            }
        }
        Err(self.0)
    }

    fn truth(&mut self) -> Result<bool, &'a str> {
        self.skip();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err(self.0)
    }

    fn shape(&mut self) -> Result<Vec<u64>, &'a str> {
        self.expect('(')?;
        let mut shape = Vec::new();
        while !self.takes(')') {
            self.skip();
            let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = self.0.split_at(digits);
            shape.push(number.parse().map_err(|_| self.0)?);
            // Python 2 wrote long numbers so
            self.0 = rest.strip_prefix('L').unwrap_or(rest);
            if !self.takes(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}

/// A header of version 1.0, byte by byte as `numpy.save` writes it.
pub(super) fn bytes(rows: u64, width: usize, of: ActivationType) -> Vec<u8> {
    let digits = rows.to_string().len();
    let mut text = format!(
        "{{'descr': '<f{}', 'fortran_order': False, 'shape': ({rows}, {width}), }}",
        of.bytes()
    );
    text.extend(std::iter::repeat_n(
        ' ',
        GROWTH_DIGITS.saturating_sub(digits),
    ));
    let end = PREFIX + text.len() + 1;
    // a header that ends at a multiple already is filled up to the next
    text.extend(std::iter::repeat_n(' ', ALIGNMENT - end % ALIGNMENT));
    text.push('\n');
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [MAGIC, &[1, 0], &length.to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(version: u8, text: &str) -> Result<Header, ForeignError> {
        let length = text.len() as u32;
        let length = &length.to_le_bytes()[..if version == 1 { 2 } else { 4 }];
        let bytes = [MAGIC, &[version, 0], length, text.as_bytes()].concat();
        Header::read(&mut &bytes[..])
    }

    #[test]
    fn headers_of_all_versions_and_orders_of_keys_are_read() {
        for (version, text) in [
            (
                1,
                "{'descr': '<f2', 'fortran_order': False, 'shape': (3, 4), }  \n",
            ),
            (
                2,
                "{\"shape\": (3L, 4L), \"descr\": \"<f2\", \"fortran_order\": False}\n",
            ),
            (
                3,
                "{ 'fortran_order' : False , 'shape' :( 3,4,) ,'descr':'<f2'}",
            ),
        ] {
            let header = parse(version, text).unwrap();
            assert_eq!(header.number().unwrap(), (Float::F16, false));
            assert_eq!(header.rows_and_width().unwrap(), (3, 4));
        }
    }

    #[test]
    fn what_is_no_array_of_rows_is_named() {
        let said = |descr: &str, fortran: &str, shape: &str| {
            let text =
                format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}");
            let header = parse(1, &text).unwrap();
            let checked = header.number().and_then(|_| header.rows_and_width());
            checked.unwrap_err().to_string()
        };
        for (descr, fortran, shape, word) in [
            ("'|O'", "False", "(3, 4)", "pickled"),
            ("'<i8'", "False", "(3, 4)", "integers"),
            ("'<c8'", "False", "(3, 4)", "complex"),
            ("'<V2'", "False", "(3, 4)", "bfloat16"),
            ("'<f16'", "False", "(3, 4)", "'<f16'"),
            ("[('x', '<f4'), ('y', '<f4')]", "False", "(3, 4)", "fields"),
            ("'<f4'", "True", "(3, 4)", "Fortran"),
            ("'<f4'", "False", "(12,)", "(12,)"),
            ("'<f4'", "False", "()", "()"),
            ("'<f4'", "False", "(2, 3, 4)", "(2, 3, 4)"),
            ("'<f4'", "False", "(3, 0)", "(3, 0)"),
            ("'<f4'", "False", "(3, 4294967296)", "4294967296"),
        ] {
            let said = said(descr, fortran, shape);
            assert!(said.contains(word), "{descr} {shape}: {said}");
        }
        // one row is the same in either order
        let text = "{'descr': '>f4', 'fortran_order': True, 'shape': (1, 4), }";
        let header = parse(1, text).unwrap();
        assert_eq!(header.rows_and_width().unwrap(), (1, 4));
        assert_eq!(header.number().unwrap(), (Float::F32, true));
    }

    #[test]
    fn headers_that_lie_are_errors() {
        for text in [
            "",
            "{",
            "{}",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, -4), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } x",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 4), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 4), }",
            "{'descr': [[[, 'fortran_order': False, 'shape': (3, 4), }",
            "__import__('os')",
        ] {
            let error = parse(1, text).unwrap_err().to_string();
            assert!(error.contains("cannot be read from"), "{text}: {error}");
        }
        let claims = [MAGIC, &[2, 0], &[255, 255, 255, 127]].concat();
        let error = Header::read(&mut &claims[..]).unwrap_err().to_string();
        assert!(error.contains("claims"), "{error}");
        let error = Header::read(&mut &b"\x93NUMPY\x04\0"[..]).unwrap_err();
        assert!(error.to_string().contains("version 4.0"), "{error}");
    }
}
