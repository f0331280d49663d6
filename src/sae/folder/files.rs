//! Files of model folders and checkpoints: YAML, plain bytes, tensors.

use std::{
    borrow::Cow,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors, View};
use serde::de::DeserializeOwned;

use crate::{
    mapped::Mapped,
    sae::{error::SaeError, params::Params},
};

/// Reads a YAML sidecar.
pub(crate) fn read_yaml<T: DeserializeOwned>(path: &Path) -> Result<T, SaeError> {
    // read apart from parsing, whose errors do not tell a failed read
    let text = std::fs::read(path).map_err(|e| io(path, e))?;
    serde_yaml::from_slice(&text).map_err(|e| SaeError::Sidecar {
        path: show(path),
        message: e.to_string(),
    })
}

/// Writes a file and makes sure that it is on disk.
///
/// # Errors
/// [`SaeError::Io`].
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), SaeError> {
    let write = || -> std::io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| io(path, e))
}

pub(crate) fn io(path: &Path, source: std::io::Error) -> SaeError {
    SaeError::Io {
        path: show(path),
        source,
    }
}

pub(crate) fn show(path: &Path) -> String {
    path.display().to_string()
}

/// A safetensors file.
pub(crate) struct Weights {
    path: PathBuf,
    map: Mapped,
}

impl Weights {
    pub(crate) fn open(path: &Path) -> Result<Self, SaeError> {
        let map = Mapped::open(path).map_err(|e| io(path, e))?;
        Ok(Self {
            path: path.into(),
            map,
        })
    }

    pub(crate) fn sha256(&self) -> String {
        crate::hash::sha256(&self.map)
    }

    pub(crate) fn tensors(&self) -> Result<Tensors<'_>, SaeError> {
        let tensors = SafeTensors::deserialize(&self.map).map_err(|e| SaeError::Weights {
            path: show(&self.path),
            message: e.to_string(),
        })?;
        Ok(Tensors {
            path: &self.path,
            tensors,
        })
    }
}

/// The tensors of a file.
pub(crate) struct Tensors<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
}

impl Tensors<'_> {
    /// Copies all parameters of a model of this shape.
    pub(crate) fn read_params(&self, params: &mut Params<f32>) -> Result<(), SaeError> {
        let shapes: Vec<_> = params.tensors().map(|(_, shape, _)| shape).collect();
        for ((name, values), shape) in params.tensors_mut().zip(shapes) {
            self.read(name, &shape, values)?;
        }
        Ok(())
    }

    /// Whether there is a tensor of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    /// An f32 tensor of one dimension.
    pub(crate) fn read_vector(&self, name: &str, size: usize) -> Result<Vec<f32>, SaeError> {
        let mut out = vec![0.0; size];
        self.read(name, &[size], &mut out)?;
        Ok(out)
    }

    /// Copies an f32 tensor of this shape.
    pub(crate) fn read(
        &self,
        name: &str,
        shape: &[usize],
        out: &mut [f32],
    ) -> Result<(), SaeError> {
        let view = self
            .tensors
            .tensor(name)
            .map_err(|_| SaeError::MissingTensor {
                path: show(self.path),
                name: name.into(),
            })?;
        let fits = view.dtype() == Dtype::F32 && view.shape() == shape;
        if !fits || view.data().len() != 4 * out.len() {
            return Err(SaeError::Tensor {
                path: show(self.path),
                name: name.into(),
                found: format!("{:?} {:?}", view.dtype(), view.shape()),
                expected: format!("{:?} {shape:?}", Dtype::F32),
            });
        }
        let (values, _) = view.data().as_chunks::<4>();
        for (out, &bytes) in out.iter_mut().zip(values) {
            *out = f32::from_le_bytes(bytes);
        }
        Ok(())
    }
}

/// A tensor to be written.
pub struct Slice<'a> {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values in row-major order.
    pub values: &'a [f32],
}

impl View for Slice<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        // one tensor's copy at a time
        let mut bytes = Vec::with_capacity(self.data_len());
        for value in self.values {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.into()
    }

    fn data_len(&self) -> usize {
        4 * self.values.len()
    }
}

/// Writes a safetensors file and makes sure that it is on disk.
///
/// # Errors
/// [`SaeError::Io`].
pub fn write_tensors<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, Slice<'a>)>,
) -> Result<(), SaeError> {
    // the library's own file would be readable by its owner alone
    let mode = File::create(path).and_then(|file| file.metadata());
    let mode = mode.map_err(|e| io(path, e))?.permissions();
    safetensors::serialize_to_file(tensors, None, path).map_err(|e| match e {
        safetensors::SafeTensorError::IoError(e) => io(path, e),
        other => SaeError::Weights {
            path: show(path),
            message: other.to_string(),
        },
    })?;
    std::fs::set_permissions(path, mode)
        .and_then(|()| File::open(path)?.sync_all())
        .map_err(|e| io(path, e))
}
