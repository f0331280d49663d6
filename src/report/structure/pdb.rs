//! Atoms of PDB files (format version 3.3, "Coordinate Section"): columns of a line, counted here from 0.

use super::{
    StructureError,
    atoms::{Atom, Atoms, Field, Group, in_chain},
    letters::Component,
};
use memchr::memchr;
use std::{borrow::Cow, ops::Range};

/// Where fields stand in a record of an atom.
const NAME: Range<usize> = 12..16;
const COMPONENT: Range<usize> = 17..20;
const CHAIN: usize = 21;
const NUMBER: Range<usize> = 22..26;
const INSERTION: usize = 26;
const COORDINATES: [Range<usize>; 3] = [30..38, 38..46, 46..54];
const OCCUPANCY: Range<usize> = 54..60;
const B_FACTOR: Range<usize> = 60..66;

/// A C-alpha; a calcium is `CA  `.
const ALPHA: &[u8] = b" CA ";

/// A line of the file.
struct Line<'a> {
    /// From 1.
    number: u64,
    /// Of its first byte.
    start: usize,
    /// Without its end.
    bytes: &'a [u8],
}

impl<'a> Line<'a> {
    fn is(&self, record: &[u8]) -> bool {
        self.bytes.starts_with(record)
    }

    /// A field without the spaces around it; what the line has of it.
    fn field(&self, columns: Range<usize>) -> &'a [u8] {
        let end = columns.end.min(self.bytes.len());
        let field = self.bytes.get(columns.start..end);
        field.unwrap_or_default().trim_ascii()
    }

    fn text(&self, columns: Range<usize>) -> Cow<'a, str> {
        String::from_utf8_lossy(self.field(columns))
    }

    fn character(&self, column: usize) -> Option<char> {
        let byte = *self.field(column..column + 1).first()?;
        Some(char::from(byte))
    }

    fn number<T: std::str::FromStr>(
        &self,
        columns: Range<usize>,
        what: &'static str,
    ) -> Result<T, StructureError> {
        let text = self.text(columns);
        text.parse().map_err(|_| StructureError::Number {
            line: self.number,
            what,
            value: text.into_owned(),
        })
    }

    /// A number that may be blank.
    fn number_or(
        &self,
        columns: Range<usize>,
        what: &'static str,
        blank: f32,
    ) -> Result<f32, StructureError> {
        match self.field(columns.clone()) {
            [] => Ok(blank),
            _ => self.finite(columns, what),
        }
    }

    fn finite(&self, columns: Range<usize>, what: &'static str) -> Result<f32, StructureError> {
        let value: f32 = self.number(columns.clone(), what)?;
        if value.is_finite() {
            return Ok(value);
        }
        Err(StructureError::Number {
            line: self.number,
            what,
            value: self.text(columns).into_owned(),
        })
    }

    /// Where its B-factor stands, or would.
    fn b_factor(&self) -> Field {
        let length = self.bytes.len();
        let span = B_FACTOR.start.min(length)..B_FACTOR.end.min(length);
        Field {
            span: self.start + span.start..self.start + span.end,
            padding: B_FACTOR.start.saturating_sub(length),
        }
    }
}

/// The lines of a text, each without its end.
fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let (mut start, mut number) = (0, 0);
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let bytes = &rest[..length];
        number += 1;
        let line = Line {
            number,
            start,
            bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes),
        };
        start += length + 1;
        Some(line)
    })
}

/// Reads the atoms of all models.
pub(super) fn atoms(text: &[u8]) -> Result<Atoms, StructureError> {
    let mut atoms = Atoms::default();
    let mut last = 0;
    // models begun and ended, records of atoms, whether sequences stand before them, and the end behind
    let (mut begun, mut ended, mut count, mut declared, mut end) = (0, 0, 0, false, false);
    for line in lines(text) {
        last = line.number;
        if line.is(b"ATOM  ") || line.is(b"HETATM") {
            count += 1;
            add(&line, &mut atoms, ended > 0)?;
        } else if line.is(b"MODEL ") {
            begun += 1;
        } else if line.is(b"ENDMDL") {
            ended += 1;
        } else if line.is(b"SEQRES") {
            declared = true;
        } else if line.bytes.trim_ascii_end() == b"END" {
            end = true;
        }
    }
    if count == 0 {
        return Err(StructureError::Unknown);
    }
    // modelling programs write neither; archives, which declare sequences, both
    let missing = match (begun > ended, declared && !end) {
        (true, _) => "the record ENDMDL of its model",
        (_, true) => "the record END",
        _ => return Ok(atoms),
    };
    Err(StructureError::Cut {
        line: last,
        missing,
    })
}

fn add(line: &Line<'_>, atoms: &mut Atoms, again: bool) -> Result<(), StructureError> {
    let [.., z] = &COORDINATES;
    if line.bytes.len() < z.end {
        return Err(StructureError::Short {
            line: line.number,
            columns: line.bytes.len(),
        });
    }
    let group = if line.is(b"ATOM") {
        Group::Polymer
    } else {
        Group::Hetero
    };
    let component = Component::of(&line.text(COMPONENT));
    let field = line.b_factor();
    if !in_chain(group, component) {
        // waters of large files have numbers that are none
        atoms.add_other(field);
        return Ok(());
    }
    let mut position = [0.0; 3];
    for (value, columns) in position.iter_mut().zip(COORDINATES) {
        *value = line.finite(columns, "a coordinate")?;
    }
    let atom = Atom {
        group,
        chain: &line.text(CHAIN..CHAIN + 1),
        number: line.number(NUMBER, "the number of a residue")?,
        insertion: line.character(INSERTION),
        label: None,
        component,
        alpha: line.bytes[NAME] == *ALPHA,
        position,
        occupancy: line.number_or(OCCUPANCY, "an occupancy", 1.0)?,
        b_factor: line.number_or(B_FACTOR, "a B-factor", 0.0)?,
    };
    if again {
        atoms.add_again(&atom, field);
    } else {
        atoms.add(&atom, field);
    }
    Ok(())
}
