//! Which residues are masked.

use crate::{
    error::{Classify, ErrorKind},
    math::random::shuffle,
    seq::lines::BYTE_ORDER_MARK,
};
use rand_chacha::rand_core::RngCore;
use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, BufRead},
};

/// Columns of a table of positions.
pub(crate) const COLUMNS: [&str; 3] = ["protein", "start", "end"];

/// How residues to mask are chosen.
#[derive(Clone, Debug, Default)]
pub(crate) enum Positions {
    /// Drawn, each round anew.
    #[default]
    Random,
    /// Those whose activations at the site are shortest.
    LowActivation,
    /// As a table says.
    Listed(Listed),
}

/// What can be wrong with a table of positions.
#[derive(Debug, thiserror::Error)]
pub enum PositionsError {
    /// A line that is no range.
    #[error("line {line}: '{found}' is no protein, start and end, 1-based and inclusive")]
    Line {
        /// Line, from 1.
        line: usize,
        /// What it holds.
        found: String,
    },
    /// A range past the end of its protein.
    #[error(
        "{table}: line {line}: positions {start} to {end} of protein '{protein}', which has {length} residues"
    )]
    PastEnd {
        /// The table.
        table: String,
        /// Line, from 1.
        line: usize,
        /// The protein.
        protein: String,
        /// First position, 1-based.
        start: usize,
        /// Last position.
        end: usize,
        /// Residues of the protein.
        length: usize,
    },
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Classify for PositionsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => Classify::kind(error),
            _ => ErrorKind::Data,
        }
    }
}

/// A range of a table, with its line.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    line: usize,
}

/// Ranges by protein.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    /// What the table is called in errors.
    name: String,
    spans: HashMap<String, Vec<Span>>,
}

impl Listed {
    /// Reads a table: protein, start and end, tab-separated, with or without a header.
    ///
    /// # Errors
    /// [`PositionsError`], naming the line.
    pub(crate) fn read(input: impl BufRead, name: String) -> Result<Self, PositionsError> {
        let mut listed = Self {
            name,
            spans: HashMap::new(),
        };
        let header = COLUMNS.join("\t");
        for (line, text) in (1..).zip(input.lines()) {
            let text = text?;
            let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
            let text = text.trim_end_matches('\r');
            if text.is_empty() || (line == 1 && text == header) {
                continue;
            }
            let bad = || PositionsError::Line {
                line,
                found: text.into(),
            };
            let mut fields = text.split('\t');
            let protein = fields.next().filter(|p| !p.is_empty()).ok_or_else(bad)?;
            let mut number = || fields.next()?.parse::<usize>().ok();
            let (start, end) = number().zip(number()).ok_or_else(bad)?;
            if start == 0 || end < start || fields.next().is_some() {
                return Err(bad());
            }
            let span = Span { start, end, line };
            listed.spans.entry(protein.into()).or_default().push(span);
        }
        Ok(listed)
    }

    /// Residues of a protein, from 0 and ascending; none where the table does not name it.
    ///
    /// # Errors
    /// [`PositionsError::PastEnd`].
    pub(crate) fn of(
        &self,
        protein: &str,
        length: usize,
    ) -> Result<Option<Vec<usize>>, PositionsError> {
        let Some(spans) = self.spans.get(protein) else {
            return Ok(None);
        };
        let mut residues = Vec::new();
        for &Span { start, end, line } in spans {
            if end > length {
                return Err(PositionsError::PastEnd {
                    table: self.name.clone(),
                    line,
                    protein: protein.into(),
                    start,
                    end,
                    length,
                });
            }
            residues.extend(start - 1..end);
        }
        residues.sort_unstable();
        residues.dedup();
        Ok(Some(residues))
    }
}

/// How many of so many residues a share is: at least one.
#[must_use]
pub(crate) fn count(length: usize, share: f64) -> usize {
    #[expect(clippy::cast_sign_loss, reason = "shares are not negative")]
    let count = (length as f64 * share).round() as usize;
    count.clamp(1, length.max(1))
}

