//! `protsae-crate`: published results and the provenance of the steps that made them, as an RO-Crate.

mod published;
mod steps;

use crate::{
    Error, Result,
    cli::{CommonArgs, Context, Source, Target, Tool, log, provenance},
    error::Context as _,
    report::ro_crate::{self, About, METADATA, StepFile, Workflow},
};
use std::{ffi::OsString, path::PathBuf};

/// The folder of results. It is no input as others are: the metadata is written into it.
#[derive(Clone, Debug)]
struct Root(PathBuf);

impl From<OsString> for Root {
    fn from(text: OsString) -> Self {
        Self(text.into())
    }
}

/// Describe results and the steps that made them as an RO-Crate
///
/// Every executable writes what it read, wrote and was run with by --provenance; of these files and the published results comes the metadata of an
/// RO-Crate 1.1 that follows the Process Run Crate profile, and with --workflow the Workflow Run Crate profile. What steps read and wrote is found
/// among the results by content, whatever it was called then.
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-crate -i results/provenance/*.json --root results/
  protsae-crate -i embed.json -i train.json --root results/ --license CC-BY-4.0 --workflow results/main.nf")]
pub struct Args {
    /// Files that --provenance wrote; repeat for several, or name several after one -i; '-' for standard input
    #[arg(short, long, required = true, num_args = 1.., value_name = "FILE.json")]
    input: Vec<Source>,

    /// Folder of the published results; links are followed, hidden files and checkpoints of training left out
    #[arg(long, value_name = "DIR")]
    root: Root,

    /// Where the metadata goes; '-' for standard output [default: ro-crate-metadata.json in the root]
    #[arg(short, long, value_name = "FILE.json")]
    output: Option<Target>,

    /// Name of the crate
    #[arg(long, value_name = "TEXT", default_value = ro_crate::NAME)]
    name: String,

    /// What the crate is
    #[arg(long, value_name = "TEXT", default_value = ro_crate::DESCRIPTION)]
    description: String,

    /// Licence of the results: an address, an SPDX identifier (CC-BY-4.0), or words
    #[arg(long, value_name = "LICENCE")]
    license: Option<String>,

    /// Main script of the workflow that ran the steps (main.nf, Snakefile, ...), best one of the results
    #[arg(long, value_name = "FILE")]
    workflow: Option<PathBuf>,

    #[command(flatten)]
    common: CommonArgs,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-crate";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        let root = &self.root.0;
        if !root.is_dir() {
            return Err(Error::usage(format!(
                "--root {} is no folder",
                root.display()
            )));
        }
        let target = self.target();
        if self.output.is_none() {
            context.expect([target.clone()])?;
        }
        let steps = steps::read(context, &self.input)?;
        let about = About {
            name: self.name.clone(),
            description: self.description.clone(),
            license: self.license.clone(),
            workflow: self.workflow(context)?,
        };
        let files = published::find(context, root)?;
        let bytes: u64 = files.iter().map(|file| file.bytes).sum();
        if context.is_dry_run() {
            let (steps, files) = (steps.len(), files.len());
            return Ok(log::plan(&format!(
                "{steps} steps, {files} files of {bytes} bytes to {target}"
            ))?);
        }
        let files = published::hash(files)?;
        context.metric("steps", steps.len());
        context.metric("files", files.len());
        context.metric("bytes", bytes);
        let described = ro_crate::describe(&about, steps, files);
        context.metric("outputs_not_published", described.unpublished);
        if let (Some(script), false) = (&self.workflow, described.has_workflow) {
            log::warn(&format!(
                "{} is none of the results: the crate describes a workflow that it does not hold",
                script.display()
            ));
        }
        context.write_json(&target, &described.document)
    }
}

impl Args {
    fn target(&self) -> Target {
        let default = || Target::File(self.root.0.join(METADATA));
        self.output.clone().unwrap_or_else(default)
    }

    /// What is said of the main script.
    fn workflow(&self, context: &Context) -> Result<Option<Workflow>> {
        let Some(path) = &self.workflow else {
            return Ok(None);
        };
        context.note_input(path)?;
        let name = path.display().to_string();
        let language = ro_crate::language_of(&name).ok_or_else(|| {
            Error::usage(format!(
                "--workflow {name}: its name does not say which language it is of; known are main.nf, Snakefile, .smk, .cwl, \
                 .wdl, .ga and .sh"
            ))
        })?;
        let sha256 = provenance::sha256(path).path(path)?;
        let bytes = path.metadata().path(path)?.len();
        Ok(Some(Workflow {
            file: StepFile {
                name,
                bytes: Some(bytes),
                sha256: Some(sha256),
            },
            language,
        }))
    }
}
