//! One run: proteins in chunks, what is generated of them, and what is written.

use super::describe;
use crate::{
    Error, Result,
    cli::{Context, Output, Target, log, progress::Progress},
    commands::plm::Proteins,
    error::Context as _,
    plm::{batch::Batch, engine::Engine, weights::ModelFolder, window::Windows},
    report::tsv,
    seq::Protein,
    steer::{
        generator::{Generator, Made},
        positions::Positions,
        record::{self, Record, Run},
        structure::Structures,
        summary::Sums,
    },
};
use std::{io::Write, time::Instant};

/// Tokens that are computed to learn this machine's speed.
const TRIAL_TOKENS: usize = 2048;

/// A run.
pub(super) struct Job<'a> {
    pub(super) context: &'a Context,
    pub(super) proteins: Proteins<'a>,
    pub(super) folder: &'a ModelFolder,
    pub(super) engine: &'a Engine,
    pub(super) windows: Windows,
    /// Tokens of a batch, and of the proteins that are worked on together.
    pub(super) budget: usize,
    pub(super) generator: Generator<'a>,
    pub(super) run: Run<'a>,
}

/// What is written.
pub(super) struct Outputs {
    fasta: (Output, String),
    table: Option<(Output, String)>,
    structures: Structures,
    sums: Vec<Sums>,
    progress: Progress,
    proteins: u64,
    residues: u64,
    sequences: u64,
    left_out: u64,
}

impl Outputs {
    /// Begins the outputs.
    ///
    /// # Errors
    /// Where one cannot be written.
    pub(super) fn create(
        context: &Context,
        fasta: &Target,
        table: Option<&Target>,
        structures: Structures,
    ) -> Result<Self> {
        let begin = |target: &Target| Ok::<_, Error>((context.create(target)?, target.to_string()));
        let fasta = begin(fasta)?;
        let mut table = table.map(begin).transpose()?;
        if let Some((out, name)) = &mut table {
            tsv::write_line(out, &record::COLUMNS).during(name)?;
        }
        Ok(Self {
            fasta,
            table,
            structures,
            sums: Vec::new(),
            progress: Progress::new("proteins", None),
            proteins: 0,
            residues: 0,
            sequences: 0,
            left_out: 0,
        })
    }

    /// Writes what was made of some proteins.
    fn write(
        &mut self,
        proteins: &[Protein],
        made: &Made,
        generator: &Generator,
        run: &Run,
    ) -> Result<()> {
        self.sums
            .resize_with(generator.treatments.len(), Sums::default);
        for generated in &made.generated {
            let treatment = &generator.treatments[generated.treatment];
            let goal = &generator.goals[treatment.goal];
            let record = Record {
                run,
                protein: &proteins[generated.protein],
                goal,
                treatment,
                generated,
                before: &made.before[generated.protein],
                score: goal.concept.map(|_| score_of(generator, treatment.goal)),
            };
            let (out, name) = &mut self.fasta;
            record.write_fasta(out).during(name)?;
            if let Some((out, name)) = &mut self.table {
                let structure = self.structures.take(&record.id());
                record.write_line(out, &structure).during(name)?;
            }
            self.sums[generated.treatment].add(&record);
        }
        self.proteins += proteins.len() as u64;
        let residues = proteins.iter().map(|p| p.sequence.len() as u64);
        self.residues += residues.sum::<u64>();
        self.sequences += made.generated.len() as u64;
        self.left_out += made.left_out.len() as u64;
        self.progress.add(proteins.len() as u64);
        Ok(())
    }

    /// Completes the outputs, and counts what they hold.
    fn finish(self, context: &Context, skipped: Vec<String>) -> Result<()> {
        self.progress.finish();
        if self.left_out > 0 {
            log::warn(&format!(
                "{} proteins have no positions in the file and were left out",
                self.left_out
            ));
        }
        let unknown = self.structures.left();
        if self.table.is_some() && unknown > 0 {
            log::warn(&format!(
                "{unknown} of the sequences with structure scores are none of those generated here"
            ));
        }
        let summaries: Vec<_> = self.sums.into_iter().filter_map(Sums::finish).collect();
        context.metric("proteins", self.proteins);
        context.metric("residues", self.residues);
        context.metric("sequences", self.sequences);
        context.metric("without_positions", self.left_out);
        context.metric("skipped", skipped.len());
        context.metric("skipped_records", skipped);
        context.metric("arms", summaries);
        for (mut output, name) in [Some(self.fasta), self.table].into_iter().flatten() {
            output.flush().during(&name)?;
            output.commit()?;
        }
        Ok(())
    }
}

