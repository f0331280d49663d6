//! Checkpoints: everything that training needs to go on to the same bytes.
//!
//! A checkpoint is a folder `step-N` that appears whole, by rename; the one before goes once it is
//! there. It holds one model, or those of a grid, each in a folder of its own.

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
    folder::{LOG_FILE, ModelConfig, Slice, Weights, io, read_yaml, write_file, write_tensors},
    params::Params,
};

/// Format name and version of `state.yaml`.
const FORMAT: &str = "checkpoint/2";
const STATE_FILE: &str = "state.yaml";
const PARAMS_FILE: &str = "params.safetensors";
const FIRST_FILE: &str = "first-moments.safetensors";
const SECOND_FILE: &str = "second-moments.safetensors";
const BEST_FILE: &str = "best.safetensors";
const METERS_FILE: &str = "meters.yaml";
const IDLE_FILE: &str = "idle.safetensors";
/// All files of a checkpoint.
const FILES: [&str; 8] = [
    STATE_FILE,
    PARAMS_FILE,
    FIRST_FILE,
    SECOND_FILE,
    BEST_FILE,
    METERS_FILE,
    IDLE_FILE,
    LOG_FILE,
];
/// Folder of a checkpoint that is being written.
const UNFINISHED: &str = "unfinished";
/// Name of the tensor of rows since each latent was active.
const IDLE: &str = "idle";

/// Where training stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
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
pub struct BestScore {
    /// Annotation loss; 0 where there is none.
    pub annot: f64,
    /// Normalised reconstruction loss.
    pub fvu: f64,
    /// Epoch, from 1.
    pub epoch: u32,
}

/// What checkpoints of all versions say.
#[derive(Deserialize)]
struct Version {
    format: String,
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
pub struct Meters {
    /// Since the last line of the log.
    pub window: RunningMeasures,
    /// Since the epoch began.
    pub epoch: RunningMeasures,
}

/// What is saved of a run.
#[derive(Debug)]
pub struct Saved {
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
pub struct Checkpoints {
    dir: PathBuf,
}

/// The first file of a checkpoint's folder that no checkpoint has; none where the folder is not there.
///
/// # Errors
/// [`SaeError::Io`].
fn first_foreign(folder: &Path) -> Result<Option<PathBuf>, SaeError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::NotADirectory => return Ok(Some(folder.into())),
        Err(e) => return Err(io(folder, e)),
    };
    let mut foreign = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| io(folder, e))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|e| io(&path, e))?;
        let known = (entry.file_name().to_str()).is_some_and(|name| FILES.contains(&name));
        if kind.is_dir() {
            // a model of a grid
            foreign.extend(first_foreign(&path)?);
        } else if !(kind.is_file() && known) {
            foreign.push(path);
        }
    }
    Ok(foreign.into_iter().min())
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

fn read_params(path: &Path, config: &ModelConfig) -> Result<Params<f32>, SaeError> {
    let weights = Weights::open(path)?;
    let tensors = weights.tensors()?;
    let mut params = Params::zeros_for(config.shape, &config.objective);
    tensors.read_params(&mut params)?;
    Ok(params)
}

impl Checkpoints {
    /// In this folder, which is made when the first checkpoint is.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.into() }
    }

    fn steps(&self) -> Result<Vec<(u64, PathBuf)>, SaeError> {
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
                && first_foreign(&path)?.is_none()
            {
                steps.push((step, path.clone()));
            }
        }
        steps.sort();
        Ok(steps)
    }

    /// Demands that what lies where checkpoints are written was made here.
    ///
    /// # Errors
    /// [`SaeError::Foreign`], naming the first file that was not.
    pub fn check(&self) -> Result<(), SaeError> {
        let part = self.dir.join(UNFINISHED);
        match first_foreign(&part)? {
            None => Ok(()),
            Some(file) => Err(SaeError::Foreign {
                folder: part.display().to_string(),
                file: file.display().to_string(),
            }),
        }
    }

    /// Begins a checkpoint.
    ///
    /// # Errors
    /// [`SaeError::Io`].
    pub fn begin(&self) -> Result<PendingCheckpoint<'_>, SaeError> {
        self.check()?;
        let part = self.dir.join(UNFINISHED);
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
    pub fn last(&self, names: &[&str]) -> Result<Option<PathBuf>, SaeError> {
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
    pub fn remove(&self, keep_folder: bool) -> Result<(), SaeError> {
        for (_, path) in self.steps()? {
            fs::remove_dir_all(&path).map_err(|e| io(&path, e))?;
        }
        // other people's files in it stay
        if self.check().is_ok() {
            let _ = fs::remove_dir_all(self.dir.join(UNFINISHED));
        }
        if !keep_folder {
            let _ = fs::remove_dir(&self.dir);
        }
        Ok(())
    }
}

/// A checkpoint that is being written.
#[derive(Debug)]
pub struct PendingCheckpoint<'a> {
    checkpoints: &'a Checkpoints,
    part: PathBuf,
}

