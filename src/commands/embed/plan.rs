//! Reading proteins, cutting them into windows, choosing residues, and filling batches.

use super::structures::StructureLetters;
use crate::{
    Result,
    cli::Source,
    commands::plm::Proteins,
    plm::{batch::Batch, vocabulary::Vocabulary, window::Windows},
    seq::{Protein, fasta},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{Arc, mpsc::SyncSender},
};

/// A protein on its way.
pub(super) struct Work {
    /// Id.
    pub(super) accession: String,
    /// Residues.
    pub(super) sequence: Vec<u8>,
    /// Their structure, a letter each, where it is known.
    pub(super) structure: Option<Vec<u8>>,
    /// What the PLM sees at once; 0-based.
    pub(super) windows: Vec<Range<usize>>,
    /// Residues to keep, 0-based and ascending; `None`: all.
    pub(super) chosen: Option<Vec<usize>>,
}

/// A window that is a sequence of a batch.
pub(super) struct Piece {
    /// Of which protein.
    pub(super) work: Arc<Work>,
    /// Which of its windows.
    pub(super) window: usize,
}

/// Tokens to compute, and what they are.
#[derive(Default)]
pub(super) struct Batched {
    /// The tokens.
    pub(super) batch: Batch,
    /// One for each sequence of the batch, in input order.
    pub(super) pieces: Vec<Piece>,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Proteins.
    pub(super) proteins: u64,
    /// Their residues.
    pub(super) residues: u64,
    /// Rows that the table will have, unless pooled.
    pub(super) rows: u64,
    /// Tokens that are computed: residues of all windows and special tokens.
    pub(super) tokens: u64,
    /// Bytes of the ids of all rows.
    pub(super) id_bytes: u64,
    /// What was wrong with each bad record that was left out.
    pub(super) skipped: Vec<String>,
}

/// How proteins become batches.
pub(super) struct Planner<'a> {
    pub(super) proteins: Proteins<'a>,
    pub(super) windows: Windows,
    pub(super) sample: Option<u32>,
    pub(super) seed: u64,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) structures: Option<&'a StructureLetters>,
    /// Tokens of a batch, unless one window has more.
    pub(super) budget: usize,
}

impl Planner<'_> {
    /// Sends all batches, in input order; ends early when nobody takes them any more.
    ///
    /// # Errors
    /// Where an input cannot be read or holds a bad record.
    pub(super) fn run(&self, batches: &SyncSender<Batched>) -> Result<Tally> {
        let mut current = Batched::default();
        self.each(|work| {
            let work = Arc::new(work);
            for (window, range) in work.windows.iter().enumerate() {
                let held = current.batch.tokens().len();
                let tokens = self.vocabulary.window_tokens(range.len());
                let full = held > 0 && held + tokens > self.budget;
                if full && batches.send(std::mem::take(&mut current)).is_err() {
                    return false;
                }
                work.push(range.clone(), self.vocabulary, &mut current.batch);
                current.pieces.push(Piece {
                    work: Arc::clone(&work),
                    window,
                });
            }
            true
        })
        .inspect(|_| {
            if !current.pieces.is_empty() {
                // a writer that has gone says why itself
                let _ = batches.send(current);
            }
        })
    }

    /// Calls `f` with each protein until it says no.
    ///
    /// # Errors
    /// Where an input cannot be read or holds a bad record.
    pub(super) fn each(&self, mut f: impl FnMut(Work) -> bool) -> Result<Tally> {
        let mut tally = Tally::default();
        let mut failed = None;
        let skipped = self.proteins.each(|protein| match self.work(protein) {
            Ok(work) => {
                tally.add(&work, self.vocabulary);
                f(work)
            }
            Err(error) => {
                failed = Some(error);
                false
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(structures) = self.structures {
            structures.warn_of_missing();
        }
        tally.skipped = skipped;
        Ok(tally)
    }

    fn work(&self, protein: Protein) -> Result<Work> {
        let structure = match self.structures {
            Some(structures) => structures.of(&protein)?,
            None => None,
        };
        let length = protein.sequence.len();
        let chosen = self
            .sample
            .map(|n| choose(&protein.accession, self.seed, length, n as usize));
        Ok(Work {
            windows: self.windows.of(length),
            chosen,
            structure,
            accession: protein.accession,
            sequence: protein.sequence,
        })
    }
}

impl Work {
    /// Adds a window of residues to a batch.
    pub(super) fn push(&self, window: Range<usize>, vocabulary: &Vocabulary, batch: &mut Batch) {
        let structure = self.structure.as_ref().map(|all| &all[window.clone()]);
        batch.push_structured(vocabulary, &self.sequence[window], structure);
    }
}

impl Tally {
    fn add(&mut self, work: &Work, vocabulary: &Vocabulary) {
        let rows = work.chosen.as_ref().map_or(work.sequence.len(), Vec::len) as u64;
        self.proteins += 1;
        self.residues += work.sequence.len() as u64;
        self.rows += rows;
        let windows = work.windows.iter();
        let tokens = windows.map(|w| vocabulary.window_tokens(w.len()) as u64);
        self.tokens += tokens.sum::<u64>();
        self.id_bytes += rows * work.accession.len() as u64;
    }
}

/// `n` of `length` residues, ascending, all of them where there are no more: decided by the seed
/// and the protein's id alone (Floyd's algorithm on `ChaCha8`, keyed by their SHA-256).
fn choose(accession: &str, seed: u64, length: usize, n: usize) -> Vec<usize> {
    if n >= length {
        return (0..length).collect();
    }
    let key = Sha256::digest(format!("{seed} {accession}").as_bytes());
    let mut random = ChaCha8Rng::from_seed(key.into());
    let mut chosen = BTreeSet::new();
    for last in length - n..length {
        let drawn = (u128::from(random.next_u64()) * (last as u128 + 1)) >> 64;
        if !chosen.insert(drawn as usize) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}

/// Residues of all inputs, where they are files that can be read twice and hold nothing bad.
pub(super) fn count_residues(sources: &[Source]) -> Option<u64> {
    let mut total = 0;
    for source in sources {
        source.path().filter(|p| p.is_file())?;
        for record in fasta::Reader::new(source.open().ok()?, true) {
            total += record.ok()?.sequence.len() as u64;
        }
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_sample_is_sorted_distinct_and_of_its_size(length in 1usize..500, n in 1usize..100, seed: u64) {
            let chosen = choose("P12345", seed, length, n);
            prop_assert_eq!(chosen.len(), n.min(length));
            prop_assert!(chosen.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(chosen.iter().all(|&i| i < length));
        }
    }

    #[test]
    fn a_sample_depends_on_seed_and_id() {
        let base = choose("P12345", 0, 1000, 20);
        assert_eq!(base, choose("P12345", 0, 1000, 20));
        assert_ne!(base, choose("P12346", 0, 1000, 20));
        assert_ne!(base, choose("P12345", 1, 1000, 20));
    }

    #[test]
    fn every_residue_is_drawn_about_as_often() {
        let mut counts = [0u32; 10];
        for i in 0..2000 {
            for residue in choose(&format!("P{i}"), 0, 10, 3) {
                counts[residue] += 1;
            }
        }
        assert!(
            counts.iter().all(|&c| (500..700).contains(&c)),
            "{counts:?}"
        );
    }
}
