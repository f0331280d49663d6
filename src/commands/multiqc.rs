//! The options of steps that write a table for `MultiQC` whose sample is the run.

use crate::{
    Result,
    cli::{Context, Target},
};
use serde_json::Value;
use std::path::Path;

/// Where the table goes, and what its sample is called.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct MultiqcArgs {
    /// Also write a table for MultiQC
    #[arg(long, value_name = "FILE_mqc.json")]
    multiqc: Option<Target>,

    /// Name of the sample in the MultiQC table [default: the name of its file, without _mqc.json]
    #[arg(long, value_name = "NAME")]
    sample_name: Option<String>,
}

impl MultiqcArgs {
    /// The name of the sample: that of the file tells files of one report apart.
    pub(super) fn sample(&self) -> String {
        if let Some(name) = &self.sample_name {
            return name.clone();
        }
        let target = self.multiqc.as_ref();
        let file = target.and_then(Target::path).and_then(Path::file_name);
        let file = file.map_or(env!("CARGO_PKG_NAME").into(), |name| name.to_string_lossy());
        file.strip_suffix("_mqc.json").unwrap_or(&file).to_owned()
    }

    /// Writes the table, where it is asked for.
    ///
    /// # Errors
    /// Where writing fails, naming the file.
    pub(super) fn write(&self, context: &Context, table: impl FnOnce() -> Value) -> Result<()> {
        match &self.multiqc {
            Some(target) => context.write_json(target, &table()),
            None => Ok(()),
        }
    }
}
