//! Checkpoints: everything that training needs to go on to the same bytes.
//!
//! A checkpoint is a folder `step-N` that appears whole, by rename; the one before goes once it is
//! there. It holds one model, or those of a grid, each in a folder of its own.

pub(crate) mod content;
mod load;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    backend::Trainer, cpu::OptimizerState, identity::DataIdentity, meter::RunningMeasures,
};
use crate::sae::{
    error::SaeError,
    folder::{LOG_FILE, ModelConfig, Slice, io, write_file, write_tensors},
    params::Params,
};
use content::{
    BEST_FILE, FIRST_FILE, IDLE_FILE, METERS_FILE, PARAMS_FILE, SECOND_FILE, STATE_FILE,
    first_foreign,
};
pub(crate) use load::load;

/// Format name and version of `state.yaml`.
const FORMAT: &str = "checkpoint/3";
/// Folder of a checkpoint that is being written.
const UNFINISHED: &str = "unfinished";
/// Name of the tensor of rows since each latent was active.
const IDLE: &str = "idle";

/// Where training stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    /// Steps made.
    pub step: u64,
    /// Epoch, from 1.
    pub epoch: u32,
    /// Rows of the epoch that have been trained on.
    pub rows: u64,
    /// The best validation so far.
    pub best: Option<BestScore>,
}

/// What a model scored in validation.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BestScore {
    /// Annotation loss; 0 where there is none.
    pub annot: f64,
    /// Normalised reconstruction loss.
    pub fvu: f64,
    /// Epoch, from 1.
    pub epoch: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: String,
    config: ModelConfig,
    data: DataIdentity,
    position: Position,
}

/// What has been measured and not been reported yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Meters {
    /// Since the last line of the log.
    pub window: RunningMeasures,
    /// Since the epoch began.
    pub epoch: RunningMeasures,
}

/// What is saved of a run.
#[derive(Debug)]
pub(crate) struct Saved {
    /// Where it stands.
    pub position: Position,
    /// Parameters.
    pub params: Params<f32>,
    /// Moments.
    pub state: OptimizerState<f32>,
    /// Parameters of the best model so far.
    pub best: Option<Params<f32>>,
    /// The log so far.
    pub log: Vec<u8>,
    /// What goes into its next lines.
    pub meters: Meters,
}

/// A folder of checkpoints of a run.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoints {
    dir: PathBuf,
}

fn demand_ours(folder: &Path) -> Result<(), SaeError> {
    match first_foreign(folder)? {
        None => Ok(()),
        Some(file) => Err(SaeError::Foreign {
            folder: folder.display().to_string(),
            file: file.display().to_string(),
        }),
    }
}

fn write_params(path: &Path, params: &Params<f32>) -> Result<(), SaeError> {
    let tensors = params.tensors();
    write_tensors(
        path,
        tensors.map(|(name, shape, values)| (name.to_owned(), Slice { shape, values })),
    )
}

fn write_yaml(path: &Path, content: &impl Serialize) -> Result<(), SaeError> {
    let yaml = serde_yaml::to_string(content).map_err(|e| SaeError::Sidecar {
        path: path.display().to_string(),
        message: e.to_string(),
    })?;
    write_file(path, yaml.as_bytes())
}

