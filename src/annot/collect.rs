//! Where all readers put what they find: filtered, checked against sequences, counted.

use super::{
    concept::ConceptKind,
    error::AnnotError,
    evidence::{EvidenceFilter, go_code},
    position::Place,
    reference::References,
};
use crate::{
    hash,
    seq::{accession, checksum},
};
use foldhash::fast::FixedState;
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

/// Skipped records are listed up to this number; all are counted.
const LISTED: usize = 10;

/// Where a label comes from, as `labels/1` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// An annotation of the Gene Ontology.
    Go,
    /// A feature or keyword of `UniProt`.
    UniProt,
    /// A match of `InterPro`, or what follows from one.
    InterPro,
    /// The sequence itself.
    Sequence,
}

impl Source {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Go => "GO",
            Self::UniProt => "UniProtKB",
            Self::InterPro => "InterPro",
            Self::Sequence => "sequence",
        }
    }
}

/// Something that a record says about a protein.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The protein, as the record names it.
    pub protein: &'a str,
    /// Kind of the concept.
    pub kind: ConceptKind,
    /// Id of the concept.
    pub id: &'a str,
    /// Human-readable name of the concept, where the record has it.
    pub name: &'a str,
    /// Where in the protein.
    pub place: Place,
    /// Whose statement.
    pub source: Source,
    /// GO codes or ECO ids, separated by commas, or empty.
    pub evidence: &'a str,
    /// Line of the record, from 1.
    pub line: u64,
}

/// Why something that was read is no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// Its kind is not among `--kinds`.
    Kind,
    /// The record says NOT.
    Negated,
    /// Its evidence is not among `--evidence`.
    Evidence,
    /// Its protein is not among `--sequences`.
    OtherProtein,
    /// Numbered along an isoform.
    Isoform,
    /// A position is unknown or uncertain.
    UncertainPosition,
    /// It belongs to no concept (an `InterProScan` match without an entry).
    NoConcept,
    /// A bad record, skipped on request.
    Bad,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "of other kinds",
            Self::Negated => "negated (NOT)",
            Self::Evidence => "by evidence",
            Self::OtherProtein => "of proteins not in --sequences",
            Self::Isoform => "numbered along an isoform",
            Self::UncertainPosition => "at uncertain positions",
            Self::NoConcept => "without a concept",
            Self::Bad => "bad",
        })
    }
}

/// What was read from one input, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InputReport {
    /// Name of the input.
    pub input: String,
    /// Format of the input.
    pub format: String,
    /// Records (lines, entries) that were read.
    pub records: u64,
    /// Statements that were kept.
    pub kept: u64,
    /// Statements that were kept, by kind and level (`feature, residue`).
    pub kept_by_kind: BTreeMap<String, u64>,
    /// Statements and records that were not, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Records whose evidence is no GO code; they are taken under `any` and `curated`.
    pub unknown_evidence: u64,
    /// Entries that were found under a secondary accession.
    pub by_secondary_accession: u64,
    /// Records whose protein was found by the MD5 of its sequence.
    pub by_sequence: u64,
    /// The first bad records that were skipped.
    pub bad: Vec<String>,
}

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

/// What the readers are asked to take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Kinds of concepts to take.
    pub kinds: Vec<ConceptKind>,
    /// Evidence to take.
    pub evidence: EvidenceFilter,
    /// Whether bad records are skipped and counted instead of refused.
    pub skip_bad: bool,
    /// Whether `sp|P12345|NAME` is kept as it is.
    pub raw_ids: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kinds: vec![
                ConceptKind::Go,
                ConceptKind::Interpro,
                ConceptKind::Feature,
                ConceptKind::Keyword,
            ],
            evidence: EvidenceFilter::Any,
            skip_bad: false,
            raw_ids: false,
        }
    }
}

/// Strings with numbers.
#[derive(Debug, Default)]
pub(super) struct Interner {
    index: HashMap<String, u32, FixedState>,
    pub(super) names: Vec<String>,
}

