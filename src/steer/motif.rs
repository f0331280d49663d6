//! Motifs in PROSITE's syntax (PROSITE user manual, section II.6, lines PA), counted in sequences.

use crate::error::{Classify, ErrorKind};
use regex::bytes::Regex;

/// Most repetitions of an element.
const MOST: u32 = 1000;

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "motif '{pattern}': {problem} in element '{element}'; PROSITE's syntax is meant, such as [AG]-x(4)-G-K-[ST]"
)]
pub(crate) struct MotifError {
    /// The pattern.
    pub(crate) pattern: String,
    /// The element that is wrong.
    pub(crate) element: String,
    /// What is wrong with it.
    pub(crate) problem: &'static str,
}

impl Classify for MotifError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

/// A motif.
#[derive(Clone, Debug)]
pub(crate) struct Motif {
    regex: Regex,
}

/// An element as a regular expression.
fn element(text: &str) -> Result<String, &'static str> {
    let (what, times) = match text.split_once('(') {
        None => (text, String::new()),
        Some((what, rest)) => {
            let inner = rest
                .strip_suffix(')')
                .ok_or("a bracket that is not closed")?;
            (what, repetitions(inner)?)
        }
    };
    let letters = |inner: &str| -> Result<(), &'static str> {
        if inner.is_empty() || !inner.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err("no list of amino acids");
        }
        Ok(())
    };
    let one = if what == "x" {
        ".".to_owned()
    } else if let Some(inner) = what.strip_prefix('[').and_then(|w| w.strip_suffix(']')) {
        if let Some(rest) = inner.strip_suffix('>') {
            // the end of the sequence as one of the choices
            letters(rest)?;
            format!("(?:[{rest}]|\\z)")
        } else {
            letters(inner)?;
            format!("[{inner}]")
        }
    } else if let Some(inner) = what.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
        letters(inner)?;
        format!("[^{inner}]")
    } else if what.len() == 1 {
        letters(what)?;
        what.to_owned()
    } else {
        return Err("neither x, an amino acid, [...] nor {...}");
    };
    Ok(one + &times)
}

/// `n` or `n,m` as a regular expression says it.
fn repetitions(text: &str) -> Result<String, &'static str> {
    let number = |text: &str| -> Result<u32, &'static str> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|&n| digits && n <= MOST);
        number.ok_or("a count that is none up to 1000")
    };
    match text.split_once(',') {
        None => Ok(format!("{{{}}}", number(text)?)),
        Some((least, most)) => {
            let (least, most) = (number(least)?, number(most)?);
            if least > most {
                return Err("a range of counts from large to small");
            }
            Ok(format!("{{{least},{most}}}"))
        }
    }
}

impl Motif {
    /// Reads a pattern, with or without its final period.
    ///
    /// # Errors
    /// [`MotifError`], naming the element that is wrong.
    pub(crate) fn new(pattern: &str) -> Result<Self, MotifError> {
        let bad = |element: &str, problem| MotifError {
            pattern: pattern.into(),
            element: element.into(),
            problem,
        };
        let text = pattern.trim();
        let text = text.strip_suffix('.').unwrap_or(text);
        let (start, inner) = text.strip_prefix('<').map_or(("", text), |t| ("\\A", t));
        let (end, inner) = match inner.strip_suffix('>') {
            Some(inner) => ("\\z", inner),
            None => ("", inner),
        };
        let mut regex = format!("(?s-u){start}");
        for part in inner.split('-') {
            regex += &element(part).map_err(|problem| bad(part, problem))?;
        }
        regex += end;
        let regex = Regex::new(&regex).map_err(|_| bad(text, "too many repetitions"))?;
        Ok(Self { regex })
    }

    /// Residues of a sequence at which a match begins.
    #[must_use]
    pub(crate) fn count(&self, sequence: &[u8]) -> usize {
        let (mut from, mut count) = (0, 0);
        while let Some(found) = (from < sequence.len())
            .then(|| self.regex.find_at(sequence, from))
            .flatten()
            .filter(|found| found.start() < sequence.len())
        {
            count += 1;
            from = found.start() + 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pattern: &str, sequence: &str) -> usize {
        Motif::new(pattern).unwrap().count(sequence.as_bytes())
    }

    #[test]
    fn patterns_of_prosite_are_counted_where_they_begin() {
        // PS00017, PS00001, PS00014, PS00029
        assert_eq!(count("[AG]-x(4)-G-K-[ST].", "MMGPPNVGKSALLAKKKKGKT"), 2);
        assert_eq!(count("N-{P}-[ST]-{P}", "NASANPSANNTTNPT"), 3);
        assert_eq!(count("[KRHQSA]-[DENQ]-E-L>", "KDELAKDEL"), 1);
        assert_eq!(count("L-x(6)-L-x(6)-L-x(6)-L", &"LAAAAAA".repeat(6)), 3);
        assert_eq!(count("<M-x(0,2)-K", "MAAKMK"), 1);
        assert_eq!(count("F-[GSTV]-P-R-L-[G>]", "AAFGPRL"), 1);
        assert_eq!(count("A", ""), 0);
        assert_eq!(count("A-A", "AAAA"), 3);
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_its_element() {
        for (pattern, element, problem) in [
            ("", "", "neither"),
            ("A-", "", "neither"),
            ("A-b", "b", "no list"),
            ("[AG", "[AG", "neither"),
            ("A-[]", "[]", "no list"),
            ("{a}", "{a}", "no list"),
            ("x(2", "x(2", "not closed"),
            ("x(2,1)", "x(2,1)", "large to small"),
            ("x(+1)", "x(+1)", "a count"),
            ("x(4294967296)", "x(4294967296)", "a count"),
            ("A.*", "A.*", "neither"),
            ("(?i)a", "(?i)a", "not closed"),
        ] {
            let error = Motif::new(pattern).unwrap_err();
            assert_eq!(error.element, element, "{pattern}");
            assert!(error.problem.contains(problem), "{pattern}: {error}");
        }
    }
}
