//! topGO's map of genes to terms, as its `readMappings` reads it.

use super::{Call, CallWriter, ProteinCalls};
use crate::{annot::concept::ConceptKind, report::field};
use std::io::{self, Write};

/// Writes the map.
pub(super) struct TopGoWriter<W: Write> {
    out: W,
}

impl<W: Write> TopGoWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> CallWriter for TopGoWriter<W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn protein(&mut self, calls: &ProteinCalls<'_>) -> io::Result<()> {
        let is_term = |call: &&Call| call.kind == ConceptKind::Go;
        let terms = calls.calls.iter().filter(is_term);
        let ids: Vec<&str> = terms.map(|call| call.concept.as_str()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "{}\t{}", field(calls.protein), ids.join(", "))
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{provenance, written};

    #[test]
    fn a_line_is_a_gene_with_its_terms() {
        assert_eq!(
            written("topgo", &provenance()),
            "P12345\tGO:0005524, GO:0005829, GO:0005840\nP99999\tGO:0006412\n"
        );
    }
}
