//! Where all readers put what they find: filtered, checked against sequences, counted.

mod identity;
mod ledger;
mod report;
mod rows;
mod statement;
mod verdict;

use super::{
    concept::{ConceptKind, KEYWORD, Level},
    error::AnnotError,
    evidence::{AUTOMATIC, EvidenceFilter},
    mappings::References,
    position::Place,
};
use foldhash::fast::FixedState;
use identity::LastProtein;
use ledger::{Counters, Journal};
use std::{collections::HashMap, hash::BuildHasher};
use verdict::Verdict;

pub(super) use identity::{Interner, Sequences};
pub use report::{DropReason, InputReport, Tally};
pub use statement::{Fingerprint, Observation, Settings, Source};

/// Skipped records are listed up to this number; all are counted.
const LISTED: usize = 10;

/// Number of the evidence of statements that have none.
pub(super) const NO_EVIDENCE: u32 = 0;

/// A stored statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) protein: u32,
    pub(super) concept: u32,
    pub(super) place: Place,
    pub(super) source: Source,
    pub(super) evidence: u32,
}

/// A concept as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawConcept {
    pub(super) kind: ConceptKind,
    pub(super) id: String,
    pub(super) name: String,
}

/// An entry of `InterPro` that was met.
#[derive(Clone, Copy, Debug, Default)]
struct SeenEntry {
    concept: u32,
    /// Of the name that came with it last; 0 where the entry was not met.
    name_hash: u32,
}

/// The number in `InterPro:IPR000719`.
fn entry_number(id: &str) -> Option<usize> {
    let digits = id.strip_prefix("InterPro:IPR")?;
    let number = |n: usize, digit: u8| {
        let value = digit.is_ascii_digit().then(|| usize::from(digit - b'0'))?;
        Some(n * 10 + value)
    };
    (digits.len() == 6).then(|| digits.bytes().try_fold(0, number))?
}

/// Collects statements from any number of inputs.
#[derive(Debug, Default)]
pub struct Collector {
    pub(super) settings: Settings,
    pub(super) references: References,
    pub(super) proteins: Interner,
    /// Whether only proteins whose sequences were given are taken.
    restricted: bool,
    /// What is known of the proteins' sequences, from those given and from records.
    pub(super) sequences: Sequences,
    pub(super) evidences: Interner,
    /// Of statements about terms, and of others.
    verdicts: [HashMap<String, Verdict, FixedState>; 2],
    concept_index: [HashMap<String, u32, FixedState>; ConceptKind::ALL.len()],
    /// By the number in their accession, which has six digits.
    entries: Vec<SeenEntry>,
    pub(super) concepts: Vec<RawConcept>,
    pub(super) rows: Vec<Row>,
    /// Finished inputs.
    pub reports: Vec<InputReport>,
    current: InputReport,
    counters: Counters,
    journal: Journal,
    last: LastProtein,
    /// Sequences of proteins with statements, where they are wanted: by number of the protein.
    pub(super) kept_sequences: Option<HashMap<u32, Vec<u8>, FixedState>>,
}

