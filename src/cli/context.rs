//! What a running tool has at hand: its inputs and outputs, counted and recorded.

use super::{
    CommonArgs,
    input::{Reader, Source},
    log,
    output::{Output, Target},
    provenance::{self, Provenance},
};
use crate::{Error, Result, error::Context as _, table::TableSource};
use arrow_buffer::Buffer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// What a running tool has at hand.
pub struct Context {
    name: &'static str,
    common: CommonArgs,
    threads: usize,
    started: SystemTime,
    recorded: Mutex<Recorded>,
}

#[derive(Default)]
struct Recorded {
    inputs: Vec<Source>,
    outputs: Vec<Target>,
    device: Option<String>,
    metrics: Map<String, Value>,
}

impl Context {
    pub(super) fn new(name: &'static str, common: CommonArgs, threads: usize) -> Self {
        Self {
            name,
            common,
            threads,
            started: SystemTime::now(),
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
        self.record(|r| r.inputs.push(source.clone()));
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
        self.record(|r| r.inputs.push(source.clone()));
        source.open_ahead()
    }

    /// An input's bytes, decompressed; mapped where they lie so on disk.
    ///
    /// # Errors
    /// Where it cannot be read, naming it.
    pub fn bytes(&self, source: &Source) -> Result<Buffer> {
        self.record(|r| r.inputs.push(source.clone()));
        source.bytes()
    }

    /// Opens an input as an Arrow table.
    ///
    /// # Errors
    /// Where it is no complete table, naming it.
    pub fn open_table(&self, source: &Source) -> Result<TableSource> {
        self.record(|r| r.inputs.push(source.clone()));
        source.open_table()
    }

    /// Notes an input that a library opens by itself (a model folder).
    pub fn note_input(&self, path: &Path) {
        self.record(|r| r.inputs.push(Source::File(path.to_owned())));
    }

    /// Begins an output; it appears when it is committed. An input is never replaced.
    ///
    /// # Errors
    /// Where nothing can be written there, or where it is an input, naming it.
    pub fn create(&self, target: &Target) -> Result<Output> {
        self.note_output(target)?;
        Output::create(target)
    }

    /// Notes an output that is written otherwise (a folder), after checking that it is no input.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] where it is an input, or where two outputs are one.
    pub fn note_output(&self, target: &Target) -> Result<()> {
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.record(|r| {
            if let Some(path) = target.path().filter(|p| p.is_file() || p.is_dir()) {
                let path = real(path);
                if r.inputs
                    .iter()
                    .any(|i| i.path().is_some_and(|i| real(i) == path))
                {
                    return Err(Error::usage("is an input and cannot be the output too")
                        .context(target.to_string()));
                }
            }
            if r.outputs.contains(target) {
                return Err(Error::usage("is given for two outputs").context(target.to_string()));
            }
            r.outputs.push(target.clone());
            Ok(())
        })
    }

    /// Notes the device that computes, for provenance and the log.
    pub fn note_device(&self, device: &str) {
        log::detail(&format!("device {device}, {} threads", self.threads));
        self.record(|r| r.device = Some(device.to_owned()));
    }

    /// Counts something for `--metrics`; the file holds what was counted, in order of name.
    pub fn metric(&self, name: &str, value: impl Serialize) {
        let value = serde_json::to_value(value).unwrap_or(Value::Null);
        self.record(|r| r.metrics.insert(name.to_owned(), value));
    }

    pub(super) fn write_metrics(&self) -> Result<()> {
        let Some(path) = &self.common.metrics else {
            return Ok(());
        };
        let content = Counts {
            format: COUNTS_FORMAT.into(),
            tool: self.name.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            counts: self.record(|r| r.metrics.clone()),
        };
        write_json(path, &content)
    }

    pub(super) fn write_provenance(&self, path: &Path, outcome: &Result<()>) -> Result<()> {
        let (inputs, outputs, device) =
            self.record(|r| (r.inputs.clone(), r.outputs.clone(), r.device.clone()));
        let status = outcome
            .as_ref()
            .map_or_else(|e| super::exit::status(e.kind()), |()| 0);
        let paths = |p: Vec<Option<PathBuf>>| p.into_iter().flatten().collect::<Vec<_>>();
        let content = Provenance {
            format: provenance::FORMAT.into(),
            tool: self.name.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            arguments: std::env::args().skip(1).collect(),
            inputs: provenance::files(&paths(
                inputs
                    .iter()
                    .map(|s| s.path().map(Path::to_owned))
                    .collect(),
            )),
            outputs: provenance::files(&paths(
                outputs
                    .iter()
                    .map(|t| t.path().map(Path::to_owned))
                    .collect(),
            )),
            started: provenance::timestamp(self.started),
            ended: provenance::timestamp(SystemTime::now()),
            seed: self.common.seed,
            threads: self.threads,
            device,
            peak_memory_bytes: super::resources::peak_memory(),
            exit_status: status,
            error: outcome.as_ref().err().map(ToString::to_string),
        };
        write_json(path, &content)
    }
}

/// Format name and version of `--metrics` files.
pub const COUNTS_FORMAT: &str = "counts/1";

/// The content of a `--metrics` file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// `counts/1`.
    pub format: String,
    /// The executable.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// What was counted, by name.
    pub counts: Map<String, Value>,
}

/// Writes pretty JSON with a final newline, atomically.
///
/// # Errors
/// Where writing fails, naming the file.
pub fn write_json(path: &Path, content: &impl Serialize) -> Result<()> {
    let mut output = Output::create(&Target::File(path.to_owned()))?;
    let text = to_json(content)?;
    output.write_all(text.as_bytes()).path(path)?;
    output.commit()
}

/// Pretty JSON with a final newline.
///
/// # Errors
/// Where the content is no JSON (a map with keys that are no strings).
pub fn to_json(content: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(content).map_err(|e| Error::data(e.to_string()))?;
    Ok(text + "\n")
}
