//! Reading a checkpoint, which must be of the settings and the data that training goes on with.

use super::{
    FORMAT, IDLE, Meters, Saved, State,
    content::{
        BEST_FILE, FIRST_FILE, IDLE_FILE, METERS_FILE, PARAMS_FILE, SECOND_FILE, STATE_FILE,
    },
};
use crate::{
    sae::{
        error::SaeError,
        folder::{LOG_FILE, ModelConfig, Weights, io, read_yaml},
        params::Params,
    },
    train::{cpu::OptimizerState, identity::DataIdentity},
};
use serde::Deserialize;
use std::{fs, path::Path};

/// What checkpoints of all versions say.
#[derive(Deserialize)]
struct Version {
    format: String,
}

fn read_params(path: &Path, config: &ModelConfig) -> Result<Params<f32>, SaeError> {
    let weights = Weights::open(path)?;
    let tensors = weights.tensors()?;
    let mut params = Params::zeros_for(config.shape, &config.objective);
    tensors.read_params(&mut params)?;
    Ok(params)
}

/// Reads what is saved of a model.
///
/// # Errors
/// [`SaeError::Checkpoint`] where it is of other settings or data, or [`SaeError`] where it is
/// damaged.
pub(crate) fn load(
    dir: &Path,
    config: &ModelConfig,
    data: &DataIdentity,
) -> Result<Saved, SaeError> {
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
    if let Some(difference) = state.data.difference(data) {
        return differs(difference.what, &difference.own, &difference.theirs);
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