impl Interner {
    pub(super) fn get(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }

    pub(super) fn intern(&mut self, name: &str) -> u32 {
        if let Some(index) = self.get(name) {
            return index;
        }
        let index = u32::try_from(self.names.len()).expect("fewer than 2^32 names");
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), index);
        index
    }
}

/// What is known of a protein's sequence.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    length: u32,
    crc64: u64,
    md5: [u8; 16],
}

/// Sequences by number of their protein, and proteins by sequence.
#[derive(Debug, Default)]
struct Sequences {
    known: Vec<Known>,
    by_md5: HashMap<[u8; 16], u32>,
}

/// What a record says of its protein's sequence.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fingerprint {
    /// Number of residues.
    pub length: Option<u32>,
    /// CRC64 of `UniProt`.
    pub crc64: Option<u64>,
    /// MD5 of `InterProScan`.
    pub md5: Option<[u8; 16]>,
}

/// Collects statements from any number of inputs.
#[derive(Debug, Default)]
pub struct Collector {
    settings: Settings,
    pub(super) references: References,
    pub(super) proteins: Interner,
    /// The proteins to restrict to, when sequences were given.
    sequences: Option<Sequences>,
    pub(super) evidences: Interner,
    concept_index: [HashMap<String, u32, FixedState>; ConceptKind::ALL.len()],
    pub(super) concepts: Vec<RawConcept>,
    pub(super) rows: Vec<Row>,
    /// Finished inputs.
    pub reports: Vec<InputReport>,
    current: InputReport,
    /// Statements kept of the current input, by kind and by whether they name residues.
    kept_by_kind: [[u64; 2]; ConceptKind::ALL.len()],
    /// Protein of the row before, which most often is that of the next.
    last: Option<(String, Option<u32>)>,
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
        let Some(terms) = self.references.go.remove(id) else {
            return Ok(());
        };
        let mut result = Ok(());
        for term in &terms {
            result = result.and_then(|()| {
                self.put(&Observation {
                    protein,
                    kind: ConceptKind::Go,
                    id: term,
                    name: "",
                    place: Place::Whole,
                    source: Source::InterPro,
                    evidence: "IEA",
                    line,
                })
            });
        }
        self.references.go.insert(id.to_owned(), terms);
        result
    }

    /// Id of a keyword's concept: by accession where that is known.
    #[must_use]
    pub fn keyword_id(&self, keyword: &str) -> String {
        let known = self.references.keywords.get(keyword);
        format!("UniProtKB-KW:{}", known.map_or(keyword, String::as_str))
    }

    /// Whether a kind of concept is asked for.
    #[must_use]
    pub fn wants_kind(&self, kind: ConceptKind) -> bool {
        self.settings.kinds.contains(&kind)
    }

    /// From now on only proteins given by [`Self::add_sequence`] are taken.
    pub fn restrict_to_sequences(&mut self) {
        self.sequences.get_or_insert_default();
    }

    /// Adds a protein's sequence; with the kind `residue` its residues become labels.
    pub fn add_sequence(&mut self, protein: &str, sequence: &[u8]) {
        let index = self.proteins.intern(protein);
        let sequences = self.sequences.get_or_insert_default();
        let count = sequences.known.len().max(index as usize + 1);
        sequences.known.resize(count, Known::default());
        let md5 = checksum::md5(sequence);
        sequences.known[index as usize] = Known {
            length: u32::try_from(sequence.len()).unwrap_or(u32::MAX),
            crc64: checksum::crc64(sequence),
            md5,
        };
        sequences.by_md5.entry(md5).or_insert(index);
        self.last = None;
        if !self.wants_kind(ConceptKind::Residue) {
            return;
        }
        let mut start = 0;
        for run in sequence.chunk_by(u8::eq_ignore_ascii_case) {
            let letter = char::from(run[0]).to_ascii_uppercase();
            let end = start + u32::try_from(run.len()).unwrap_or(u32::MAX);
            let concept = self.concept(ConceptKind::Residue, &format!("residue:{letter}"), "");
            self.rows.push(Row {
                protein: index,
                concept,
                place: Place::Range(start + 1, end),
                source: Source::Sequence,
                evidence: 0,
            });
            start = end;
        }
    }

    /// Number of proteins known so far.
    #[must_use]
    pub fn protein_count(&self) -> usize {
        self.proteins.names.len()
    }

    /// Begins an input.
    pub fn begin(&mut self, input: &str, format: &str) {
        self.current = InputReport {
            input: input.to_owned(),
            format: format.to_owned(),
            ..InputReport::default()
        };
        self.last = None;
    }

    /// Ends the input that was begun.
    pub fn end(&mut self) {
        let counts = std::mem::take(&mut self.kept_by_kind);
        for (kind, counts) in ConceptKind::ALL.iter().zip(counts) {
            for (level, count) in ["protein", "residue"].iter().zip(counts) {
                if count > 0 {
                    let name = format!("{}, {level}", kind.as_str());
                    self.current.kept_by_kind.insert(name, count);
                }
            }
        }
        self.reports.push(std::mem::take(&mut self.current));
    }

    /// Counts a record.
    pub fn record(&mut self) {
        self.current.records += 1;
    }

    /// Counts a statement that is no label.
    pub fn drop(&mut self, reason: DropReason) {
        *self.current.dropped.entry(reason).or_default() += 1;
    }

    /// Reports a bad record.
    ///
    /// # Errors
    /// The error itself, unless bad records are skipped.
    pub fn bad(&mut self, error: AnnotError) -> Result<(), AnnotError> {
        if !self.settings.skip_bad || matches!(error, AnnotError::Io(_)) {
            return Err(error);
        }
        self.drop(DropReason::Bad);
        if self.current.bad.len() < LISTED {
            self.current.bad.push(error.to_string());
        }
        Ok(())
    }

    /// The accession of a FASTA-style id (`sp|P12345|NAME`), unless ids are kept as they are.
    fn accession<'a>(&self, id: &'a str) -> &'a str {
        if self.settings.raw_ids {
            id
        } else {
            accession::from_header_word(id)
        }
    }

    /// Number of a protein, none where it is not asked for.
    pub(super) fn protein(&mut self, id: &str) -> Option<u32> {
        if let Some((last, index)) = &self.last
            && last == id
        {
            return *index;
        }
        let accession = self.accession(id);
        let index = if self.sequences.is_some() {
            self.proteins.get(accession)
        } else {
            Some(self.proteins.intern(accession))
        };
        let mut last = self.last.take().map_or_else(String::new, |(last, _)| last);
        last.clear();
        last.push_str(id);
        self.last = Some((last, index));
        index
    }

    /// Whether a protein of this id is asked for.
    #[must_use]
    pub fn wants(&self, id: &str) -> bool {
        self.sequences.is_none() || self.proteins.get(self.accession(id)).is_some()
    }

    /// The first of an entry's accessions under which its protein is asked for.
    pub fn choose_accession<'a>(
        &mut self,
        accessions: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        let mut accessions = accessions.into_iter();
        let primary = accessions.next()?;
        if self.wants(primary) {
            return Some(primary);
        }
        let found = accessions.find(|accession| self.wants(accession))?;
        self.current.by_secondary_accession += 1;
        Some(found)
    }

    /// The protein of a record that names it by id and by its sequence's MD5: by id where that is
    /// asked for, else by sequence.
    pub fn choose_by_md5<'a>(&'a mut self, id: &'a str, md5: [u8; 16]) -> &'a str {
        if self.wants(id) {
            return id;
        }
        let by_md5 = self.sequences.as_ref().and_then(|s| s.by_md5.get(&md5));
        match by_md5.copied() {
            Some(protein) => {
                self.current.by_sequence += 1;
                &self.proteins.names[protein as usize]
            }
            None => id,
        }
    }

    /// Compares what a record says of a protein's sequence with the sequence that was given.
    ///
    /// # Errors
    /// [`AnnotError::OtherSequence`] where they differ.
    pub fn check_sequence(
        &mut self,
        id: &str,
        record: Fingerprint,
        line: u64,
    ) -> Result<(), AnnotError> {
        let Some(protein) = self.protein(id) else {
            return Ok(());
        };
        let Some(known) = self
            .sequences
            .as_ref()
            .and_then(|s| s.known.get(protein as usize))
        else {
            return Ok(());
        };
        let differ = |what, record: String, sequence: String| {
            Err(AnnotError::OtherSequence {
                line,
                protein: id.to_owned(),
                what,
                record,
                sequence,
            })
        };
        match record {
            Fingerprint {
                length: Some(length),
                ..
            } if length != known.length => {
                differ("length", length.to_string(), known.length.to_string())
            }
            Fingerprint {
                crc64: Some(crc64), ..
            } if crc64 != known.crc64 => differ(
                "CRC64",
                format!("{crc64:016X}"),
                format!("{:016X}", known.crc64),
            ),
            Fingerprint { md5: Some(md5), .. } if md5 != known.md5 => {
                differ("MD5", hash::hex(&md5), hash::hex(&known.md5))
            }
            _ => Ok(()),
        }
    }

    fn concept(&mut self, kind: ConceptKind, id: &str, name: &str) -> u32 {
        let by_id = &mut self.concept_index[kind as usize];
        if let Some(&index) = by_id.get(id) {
            let known = &mut self.concepts[index as usize].name;
            // the smallest name, so that the order of inputs does not matter
            if !name.is_empty() && (known.is_empty() || name < known.as_str()) {
                name.clone_into(known);
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

    /// Whether the evidence will do. Statements without evidence pass unless they are GO's, whose
    /// sources all give it.
    fn accepts_evidence(&mut self, observation: &Observation<'_>) -> bool {
        let evidence = observation.evidence;
        if evidence.is_empty() {
            return observation.kind != ConceptKind::Go
                || self.settings.evidence == EvidenceFilter::Any;
        }
        let mut codes = evidence.split(',');
        if codes
            .clone()
            .all(|code| go_code(code).is_none() && !code.starts_with("ECO:"))
        {
            self.current.unknown_evidence += 1;
        }
        codes.any(|code| self.settings.evidence.accepts(code))
    }

    /// Takes a statement, or counts why not.
    ///
    /// # Errors
    /// [`AnnotError::PastEnd`] or [`AnnotError::Record`] for an impossible place, unless bad
    /// records are skipped.
    pub fn put(&mut self, observation: &Observation<'_>) -> Result<(), AnnotError> {
        if !self.wants_kind(observation.kind) {
            self.drop(DropReason::Kind);
            return Ok(());
        }
        if !self.accepts_evidence(observation) {
            self.drop(DropReason::Evidence);
            return Ok(());
        }
        let Some(protein) = self.protein(observation.protein) else {
            self.drop(DropReason::OtherProtein);
            return Ok(());
        };
        if let Some(error) = self.misplaced(protein, observation) {
            return self.bad(error);
        }
        let concept = self.concept(observation.kind, observation.id, observation.name);
        let evidence = match observation.evidence {
            "" => 0,
            evidence => self.evidences.intern(evidence),
        };
        self.rows.push(Row {
            protein,
            concept,
            place: observation.place,
            source: observation.source,
            evidence,
        });
        self.current.kept += 1;
        let by_residue = usize::from(observation.place != Place::Whole);
        self.kept_by_kind[observation.kind as usize][by_residue] += 1;
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
        let length = self.sequences.as_ref()?.known.get(protein as usize)?.length;
        (end > length).then(|| AnnotError::PastEnd {
            line: observation.line,
            protein: self.proteins.names[protein as usize].clone(),
            position: end,
            length,
        })
    }
}
