//! Calls as tab-separated values, one line a call, with a header.

use super::{Call, CallWriter, Corroboration, ProteinCalls};
use crate::report::{number, tsv::write_line};
use std::io::{self, Write};

/// Columns of the table.
pub const COLUMNS: [&str; 9] = [
    "protein",
    "concept",
    "name",
    "kind",
    "aspect",
    "score",
    "corroborated_by",
    "donor",
    "donor_score",
];

/// What stands where nothing speaks for a call beside the model.
const NONE: &str = "none";

/// Writes tab-separated values.
pub(super) struct TsvWriter<W: Write> {
    out: W,
}

impl<W: Write> TsvWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }
}

/// What speaks for a call, joined by commas.
pub(super) fn corroboration(call: &Call) -> String {
    if call.corroborated_by.is_empty() {
        return NONE.into();
    }
    let words = call.corroborated_by.iter().copied();
    words
        .map(Corroboration::as_str)
        .collect::<Vec<_>>()
        .join(",")
}

impl<W: Write> CallWriter for TsvWriter<W> {
    fn begin(&mut self) -> io::Result<()> {
        write_line(&mut self.out, &COLUMNS)
    }

    fn protein(&mut self, calls: &ProteinCalls<'_>) -> io::Result<()> {
        for call in calls.calls {
            let fields = [
                calls.protein,
                &call.concept,
                &call.name,
                call.kind.as_str(),
                call.aspect.map_or("", super::Aspect::letter),
                &number(call.score as f32),
                &corroboration(call),
                call.donor.as_deref().unwrap_or_default(),
                &call.donor_score.map_or(String::new(), |s| number(s as f32)),
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
    use super::super::tests::{provenance, written};

    #[test]
    fn a_line_is_a_call() {
        let text = written("tsv", &provenance());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            "P12345\tGO:0005524\tname of GO:0005524\tgo\tF\t0.9123\tneighbour,interpro2go\tQ00001\t0.75"
        );
        assert_eq!(
            lines[4],
            "P99999\tGO:0006412\tname of GO:0006412\tgo\tP\t1\tnone\t\t"
        );
    }
}
