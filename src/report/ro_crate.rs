//! RO-Crate 1.1 metadata of published results, with the steps that made them as the Process Run Crate profile has them,
//! and the run of a workflow as the Workflow Run Crate profile has it.
//!
//! Files are known by content: what a step read or wrote is the published file of the same SHA-256.

mod encoding;
mod entities;
mod links;
mod root;
mod runs;

pub use runs::language_of;

use crate::hash;
use entities::Graph;
use links::Links;
use serde_json::{Value, json};

/// The name that the metadata has in a crate.
pub const METADATA: &str = "ro-crate-metadata.json";

/// What a crate is called where nobody says it.
pub const NAME: &str = "ProtSAE results";

/// What a crate is where nobody says it.
pub const DESCRIPTION: &str = "Results of ProtSAE on proteins, and the steps that made them: what each read, wrote and was run with";

/// A published file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedFile {
    /// Its name below the root, with `/` between folders; it need not be text.
    pub name: Vec<u8>,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: String,
}

/// A file that a step read or wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepFile {
    /// What the step called it.
    pub name: String,
    /// Bytes; none of a stream.
    pub bytes: Option<u64>,
    /// SHA-256 of its content; none of a stream.
    pub sha256: Option<String>,
}

/// A run of an executable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// When it started (UTC, ISO 8601).
    pub started: String,
    /// When it ended.
    pub ended: String,
    /// The executable.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it read.
    pub inputs: Vec<StepFile>,
    /// What it wrote.
    pub outputs: Vec<StepFile>,
    /// What went wrong, where it failed.
    pub failure: Option<String>,
    /// Tells it from all others: of its record's content.
    pub identity: String,
}

/// The main script of the workflow that ran the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// The script.
    pub file: StepFile,
    /// The name of its language, one of [`language_of`].
    pub language: &'static str,
}

/// What is said of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Name of the crate.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Its licence: an address, an SPDX identifier, or words.
    pub license: Option<String>,
    /// The workflow that ran the steps.
    pub workflow: Option<Workflow>,
}

/// A crate that is described.
pub struct Described {
    /// The metadata: JSON-LD.
    pub document: Value,
    /// What steps wrote that is not published.
    pub unpublished: usize,
    /// Whether the workflow's script is published.
    pub has_workflow: bool,
}

/// The metadata of published files and steps, the same whatever order these come in.
#[must_use]
pub fn describe(about: &About, mut steps: Vec<Step>, mut files: Vec<PublishedFile>) -> Described {
    files.sort();
    steps.sort_by(|a, b| order(a).cmp(&order(b)));
    steps.dedup_by(|a, b| a.identity == b.identity);
    let links = Links::new(&steps, &files);
    let mut graph = Graph::new(&files, &links);
    for (step, linked) in steps.iter().zip(&links.steps) {
        graph.add_step(step, linked);
    }
    let has_workflow = (about.workflow.as_ref())
        .is_some_and(|workflow| graph.add_workflow(workflow, &steps, &links));
    graph.add_root(about, &steps);
    let outputs = links.steps.iter().flat_map(|step| &step.results);
    let unpublished = outputs.filter(|link| matches!(link, links::Link::Elsewhere(_)));
    Described {
        unpublished: unpublished.count(),
        document: json!({
            "@context": [
                "https://w3id.org/ro/crate/1.1/context",
                "https://w3id.org/ro/terms/workflow-run/context",
            ],
            "@graph": graph.into_entities(),
        }),
        has_workflow,
    }
}

/// By time, and what tells steps of one second apart.
fn order(step: &Step) -> [&str; 4] {
    [&step.started, &step.ended, &step.tool, &step.identity]
}

/// A command line as a shell takes it.
fn command_line(step: &Step) -> String {
    let quoted = step.arguments.iter().map(|argument| {
        let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%".contains(c);
        if !argument.is_empty() && argument.chars().all(plain) {
            argument.clone()
        } else {
            format!("'{}'", argument.replace('\'', "'\\''"))
        }
    });
    std::iter::once(step.tool.clone())
        .chain(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Digits of a SHA-256 that tell one run from another.
const DIGITS: usize = 16;

/// A short name for something that has a long one.
fn short(text: &str) -> String {
    hash::sha256(text.as_bytes()).chars().take(DIGITS).collect()
}

#[cfg(test)]
mod tests;
