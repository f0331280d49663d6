//! What the steps that run a PLM do alike.

use super::{compute, shared};
use crate::{
    Error, Result,
    cli::{
        Context, Source,
        args::{DeviceChoice, OnBad},
        input, log,
    },
    error::Context as _,
    plm::{
        architecture::Architecture,
        encoder::LoadPlan,
        engine::{Engine, Where},
        vocabulary::Vocabulary,
        weights::{ModelFolder, Precision},
        window::{DEFAULT_LENGTH, DEFAULT_OVERLAP, Windows},
    },
    seq::{
        Protein,
        fasta::{self, FastaError, Record},
    },
};
use std::{collections::HashSet, path::Path};

/// Tokens of a batch for up to eight threads, unless `--batch-tokens` says otherwise.
const DEFAULT_BATCH_TOKENS: usize = 4096;
/// Tokens of a batch for each thread beyond.
const BATCH_TOKENS_PER_THREAD: usize = 512;

/// How proteins go through a PLM.
#[derive(clap::Args, Debug)]
pub(super) struct PlmArgs {
    /// Residues that the PLM sees at once; longer proteins are cut into windows
    #[arg(long, default_value_t = DEFAULT_LENGTH, value_name = "N")]
    pub(super) max_length: usize,

    /// Residues that two windows share, where they are blended
    #[arg(long, default_value_t = DEFAULT_OVERLAP, value_name = "N")]
    pub(super) overlap: usize,

    /// Tokens computed together: memory grows with it, results do not depend on it; 0: by threads
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(super) batch_tokens: usize,

    /// What the PLM's products multiply: f32; bf16, in half the memory and fastest on processors that have units for it;
    /// bf16x3, exact to 2e-5 and faster than f32 on AMX; f16, in half the memory
    #[arg(long, default_value_t = Precision::F32, value_name = "TYPE")]
    pub(super) compute: Precision,

    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(super) device: DeviceChoice,

    /// Keep ids as they are instead of taking the accession out of 'sp|P12345|NAME'
    #[arg(long)]
    pub(super) raw_ids: bool,
}

impl PlmArgs {
    /// The windows that proteins are cut into; whether the model can see one, [`Self::check`] tells.
    ///
    /// # Errors
    /// Where they are too short or overlap too much.
    pub(super) fn windows(&self) -> Result<Windows> {
        Ok(Windows::new(self.max_length, self.overlap)?)
    }

    /// Demands that the model can see a window.
    ///
    /// # Errors
    /// Where it cannot.
    pub(super) fn check(&self, architecture: &Architecture) -> Result<()> {
        (architecture.check_window(self.max_length))
            .map_err(|e| Error::from(e).context("--max-length"))
    }

    /// Loads what is needed of a model, where `--device` says, and notes what computes.
    ///
    /// # Errors
    /// Where a tensor does not fit or there is no such device.
    pub(super) fn load(
        &self,
        context: &Context,
        folder: &ModelFolder,
        needs: LoadPlan,
        path: &Path,
    ) -> Result<Engine> {
        let engine = Engine::load(folder, needs, device(self.device)).path(path)?;
        context.note_device(&engine.device());
        note_compute(context, &engine, self.compute);
        Ok(engine)
    }

    /// Tokens of a batch: as many as `--batch-tokens` asks for, or (0) as suit the device or the threads.
    pub(super) fn batch_tokens(&self, engine: &Engine, threads: usize) -> usize {
        match self.batch_tokens {
            0 => default_batch_tokens(engine, threads),
            tokens => tokens,
        }
    }
}

/// Where `--device` computes.
pub(super) fn device(choice: DeviceChoice) -> Where {
    match choice {
        DeviceChoice::Auto => Where::Auto,
        DeviceChoice::Cpu => Where::Cpu,
        DeviceChoice::Cuda(number) => Where::Cuda(number),
    }
}

/// Says that a model which sees structures is given none.
pub(super) fn warn_of_structures(vocabulary: &Vocabulary) {
    if vocabulary.has_structures() {
        log::warn(
            "this PLM sees structures and is given none: '#' stands for each; what it says of sequences alone is poor",
        );
    }
}

/// Notes what the products of the PLM multiply.
pub(super) fn note_compute(context: &Context, engine: &Engine, precision: Precision) {
    match engine {
        Engine::Panels(_) => compute::note(context, precision, precision.split()),
        Engine::Dense(..) => context.note_compute(precision.name(), &engine.device()),
    }
}

