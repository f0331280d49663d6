//! `--structure-letters`: the structures of proteins, a 3Di letter a residue (van Kempen et al. 2024).

use crate::{
    Error, Result,
    cli::{Context, Source, log},
    plm::vocabulary::Vocabulary,
    seq::{Protein, fasta},
};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

/// The letters of each protein.
pub(super) struct StructureLetters {
    source: Source,
    by_accession: HashMap<String, Vec<u8>>,
    /// Proteins that were asked for and have none.
    missing: AtomicU64,
}

impl StructureLetters {
    /// Reads a FASTA file of structures; letters of either case, `#` where a residue's is unknown.
    ///
    /// # Errors
    /// Where it cannot be read, or holds a letter that the model has no token for.
    pub(super) fn read(
        context: &Context,
        source: &Source,
        raw_ids: bool,
        vocabulary: &Vocabulary,
    ) -> Result<Self> {
        let mut reader = fasta::Reader::new(context.open(source)?, raw_ids);
        let known = |letter| vocabulary.is_structure(letter);
        let mut by_accession = HashMap::new();
        while let Some((accession, letters)) =
            reader.read_structure(known).map_err(source.in_input())?
        {
            by_accession.insert(accession, letters);
        }
        Ok(Self {
            source: source.clone(),
            by_accession,
            missing: AtomicU64::new(0),
        })
    }

    /// The letters of a protein, where there are some.
    ///
    /// # Errors
    /// Where there are not as many as residues, naming both numbers.
    pub(super) fn of(&self, protein: &Protein) -> Result<Option<Vec<u8>>> {
        let Some(letters) = self.by_accession.get(&protein.accession) else {
            self.missing.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        };
        if letters.len() != protein.sequence.len() {
            return Err(Error::mismatch(format!(
                "{}: '{}' has {} letters of structure, and {} residues in the input",
                self.source,
                protein.accession,
                letters.len(),
                protein.sequence.len()
            )));
        }
        Ok(Some(letters.clone()))
    }

    /// Says how many proteins had none.
    pub(super) fn warn_of_missing(&self) {
        let missing = self.missing.swap(0, Ordering::Relaxed);
        if missing > 0 {
            log::warn(&format!(
                "{}: {missing} proteins have no letters of structure: '#' stands for each of their residues",
                self.source
            ));
        }
    }
}