impl Collector {
    /// A collector that takes what the settings say.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let mut collector = Self {
            settings,
            ..Self::default()
        };
        collector.evidences.intern("");
        collector
    }

    /// Gives the lists that annotations refer to; before any annotation is read.
    pub fn set_references(&mut self, references: References) {
        self.references = references;
    }

    /// Whether signatures (`Pfam:PF00001`) are worth naming: some mapping to GO was given.
    #[must_use]
    pub fn maps_to_go(&self) -> bool {
        !self.references.go.is_empty()
    }

    /// Takes the GO terms that an external id is mapped to.
    ///
    /// # Errors
    /// Those of [`Self::put`].
    pub fn put_mapped(&mut self, protein: &str, id: &str, line: u64) -> Result<(), AnnotError> {
        let Some(terms) = self.references.go.get_mut(id) else {
            return Ok(());
        };
        let terms = std::mem::take(terms);
        let mut result = Ok(());
        for term in &terms {
            result = result.and_then(|()| {
                self.put(&Observation {
                    source: Source::InterPro,
                    ..Observation::of_term(protein, term, AUTOMATIC, line)
                })
            });
        }
        if let Some(slot) = self.references.go.get_mut(id) {
            *slot = terms;
        }
        result
    }

    /// Id of a keyword's concept: by accession where that is known.
    #[must_use]
    pub fn keyword_id(&self, keyword: &str) -> String {
        let known = self.references.keywords.get(keyword);
        [KEYWORD, known.map_or(keyword, String::as_str)].concat()
    }

    /// Whether a kind of concept is asked for.
    #[must_use]
    pub fn wants_kind(&self, kind: ConceptKind) -> bool {
        self.settings.kinds.contains(&kind)
    }

    /// Begins an input.
    pub fn begin(&mut self, input: &str, format: &str) {
        self.current = InputReport {
            input: input.to_owned(),
            format: format.to_owned(),
            rows: self.rows.len()..self.rows.len(),
            ..InputReport::default()
        };
        self.counters = Counters::default();
        self.journal = Journal::default();
        self.last.forget();
    }

    /// Ends the input that was begun.
    pub fn end(&mut self) {
        let counted = std::mem::take(&mut self.counters);
        self.current.kept = counted.kept;
        self.current.unknown_evidence = counted.unknown_evidence;
        self.current.without_evidence = counted.without_evidence;
        self.current.by_secondary_accession = counted.by_secondary_accession;
        self.current.of_forms = counted.of_forms;
        self.current.by_sequence = counted.by_sequence;
        self.current.tallies = std::mem::take(&mut self.journal.tallies);
        let counts = counted.kept_by_kind;
        for (kind, counts) in ConceptKind::ALL.iter().zip(counts) {
            for (level, count) in [Level::Protein, Level::Residue].into_iter().zip(counts) {
                if count > 0 {
                    let name = report::kind_and_level(*kind, level);
                    self.current.kept_by_kind.insert(name, count);
                }
            }
        }
        let dropped = DropReason::ALL.into_iter().zip(counted.dropped);
        self.current.dropped = dropped.filter(|&(_, count)| count > 0).collect();
        self.withdraw_misnumbered();
        self.journal = Journal::default();
        self.current.rows.end = self.rows.len();
        self.reports.push(std::mem::take(&mut self.current));
    }

    /// Number of statements that were kept of all inputs so far.
    pub(super) fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Counts a record and takes what it says. Nothing is kept of one that turns out to be bad, which is reported.
    ///
    /// # Errors
    /// What `take` returns, unless bad records are skipped.
    pub fn record(
        &mut self,
        take: impl FnOnce(&mut Self) -> Result<(), AnnotError>,
    ) -> Result<(), AnnotError> {
        self.current.records += 1;
        let before = self.mark();
        take(self).or_else(|error| {
            self.undo(&before);
            self.bad(error)
        })
    }

    /// Counts a statement that is no label.
    pub fn count_dropped(&mut self, reason: DropReason) {
        self.counters.dropped[reason as usize] += 1;
    }

    /// Reports a bad record, or a bad statement of a record that is good otherwise. Where it proves that positions of a
    /// protein are counted along another sequence, none of the input's labels of this protein are kept.
    ///
    /// # Errors
    /// The error itself, unless bad records are skipped.
    pub fn bad(&mut self, error: AnnotError) -> Result<(), AnnotError> {
        if !self.settings.skip_bad || matches!(error, AnnotError::Io(_)) {
            return Err(error);
        }
        self.distrust(&error);
        self.count_dropped(DropReason::Bad);
        if self.current.bad.len() < LISTED {
            self.current.bad.push(error.to_string());
        }
        Ok(())
    }

    /// Number of a concept. `InterPro`'s entries, met a billion times in `protein2ipr`, are found by the number in
    /// their accession; a name that was seen last is not compared again.
    fn concept(&mut self, kind: ConceptKind, id: &str, name: &str) -> u32 {
        let Some(number) = entry_number(id) else {
            return self.concept_by_id(kind, id, name);
        };
        let name_hash = (FixedState::default().hash_one(name) >> 32) as u32 | 1;
        if let Some(seen) = self.entries.get(number)
            && seen.name_hash == name_hash
        {
            return seen.concept;
        }
        let concept = self.concept_by_id(kind, id, name);
        if self.entries.len() <= number {
            self.entries.resize(number + 1, SeenEntry::default());
        }
        self.entries[number] = SeenEntry { concept, name_hash };
        concept
    }

    fn concept_by_id(&mut self, kind: ConceptKind, id: &str, name: &str) -> u32 {
        let by_id = &mut self.concept_index[kind as usize];
        if let Some(&index) = by_id.get(id) {
            let known = &mut self.concepts[index as usize].name;
            // the smallest name, so that the order of inputs does not matter
            if !name.is_empty() && (known.is_empty() || name < known.as_str()) {
                let before = std::mem::replace(known, name.to_owned());
                self.journal.renamed.push((index, before));
            }
            return index;
        }
        let index = u32::try_from(self.concepts.len()).expect("fewer than 2^32 concepts");
        by_id.insert(id.to_owned(), index);
        self.concepts.push(RawConcept {
            kind,
            id: id.to_owned(),
            name: name.to_owned(),
        });
        index
    }

    /// Takes a statement about a gene product, of which one form was observed (`P12345-2`, or
    /// empty): it holds for the product, and for the form where that is asked for by itself.
    ///
    /// # Errors
    /// Those of [`Self::put`].
    pub fn put_product(
        &mut self,
        observation: &Observation<'_>,
        form: &str,
    ) -> Result<(), AnnotError> {
        if form.is_empty() || form == observation.protein {
            return self.put(observation);
        }
        self.counters.of_forms += 1;
        if self.is_listed(form) {
            self.put(&Observation {
                protein: form,
                ..*observation
            })?;
            if !self.is_listed(observation.protein) {
                return Ok(());
            }
        }
        self.put(observation)
    }

    /// Takes a statement, or counts why not.
    ///
    /// # Errors
    /// [`AnnotError::PastEnd`] or [`AnnotError::Record`] for an impossible place, unless bad
    /// records are skipped.
    pub fn put(&mut self, observation: &Observation<'_>) -> Result<(), AnnotError> {
        if !self.wants_kind(observation.kind) {
            self.count_dropped(DropReason::Kind);
            return Ok(());
        }
        let verdict = self.evidence(observation);
        self.counters.unknown_evidence += u64::from(verdict.is_unknown);
        let Some(evidence) = verdict.number else {
            self.count_dropped(DropReason::Evidence);
            return Ok(());
        };
        let Some(protein) = self.protein(observation.protein) else {
            self.count_dropped(DropReason::OtherProtein);
            return Ok(());
        };
        if let Some(error) = self.misplaced(protein, observation) {
            self.counters.unknown_evidence -= u64::from(verdict.is_unknown);
            return self.bad(error);
        }
        if verdict.is_unknown {
            self.journal.tallies.push((protein, Tally::UnknownEvidence));
        }
        let concept = self.concept(observation.kind, observation.id, observation.name);
        self.rows.push(Row {
            protein,
            concept,
            place: observation.place,
            source: observation.source,
            evidence,
        });
        self.counters.kept += 1;
        let unproven = evidence == NO_EVIDENCE && self.settings.evidence != EvidenceFilter::Any;
        self.counters.without_evidence += u64::from(unproven);
        let level = observation.place.level();
        self.counters.kept_by_kind[observation.kind as usize][level as usize] += 1;
        Ok(())
    }

    fn misplaced(&self, protein: u32, observation: &Observation<'_>) -> Option<AnnotError> {
        let (start, end) = match observation.place {
            Place::Whole => return None,
            Place::Range(start, end) | Place::Ends(start, end) => (start, end),
        };
        if start == 0 || end < start {
            return Some(AnnotError::record(
                observation.line,
                format!(
                    "{} from {start} to {end} of {} is no range; residues count from 1",
                    observation.id, observation.protein
                ),
            ));
        }
        let length = self.sequences.length(protein)?;
        (end > length).then(|| AnnotError::PastEnd {
            line: observation.line,
            protein: self.proteins.name(protein).to_owned(),
            position: end,
            length,
        })
    }
}
