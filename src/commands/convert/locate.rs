//! Which files a checkpoint is.

use crate::{
    Error, Result,
    cli::{Context, Source},
    error::Context as _,
    exchange::{Sidecar, WEIGHT_FILES},
    sae::folder::{CONFIG_FILE, MODEL_FORMAT, WEIGHTS_FILE},
};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// Names that weights have in a folder, in order of preference.
const PREFERRED: [&str; 3] = [WEIGHT_FILES[0], WEIGHT_FILES[1], "ae.pt"];
/// Suffixes of weights.
const SUFFIXES: [&str; 5] = ["safetensors", "pt", "pth", "ckpt", "bin"];
/// Files with such suffixes that are no weights.
const OTHERS: [&str; 2] = ["sparsity.safetensors", "optimizer.pt"];
/// Largest configuration that is read.
const LARGEST_SIDECAR: u64 = 16 << 20;

/// What an input is.
pub(super) enum Found {
    /// A model folder of ours.
    Model(PathBuf),
    /// Weights, and the configuration beside them.
    Checkpoint {
        weights: Source,
        sidecar: Option<PathBuf>,
    },
}

/// Finds weights and configuration.
///
/// # Errors
/// Where a folder holds no weights, or several.
pub(super) fn find(input: &Source, sidecar: Option<&Path>) -> Result<Found> {
    let Some(path) = input.path() else {
        return Ok(Found::Checkpoint {
            weights: Source::Stdin,
            sidecar: sidecar.map(Path::to_owned),
        });
    };
    let (folder, weights) = if path.is_dir() {
        if is_model(path) {
            return Ok(Found::Model(path.to_owned()));
        }
        (path, weights_in(path)?)
    } else {
        (path.parent().unwrap_or(path), path.to_owned())
    };
    let beside = || {
        let mut names = Sidecar::NAMES.iter().map(|name| folder.join(name));
        names.find(|path| path.is_file())
    };
    Ok(Found::Checkpoint {
        weights: Source::File(weights),
        sidecar: sidecar.map(Path::to_owned).or_else(beside),
    })
}

fn is_model(folder: &Path) -> bool {
    let config = fs::read_to_string(folder.join(CONFIG_FILE)).unwrap_or_default();
    folder.join(WEIGHTS_FILE).is_file()
        && config
            .lines()
            .any(|line| line.trim_end() == format!("format: {MODEL_FORMAT}"))
}

fn weights_in(folder: &Path) -> Result<PathBuf> {
    for name in PREFERRED {
        let path = folder.join(name);
        if path.is_file() {
            return Ok(path);
        }
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).path(folder)? {
        let path = entry.path(folder)?.path();
        let is_weights = path
            .extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| SUFFIXES.contains(&e));
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if is_weights && path.is_file() && !OTHERS.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort();
    match names.as_slice() {
        [one] => Ok(folder.join(one)),
        [] => Err(
            Error::data("holds no weights (.safetensors, .pt, .ckpt, .bin)")
                .context(folder.display().to_string()),
        ),
        many => Err(Error::usage(format!(
            "holds several checkpoints, say which: {}",
            many.join(", ")
        ))
        .context(folder.display().to_string())),
    }
}

/// Reads the configuration beside the weights.
///
/// # Errors
/// Where it cannot be read or parsed, naming it.
pub(super) fn read_sidecar(context: &Context, path: Option<&Path>) -> Result<Sidecar> {
    let Some(path) = path else {
        return Ok(Sidecar::default());
    };
    let source = Source::File(path.to_owned());
    let mut text = String::new();
    context
        .open(&source)?
        .take(LARGEST_SIDECAR)
        .read_to_string(&mut text)
        .path(path)?;
    Ok(Sidecar::read(&path.display().to_string(), &text)?)
}
