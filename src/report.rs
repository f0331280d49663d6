//! Results as files that others read: ranges of residues, scores of proteins, curves of training.
//!
//! Nothing here knows of models: [`catalogue`] says what a latent is called, [`range`] turns the
//! rows of a feature table into ranges, and one module a format writes them.

pub mod bed;
pub mod bedgraph;
pub mod calls;
pub mod catalogue;
pub mod curve;
pub mod formats;
pub mod gff3;
pub mod json;
pub mod markdown;
pub mod missing;
pub mod multiqc;
pub mod page;
pub mod parquet;
pub mod range;
pub mod ro_crate;
pub mod so;
pub mod structure;
pub mod tensorboard;
pub mod tsv;

pub use catalogue::{Catalogue, LatentInfo};
pub use range::{FeatureRange, RangeFinder, RangeRules};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use std::{borrow::Cow, io};

/// Who says so, in files that name it: column 2 of GFF3, whoever generated and assigned a GAF.
pub const PROGRAM: &str = "ProtSAE";

/// What stands in a relative reference as it is (RFC 3986, 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Decimal places of scores, probabilities and activations in text files.
const DECIMALS: usize = 4;

/// A number as all text formats show it: at most four decimal places, no trailing zeros.
#[must_use]
pub fn number(value: f32) -> String {
    let text = format!("{value:.DECIMALS$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".into()
    } else {
        text.into()
    }
}

/// Text as one field of a line of BED or of a table: as it is, with a space for each tab and end of
/// line. These formats have no quoting, and their readers cut lines at tabs.
#[must_use]
pub fn field(text: &str) -> Cow<'_, str> {
    if text.contains(['\t', '\n', '\r']) {
        text.replace(['\t', '\n', '\r'], " ").into()
    } else {
        text.into()
    }
}

/// The ranges of one protein.
#[derive(Clone, Copy, Debug)]
pub struct ProteinRanges<'a> {
    /// Accession.
    pub protein: &'a str,
    /// Residues.
    pub length: u32,
    /// Ranges, by start, end and entry.
    pub ranges: &'a [FeatureRange],
    /// Calibrated probabilities of concepts that have ranges here; for formats that show them.
    pub tracks: &'a [Track],
}

/// The calibrated probability of a concept along a protein.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// The entry of the catalogue.
    pub entry: u32,
    /// Positions, 1-based and ascending, and probabilities; what is missing is as good as 0.
    pub values: Vec<(u32, f32)>,
}

impl FeatureRange {
    /// An id that follows from protein, latent and place alone; both ends of a bond have one.
    #[must_use]
    pub fn id(&self, protein: &str, info: &LatentInfo) -> String {
        let [start, end] = self.whole;
        format!("{protein}.f{}.{start}.{end}", info.latent)
    }
}

/// Writes ranges protein by protein.
pub trait RangeWriter {
    /// Writes what stands before the first protein.
    ///
    /// # Errors
    /// Where writing fails.
    fn begin(&mut self) -> io::Result<()>;

    /// Writes the ranges of a protein.
    ///
    /// # Errors
    /// Where writing fails.
    fn protein(&mut self, ranges: &ProteinRanges<'_>) -> io::Result<()>;

    /// Writes what stands behind the last protein.
    ///
    /// # Errors
    /// Where writing fails.
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{field, number};

    #[test]
    fn fields_hold_no_tab_and_no_end_of_line() {
        assert_eq!(field("Motif: \"HIGH\" region"), "Motif: \"HIGH\" region");
        assert_eq!(field("a\tb\r\nc"), "a b  c");
    }

    #[test]
    fn numbers_are_short_and_never_scientific() {
        assert_eq!(number(0.0), "0");
        assert_eq!(number(-0.000_01), "0");
        assert_eq!(number(1.0), "1");
        assert_eq!(number(0.123_456), "0.1235");
        assert_eq!(number(12.5), "12.5");
        assert_eq!(number(1e9), "1000000000");
    }
}
