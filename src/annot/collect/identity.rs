//! Which protein a record means: by accession, by secondary accession, or by sequence.

use super::{Collector, Fingerprint, Row, Source};
use crate::{
    annot::{concept::ConceptKind, error::AnnotError, position::Place},
    hash,
    seq::{accession, checksum},
};
use foldhash::fast::FixedState;
use indexmap::IndexSet;
use std::collections::HashMap;

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

    pub(super) fn name(&self, number: u32) -> &str {
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

/// What is known of a protein's sequence.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    length: u32,
    crc64: u64,
    md5: [u8; 16],
}

/// Sequences by number of their protein, and proteins by sequence.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    known: Vec<Known>,
    by_md5: HashMap<[u8; 16], u32>,
}

impl Sequences {
    /// Length of a protein's sequence, where it was given.
    pub(super) fn length(&self, protein: u32) -> Option<u32> {
        self.known.get(protein as usize).map(|known| known.length)
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
        self.sequences.get_or_insert_default();
    }

    /// From now on sequences are kept: those given, and those of entries that make a label.
    pub fn keep_sequences(&mut self) {
        self.kept_sequences.get_or_insert_default();
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
            kept.entry(index).or_insert_with(|| sequence.to_vec());
        }
    }

    /// Number of proteins known so far.
    #[must_use]
    pub fn protein_count(&self) -> usize {
        self.proteins.count()
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
    pub(in crate::annot) fn protein(&mut self, id: &str) -> Option<u32> {
        if self.last.is(id) {
            return self.last.index;
        }
        let accession = self.accession(id);
        let index = if self.sequences.is_some() {
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
        self.sequences.is_none() || self.is_listed(id)
    }

    /// Whether proteins were given to restrict to, and this is one of them.
    pub(super) fn is_listed(&self, id: &str) -> bool {
        self.sequences.is_some() && self.proteins.get(self.accession(id)).is_some()
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
                self.proteins.name(protein)
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
}
