//! A PLM's folder in Hugging Face layout: configuration, vocabulary, weights.
//!
//! Weights come from `model.safetensors`, its shards, or `pytorch_model.bin` and its shards (nothing of
//! their pickle is executed). Large files are mapped: tensors of single or half precision are used
//! where they lie, and pages that nothing asks for are not read.
//! A mapped file must not be changed while it is in use (`crate::mapped`).

mod file;
mod matrix;
mod numbers;
mod vocabulary;

pub use matrix::{Matrix, Precision};

use super::{
    architecture::Architecture, error::PlmError, families, place::Place, vocabulary::Vocabulary,
};
use crate::{hash, table::PlmIdentity};
use file::WeightsFile;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Configuration file.
const CONFIG: &str = "config.json";
/// Weights files, in order of preference; an index names shards.
const WEIGHTS: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];
/// Where the first releases of ESM-C have their checkpoint, under a name of its own.
const RELEASE: &str = "data/weights";
/// How a pointer of Git LFS begins.
const LFS: &[u8] = b"version https://git-lfs";
/// Largest text file of a model's folder that is read: the index of a large model has a few MB.
const LARGEST_TEXT: u64 = 64 << 20;

/// An opened model folder.
pub struct ModelFolder {
    path: PathBuf,
    /// What there is to know of the model.
    pub architecture: Architecture,
    /// Tokens.
    pub vocabulary: Vocabulary,
    sharded: bool,
    files: Vec<WeightsFile>,
    /// Tensors by their names as in the released checkpoints, without their prefix.
    index: BTreeMap<String, Located>,
}

/// Where a tensor is.
struct Located {
    /// Which of the files.
    file: usize,
    /// Its name there.
    name: String,
    /// Which of equal parts of the rows there, from 0.
    part: usize,
    /// Of how many.
    parts: usize,
}

fn open(path: &Path) -> Result<File, PlmError> {
    File::open(path).map_err(|source| PlmError::Io {
        path: path.to_owned(),
        source,
    })
}

fn read_text(path: &Path) -> Result<String, PlmError> {
    let mut text = String::new();
    let io = |source| PlmError::Io {
        path: path.to_owned(),
        source,
    };
    open(path)?
        .take(LARGEST_TEXT)
        .read_to_string(&mut text)
        .map_err(io)?;
    if text.as_bytes().starts_with(LFS) {
        return Err(PlmError::LfsPointer {
            path: path.to_owned(),
        });
    }
    Ok(text)
}

/// Puts the file into an error that says what is wrong in it.
fn in_file(path: &Path) -> impl FnOnce(PlmError) -> PlmError {
    |error| match error {
        PlmError::Config(problem) | PlmError::Vocabulary(problem) => PlmError::Json {
            path: path.to_owned(),
            problem,
        },
        other => other,
    }
}

/// The weights file of a folder, by its path in the folder.
fn find_weights(folder: &Path) -> Result<Option<String>, PlmError> {
    let named = WEIGHTS.into_iter().find(|name| folder.join(name).exists());
    if let Some(name) = named {
        return Ok(Some(name.to_owned()));
    }
    let inner = folder.join(RELEASE);
    if !inner.is_dir() {
        return Ok(None);
    }
    let io = |source| PlmError::Io {
        path: inner.clone(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&inner).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let name = name.to_string_lossy();
        if Path::new(&*name).extension().is_some_and(|e| e == "pth") {
            found.push(format!("{RELEASE}/{name}"));
        }
    }
    if found.len() > 1 {
        return Err(PlmError::Refused {
            path: inner,
            problem: format!("{} files of weights, expected one", found.len()),
        });
    }
    Ok(found.pop())
}

/// Names of the shards in an index.
fn shards(path: &Path) -> Result<Vec<String>, PlmError> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let json = |problem: String| PlmError::Json {
        path: path.to_owned(),
        problem,
    };
    let index: Index =
        serde_json::from_str(&read_text(path)?).map_err(|e| json(format!("not an index: {e}")))?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    for name in &names {
        if name.is_empty() || name.contains(['/', '\\']) {
            return Err(json(format!("shard '{name}' is not a file of this folder")));
        }
    }
    Ok(names.into_iter().collect())
}

