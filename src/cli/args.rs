//! The options that all executables have.

use super::target::Target;
use std::path::PathBuf;

/// The seed where none is given.
pub(crate) const DEFAULT_SEED: u64 = 0;

/// Heading of the common options in `--help`.
const COMMON: &str = "Common options";

/// The options that all executables have.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(clap::Args, Clone, Debug, Default)]
pub struct CommonArgs {
    /// Threads to use; 0: one for every core. Results do not depend on it
    #[arg(short, long, value_name = "N", default_value_t = 0, global = true, help_heading = COMMON)]
    pub threads: usize,

    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED, global = true, help_heading = COMMON)]
    pub seed: u64,

    /// YAML file with options by their long names; the command line wins
    #[arg(long, value_name = "FILE.yaml", global = true, help_heading = COMMON)]
    pub config: Option<PathBuf>,

    /// Print the resolved options as YAML and end
    #[arg(long, global = true, help_heading = COMMON)]
    pub print_config: bool,

    /// Check the inputs, print what would be done, and end
    #[arg(long, global = true, help_heading = COMMON)]
    pub dry_run: bool,

    /// Write who made what of what: command, versions, SHA-256 of inputs and outputs, times
    #[arg(long, value_name = "FILE.json", global = true, help_heading = COMMON)]
    pub provenance: Option<Target>,

    /// Write the counts of this run
    #[arg(long, value_name = "FILE.json", global = true, help_heading = COMMON)]
    pub metrics: Option<Target>,

    /// Print errors only
    #[arg(short, long, conflicts_with = "verbose", global = true, help_heading = COMMON)]
    pub quiet: bool,

    /// Print more
    #[arg(short, long, global = true, help_heading = COMMON)]
    pub verbose: bool,
}

/// What to do with a bad record.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBad {
    /// End with an error.
    Error,
    /// Leave it out, count it, and list it.
    Skip,
}

/// The option that says what to do with a bad record.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct OnBadArgs {
    /// What to do with a bad record: end with an error, or leave it out, count and list it
    #[arg(long, value_enum, value_name = "ACTION", default_value = "error")]
    pub on_bad: OnBad,
}

/// Where to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceChoice {
    /// A GPU where this build and the machine have one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of this number.
    Cuda(usize),
}

impl std::str::FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|n| n.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| format!("unknown device '{text}': auto, cpu, cuda or cuda:N")),
        }
    }
}
