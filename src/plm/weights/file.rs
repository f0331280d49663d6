//! One file of weights: safetensors or a checkpoint of `PyTorch`, mapped.

use super::{
    LFS,
    matrix::{Matrix, Values},
    numbers::Numbers,
    open,
};
use crate::{
    mapped::Mapped,
    plm::error::PlmError,
    torch::{Checkpoint, NumberType, TensorView, TorchError, ViewError},
};
use safetensors::{Dtype, SafeTensors};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// How the numbers of a tensor are stored.
#[derive(Clone, Debug)]
enum Stored {
    F64,
    F32,
    F16,
    Bf16,
    /// What weights are not made of, by its name.
    Other(String),
}

/// Where a tensor lies in a map.
struct Entry {
    stored: Stored,
    shape: Vec<usize>,
    begin: usize,
    bytes: usize,
    /// How its numbers are found, where they do not lie row by row.
    scattered: Option<TensorView>,
}

/// An opened file of weights.
pub(crate) struct WeightsFile {
    path: PathBuf,
    map: Mapped,
    entries: BTreeMap<String, Entry>,
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
        let entries = if path.extension().is_some_and(|e| e == "safetensors") {
            safetensors(&map).map_err(damaged)?
        } else {
            pytorch(&map).map_err(|error| match error {
                TorchError::Damaged(e) => {
                    damaged(format!("not a PyTorch checkpoint of plain tensors: {e}"))
                }
                TorchError::Refused(problem) => PlmError::Refused {
                    path: path.to_owned(),
                    problem,
                },
            })?
        };
        Ok(Self {
            path: path.to_owned(),
            map,
            entries,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Names of all tensors, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.entries.keys()
    }

    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|entry| entry.shape.as_slice())
    }

    /// Bytes of a tensor; 0 where there is none.
    pub(crate) fn bytes(&self, name: &str) -> u64 {
        self.entries.get(name).map_or(0, |e| e.bytes as u64)
    }

    /// Numbers of a tensor from `first` on as a matrix; its shape has been checked.
    pub(crate) fn matrix(
        &self,
        name: &str,
        first: usize,
        outputs: usize,
        inputs: usize,
    ) -> Result<Matrix, PlmError> {
        let wrong_type = |found: &str| PlmError::TensorType {
            path: self.path.clone(),
            name: name.to_owned(),
            found: found.to_owned(),
        };
        let entry = self
            .entries
            .get(name)
            .ok_or_else(|| wrong_type("nothing"))?;
        let values = entry.values(&self.map, first, outputs * inputs);
        let values = values.map_err(wrong_type)?;
        Ok(Matrix::new(values, outputs, inputs))
    }
}

impl Entry {
    /// `count` numbers from `first` on, row by row, where they lie if they can be used so; or the name of a type that
    /// weights are not of.
    fn values(&self, map: &Mapped, first: usize, count: usize) -> Result<Values, &str> {
        let size = match &self.stored {
            Stored::F64 => 8,
            Stored::F32 => 4,
            Stored::F16 | Stored::Bf16 => 2,
            Stored::Other(name) => return Err(name),
        };
        if let Some(view) = &self.scattered {
            let bytes = view.gathered(map);
            let bytes = &bytes[first * size..(first + count) * size];
            return match &self.stored {
                Stored::F64 => Ok(Values::Single(Numbers::Owned(doubles(bytes)))),
                Stored::F32 => Ok(Values::Single(Numbers::copied(bytes))),
                Stored::F16 => Ok(Values::Half(Numbers::copied(bytes))),
                Stored::Bf16 => Ok(Values::Brain(Numbers::copied(bytes))),
                Stored::Other(name) => Err(name),
            };
        }
        let (begin, bytes) = (self.begin + first * size, count * size);
        match &self.stored {
            Stored::F64 => {
                let numbers = doubles(&map[begin..begin + bytes]);
                Ok(Values::Single(Numbers::Owned(numbers)))
            }
            Stored::F32 => Ok(Values::Single(Numbers::new(map, begin, bytes))),
            Stored::F16 => Ok(Values::Half(Numbers::new(map, begin, bytes))),
            Stored::Bf16 => Ok(Values::Brain(Numbers::new(map, begin, bytes))),
            Stored::Other(name) => Err(name),
        }
    }
}

/// The tensors of safetensors.
fn safetensors(map: &Mapped) -> Result<BTreeMap<String, Entry>, String> {
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
                stored: match view.dtype() {
                    Dtype::F64 => Stored::F64,
                    Dtype::F32 => Stored::F32,
                    Dtype::F16 => Stored::F16,
                    Dtype::BF16 => Stored::Bf16,
                    other => Stored::Other(format!("{other:?}")),
                },
                shape: view.shape().to_vec(),
                begin,
                bytes: view.data().len(),
                scattered: None,
            },
        );
    }
    Ok(entries)
}

/// The tensors of an archive of `PyTorch`. One of numbers that are not read may be there, as long as nobody asks for it.
fn pytorch(map: &Mapped) -> Result<BTreeMap<String, Entry>, TorchError> {
    let checkpoint = Checkpoint::read(map, &[])?;
    let mut entries = BTreeMap::new();
    for (name, view) in checkpoint.tensors() {
        let entry = match view {
            Ok(view) => Entry {
                stored: match view.kind {
                    NumberType::F64 => Stored::F64,
                    NumberType::F32 => Stored::F32,
                    NumberType::F16 => Stored::F16,
                    NumberType::Bf16 => Stored::Bf16,
                    other => Stored::Other(format!("{other:?}")),
                },
                shape: view.shape.clone(),
                begin: view.bytes.start,
                bytes: view.count() * view.kind.size(),
                scattered: (!view.is_contiguous()).then_some(view),
            },
            Err(ViewError::Storage { class, shape }) => Entry {
                stored: Stored::Other(class),
                shape,
                begin: 0,
                bytes: 0,
                scattered: None,
            },
            Err(ViewError::Damaged(problem)) => {
                return Err(TorchError::Damaged(format!("tensor '{name}': {problem}")));
            }
        };
        entries.insert(name.to_owned(), entry);
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
