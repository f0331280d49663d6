//! `UniProt`'s positions: `12`, `12..34`, `<1..20`, `?..17`, `P12345-2:5..9`.

use super::concept::Level;

/// A place in a protein, 1-based and inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The whole protein.
    Whole,
    /// A stretch of residues.
    Range(u32, u32),
    /// Two residues that a bond joins, in ascending order.
    Ends(u32, u32),
}

impl Place {
    /// Whether it is of the whole protein or of residues.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::Whole => Level::Protein,
            Self::Range(..) | Self::Ends(..) => Level::Residue,
        }
    }

    /// The last residue, 0 for the whole protein.
    #[must_use]
    pub fn last(self) -> u32 {
        match self {
            Self::Whole => 0,
            Self::Range(_, end) | Self::Ends(_, end) => end,
        }
    }
}

/// What a position says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// First and last residue; a fuzzy end (`<`, `>`) counts at its number.
    Known(u32, u32),
    /// An end is unknown or uncertain (`?`).
    Uncertain,
    /// Numbered along an isoform.
    OtherIsoform,
}

/// Reads a position; none where it is malformed.
#[must_use]
pub(crate) fn parse(text: &str) -> Option<Position> {
    if let Some(residue) = digits(text) {
        return Some(Position::Known(residue, residue));
    }
    let mut text = text.trim();
    if let Some((isoform, rest)) = text.split_once(':') {
        if isoform.is_empty() {
            return None;
        }
        text = rest;
        return ends(text).map(|_| Position::OtherIsoform);
    }
    ends(text)
}

fn ends(text: &str) -> Option<Position> {
    let dots =
        memchr::memchr_iter(b'.', text.as_bytes()).find(|&at| text[at + 1..].starts_with('.'));
    let (start, end) = dots.map_or((text, text), |at| (&text[..at], &text[at + 2..]));
    Some(join(End::parse(start)?, End::parse(end)?))
}

/// The range between two ends.
pub(super) fn join(start: End, end: End) -> Position {
    match (start, end) {
        (End::Known(start), End::Known(end)) => Position::Known(start, end),
        _ => Position::Uncertain,
    }
}

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Known(u32),
    Uncertain,
}

impl End {
    /// `12`, `<1`, `>20`, `?`, `?12`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(number) = digits(text) {
            return Some(Self::Known(number));
        }
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('?') {
            return (rest.is_empty() || number(rest).is_some()).then_some(Self::Uncertain);
        }
        number(text.trim_start_matches(['<', '>'])).map(Self::Known)
    }
}

/// The number of up to nine digits and nothing else.
fn digits(text: &str) -> Option<u32> {
    let add = |number: u32, digit: u8| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u32::from(digit - b'0'))
    };
    (1..=9)
        .contains(&text.len())
        .then(|| text.bytes().try_fold(0, add))?
}

/// A residue number; spreadsheets write `57.0`.
pub(super) fn number(text: &str) -> Option<u32> {
    if let Some(number) = digits(text) {
        return Some(number);
    }
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => digits,
        Some(_) => return None,
        None => text,
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_position() {
        for (text, position) in [
            ("12", Some(Position::Known(12, 12))),
            ("12..34", Some(Position::Known(12, 34))),
            ("<1..>20", Some(Position::Known(1, 20))),
            ("?..17", Some(Position::Uncertain)),
            ("?12..17", Some(Position::Uncertain)),
            ("?", Some(Position::Uncertain)),
            ("P12345-2:5..9", Some(Position::OtherIsoform)),
            ("57.0", Some(Position::Known(57, 57))),
            ("57.5", None),
            ("4294967295", Some(Position::Known(u32::MAX, u32::MAX))),
            ("4294967296", None),
            ("1.0..2.0", Some(Position::Known(1, 2))),
            ("1...2", None),
            ("", None),
            ("a..b", None),
            (":5", None),
            ("1..2..3", None),
            ("99999999999", None),
        ] {
            assert_eq!(parse(text), position, "{text}");
        }
    }
}
