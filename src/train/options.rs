//! How a run goes on.

use super::device::Device;
use std::path::PathBuf;

/// How a run reports and saves.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunOptions {
    /// Steps per line of the log; 0: a line per epoch only.
    pub log_every: u64,
    /// Steps per checkpoint; 0: none.
    pub checkpoint_every: u64,
    /// Where checkpoints go.
    pub checkpoint_dir: PathBuf,
    /// Go on from the last checkpoint, if there is one.
    pub resume: bool,
    /// Where steps are made.
    pub device: Device,
}
