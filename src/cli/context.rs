//! What a running tool has at hand: its inputs and outputs, counted and recorded.

use super::{
    CommonArgs,
    files::{Named, NamedFiles},
    input::{Reader, Source},
    log,
    output::Output,
    output_folder::OutputFolder,
    outputs::{FirstForeign, Outputs},
    provenance::{self, Depth, Location, Provenance},
    target::{Destination, SharedFolder, Target, TargetFolder},
};
use crate::{Error, Result, error::Context as _, table::TableSource};
use arrow_buffer::Buffer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    io::Write,
    path::Path,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// What a running tool has at hand.
pub struct Context {
    name: &'static str,
    common: CommonArgs,
    threads: usize,
    started: SystemTime,
    outputs: Outputs,
    recorded: Mutex<Recorded>,
}

#[derive(Default)]
struct Recorded {
    inputs: Vec<Source>,
    device: Option<String>,
    compute: Option<String>,
    metrics: Map<String, Value>,
}

impl Context {
    pub(super) fn new(
        name: &'static str,
        common: CommonArgs,
        threads: usize,
        first_foreign: FirstForeign,
    ) -> Self {
        Self {
            name,
            common,
            threads,
            started: SystemTime::now(),
            outputs: Outputs::new(first_foreign),
            recorded: Mutex::default(),
        }
    }

    fn record<T>(&self, f: impl FnOnce(&mut Recorded) -> T) -> T {
        f(&mut self.recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Threads that may run at once.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Seed of everything random.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.common.seed
    }

    /// Whether only the plan is wanted.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.common.dry_run
    }

    /// Opens an input, decompressed.
    ///
    /// # Errors
    /// Where it cannot be opened, naming it.
    pub fn open(&self, source: &Source) -> Result<Reader> {
        self.note_source(source)?;
        source.open()
    }

    /// Opens an input; what is compressed is decompressed ahead of the reader where there is a thread for it.
    ///
    /// # Errors
    /// Where it cannot be opened, naming it.
    pub fn open_ahead(&self, source: &Source) -> Result<Reader> {
        if self.threads < 2 {
            return self.open(source);
        }
        self.note_source(source)?;
        source.open_ahead()
    }

    /// An input's bytes, decompressed; mapped where they lie so on disk.
    ///
    /// # Errors
    /// Where it cannot be read, naming it.
    pub fn bytes(&self, source: &Source) -> Result<Buffer> {
        self.note_source(source)?;
        source.bytes()
    }

    /// Opens an input as an Arrow table.
    ///
    /// # Errors
    /// Where it is no complete table, naming it.
    pub fn open_table(&self, source: &Source) -> Result<TableSource> {
        self.note_source(source)?;
        source.open_table()
    }

    /// Notes an input that a library opens by itself (a model folder).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] where an output is in its way, naming both.
    pub fn note_input(&self, path: &Path) -> Result<()> {
        self.note_source(&Source::File(path.to_owned()))
    }

    /// Whether the run writes this file.
    #[must_use]
    pub fn is_output(&self, path: &Path) -> bool {
        self.outputs.is_output(path)
    }

    fn note_source(&self, source: &Source) -> Result<()> {
        self.outputs
            .claim_input(Named::new("what is read,", source.clone()))?;
        // what is read again is one input
        self.record(|r| {
            if !r.inputs.contains(source) {
                r.inputs.push(source.clone());
            }
        });
        Ok(())
    }

    /// Takes hold of all that the options name: nothing is in the way of another, and every output can be written.
    /// Patterns are no outputs themselves.
    pub(super) fn claim(&self, files: NamedFiles, patterns: &[Target]) -> Result<()> {
        for input in files.inputs {
            self.outputs.claim_input(input)?;
        }
        for output in files.outputs {
            let is_pattern = matches!(&output.value, Destination::File(t) if patterns.contains(t));
            if !is_pattern {
                self.outputs.claim_output(output)?;
            }
        }
        self.outputs.try_all()
    }

    /// Takes hold of an output whose name follows from what was read; one that the options name is held already.
    fn claim_late(&self, destination: Destination) -> Result<()> {
        if self.outputs.knows(&destination) {
            return Ok(());
        }
        self.outputs
            .claim_output(Named::new("the output", destination))
    }

    /// Begins an output; it appears when the run has ended well, if it is committed. An input is never replaced.
    ///
    /// # Errors
    /// Where nothing can be written there, or where it is an input, naming it.
    pub fn create(&self, target: &Target) -> Result<Output> {
        self.claim_late(Destination::File(target.clone()))?;
        Output::create(target, &self.outputs)
    }

    /// Begins an output folder; it appears when the run has ended well, if it is committed.
    ///
    /// # Errors
    /// Where it cannot be made, naming it.
    pub fn create_folder(&self, target: &TargetFolder) -> Result<OutputFolder> {
        self.claim_late(Destination::Folder(target.clone()))?;
        OutputFolder::create(target, &self.outputs)
    }

    /// Takes hold of outputs whose names follow from patterns ([`super::Tool::patterns`]), before any work.
    ///
    /// # Errors
    /// Where one is in the way of an input or another output, naming both, or cannot be written.
    pub fn expect(&self, targets: impl IntoIterator<Item = Target>) -> Result<()> {
        for target in targets {
            self.expect_one(target)?;
        }
        self.outputs.try_all()
    }

