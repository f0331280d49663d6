//! `protsae-schema`: JSON Schemas (2020-12) of every configuration, sidecar and table, and a check
//! of files against them.

mod arrow;
mod calls;
mod check;
mod completions;
mod config;
mod error;
mod gff;
mod lines;
mod man;
mod multiqc;
mod parquet;
mod ro_crate;
mod sidecar;
mod table;
mod yaml;

use crate::{
    Error, Result,
    cli::{CommonArgs, Context, SharedFolder, Source, Target, Tool, context::to_json, log},
    error::Context as _,
};
use clap_complete::Shell;
use serde_json::Value;
use std::{collections::BTreeMap, fs, io::Write as _};

/// Print the JSON Schemas of configurations, sidecars and tables, or check files against them; write manual pages, and
/// completions for shells
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-schema show concepts
  protsae-schema check model/ features.arrow split.tsv dictionary.json proteins.gff3
  protsae-schema man ~/.local/share/man/man1
  protsae-schema completions bash ~/.local/share/bash-completion/completions")]
pub struct Args {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    common: CommonArgs,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Print the names of all schemas
    List,
    /// Print a schema
    Show {
        /// Name of the schema
        name: String,
    },
    /// Read files to their end and say whether they are what they claim to be
    Check {
        /// Files: tables, model folders and what is in them, split.tsv, dictionaries, metrics, GFF3, BED, tables of ranges
        /// and of calls (TSV, Parquet), of what labels lack, of shards, reports, MultiQC tables, RO-Crates, side files, and configurations
        /// named <tool>.yaml
        #[arg(required = true)]
        files: Vec<Source>,
    },
    /// Write a manual page for every executable and its commands
    Man {
        /// Folder, which may hold others; made where there is none
        #[arg(value_name = "DIR")]
        folder: SharedFolder,
    },
    /// Write the completions of every executable for a shell
    Completions {
        /// Shell
        shell: Shell,
        /// Folder, which may hold others; made where there is none
        #[arg(value_name = "DIR")]
        folder: SharedFolder,
    },
}

/// Every schema by name.
///
/// # Errors
/// Where a schema is no JSON, which would be a bug.
pub fn all() -> Result<BTreeMap<String, Value>> {
    let mut schemas = sidecar::all();
    schemas.extend(table::all());
    schemas.extend(config::all());
    Ok(schemas)
}

impl Tool for Args {
    const NAME: &'static str = "protsae-schema";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        let text = match &self.action {
            Action::List => all()?.into_keys().map(|name| name + "\n").collect(),
            Action::Show { name } => {
                let schemas = all()?;
                let schema = schemas.get(name).ok_or_else(|| {
                    let names: Vec<&str> = schemas.keys().map(String::as_str).collect();
                    Error::usage(format!(
                        "no schema '{name}'; there are {}",
                        names.join(", ")
                    ))
                })?;
                to_json(schema)?
            }
            Action::Check { files } => {
                let checked: Result<Vec<String>> =
                    files.iter().map(|f| check::file(context, f)).collect();
                checked?.concat()
            }
            Action::Man { folder } => return write_files(context, folder, man::pages()?),
            Action::Completions { shell, folder } => {
                return write_files(context, folder, completions::all(*shell));
            }
        };
        let mut output = context.create(&Target::Stdout)?;
        output
            .write_all(text.as_bytes())
            .during("standard output")?;
        output.commit()
    }
}

/// Writes files into a folder that may hold others.
fn write_files(
    context: &Context,
    folder: &SharedFolder,
    files: Vec<(String, Vec<u8>)>,
) -> Result<()> {
    let target = |name: &str| Target::File(folder.path().join(name));
    if context.is_dry_run() {
        let planned = files
            .iter()
            .map(|(name, _)| log::plan(&target(name).to_string()));
        return Ok(planned.collect::<std::io::Result<()>>()?);
    }
    fs::create_dir_all(folder.path()).path(folder.path())?;
    context.expect(files.iter().map(|(name, _)| target(name)))?;
    for (name, content) in files {
        let mut output = context.create(&target(&name))?;
        output
            .write_all(&content)
            .during(&target(&name).to_string())?;
        output.commit()?;
    }
    Ok(())
}