/// `count` of `length` residues, ascending, drawn from a stream.
pub(crate) fn random(rng: &mut impl RngCore, length: usize, count: usize) -> Vec<usize> {
    let mut residues: Vec<usize> = (0..length).collect();
    shuffle(rng, &mut residues);
    residues.truncate(count);
    residues.sort_unstable();
    residues
}

/// The `count` residues with the smallest of these norms, ascending; of equals the first.
#[must_use]
pub(crate) fn low_activation(norms: &[f32], count: usize) -> Vec<usize> {
    let mut residues: Vec<usize> = (0..norms.len()).collect();
    residues.sort_by(|&a, &b| norms[a].total_cmp(&norms[b]).then(a.cmp(&b)));
    residues.truncate(count);
    residues.sort_unstable();
    residues
}

/// Residues, from 0 and ascending, as 1-based ranges: `3-5,9`.
#[must_use]
pub(crate) fn ranges(residues: &[usize]) -> String {
    let mut text = String::new();
    for run in residues.chunk_by(|a, b| a + 1 == *b) {
        let comma = if text.is_empty() { "" } else { "," };
        // writing to a string cannot fail
        let _ = match run {
            [one] => write!(text, "{comma}{}", one + 1),
            [first, .., last] => write!(text, "{comma}{}-{}", first + 1, last + 1),
            [] => Ok(()),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{Purpose, stream};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chosen_residues_are_as_many_as_asked_for(
            norms in prop::collection::vec(0f32..9.0, 1..200), share in 0.001f64..=1.0, seed: u64,
        ) {
            let length = norms.len();
            let wanted = count(length, share);
            prop_assert!((1..=length).contains(&wanted));
            let low = low_activation(&norms, wanted);
            let mut rng = stream(seed, Purpose::Rows, 0);
            for chosen in [&random(&mut rng, length, wanted), &low] {
                prop_assert_eq!(chosen.len(), wanted);
                prop_assert!(chosen.windows(2).all(|w| w[0] < w[1]));
                prop_assert!(chosen.iter().all(|&i| i < length));
            }
            let most = low.iter().map(|&i| norms[i]).fold(0f32, f32::max);
            let rest = (0..length).filter(|i| !low.contains(i));
            prop_assert!(rest.into_iter().all(|i| norms[i] >= most));
        }

        #[test]
        fn ranges_read_back(residues in prop::collection::btree_set(0usize..40, 0..30)) {
            let residues: Vec<usize> = residues.into_iter().collect();
            let mut back = Vec::new();
            for part in ranges(&residues).split(',').filter(|p| !p.is_empty()) {
                let (start, end) = part.split_once('-').unwrap_or((part, part));
                back.extend(start.parse::<usize>().unwrap() - 1..end.parse::<usize>().unwrap());
            }
            prop_assert_eq!(back, residues);
        }
    }

    fn read(text: &str) -> Result<Listed, PositionsError> {
        Listed::read(text.as_bytes(), "p.tsv".into())
    }

    #[test]
    fn a_table_of_positions_is_read_with_and_without_a_header() {
        for text in [
            "protein\tstart\tend\nP1\t4\t5\nP2\t1\t1\nP1\t2\t4\n",
            "P1\t4\t5\r\nP2\t1\t1\r\nP1\t2\t4\r\n",
        ] {
            let listed = read(text).unwrap();
            assert_eq!(listed.of("P1", 5).unwrap().unwrap(), [1, 2, 3, 4]);
            assert_eq!(listed.of("P2", 1).unwrap().unwrap(), [0]);
            assert!(listed.of("P3", 9).unwrap().is_none());
            let error = listed.of("P1", 4).unwrap_err().to_string();
            assert!(
                error.starts_with("p.tsv: line")
                    && error.contains("4 to 5")
                    && error.contains("4 residues"),
                "{error}"
            );
        }
    }

    #[test]
    fn lines_that_are_no_range_are_refused() {
        for line in [
            "P1",
            "P1\t0\t3",
            "P1\t4\t3",
            "P1\t1\tx",
            "\t1\t2",
            "P1\t1\t2\t3",
        ] {
            let error = read(&format!("P0\t1\t1\n{line}\n"))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("line 2"), "{line}: {error}");
        }
    }
}
