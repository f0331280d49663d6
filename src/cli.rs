//! How every executable behaves: options, streams, atomic outputs, signals, exit statuses.
//!
//! A tool is a struct of options ([`clap::Parser`]) that implements [`Tool`]; its executable calls
//! [`run`]. Nothing outside of this module opens files, prints, or ends the process.

pub(crate) mod args;
mod config;
pub(crate) mod context;
pub(crate) mod exit;
mod files;
pub mod input;
pub(crate) mod log;
mod memory;
pub(crate) mod output;
pub(crate) mod output_folder;
mod outputs;
mod place;
pub(crate) mod progress;
pub(crate) mod provenance;
pub mod resources;
mod signal;
mod standard_streams;
pub(crate) mod target;
mod temporary;

pub use args::CommonArgs;
pub use context::Context;
pub use input::Source;
pub use output::Output;
pub use output_folder::OutputFolder;
pub use outputs::FirstForeign;
pub use provenance::Provenance;
pub use target::{SharedFolder, TableOrFolder, Target, TargetFolder};

use crate::{
    ErrorKind, Result,
    mapped::{self, Lost},
};
use files::NamedFiles;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// One executable: its options and what it does.
///
/// Options of type [`Source`] and paths are read, those of type [`Target`], [`TargetFolder`], [`TableOrFolder`] and
/// [`SharedFolder`] are written: all of them are known before [`Tool::run`], and none is in the way of another.
pub trait Tool: clap::Parser + Sync {
    /// Name of the executable.
    const NAME: &'static str;

    /// The options that all executables have.
    fn common(&self) -> &CommonArgs;

    /// The first entry of a folder that no executable writes into such an output, so that it may not be replaced.
    #[must_use]
    fn first_foreign(folder: &Path) -> Option<PathBuf> {
        let entries = folder.read_dir().ok()?;
        entries.flatten().map(|entry| entry.path()).min()
    }

    /// Targets of the options that only stand for others: the tool makes the names of its outputs of them, and takes
    /// hold of these by [`Context::expect`].
    #[must_use]
    fn patterns(&self) -> Vec<Target> {
        Vec::new()
    }

    /// Does the work.
    ///
    /// # Errors
    /// Whatever went wrong; the kind decides the exit status.
    fn run(&self, context: &Context) -> Result<()>;
}

/// Runs a tool from the process's command line; the whole of a `main`.
#[must_use]
pub fn run<T: Tool>() -> ExitCode {
    log::name_after(T::NAME);
    memory::share_where_limited();
    resources::on_own_stack(run_here::<T>).unwrap_or_else(|error| exit::report(T::NAME, &error))
}

fn run_here<T: Tool>() -> ExitCode {
    memory::set_up();
    let arguments: Vec<_> = std::env::args_os().collect();
    let command = exit::with_statuses(T::command());
    let matches = match config::parse(&command, arguments) {
        Ok(config::Parsed::Run(matches)) => matches,
        Ok(config::Parsed::Printed) => return ExitCode::SUCCESS,
        Err(config::Refusal::Clap(error)) => return print_clap(T::NAME, &error),
        Err(config::Refusal::Config(error)) if error.kind() == ErrorKind::BrokenPipe => {
            return ExitCode::SUCCESS;
        }
        Err(config::Refusal::Config(error)) => return exit::report(T::NAME, &error),
    };
    let tool = match T::from_arg_matches(&matches) {
        Ok(tool) => tool,
        Err(error) => return print_clap(T::NAME, &error),
    };
    match work(&tool, NamedFiles::of(&command, &matches)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => exit::report(T::NAME, &error),
    }
}

/// Ends the process where bytes of an input are gone that it needs: there is no way back to who needs them.
fn lost<T: Tool>(lost: &Lost) -> ! {
    temporary::remove_all();
    log::error(T::NAME, &lost.to_string());
    std::process::exit(i32::from(exit::FAILURE))
}

/// Prints what clap has to say: help and version are its "errors" of status 0.
fn print_clap(name: &'static str, error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        let _ = error.print();
        return ExitCode::from(exit::USAGE);
    }
    if let Err(closed) = standard_streams::demand_output() {
        return exit::report(name, &closed.into());
    }
    // a reader that went away is none of our business
    let _ = error.print();
    ExitCode::SUCCESS
}

/// Sets up threads, log and signals, runs the tool, writes its side files, and puts all outputs in place.
fn work<T: Tool>(tool: &T, files: NamedFiles) -> Result<()> {
    let common = tool.common();
    log::set_level(common.quiet, common.verbose);
    signal::clean_up_on_termination()?;
    mapped::on_loss(lost::<T>);
    let threads = resources::set_threads(common.threads)?;
    let context = Context::new(T::NAME, common.clone(), threads, T::first_foreign);
    context.claim(files, &tool.patterns())?;
    let outcome = tool.run(&context).and_then(|()| context.write_metrics());
    let provenance = context.write_provenance(&outcome);
    outcome?;
    provenance?;
    context.place_outputs()
}
