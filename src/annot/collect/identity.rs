//! Which protein a record means: by accession, by secondary accession, or by sequence.

use super::{Collector, Fingerprint, Row, Source, Tally};
use crate::{
    annot::{concept::ConceptKind, error::AnnotError, position::Place},
    hash,
    seq::{accession, checksum},
};
use foldhash::fast::FixedState;
use indexmap::IndexSet;
use std::collections::{BTreeMap, HashMap};

/// Strings with numbers.
#[derive(Debug, Default)]
pub(in crate::annot) struct Interner {
    names: IndexSet<String, FixedState>,
}

impl Interner {
    pub(super) fn get(&self, name: &str) -> Option<u32> {
        self.names.get_index_of(name).map(number_of)
    }

    pub(super) fn intern(&mut self, name: &str) -> u32 {
        self.get(name)
            .unwrap_or_else(|| number_of(self.names.insert_full(name.to_owned()).0))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.names.len()
    }

    /// Forgets all but the first of them.
    pub(super) fn truncate(&mut self, count: usize) {
        self.names.truncate(count);
    }

    pub(in crate::annot) fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// All in the order of their numbers.
    pub(in crate::annot) fn into_names(self) -> Vec<String> {
        self.names.into_iter().collect()
    }
}

fn number_of(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 names")
}

/// What is known of proteins' sequences, by number of the protein; and proteins by sequence.
#[derive(Debug, Default)]
pub(in crate::annot) struct Sequences {
    known: Vec<Fingerprint>,
    /// Of the sequences that were given.
    by_md5: HashMap<[u8; 16], Vec<u32>, FixedState>,
}

impl Sequences {
    /// Length of a protein's sequence, where it is known.
    pub(in crate::annot) fn length(&self, protein: u32) -> Option<u32> {
        self.known.get(protein as usize)?.length
    }

    fn known(&mut self, protein: u32) -> &mut Fingerprint {
        let index = protein as usize;
        if self.known.len() <= index {
            self.known.resize(index + 1, Fingerprint::default());
        }
        &mut self.known[index]
    }

    pub(super) fn set(&mut self, protein: u32, fingerprint: Fingerprint) {
        *self.known(protein) = fingerprint;
    }

    /// Forgets all but the first proteins.
    pub(super) fn truncate(&mut self, proteins: usize) {
        self.known.truncate(proteins);
    }
}

/// Protein of the row before, which most often is that of the next.
#[derive(Debug, Default)]
pub(super) struct LastProtein {
    id: String,
    index: Option<u32>,
    is_set: bool,
}

impl LastProtein {
    pub(super) fn forget(&mut self) {
        self.is_set = false;
    }

    fn is(&self, id: &str) -> bool {
        self.is_set && self.id == id
    }

    fn set(&mut self, id: &str, index: Option<u32>) {
        self.id.clear();
        self.id.push_str(id);
        self.index = index;
        self.is_set = true;
    }
}

impl Collector {
    /// From now on only proteins given by [`Self::add_sequence`] are taken.
    pub fn restrict_to_sequences(&mut self) {
        self.restricted = true;
    }

    /// From now on sequences are kept: those given, and those of entries that make a label.
    pub fn keep_sequences(&mut self) {
        self.kept_sequences.get_or_insert_default();
    }

    /// Whether a protein of this name has a sequence already.
    #[must_use]
    pub fn has_sequence(&self, protein: &str) -> bool {
        (self.proteins.get(protein)).is_some_and(|p| self.sequences.length(p).is_some())
    }

