//! Which evidence is taken.

use super::{Collector, NO_EVIDENCE, Observation};
use crate::annot::{concept::ConceptKind, evidence::EvidenceFilter};

/// What is made of an evidence, worked out once for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// Its number, none where it is not accepted.
    pub(super) number: Option<u32>,
    /// Whether none of its codes says whether it will do.
    pub(super) is_unknown: bool,
}

impl Collector {
    /// What is made of a statement's evidence. Those without pass unless they are GO's, whose sources all give it.
    pub(super) fn evidence(&mut self, observation: &Observation<'_>) -> Verdict {
        let evidence = observation.evidence;
        let of_term = observation.kind == ConceptKind::Go;
        if evidence.is_empty() {
            let passes = !of_term || self.settings.evidence == EvidenceFilter::Any;
            return Verdict {
                number: passes.then_some(NO_EVIDENCE),
                is_unknown: false,
            };
        }
        let verdict = self.verdicts[usize::from(of_term)].get(evidence);
        verdict
            .copied()
            .unwrap_or_else(|| self.judge(evidence, of_term))
    }

    fn judge(&mut self, evidence: &str, of_term: bool) -> Verdict {
        let filter = &self.settings.evidence;
        let codes = || (evidence.split(',')).map(|e| (e, self.references.evidence.code(e)));
        let is_unknown = codes().all(|(evidence, code)| filter.guesses(evidence, code));
        let accepted = codes().any(|(evidence, code)| filter.accepts(evidence, code, of_term));
        let verdict = Verdict {
            number: accepted.then(|| self.evidences.intern(evidence)),
            is_unknown,
        };
        self.verdicts[usize::from(of_term)].insert(evidence.to_owned(), verdict);
        verdict
    }
}