    /// Takes hold of an output that nobody could foresee: one of a pattern whose number follows from the input. Whether
    /// it can be written is told when it is begun.
    ///
    /// # Errors
    /// Where it is in the way of an input or another output, naming both.
    pub fn expect_one(&self, target: Target) -> Result<()> {
        let output = Named::new("the output", Destination::File(target));
        self.outputs.claim_output(output)
    }

    /// Takes hold of a folder that the run writes into and that others may use too.
    ///
    /// # Errors
    /// Where it is in the way of an input or an output, naming both, or cannot be written into.
    pub fn expect_shared(&self, folder: &SharedFolder) -> Result<()> {
        self.claim_late(Destination::Shared(folder.clone()))?;
        self.outputs.try_all()
    }

    /// Writes pretty JSON with a final newline.
    ///
    /// # Errors
    /// Where writing fails, naming the file.
    pub fn write_json(&self, target: &Target, content: &impl Serialize) -> Result<()> {
        self.write_text(target, &to_json(content)?)
    }

    /// Writes text.
    ///
    /// # Errors
    /// Where writing fails, naming the file.
    pub fn write_text(&self, target: &Target, text: &str) -> Result<()> {
        let mut output = self.create(target)?;
        let written = output.write_all(text.as_bytes());
        written.during(&target.to_string())?;
        output.commit()
    }

    /// What to do once all outputs are in place.
    pub fn after_placing(&self, then: impl FnOnce() -> Result<()> + Send + 'static) {
        self.outputs.after_placing(Box::new(then));
    }

    pub(super) fn place_outputs(&self) -> Result<()> {
        self.outputs.place()
    }

    /// Notes the device that computes, for provenance and the log.
    pub fn note_device(&self, device: &str) {
        log::detail(&format!("device {device}, {} threads", self.threads));
        self.record(|r| r.device = Some(device.to_owned()));
    }

    /// Notes what products multiply, and the unit of the processor that does, for provenance and the log.
    pub fn note_compute(&self, compute: &str, unit: &str) {
        log::detail(&format!("products of {compute} numbers by {unit}"));
        self.record(|r| r.compute = Some(format!("{compute} ({unit})")));
    }

    /// Counts something for `--metrics`; the file holds what was counted, in order of name.
    pub fn metric(&self, name: &str, value: impl Serialize) {
        let value = serde_json::to_value(value).unwrap_or(Value::Null);
        self.record(|r| r.metrics.insert(name.to_owned(), value));
    }

    pub(super) fn write_metrics(&self) -> Result<()> {
        let Some(target) = self.common.metrics.as_ref().filter(|_| !self.is_dry_run()) else {
            return Ok(());
        };
        let content = Counts {
            format: COUNTS_FORMAT.into(),
            tool: self.name.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            counts: self.record(|r| r.metrics.clone()),
        };
        self.write_json(target, &content)
    }

    /// Writes `--provenance`; of a run that failed it is the only output, unless an output was in the way of something,
    /// which may have been this one.
    pub(super) fn write_provenance(&self, outcome: &Result<()>) -> Result<()> {
        let Some(target) = self
            .common
            .provenance
            .as_ref()
            .filter(|_| !self.is_dry_run() && !self.outputs.are_refused())
        else {
            return Ok(());
        };
        if outcome.is_err() {
            self.outputs.discard();
        }
        let (inputs, device, compute) =
            self.record(|r| (r.inputs.clone(), r.device.clone(), r.compute.clone()));
        let status = outcome
            .as_ref()
            .map_or_else(|e| super::exit::status(e.kind()), |()| 0);
        let inputs = inputs.iter().filter_map(Source::path);
        let content = Provenance {
            format: provenance::FORMAT.into(),
            tool: self.name.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            arguments: std::env::args_os()
                .skip(1)
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            inputs: provenance::files(inputs.map(Location::in_place).collect(), Depth::Flat),
            outputs: provenance::files(self.outputs.written(), Depth::Whole),
            started: provenance::timestamp(self.started),
            ended: provenance::timestamp(SystemTime::now()),
            seed: self.common.seed,
            threads: self.threads,
            device,
            compute,
            peak_memory_bytes: super::resources::peak_memory(),
            exit_status: status,
            error: outcome.as_ref().err().map(ToString::to_string),
        };
        self.write_json(target, &content)?;
        if outcome.is_err() {
            self.place_outputs()?;
        }
        Ok(())
    }
}

/// Format name and version of `--metrics` files.
pub(crate) const COUNTS_FORMAT: &str = "counts/1";

/// The content of a `--metrics` file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names are those of the file")]
pub(crate) struct Counts {
    /// `counts/1`.
    pub format: String,
    /// The executable.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// What was counted, by name.
    pub counts: Map<String, Value>,
}

/// Pretty JSON with a final newline.
///
/// # Errors
/// Where the content is no JSON (a map with keys that are no strings).
pub(crate) fn to_json(content: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(content).map_err(|e| Error::data(e.to_string()))?;
    Ok(text + "\n")
}