    /// Adds a protein's sequence; with the kind `residue` its residues become labels.
    pub fn add_sequence(&mut self, protein: &str, sequence: &[u8]) {
        let index = self.proteins.intern(protein);
        let md5 = checksum::md5(sequence);
        *self.sequences.known(index) = Fingerprint {
            length: Some(u32::try_from(sequence.len()).unwrap_or(u32::MAX)),
            crc64: Some(checksum::crc64(sequence)),
            md5: Some(md5),
        };
        self.sequences.by_md5.entry(md5).or_default().push(index);
        self.last.forget();
        self.keep_sequence(protein, sequence);
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

    /// Keeps a protein's sequence, where sequences are kept and it has none yet.
    pub fn keep_sequence(&mut self, protein: &str, sequence: &[u8]) {
        if self.kept_sequences.is_none() || sequence.is_empty() {
            return;
        }
        if let (Some(index), Some(kept)) = (self.protein(protein), &mut self.kept_sequences) {
            kept.entry(index).or_insert_with(|| {
                self.journal.sequences.push(index);
                sequence.to_vec()
            });
        }
    }

    /// Whether a protein of this accession was met, in sequences or in annotations.
    #[must_use]
    pub fn knows(&self, protein: &str) -> bool {
        self.proteins.get(protein).is_some()
    }

    /// Whether a sequence, or a checksum of one, was met.
    #[must_use]
    pub fn knows_sequences(&self) -> bool {
        let mut known = self.sequences.known.iter();
        known.any(|known| known.md5.is_some() || known.crc64.is_some())
    }

    /// Proteins that have one sequence, as far as it was given or records tell: lists of two and more, which may
    /// overlap, since some are known by their MD5 and others by length and CRC64.
    #[must_use]
    pub fn identical(&self) -> Vec<Vec<String>> {
        let mut by_md5: BTreeMap<[u8; 16], Vec<u32>> = BTreeMap::new();
        let mut by_crc64: BTreeMap<(u32, u64), Vec<u32>> = BTreeMap::new();
        for (protein, known) in (0..).zip(&self.sequences.known) {
            if let Some(md5) = known.md5 {
                by_md5.entry(md5).or_default().push(protein);
            }
            if let (Some(length), Some(crc64)) = (known.length, known.crc64) {
                by_crc64.entry((length, crc64)).or_default().push(protein);
            }
        }
        let several = by_md5.into_values().chain(by_crc64.into_values());
        let several = several.filter(|proteins| proteins.len() > 1);
        let names = |proteins: Vec<u32>| {
            let names = proteins
                .into_iter()
                .map(|p| self.proteins.name(p).to_owned());
            names.collect()
        };
        several.map(names).collect()
    }

    /// Number of proteins known so far.
    #[must_use]
    pub fn protein_count(&self) -> usize {
        self.proteins.count()
    }

    /// The accession of a FASTA-style id (`sp|P12345|NAME`), unless ids are kept as they are.
    pub(super) fn accession<'a>(&self, id: &'a str) -> &'a str {
        if self.settings.raw_ids {
            id
        } else {
            accession::from_header_word(id)
        }
    }

    /// Number of a protein, none where it is not asked for.
    pub(in crate::annot) fn protein(&mut self, id: &str) -> Option<u32> {
        if self.last.is(id) {
            return self.last.index;
        }
        let accession = self.accession(id);
        let index = if self.restricted {
            self.proteins.get(accession)
        } else {
            Some(self.proteins.intern(accession))
        };
        self.last.set(id, index);
        index
    }

    /// Whether a protein of this id is asked for.
    #[must_use]
    pub fn wants(&self, id: &str) -> bool {
        !self.restricted || self.is_listed(id)
    }

    /// Whether proteins were given to restrict to, and this is one of them.
    pub(super) fn is_listed(&self, id: &str) -> bool {
        self.restricted && self.proteins.get(self.accession(id)).is_some()
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
        self.counters.by_secondary_accession += 1;
        if let Some(protein) = self.protein(found) {
            self.journal
                .tallies
                .push((protein, Tally::SecondaryAccession));
        }
        Some(found)
    }

    /// The proteins of a record that names them by ids and by the MD5 of their sequence: those ids that are asked for,
    /// else all proteins that were given with that sequence, else the ids.
    pub fn proteins_of<'a>(
        &mut self,
        ids: impl Iterator<Item = &'a str> + Clone,
        md5: [u8; 16],
    ) -> Vec<String> {
        let wanted: Vec<String> = ids
            .clone()
            .filter(|id| self.wants(id))
            .map(str::to_owned)
            .collect();
        if !wanted.is_empty() {
            return wanted;
        }
        let Some(same) = self.sequences.by_md5.get(&md5) else {
            return ids.map(str::to_owned).collect();
        };
        self.counters.by_sequence += 1;
        if let Some(&protein) = same.first() {
            self.journal.tallies.push((protein, Tally::Sequence));
        }
        let names = same.iter().map(|&protein| self.proteins.name(protein));
        names.map(str::to_owned).collect()
    }

    /// Compares what a record says of a protein's sequence with the sequence that was given, or with what the records
    /// before said.
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
        let known = self.sequences.known(protein);
        let differ = |what, record: String, sequence: String| {
            Err(AnnotError::OtherSequence {
                line,
                protein: id.to_owned(),
                what,
                record,
                sequence,
            })
        };
        match (record.length, known.length) {
            (Some(length), Some(known)) if length != known => {
                return differ("length", length.to_string(), known.to_string());
            }
            _ => {}
        }
        match (record.crc64, known.crc64) {
            (Some(crc64), Some(known)) if crc64 != known => {
                return differ("CRC64", format!("{crc64:016X}"), format!("{known:016X}"));
            }
            _ => {}
        }
        match (record.md5, known.md5) {
            (Some(md5), Some(known)) if md5 != known => {
                return differ("MD5", hash::hex(&md5), hash::hex(&known));
            }
            _ => {}
        }
        let joined = Fingerprint {
            length: known.length.or(record.length),
            crc64: known.crc64.or(record.crc64),
            md5: known.md5.or(record.md5),
        };
        if joined != *known {
            let before = std::mem::replace(known, joined);
            self.journal.learned.push((protein, before));
        }
        Ok(())
    }
}
