//! One file of weights: safetensors, mapped, or a checkpoint of `PyTorch`.

use super::{
    LFS,
    matrix::{Matrix, Values},
    numbers::Numbers,
    open,
};
use crate::mapped::Mapped;
use crate::plm::error::PlmError;
use candle_core::{DType, pickle::PthTensors};
use safetensors::{Dtype, SafeTensors};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Where a tensor lies in a map.
struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    begin: usize,
    bytes: usize,
}

enum Format {
    Safetensors {
        map: Mapped,
        entries: BTreeMap<String, Entry>,
    },
    PyTorch(Box<PthTensors>),
}

/// An opened file of weights.
pub(crate) struct WeightsFile {
    path: PathBuf,
    names: Vec<String>,
    format: Format,
}

impl WeightsFile {
    pub(crate) fn open(path: &Path) -> Result<Self, PlmError> {
        let damaged = |problem: String| PlmError::Damaged {
            path: path.to_owned(),
            problem,
        };
        let file = open(path)?;
        let io = |source| PlmError::Io {
            path: path.to_owned(),
            source,
        };
        if file.metadata().map_err(io)?.len() == 0 {
            return Err(damaged("the file is empty".into()));
        }
        let map = Mapped::new(file, path).map_err(io)?;
        if map.starts_with(LFS) {
            return Err(PlmError::LfsPointer {
                path: path.to_owned(),
            });
        }
        let format = if path.extension().is_some_and(|e| e == "safetensors") {
            let entries = entries(&map).map_err(damaged)?;
            Format::Safetensors { map, entries }
        } else {
            let tensors = PthTensors::new(path, None)
                .map_err(|e| damaged(format!("not a PyTorch checkpoint of plain tensors: {e}")))?;
            Format::PyTorch(Box::new(tensors))
        };
        let mut names: Vec<String> = match &format {
            Format::Safetensors { entries, .. } => entries.keys().cloned().collect(),
            Format::PyTorch(tensors) => tensors.tensor_infos().keys().cloned().collect(),
        };
        names.sort();
        Ok(Self {
            path: path.to_owned(),
            names,
            format,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Names of all tensors, sorted.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        match &self.format {
            Format::Safetensors { entries, .. } => entries.get(name).map(|e| e.shape.clone()),
            Format::PyTorch(tensors) => tensors
                .tensor_infos()
                .get(name)
                .map(|info| info.layout.dims().to_vec()),
        }
    }

    /// Bytes of a tensor; 0 where there is none.
    pub(crate) fn bytes(&self, name: &str) -> u64 {
        match &self.format {
            Format::Safetensors { entries, .. } => entries.get(name).map_or(0, |e| e.bytes as u64),
            Format::PyTorch(tensors) => tensors.tensor_infos().get(name).map_or(0, |info| {
                (info.layout.shape().elem_count() * info.dtype.size_in_bytes()) as u64
            }),
        }
    }

    /// A tensor as a matrix; its shape has been checked.
    pub(crate) fn matrix(
        &self,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Matrix, PlmError> {
        let wrong_type = |found: String| PlmError::TensorType {
            path: self.path.clone(),
            name: name.to_owned(),
            found,
        };
        let values = match &self.format {
            Format::Safetensors { map, entries } => {
                let entry = entries
                    .get(name)
                    .ok_or_else(|| wrong_type("nothing".into()))?;
                let (begin, bytes) = (entry.begin, entry.bytes);
                match entry.dtype {
                    Dtype::F32 => Values::Single(Numbers::new(map, begin, bytes)),
                    Dtype::F16 => Values::Half(Numbers::new(map, begin, bytes)),
                    Dtype::BF16 => Values::Brain(Numbers::new(map, begin, bytes)),
                    Dtype::F64 => {
                        Values::Single(Numbers::Owned(doubles(&map[begin..begin + bytes])))
                    }
                    other => return Err(wrong_type(format!("{other:?}"))),
                }
            }
            Format::PyTorch(tensors) => pytorch(tensors, name).map_err(|error| match error {
                PyTorchError::Type(found) => wrong_type(found),
                PyTorchError::Read(problem) => PlmError::Damaged {
                    path: self.path.clone(),
                    problem: format!("tensor '{name}': {problem}"),
                },
            })?,
        };
        Ok(Matrix::new(values, outputs, inputs))
    }
}

fn entries(map: &Mapped) -> Result<BTreeMap<String, Entry>, String> {
    let (header, _) = SafeTensors::read_metadata(map).map_err(|e| e.to_string())?;
    let data = header + size_of::<u64>();
    let tensors = SafeTensors::deserialize(map).map_err(|e| e.to_string())?;
    let origin = map.as_ptr() as usize;
    let mut entries = BTreeMap::new();
    for (name, view) in tensors.iter() {
        let begin = view.data().as_ptr() as usize - origin;
        if begin < data {
            return Err(format!("tensor '{name}' lies in the header"));
        }
        entries.insert(
            name.to_owned(),
            Entry {
                dtype: view.dtype(),
                shape: view.shape().to_vec(),
                begin,
                bytes: view.data().len(),
            },
        );
    }
    Ok(entries)
}

fn doubles(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(size_of::<f64>())
        .map(|b| {
            b.try_into()
                .map_or(f32::NAN, |b| f64::from_le_bytes(b) as f32)
        })
        .collect()
}

enum PyTorchError {
    Type(String),
    Read(String),
}

fn pytorch(tensors: &PthTensors, name: &str) -> Result<Values, PyTorchError> {
    let read = |e: candle_core::Error| PyTorchError::Read(e.to_string());
    let tensor = tensors
        .get(name)
        .map_err(read)?
        .ok_or_else(|| PyTorchError::Type("nothing".into()))?
        .flatten_all()
        .map_err(read)?;
    Ok(match tensor.dtype() {
        DType::F32 => Values::Single(Numbers::Owned(tensor.to_vec1().map_err(read)?)),
        DType::F16 => Values::Half(Numbers::Owned(tensor.to_vec1().map_err(read)?)),
        DType::BF16 => Values::Brain(Numbers::Owned(tensor.to_vec1().map_err(read)?)),
        DType::F64 => {
            let tensor = tensor.to_dtype(DType::F32).map_err(read)?;
            Values::Single(Numbers::Owned(tensor.to_vec1().map_err(read)?))
        }
        other => return Err(PyTorchError::Type(format!("{other:?}"))),
    })
}