impl Checkpoints {
    /// In this folder, which is made when the first checkpoint is.
    #[must_use]
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.into() }
    }

    /// What has the name of a checkpoint, whosever it is, by step.
    fn folders(&self) -> Result<Vec<(u64, PathBuf)>, SaeError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(io(&self.dir, e)),
        };
        let mut steps = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| io(&self.dir, e))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if let Some(step) = name.strip_prefix("step-").and_then(|n| n.parse().ok())
                && name == format!("step-{step}")
            {
                steps.push((step, path.clone()));
            }
        }
        steps.sort();
        Ok(steps)
    }

    /// The checkpoints that were made here, by step.
    fn steps(&self) -> Result<Vec<(u64, PathBuf)>, SaeError> {
        let mut steps = Vec::new();
        for (step, path) in self.folders()? {
            if first_foreign(&path)?.is_none() {
                steps.push((step, path));
            }
        }
        Ok(steps)
    }

    /// Demands that what lies where checkpoints will be written, one in so many steps, was made here.
    ///
    /// # Errors
    /// [`SaeError::Foreign`], naming the first file that was not.
    pub(crate) fn check(&self, every: u64) -> Result<(), SaeError> {
        demand_ours(&self.dir.join(UNFINISHED))?;
        for (step, path) in self.folders()? {
            if every > 0 && step.is_multiple_of(every) {
                demand_ours(&path)?;
            }
        }
        Ok(())
    }

    /// Begins a checkpoint.
    ///
    /// # Errors
    /// [`SaeError::Io`].
    pub(crate) fn begin(&self) -> Result<PendingCheckpoint<'_>, SaeError> {
        let part = self.dir.join(UNFINISHED);
        demand_ours(&part)?;
        if part.exists() {
            fs::remove_dir_all(&part).map_err(|e| io(&part, e))?;
        }
        fs::create_dir_all(&part).map_err(|e| io(&part, e))?;
        Ok(PendingCheckpoint {
            checkpoints: self,
            part,
        })
    }

    /// The last checkpoint, which must be of these models, by name: a grid's folders, or one model
    /// without a name; none where there is no one yet.
    ///
    /// # Errors
    /// [`SaeError::Checkpoint`] where it is of others.
    pub(crate) fn last(&self, names: &[&str]) -> Result<Option<PathBuf>, SaeError> {
        let Some((_, dir)) = self.steps()?.pop() else {
            return Ok(None);
        };
        let mut found = Vec::new();
        if dir.join(STATE_FILE).exists() {
            found.push(String::new());
        } else {
            for entry in fs::read_dir(&dir).map_err(|e| io(&dir, e))? {
                let name = entry.map_err(|e| io(&dir, e))?.file_name();
                found.push(name.to_string_lossy().into_owned());
            }
        }
        found.sort();
        let mut expected = names.to_vec();
        expected.sort_unstable();
        if found != expected {
            let show = |names: Vec<&str>| match names[..] {
                [""] => "one, without a grid".to_owned(),
                _ => names.join(" "),
            };
            return Err(SaeError::Checkpoint {
                path: dir.display().to_string(),
                what: "models".into(),
                found: show(found.iter().map(String::as_str).collect()),
                expected: show(expected),
            });
        }
        Ok(Some(dir))
    }

    /// Removes all checkpoints: the model is in place. Their folder goes too, if nothing else is in it, unless it was
    /// somebody else's.
    ///
    /// # Errors
    /// [`SaeError::Io`].
    pub(crate) fn remove(&self, keep_folder: bool) -> Result<(), SaeError> {
        for (_, path) in self.steps()? {
            fs::remove_dir_all(&path).map_err(|e| io(&path, e))?;
        }
        // other people's files in it stay
        let part = self.dir.join(UNFINISHED);
        if demand_ours(&part).is_ok() {
            let _ = fs::remove_dir_all(part);
        }
        if !keep_folder {
            let _ = fs::remove_dir(&self.dir);
        }
        Ok(())
    }
}

/// How far the training of a model has come, beside what the trainer knows.
#[derive(Clone, Copy)]
pub(crate) struct Course<'a> {
    pub(crate) config: &'a ModelConfig,
    /// What it is trained on.
    pub(crate) data: &'a DataIdentity,
    pub(crate) position: &'a Position,
    /// The parameters of the best epoch so far.
    pub(crate) best: Option<&'a Params<f32>>,
    /// The lines of `log.jsonl` so far.
    pub(crate) log: &'a [u8],
    pub(crate) meters: &'a Meters,
}

/// A checkpoint that is being written.
#[derive(Debug)]
pub(crate) struct PendingCheckpoint<'a> {
    checkpoints: &'a Checkpoints,
    part: PathBuf,
}

impl PendingCheckpoint<'_> {
    /// Adds a model, by its name.
    ///
    /// # Errors
    /// [`SaeError::Io`].
    pub(crate) fn add(
        &self,
        name: &str,
        trainer: &mut dyn Trainer,
        course: &Course<'_>,
    ) -> Result<(), SaeError> {
        let dir = self.part.join(name);
        fs::create_dir_all(&dir).map_err(|e| io(&dir, e))?;
        // first of all: it says whose folder this is, whenever the run is killed
        let state = State {
            format: FORMAT.into(),
            config: course.config.clone(),
            data: course.data.clone(),
            position: course.position.clone(),
        };
        write_yaml(&dir.join(STATE_FILE), &state)?;
        let (params, moments) = trainer.settled()?;
        write_params(&dir.join(PARAMS_FILE), &params)?;
        write_params(&dir.join(FIRST_FILE), &moments.first)?;
        write_params(&dir.join(SECOND_FILE), &moments.second)?;
        if !moments.idle.is_empty() {
            // below 2^24, which f32 holds exactly
            let values: Vec<f32> = moments.idle.iter().map(|&rows| rows as f32).collect();
            let shape = vec![values.len()];
            let values = &values;
            write_tensors(
                &dir.join(IDLE_FILE),
                [(IDLE.to_owned(), Slice { shape, values })],
            )?;
        }
        if let Some(best) = course.best {
            write_params(&dir.join(BEST_FILE), best)?;
        }
        write_file(&dir.join(LOG_FILE), course.log)?;
        write_yaml(&dir.join(METERS_FILE), course.meters)
    }

    /// Puts the checkpoint of a step in place; those before go.
    ///
    /// # Errors
    /// [`SaeError::Io`].
    pub(crate) fn finish(self, step: u64) -> Result<(), SaeError> {
        let old = self.checkpoints.steps()?;
        let whole = self.checkpoints.dir.join(format!("step-{step}"));
        demand_ours(&whole)?;
        if whole.exists() {
            fs::remove_dir_all(&whole).map_err(|e| io(&whole, e))?;
        }
        fs::rename(&self.part, &whole).map_err(|e| io(&whole, e))?;
        for (_, path) in old.iter().filter(|(of, _)| *of != step) {
            fs::remove_dir_all(path).map_err(|e| io(path, e))?;
        }
        Ok(())
    }
}