impl ModelFolder {
    /// Reads configuration and vocabulary and opens the weights.
    ///
    /// # Errors
    /// [`PlmError`] where a file is missing, cut short, a Git LFS pointer, or of another model.
    pub fn open(path: &Path) -> Result<Self, PlmError> {
        let config = path.join(CONFIG);
        let (family, architecture) =
            families::read(&read_text(&config)?).map_err(in_file(&config))?;
        let vocabulary = vocabulary::read(path, architecture.tokens, family)?;
        let Some(found) = find_weights(path)? else {
            return Err(PlmError::NoWeights {
                path: path.to_owned(),
            });
        };
        let sharded = found.ends_with(".index.json");
        let names = if sharded {
            shards(&path.join(found))?
        } else {
            vec![found]
        };
        let mut files = Vec::with_capacity(names.len());
        let mut index = BTreeMap::new();
        for (i, name) in names.iter().enumerate() {
            let file = WeightsFile::open(&path.join(name))?;
            for tensor in file.names() {
                for part in architecture.names.parts(tensor) {
                    index.entry(part.name).or_insert_with(|| Located {
                        file: i,
                        name: tensor.clone(),
                        part: part.part,
                        parts: part.parts,
                    });
                }
            }
            files.push(file);
        }
        Ok(Self {
            path: path.to_owned(),
            architecture,
            vocabulary,
            sharded,
            files,
            index,
        })
    }

    /// Name of the folder.
    #[must_use]
    pub fn name(&self) -> String {
        let absolute = self
            .path
            .canonicalize()
            .unwrap_or_else(|_| self.path.clone());
        absolute
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    /// Files that hold weights.
    pub fn weight_files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(WeightsFile::path)
    }

    /// SHA-256 of the weights file, in hexadecimal; of the sorted lines `name sha256` where there
    /// are shards. Reads the files, not their maps, so that no page stays in memory for it.
    ///
    /// # Errors
    /// [`PlmError::Io`] where a file cannot be read.
    pub fn sha256(&self) -> Result<String, PlmError> {
        let mut lines = Vec::new();
        for file in &self.files {
            let name = file
                .path()
                .file_name()
                .unwrap_or_default()
                .to_string_lossy();
            lines.push((name.into_owned(), sha256_file(file.path())?));
        }
        if let ([(_, only)], false) = (lines.as_slice(), self.sharded) {
            return Ok(only.clone());
        }
        lines.sort();
        let mut text = String::new();
        for (name, sum) in lines {
            let _ = writeln!(text, "{name} {sum}");
        }
        Ok(hash::sha256(text.as_bytes()))
    }

    /// Which activations those of a place are; `sha256` as of [`Self::sha256`].
    #[must_use]
    pub fn identity(&self, place: Place, sha256: String) -> PlmIdentity {
        PlmIdentity {
            name: self.name(),
            sha256,
            layer: place.layer as u32,
            site: place.site,
            convention: place.convention,
            family: Some(self.architecture.family.into()),
            width: self.architecture.width as u32,
        }
    }

    /// Bytes of the tensors of the embeddings, the first `layers` blocks, and all that is of no
    /// block.
    #[must_use]
    pub fn bytes(&self, layers: usize) -> u64 {
        let names = self.architecture.names;
        let runs = |name: &str| names.block_of(name).is_none_or(|block| block <= layers);
        let needed = self.index.iter().filter(|(name, _)| runs(name));
        needed
            .map(|(_, tensor)| self.files[tensor.file].bytes(&tensor.name) / tensor.parts as u64)
            .sum()
    }

    /// Names of all tensors, as in the released checkpoints without their prefix, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// A tensor's file and its place there; `shape` is what it must have.
    fn locate(&self, name: &str, shape: &[usize]) -> Result<(&WeightsFile, &Located), PlmError> {
        let Some(located) = self.index.get(name) else {
            let path = match self.files.as_slice() {
                [only] => only.path().to_owned(),
                _ => self.path.clone(),
            };
            return Err(PlmError::MissingTensor {
                path,
                name: name.to_owned(),
                shape: shape.to_vec(),
            });
        };
        let file = &self.files[located.file];
        let found = file.shape(&located.name).unwrap_or_default();
        let mut expected = shape.to_vec();
        if let Some(rows) = expected.first_mut() {
            *rows *= located.parts;
        }
        if found != expected {
            return Err(PlmError::Shape {
                path: file.path().to_owned(),
                name: located.name.clone(),
                found: found.to_vec(),
                expected,
            });
        }
        Ok((file, located))
    }

    /// A vector of weights, in single precision.
    ///
    /// # Errors
    /// [`PlmError`] where it is missing, of another length, or holds no floating-point numbers.
    pub fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, PlmError> {
        let (file, located) = self.locate(name, &[length])?;
        let first = located.part * length;
        file.matrix(&located.name, first, 1, length)
            .map(|m| m.to_vec())
    }

    /// A matrix of weights, `outputs x inputs`.
    ///
    /// # Errors
    /// [`PlmError`] where it is missing, of another shape, or holds no floating-point numbers.
    pub fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, PlmError> {
        let (file, located) = self.locate(name, &[outputs, inputs])?;
        let first = located.part * outputs * inputs;
        file.matrix(&located.name, first, outputs, inputs)
    }
}

fn sha256_file(path: &Path) -> Result<String, PlmError> {
    hash::sha256_of_stream(open(path)?).map_err(|source| PlmError::Io {
        path: path.to_owned(),
        source,
    })
}