/// Which of the read scores is that of a goal's concept: scores are read of the goals that have one, in their order.
fn score_of(generator: &Generator, goal: usize) -> usize {
    let before = generator.goals[..goal].iter();
    before.filter(|goal| goal.concept.is_some()).count()
}

impl Job<'_> {
    /// Tokens of a protein's windows.
    fn tokens(&self, residues: usize) -> usize {
        let windows = self.windows.of(residues);
        let vocabulary = &self.folder.vocabulary;
        (windows.iter().map(|w| vocabulary.window_tokens(w.len()))).sum()
    }

    /// Calls `f` with proteins, as many together as have the tokens of a batch.
    fn chunks(
        &mut self,
        mut f: impl FnMut(&mut Self, Vec<Protein>) -> Result<()>,
    ) -> Result<Vec<String>> {
        let (mut chunk, mut tokens) = (Vec::new(), 0);
        let mut result = Ok(());
        let reading = self.proteins;
        let skipped = reading.each(|protein| {
            tokens += self.tokens(protein.sequence.len());
            chunk.push(protein);
            if tokens >= self.budget {
                tokens = 0;
                result = f(self, std::mem::take(&mut chunk));
            }
            result.is_ok()
        })?;
        result?;
        if !chunk.is_empty() {
            f(self, chunk)?;
        }
        Ok(skipped)
    }

    /// Generates and writes.
    ///
    /// # Errors
    /// Where an input is bad, the PLM fails or an output cannot be written.
    pub(super) fn work(&mut self, mut outputs: Outputs) -> Result<()> {
        let skipped = self.chunks(|job, proteins| {
            let made = job.generator.generate(&proteins).map_err(|error| {
                let ids: Vec<&str> = proteins.iter().map(|p| p.accession.as_str()).collect();
                let [first, .., last] = ids[..] else {
                    return Error::from(error).context(ids.concat());
                };
                Error::from(error).context(format!("proteins {first} to {last}"))
            })?;
            outputs.write(&proteins, &made, &job.generator, &job.run)
        })?;
        outputs.finish(self.context, skipped)
    }

    /// Says what would be done, once all inputs are read.
    ///
    /// # Errors
    /// Where an input is bad or standard output is closed.
    pub(super) fn plan(&mut self) -> Result<()> {
        let (mut proteins, mut residues, mut tokens) = (0_u64, 0_u64, 0_u64);
        let mut trial = Batch::new();
        let skipped = self.chunks(|job, chunk| {
            for protein in chunk {
                proteins += 1;
                residues += protein.sequence.len() as u64;
                tokens += job.tokens(protein.sequence.len()) as u64;
                for window in job.windows.of(protein.sequence.len()) {
                    if trial.tokens().len() < TRIAL_TOKENS {
                        trial.push(&job.folder.vocabulary, &protein.sequence[window]);
                    }
                }
                if let Positions::Listed(listed) = &job.generator.settings.positions {
                    listed.of(&protein.accession, protein.sequence.len())?;
                }
            }
            Ok(())
        })?;
        let settings = self.generator.settings;
        let each = self.generator.treatments.len() as u64 * u64::from(settings.samples);
        let rounds = u64::from(settings.rounds);
        // each round fills in, the last is read; low activation reads every round
        let readings = match settings.positions {
            Positions::LowActivation => rounds,
            _ => 1,
        };
        let passes = 1 + each.saturating_mul(rounds + readings);
        for goal in self.generator.goals {
            log::plan(&describe(goal))?;
        }
        log::plan(&format!(
            "input: {proteins} proteins, {residues} residues, {} bad records",
            skipped.len()
        ))?;
        log::plan(&format!(
            "output: {} sequences, {each} of each protein",
            proteins.saturating_mul(each)
        ))?;
        log::plan(&format!(
            "passes of {tokens} tokens: {passes}, on {} with {} threads",
            self.engine.device(),
            self.context.threads()
        ))?;
        if trial.sequences() > 0 {
            self.engine.logits(&trial, None)?;
            let started = Instant::now();
            self.engine.logits(&trial, None)?;
            let one = started.elapsed().as_secs_f64() / trial.tokens().len() as f64;
            log::plan(&format!(
                "time: about {:.0} s",
                one * tokens as f64 * passes as f64
            ))?;
        }
        Ok(())
    }
}
