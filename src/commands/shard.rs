//! `protsae-shard`: a FASTA file in parts, for steps that run side by side.

mod cut;
mod writer;

use super::{pattern::Pattern, plm::Proteins};
use crate::{
    Error, Result,
    cli::{CommonArgs, Context, Source, Target, Tool, args::OnBadArgs, log},
};
use cut::Cut;
pub use writer::COLUMNS;
use writer::{Shards, Written};

/// What stands for the number of the shard in the name of an output.
const SHARD: &str = "{shard}";

/// Proteins of a shard where neither option says how many.
const DEFAULT_SIZE: u64 = 1000;

/// Most shards that can be asked for.
const MOST_SHARDS: u64 = 1_000_000;

/// Cut FASTA into shards that are worked on side by side
///
/// Records stay whole and in order, with their headers and letters as they are, so that protsae-embed writes of the shards, in order, what it writes of
/// the whole. They are checked as it checks them. Of a file without proteins comes one empty shard (with --count so many), and a warning.
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-shard -i proteins.fasta.gz --size 1000 -o 'shards/{shard}.fasta' --table shards.tsv
  protsae-shard -i proteins.fasta --count 4 -o 'shards/{shard}.fasta.zst'")]
pub struct Args {
    /// FASTA file, plain, gzip, bgzip or zstd; repeat for several; '-' for standard input
    #[arg(short, long, required = true, value_name = "FASTA")]
    input: Vec<Source>,

    /// Shards, numbered from 1 where the name says {shard}, compressed by suffix (.gz, .bgz, .zst); with --count 1 the
    /// name needs none, and may be '-' for standard output
    #[arg(short, long, value_name = "PATTERN")]
    output: Target,

    /// Proteins of a shard; the last may have fewer. Default: 1000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "count")]
    size: Option<u64>,

    /// Shards, as even in residues as the order of the proteins allows; some may be empty. More than one need files,
    /// which are read twice
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_SHARDS))]
    count: Option<u64>,

    /// Table of the shards: number, file name, proteins, residues
    #[arg(long, value_name = "FILE.tsv")]
    table: Option<Target>,

    /// Keep ids as they are instead of taking the accession out of 'sp|P12345|NAME', when they are checked
    #[arg(long)]
    raw_ids: bool,

    #[command(flatten)]
    bad: OnBadArgs,

    #[command(flatten)]
    common: CommonArgs,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-shard";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn patterns(&self) -> Vec<Target> {
        let pattern = self.pattern().map(|pattern| pattern.target());
        pattern.into_iter().collect()
    }

    fn run(&self, context: &Context) -> Result<()> {
        if self.count != Some(1) && self.pattern().is_none() {
            return Err(Error::usage(format!(
                "several shards need an output with {SHARD} in its name, for example 'shards/{SHARD}.fasta'"
            )));
        }
        for source in &self.input {
            if let Some(path) = source.path() {
                context.note_input(path)?;
            }
        }
        // of --size nobody knows how many there will be: the first stands for all
        let known = self.count.unwrap_or(1);
        if self.pattern().is_some() {
            context.expect((1..=known).map(|shard| self.target(shard)))?;
        }
        let proteins = Proteins {
            sources: &self.input,
            raw_ids: self.raw_ids,
            on_bad: self.bad.on_bad,
        };
        let cut = self.cut(&proteins)?;
        let name = |shard| self.target(shard);
        let mut shards = Shards::new(context, &name, cut, known);
        let mut written = Ok(());
        let skipped = proteins.each_record(|record| {
            written = shards.put(&record);
            written.is_ok()
        })?;
        written?;
        let shards = shards.finish(&self.shown_inputs())?;
        self.count(context, &shards, skipped);
        if context.is_dry_run() {
            return Ok(log::plan(&shards.plan())?);
        }
        self.warn_of_others(&shards);
        if let Some(table) = &self.table {
            shards.write_table(table, context)?;
        }
        Ok(())
    }
}

impl Args {
    /// The output, where it stands for one of each shard.
    fn pattern(&self) -> Option<Pattern<'_>> {
        Pattern::of(&self.output, SHARD)
    }

    /// Where a shard goes.
    fn target(&self, shard: u64) -> Target {
        self.pattern()
            .map_or_else(|| self.output.clone(), |pattern| pattern.with(shard))
    }

    /// Where one shard ends and the next begins.
    fn cut(&self, proteins: &Proteins) -> Result<Cut> {
        match self.count {
            None => Ok(Cut::Size(self.size.unwrap_or(DEFAULT_SIZE))),
            Some(1) => Ok(Cut::Size(u64::MAX)),
            Some(count) => {
                let is_file =
                    |source: &&Source| source.path().is_some_and(std::path::Path::is_file);
                if let Some(stream) = self.input.iter().find(|source| !is_file(source)) {
                    return Err(Error::usage(format!(
                        "{stream} can be read once, --count {count} reads its input twice: give files, or --size"
                    )));
                }
                Ok(Cut::even(&proteins.lengths()?, count))
            }
        }
    }

    fn shown_inputs(&self) -> String {
        let inputs: Vec<String> = self.input.iter().map(ToString::to_string).collect();
        inputs.join(", ")
    }

    fn count(&self, context: &Context, shards: &Written, skipped: Vec<String>) {
        context.metric("shards", shards.number());
        context.metric("proteins", shards.proteins());
        context.metric("residues", shards.residues());
        context.metric("skipped", skipped.len());
        context.metric("skipped_records", skipped);
        if shards.proteins() == 0 {
            log::warn_always(&format!(
                "{}: no proteins; the shards are empty",
                self.shown_inputs()
            ));
        }
    }

    /// Says where shards of another run lie behind the last, which a pattern of the shell would take for one of these.
    fn warn_of_others(&self, shards: &Written) {
        let next = self.target(shards.number() + 1);
        if self.pattern().is_some() && next.path().is_some_and(std::path::Path::exists) {
            log::warn(&format!(
                "{next} is there too, and is none of the {} shards of this run",
                shards.number()
            ));
        }
    }
}
