//! Predictions as CAFA-evaluator reads them, and as the CAFA challenge takes submissions.

use super::{Call, CallWriter, ProteinCalls, Provenance, Submission};
use crate::{annot::concept::ConceptKind, report::number};
use std::io::{self, Write};

/// Terms of a protein and aspect that a submission may have.
const MOST_TERMS: usize = 1500;

/// Writes protein, term and score.
pub(super) struct CafaWriter<W: Write> {
    out: W,
}

impl<W: Write> CafaWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }
}

fn terms<'a>(calls: &ProteinCalls<'a>) -> impl Iterator<Item = &'a Call> {
    let is_term = |call: &&Call| call.kind == ConceptKind::Go;
    calls.calls.iter().filter(is_term)
}

impl<W: Write> CallWriter for CafaWriter<W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn protein(&mut self, calls: &ProteinCalls<'_>) -> io::Result<()> {
        for call in terms(calls) {
            let score = number(call.score as f32);
            if score != "0" {
                writeln!(self.out, "{}\t{}\t{score}", calls.protein, call.concept)?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes the layout of a submission.
pub(super) struct SubmissionWriter<'a, W: Write> {
    out: W,
    provenance: &'a Provenance,
}

impl<'a, W: Write> SubmissionWriter<'a, W> {
    pub(super) fn new(out: W, provenance: &'a Provenance) -> Self {
        Self { out, provenance }
    }
}

impl<W: Write> CallWriter for SubmissionWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        let Submission {
            author,
            model,
            keywords,
        } = &self.provenance.submission;
        writeln!(self.out, "AUTHOR {author}")?;
        writeln!(self.out, "MODEL {model}")?;
        if !keywords.is_empty() {
            writeln!(self.out, "KEYWORDS {}.", keywords.join(", "))?;
        }
        Ok(())
    }

    fn protein(&mut self, calls: &ProteinCalls<'_>) -> io::Result<()> {
        let mut all: Vec<&Call> = terms(calls).collect();
        all.sort_by(|a, b| a.aspect.cmp(&b.aspect).then(b.score.total_cmp(&a.score)));
        for of_aspect in all.chunk_by(|a, b| letter(a) == letter(b)) {
            for call in of_aspect.iter().take(MOST_TERMS) {
                let score = format!("{:.2}", call.score.clamp(0.0, 1.0));
                if score != "0.00" {
                    writeln!(self.out, "{}\t{}\t{score}", calls.protein, call.concept)?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        writeln!(self.out, "END")?;
        self.out.flush()
    }
}

fn letter(call: &Call) -> Option<&'static str> {
    call.aspect.map(super::Aspect::letter)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{provenance, written};

    #[test]
    fn scores_of_nothing_are_left_out() {
        let text = written("cafa", &provenance());
        assert_eq!(
            text,
            "P12345\tGO:0005524\t0.9123\nP12345\tGO:0005829\t0.85\nP12345\tGO:0005840\t0.004\nP99999\tGO:0006412\t1\n"
        );
        let text = written("cafa-submission", &provenance());
        assert_eq!(
            text,
            "AUTHOR team\nMODEL 1\nKEYWORDS machine learning.\nP12345\tGO:0005524\t0.91\nP12345\tGO:0005829\t0.85\n\
             P99999\tGO:0006412\t1.00\nEND\n"
        );
    }
}