impl PendingCheckpoint<'_> {
    /// Adds a model, by its name. `data` identifies what it is trained on.
    ///
    /// # Errors
    /// [`SaeError::Io`].
    pub fn add(
        &self,
        name: &str,
        trainer: &mut dyn Trainer,
        config: &ModelConfig,
        data: &DataIdentity,
        position: &Position,
        (best, log, meters): (Option<&Params<f32>>, &[u8], &Meters),
    ) -> Result<(), SaeError> {
        let dir = self.part.join(name);
        fs::create_dir_all(&dir).map_err(|e| io(&dir, e))?;
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
        if let Some(best) = best {
            write_params(&dir.join(BEST_FILE), best)?;
        }
        write_file(&dir.join(LOG_FILE), log)?;
        write_yaml(&dir.join(METERS_FILE), meters)?;
        let state = State {
            format: FORMAT.into(),
            config: config.clone(),
            data: data.clone(),
            position: position.clone(),
        };
        write_yaml(&dir.join(STATE_FILE), &state)
    }

    /// Puts the checkpoint of a step in place; those before go.
    ///
    /// # Errors
    /// [`SaeError::Io`].
    pub fn finish(self, step: u64) -> Result<(), SaeError> {
        let old = self.checkpoints.steps()?;
        let whole = self.checkpoints.dir.join(format!("step-{step}"));
        if let Some(file) = first_foreign(&whole)? {
            return Err(SaeError::Foreign {
                folder: whole.display().to_string(),
                file: file.display().to_string(),
            });
        }
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

/// Reads what is saved of a model.
///
/// # Errors
/// [`SaeError::Checkpoint`] where it is of other settings or data, or [`SaeError`] where it is
/// damaged.
pub fn load(dir: &Path, config: &ModelConfig, data: &DataIdentity) -> Result<Saved, SaeError> {
    let path = dir.join(STATE_FILE);
    let Version { format } = read_yaml(&path)?;
    if format != FORMAT {
        return Err(SaeError::Format {
            path: path.display().to_string(),
            found: format,
            expected: FORMAT,
        });
    }
    let state: State = read_yaml(&path)?;
    compare(&path, &state, config, data)?;
    let best = match state.position.best {
        None => None,
        Some(_) => Some(read_params(&dir.join(BEST_FILE), config)?),
    };
    let mut idle = Vec::new();
    if config.objective.aux_k.is_some() {
        let latents = config.shape.latents;
        let mut values = vec![0.0; latents];
        let weights = Weights::open(&dir.join(IDLE_FILE))?;
        weights.tensors()?.read(IDLE, &[latents], &mut values)?;
        #[expect(clippy::cast_sign_loss, reason = "counts")]
        idle.extend(values.iter().map(|&rows| rows as u32));
    }
    let meters: Meters = read_yaml(&dir.join(METERS_FILE))?;
    for meter in [&meters.window, &meters.epoch] {
        if meter.latents() != config.shape.latents {
            return Err(SaeError::Width {
                what: format!("number of latents in {}", dir.join(METERS_FILE).display()),
                found: meter.latents(),
                expected: config.shape.latents,
            });
        }
    }
    let log = dir.join(LOG_FILE);
    Ok(Saved {
        params: read_params(&dir.join(PARAMS_FILE), config)?,
        state: OptimizerState {
            step: state.position.step,
            idle,
            first: read_params(&dir.join(FIRST_FILE), config)?,
            second: read_params(&dir.join(SECOND_FILE), config)?,
        },
        best,
        log: fs::read(&log).map_err(|e| io(&log, e))?,
        meters,
        position: state.position,
    })
}

/// Demands the same settings and data, naming the first that differs.
fn compare(
    path: &Path,
    state: &State,
    config: &ModelConfig,
    data: &DataIdentity,
) -> Result<(), SaeError> {
    let differs = |what: &str, found: &str, expected: &str| {
        Err(SaeError::Checkpoint {
            path: path.display().to_string(),
            what: what.into(),
            found: found.into(),
            expected: expected.into(),
        })
    };
    if let Some((what, found, expected)) = state.data.difference(data) {
        return differs(what, &found, &expected);
    }
    if state.config == *config {
        return Ok(());
    }
    let flat = |config: &ModelConfig| {
        let mut out = Vec::new();
        if let Ok(value) = serde_json::to_value(config) {
            flatten("", &value, &mut out);
        }
        out
    };
    let (old, new) = (flat(&state.config), flat(config));
    match old.iter().zip(&new).find(|(a, b)| a != b) {
        Some(((name, found), (_, expected))) => differs(name, found, expected),
        None => differs("configuration", "another", "this one"),
    }
}

fn flatten(prefix: &str, value: &serde_json::Value, out: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let name = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&name, value, out);
            }
        }
        other => out.push((prefix.to_owned(), other.to_string())),
    }
}
