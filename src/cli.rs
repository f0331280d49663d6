//! How every executable behaves: options, streams, atomic outputs, signals, exit statuses.
//!
//! A tool is a struct of options ([`clap::Parser`]) that implements [`Tool`]; its executable calls
//! [`run`]. Nothing outside of this module opens files, prints, or ends the process.

pub mod args;
mod config;
pub mod context;
pub mod exit;
pub mod input;
pub mod log;
mod memory;
pub mod output;
pub mod progress;
pub(crate) mod provenance;
pub mod resources;
mod signal;

pub use args::CommonArgs;
pub use context::Context;
pub use input::Source;
pub use provenance::Provenance;

use crate::{
    ErrorKind, Result,
    mapped::{self, Lost},
};
use std::process::ExitCode;

/// One executable: its options and what it does.
pub trait Tool: clap::Parser {
    /// Name of the executable.
    const NAME: &'static str;

    /// The options that all executables have.
    fn common(&self) -> &CommonArgs;

    /// Does the work.
    ///
    /// # Errors
    /// Whatever went wrong; the kind decides the exit status.
    fn run(&self, context: &Context) -> Result<()>;
}

/// Runs a tool from the process's command line; the whole of a `main`.
#[must_use]
pub fn run<T: Tool>() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let command = exit::with_statuses(T::command());
    let matches = match config::parse(&command, arguments) {
        Ok(config::Parsed::Run(matches)) => matches,
        Ok(config::Parsed::Printed) => return ExitCode::SUCCESS,
        Err(config::Refusal::Clap(error)) => {
            // help and version are "errors" of status 0; a closed stdout is none of our business
            let status = if error.use_stderr() { exit::USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(status);
        }
        Err(config::Refusal::Config(error)) => return exit::report(T::NAME, &error),
    };
    let tool = match T::from_arg_matches(&matches) {
        Ok(tool) => tool,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(exit::USAGE);
        }
    };
    match work(&tool) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => exit::report(T::NAME, &error),
    }
}

/// Ends the process where bytes of an input are gone that it needs: there is no way back to who needs them.
fn lost<T: Tool>(lost: &Lost) -> ! {
    signal::remove_all();
    log::error(T::NAME, &lost.to_string());
    std::process::exit(i32::from(exit::FAILURE))
}

/// Sets up threads, log and signals, runs the tool, and writes its side files.
fn work<T: Tool>(tool: &T) -> Result<()> {
    let common = tool.common();
    log::set_up(T::NAME, common.quiet, common.verbose);
    signal::clean_up_on_termination()?;
    mapped::on_loss(lost::<T>);
    let threads = resources::set_threads(common.threads)?;
    let context = Context::new(T::NAME, common.clone(), threads);
    let outcome = tool.run(&context);
    if outcome.is_ok() {
        context.write_metrics()?;
    }
    if let Some(path) = &common.provenance {
        context.write_provenance(path, &outcome)?;
    }
    outcome
}
