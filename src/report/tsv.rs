//! Tab-separated values without quoting; and a table of ranges, one line a range, with a header.

use super::{Catalogue, ProteinRanges, RangeWriter, field, number};
use std::io::{self, Write};

/// Writes a line of fields.
///
/// # Errors
/// Where writing fails.
pub fn write_line(mut out: impl Write, fields: &[&str]) -> io::Result<()> {
    let fields: Vec<_> = fields.iter().map(|text| field(text)).collect();
    out.write_all(fields.join("\t").as_bytes())?;
    out.write_all(b"\n")
}

/// Columns of the table.
pub const COLUMNS: [&str; 12] = [
    "protein",
    "start",
    "end",
    "latent",
    "concept",
    "name",
    "score",
    "max_activation",
    "mean_pi",
    "decoder",
    "probability",
    "id",
];

/// Writes tab-separated values.
pub struct TsvWriter<'a, W: Write> {
    out: W,
    catalogue: &'a Catalogue,
}

impl<'a, W: Write> TsvWriter<'a, W> {
    /// A writer of ranges of the latents of a catalogue.
    pub fn new(out: W, catalogue: &'a Catalogue) -> Self {
        Self { out, catalogue }
    }
}

impl<W: Write> RangeWriter for TsvWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        write_line(&mut self.out, &COLUMNS)
    }

    fn protein(&mut self, protein: &ProteinRanges<'_>) -> io::Result<()> {
        for range in protein.ranges {
            let info = &self.catalogue.latents[range.entry as usize];
            let optional = |value: Option<f32>| value.map(number).unwrap_or_default();
            let fields = [
                protein.protein,
                &range.start.to_string(),
                &range.end.to_string(),
                &info.latent.to_string(),
                info.concept.as_deref().unwrap_or_default(),
                &info.name,
                &number(range.score),
                &optional(range.max_activation),
                &optional(range.mean_pi),
                range.decoder.unwrap_or_default(),
                &optional(range.probability),
                &range.id(protein.protein, info),
            ];
            write_line(&mut self.out, &fields)?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_at_tabs_alone() {
        let mut out = Vec::new();
        write_line(&mut out, &["Motif: \"HIGH\" region", "a\tb", ""]).unwrap();
        assert_eq!(out, b"Motif: \"HIGH\" region\ta b\t\n");
    }
}