/// Tokens of a batch that suit the device or the threads.
pub(super) fn default_batch_tokens(engine: &Engine, threads: usize) -> usize {
    engine.batch_tokens().unwrap_or_else(|| {
        DEFAULT_BATCH_TOKENS.max(threads.saturating_mul(BATCH_TOKENS_PER_THREAD))
    })
}

/// What reads an input.
type FileReader = fasta::Reader<input::Reader>;

/// Where proteins are read from, and what happens to bad records.
#[derive(Clone, Copy)]
pub(super) struct Proteins<'a> {
    pub(super) sources: &'a [Source],
    pub(super) raw_ids: bool,
    pub(super) on_bad: OnBad,
}

/// Whether the log tells of what is left out, and of files that look like nucleotides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tell {
    Log,
    /// What is read twice is told of once.
    Nothing,
}

impl Proteins<'_> {
    /// Calls `f` with each protein, in input order, until it says no; what was wrong with each bad record that was left
    /// out.
    ///
    /// # Errors
    /// Where an input cannot be read or holds a bad record.
    pub(super) fn each(&self, f: impl FnMut(Protein) -> bool) -> Result<Vec<String>> {
        self.visit(Tell::Log, Iterator::next, |p| &p.accession, f)
    }

    /// The same with the text of each record.
    ///
    /// # Errors
    /// As of [`Self::each`].
    pub(super) fn each_record(&self, f: impl FnMut(Record) -> bool) -> Result<Vec<String>> {
        let next = |reader: &mut FileReader| reader.read_record().transpose();
        self.visit(Tell::Log, next, |r| &r.protein.accession, f)
    }

    /// The residues of each protein that [`Self::each`] would give.
    ///
    /// # Errors
    /// As of [`Self::each`].
    pub(super) fn lengths(&self) -> Result<Vec<u32>> {
        let mut lengths = Vec::new();
        let add = |protein: Protein| {
            // the reader refuses sequences of 2^31 residues
            lengths.push(protein.sequence.len() as u32);
            true
        };
        self.visit(Tell::Nothing, Iterator::next, |p| &p.accession, add)?;
        Ok(lengths)
    }

    fn visit<T>(
        &self,
        tell: Tell,
        next: impl Fn(&mut FileReader) -> Option<Result<T, FastaError>>,
        id: impl Fn(&T) -> &str,
        mut f: impl FnMut(T) -> bool,
    ) -> Result<Vec<String>> {
        let tells = tell == Tell::Log;
        let mut skipped = Vec::new();
        let mut seen = HashSet::new();
        for source in self.sources {
            let mut reader = fasta::Reader::new(source.open()?, self.raw_ids);
            let (mut proteins, before) = (0_u64, skipped.len());
            while let Some(record) = next(&mut reader) {
                let of_one_record =
                    (record.as_ref().err()).is_none_or(FastaError::is_of_one_record);
                let record = record.map_err(source.in_input()).and_then(|record| {
                    // each reader finds duplicates of its own file
                    if self.sources.len() > 1 && !seen.insert(id(&record).to_owned()) {
                        let text = format!("the id '{}' occurs in another input too", id(&record));
                        return Err(Error::data(text).context(source.to_string()));
                    }
                    Ok(record)
                });
                match record {
                    Ok(record) => {
                        proteins += 1;
                        if !f(record) {
                            return Ok(skipped);
                        }
                    }
                    Err(error) if self.on_bad == OnBad::Skip && of_one_record => {
                        let error = error.to_string();
                        if tells {
                            log::warn(&format!("left out: {error}"));
                        }
                        skipped.push(error);
                    }
                    Err(error) => return Err(error),
                }
            }
            if tells {
                shared::warn_of_nucleotides(source, &reader);
                warn_of_none(source, skipped.len() - before, proteins);
            }
        }
        if tells && !skipped.is_empty() {
            let count = skipped.len();
            log::warn(&format!("{count} bad records were left out"));
        }
        Ok(skipped)
    }
}

/// Says where all records of an input are bad, even under `--quiet`.
fn warn_of_none(source: &Source, bad: usize, proteins: u64) {
    if bad > 0 && proteins == 0 {
        log::warn_always(&format!("{source}: all {bad} records are bad and left out"));
    }
}
