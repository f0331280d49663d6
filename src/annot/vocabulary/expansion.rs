//! Statements about candidates, and what follows from them along hierarchies.

use super::{Candidate, Terminology};
use crate::annot::{collect::Source, position::Place};
use crate::ontology::graph::Closure;
use std::borrow::Cow;

/// A statement about a candidate; `Ord` is the order of the label table within a protein.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fact {
    pub(super) candidate: u32,
    pub(super) place: Place,
    pub(super) source: Source,
    pub(super) evidence: u32,
}

/// The evidence of statements that are one label, joined by commas.
pub(super) fn merged<'a>(facts: &[Fact], evidences: &'a [String]) -> Option<Cow<'a, str>> {
    if let [fact] = facts {
        let evidence = evidences[fact.evidence as usize].as_str();
        if !evidence.contains(',') {
            return (!evidence.is_empty()).then_some(Cow::Borrowed(evidence));
        }
    }
    let mut codes: Vec<&str> = facts
        .iter()
        .flat_map(|fact| evidences[fact.evidence as usize].split(','))
        .filter(|code| !code.is_empty())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    (!codes.is_empty()).then(|| Cow::Owned(codes.join(",")))
}

/// Residues under the facts of one candidate in one protein.
pub(super) fn covered(facts: &[Fact]) -> u64 {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for fact in facts {
        match fact.place {
            Place::Whole => {}
            Place::Range(start, end) => ranges.push((start, end)),
            Place::Ends(a, b) => ranges.extend([(a, a), (b, b)]),
        }
    }
    ranges.sort_unstable();
    let mut last = 0;
    let mut residues = 0;
    for (start, end) in ranges {
        let start = start.max(last + 1);
        if end >= start {
            residues += u64::from(end - start + 1);
            last = end;
        }
    }
    residues
}

/// Adds to the facts of a protein those that follow along the hierarchy.
pub(super) struct Expansion<'a> {
    closure: Option<Closure<'a>>,
    of_class: &'a [u32],
    tree: &'a [Option<u32>],
}

impl<'a> Expansion<'a> {
    pub(super) fn new(
        terminology: Option<Terminology<'a>>,
        of_class: &'a [u32],
        tree: &'a [Option<u32>],
    ) -> Self {
        Self {
            closure: terminology.map(|t| Closure::new(t.hierarchy)),
            of_class,
            tree,
        }
    }

    /// Facts and what follows from them, sorted and without repeats.
    pub(super) fn expand(&mut self, candidates: &[Candidate], facts: &[Fact], out: &mut Vec<Fact>) {
        out.clear();
        for fact in facts {
            let class = candidates[fact.candidate as usize].class;
            if let (Some(class), Some(closure)) = (class, &mut self.closure) {
                out.extend(closure.ancestors(class).iter().map(|&ancestor| Fact {
                    candidate: self.of_class[ancestor as usize],
                    ..*fact
                }));
                continue;
            }
            let mut next = Some(fact.candidate);
            while let Some(candidate) = next {
                out.push(Fact { candidate, ..*fact });
                next = self.tree[candidate as usize];
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}
