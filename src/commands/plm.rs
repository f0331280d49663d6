//! What the steps that run a PLM do alike.

use super::shared;
use crate::{
    Error, Result,
    cli::{
        Source,
        args::{DeviceChoice, OnBad},
        log,
    },
    plm::engine::{Engine, Where},
    seq::{
        Protein,
        fasta::{self, FastaError},
    },
};
use std::collections::HashSet;

/// Tokens of a batch for up to eight threads, unless `--batch-tokens` says otherwise.
const DEFAULT_BATCH_TOKENS: usize = 4096;
/// Tokens of a batch for each thread beyond.
const BATCH_TOKENS_PER_THREAD: usize = 512;

/// Where `--device` computes.
pub(super) fn device(choice: DeviceChoice) -> Where {
    match choice {
        DeviceChoice::Auto => Where::Auto,
        DeviceChoice::Cpu => Where::Cpu,
        DeviceChoice::Cuda(number) => Where::Cuda(number),
    }
}

/// Tokens of a batch: as many as `--batch-tokens` asks for, or (0) as suit the device or the threads.
pub(super) fn batch_tokens(asked: usize, engine: &Engine, threads: usize) -> usize {
    match asked {
        0 => engine.batch_tokens().unwrap_or_else(|| {
            DEFAULT_BATCH_TOKENS.max(threads.saturating_mul(BATCH_TOKENS_PER_THREAD))
        }),
        tokens => tokens,
    }
}

/// Where proteins are read from, and what happens to bad records.
#[derive(Clone, Copy)]
pub(super) struct Proteins<'a> {
    pub(super) sources: &'a [Source],
    pub(super) raw_ids: bool,
    pub(super) on_bad: OnBad,
}

impl Proteins<'_> {
    /// Calls `f` with each protein, in input order, until it says no; what was wrong with each bad record that was left
    /// out.
    ///
    /// # Errors
    /// Where an input cannot be read or holds a bad record.
    pub(super) fn each(&self, mut f: impl FnMut(Protein) -> bool) -> Result<Vec<String>> {
        let mut skipped = Vec::new();
        let mut seen = HashSet::new();
        for source in self.sources {
            let mut reader = fasta::Reader::new(source.open()?, self.raw_ids);
            let (mut proteins, before) = (0_u64, skipped.len());
            for record in reader.by_ref() {
                let of_one_record =
                    (record.as_ref().err()).is_none_or(FastaError::is_of_one_record);
                let protein = record.map_err(source.in_input()).and_then(|protein| {
                    // each reader finds duplicates of its own file
                    if self.sources.len() > 1 && !seen.insert(protein.accession.clone()) {
                        let text =
                            format!("the id '{}' occurs in another input too", protein.accession);
                        return Err(Error::data(text).context(source.to_string()));
                    }
                    Ok(protein)
                });
                match protein {
                    Ok(protein) => {
                        proteins += 1;
                        if !f(protein) {
                            return Ok(skipped);
                        }
                    }
                    Err(error) if self.on_bad == OnBad::Skip && of_one_record => {
                        let error = error.to_string();
                        log::warn(&format!("left out: {error}"));
                        skipped.push(error);
                    }
                    Err(error) => return Err(error),
                }
            }
            shared::warn_of_nucleotides(source, &reader);
            let here = skipped.len() - before;
            if here > 0 && proteins == 0 {
                log::warn_always(&format!(
                    "{source}: all {here} records are bad and left out"
                ));
            }
        }
        if !skipped.is_empty() {
            let count = skipped.len();
            log::warn(&format!("{count} bad records were left out"));
        }
        Ok(skipped)
    }
}
