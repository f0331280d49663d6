//! The tensors of a checkpoint, wherever they lie.

use std::collections::{BTreeMap, BTreeSet};

use safetensors::{Dtype, SafeTensors};

use super::ExchangeError;
use crate::torch::{Checkpoint, NumberType};

/// Names of tensors that a message lists.
const LISTED: usize = 12;
/// Dictionaries of a checkpoint that may hold the tensors, one within the other.
const WRAPPERS: [&str; 20] = [
    "state_dict",
    "model_state_dict",
    "sae_state_dict",
    "ae_state_dict",
    "model_state",
    "model",
    "sae_model",
    "sae",
    "state",
    "module",
    "autoencoder",
    "ae",
    "dictionary",
    "net",
    "network",
    "_orig_mod",
    "_forward_module",
    "params",
    "weights",
    "checkpoint",
];

/// How a number of safetensors is stored; none where it is not read.
fn number_type(dtype: Dtype) -> Option<NumberType> {
    Some(match dtype {
        Dtype::F64 => NumberType::F64,
        Dtype::F32 => NumberType::F32,
        Dtype::F16 => NumberType::F16,
        Dtype::BF16 => NumberType::Bf16,
        Dtype::I64 => NumberType::I64,
        Dtype::I32 => NumberType::I32,
        Dtype::I16 => NumberType::I16,
        Dtype::I8 => NumberType::I8,
        Dtype::U8 => NumberType::U8,
        Dtype::BOOL => NumberType::Bool,
        _ => return None,
    })
}

/// A tensor: numbers of `bytes`, from its first one on, by strides.
#[derive(Clone, Debug)]
struct Entry<'a> {
    kind: NumberType,
    shape: Vec<usize>,
    strides: Vec<usize>,
    bytes: &'a [u8],
}

/// The tensors of a checkpoint by their names.
#[derive(Clone, Debug)]
pub struct Tensors<'a> {
    entries: BTreeMap<String, Entry<'a>>,
}

impl<'a> Tensors<'a> {
    /// Finds the tensors in the bytes of a file.
    ///
    /// # Errors
    /// [`ExchangeError`] where it is no file of tensors, is damaged, or is a kind that is not read.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ExchangeError> {
        let entries = if bytes.starts_with(b"PK\x03\x04") {
            pytorch(bytes)?
        } else if bytes.get(8) == Some(&b'{') {
            of_safetensors(bytes)?
        } else if bytes.first() == Some(&0x80) {
            // a bare pickle, which is refused by name
            pytorch(bytes)?
        } else if bytes.is_empty() {
            return Err(ExchangeError::Damaged("the file is empty".into()));
        } else {
            return Err(ExchangeError::Damaged(
                "neither a PyTorch checkpoint nor safetensors".into(),
            ));
        };
        Ok(Self { entries })
    }

    /// Names of all tensors.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        self.entries.keys().map(String::as_str).collect()
    }

    /// Names of the first tensors, for messages.
    pub(crate) fn listed(&self) -> String {
        if self.entries.is_empty() {
            return "no tensors".into();
        }
        let names: Vec<&str> = self
            .entries
            .keys()
            .take(LISTED)
            .map(String::as_str)
            .collect();
        let more = self.entries.len().saturating_sub(LISTED);
        if more > 0 {
            format!("{} and {more} more", names.join(", "))
        } else {
            names.join(", ")
        }
    }

    /// The tensors whose names begin so, without that beginning.
    pub(crate) fn below(&self, prefix: &str) -> Self {
        let entries = self.entries.iter().filter_map(|(name, entry)| {
            let name = name.strip_prefix(prefix)?;
            Some((name.to_owned(), entry.clone()))
        });
        Self {
            entries: entries.collect(),
        }
    }

    /// The tensors by names from which some of the parts between the dots are left out.
    pub(crate) fn without(&self, parts: &[&str]) -> Result<Self, ExchangeError> {
        let mut entries = BTreeMap::new();
        for (name, entry) in &self.entries {
            let kept: Vec<&str> = name.split('.').filter(|p| !parts.contains(p)).collect();
            let short = kept.join(".");
            if entries.insert(short.clone(), entry.clone()).is_some() {
                return Err(ExchangeError::Damaged(format!(
                    "several tensors are '{short}' without the names of wrappers; one is '{name}'"
                )));
            }
        }
        Ok(Self { entries })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|e| e.shape.as_slice())
    }

    fn entry(&self, family: &'static str, name: &str) -> Result<&Entry<'a>, ExchangeError> {
        self.entries
            .get(name)
            .ok_or_else(|| ExchangeError::Missing {
                family,
                name: name.into(),
                present: self.listed(),
            })
    }

    fn shaped(
        &self,
        family: &'static str,
        name: &str,
        shape: &[usize],
    ) -> Result<&Entry<'a>, ExchangeError> {
        let entry = self.entry(family, name)?;
        expect_shape(name, &entry.shape, shape)?;
        Ok(entry)
    }

    /// A vector of this length.
    pub(crate) fn vector(
        &self,
        family: &'static str,
        name: &str,
        length: usize,
    ) -> Result<Vec<f32>, ExchangeError> {
        let entry = self.shaped(family, name, &[length])?;
        Ok(entry.values(&[length], &entry.strides))
    }

    /// A matrix of this shape, row by row.
    pub(crate) fn matrix(
        &self,
        family: &'static str,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Vec<f32>, ExchangeError> {
        let entry = self.shaped(family, name, &[rows, columns])?;
        Ok(entry.values(&[rows, columns], &entry.strides))
    }

    /// A matrix whose transpose has this shape; the transpose, row by row.
    pub(crate) fn transposed(
        &self,
        family: &'static str,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Vec<f32>, ExchangeError> {
        let entry = self.shaped(family, name, &[columns, rows])?;
        let strides: Vec<usize> = entry.strides.iter().rev().copied().collect();
        Ok(entry.values(&[rows, columns], &strides))
    }

    /// A single number; none where there is no such tensor.
    pub(crate) fn scalar(&self, name: &str) -> Result<Option<f64>, ExchangeError> {
        let Some(entry) = self.entries.get(name) else {
            return Ok(None);
        };
        if entry.shape.iter().product::<usize>() != 1 {
            return Err(ExchangeError::Shape {
                name: name.into(),
                found: entry.shape.clone(),
                expected: Vec::new(),
            });
        }
        Ok(Some(entry.kind.value(entry.bytes)))
    }

    /// All numbers of a vector of whatever length.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<f64>, ExchangeError> {
        let entry = self.entry("this", name)?;
        let &[length] = entry.shape.as_slice() else {
            return Err(ExchangeError::Shape {
                name: name.into(),
                found: entry.shape.clone(),
                expected: vec![1],
            });
        };
        let size = entry.kind.size();
        let step = entry.strides.first().map_or(size, |s| s * size);
        Ok((0..length)
            .map(|i| entry.kind.value(&entry.bytes[i * step..]))
            .collect())
    }
}

fn expect_shape(name: &str, found: &[usize], expected: &[usize]) -> Result<(), ExchangeError> {
    if found == expected {
        return Ok(());
    }
    Err(ExchangeError::Shape {
        name: name.into(),
        found: found.to_vec(),
        expected: expected.to_vec(),
    })
}

impl Entry<'_> {
    /// Numbers in the order of this shape; every one lies within the bytes, which was checked.
    fn values(&self, shape: &[usize], strides: &[usize]) -> Vec<f32> {
        let (rows, columns) = match *shape {
            [rows, columns] => (rows, columns),
            [length] => (1, length),
            _ => (1, 1),
        };
        let (down, right) = match *strides {
            [down, right] => (down, right),
            [right] => (0, right),
            _ => (0, 0),
        };
        let size = self.kind.size();
        let mut out = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            for column in 0..columns {
                let at = (row * down + column * right) * size;
                out.push(self.kind.value(&self.bytes[at..at + size]) as f32);
            }
        }
        out
    }
}

fn of_safetensors(bytes: &[u8]) -> Result<BTreeMap<String, Entry<'_>>, ExchangeError> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|e| ExchangeError::Damaged(format!("not a complete safetensors file: {e}")))?;
    let mut entries = BTreeMap::new();
    for (name, view) in tensors.tensors() {
        let Some(kind) = number_type(view.dtype()) else {
            return Err(ExchangeError::Refused(format!(
                "tensor '{name}' is of type {:?}, which is not read",
                view.dtype()
            )));
        };
        let shape = view.shape().to_vec();
        let mut strides = vec![1; shape.len()];
        for i in (1..shape.len()).rev() {
            strides[i - 1] = strides[i] * shape[i].max(1);
        }
        let origin = view.data().as_ptr() as usize - bytes.as_ptr() as usize;
        let bytes = &bytes[origin..origin + view.data().len()];
        let entry = Entry {
            kind,
            shape,
            strides,
            bytes,
        };
        entries.insert(name, entry);
    }
    Ok(entries)
}

fn pytorch(bytes: &[u8]) -> Result<BTreeMap<String, Entry<'_>>, ExchangeError> {
    let checkpoint = Checkpoint::read(bytes, &WRAPPERS)?;
    let mut entries = BTreeMap::new();
    for (name, view) in checkpoint.tensors() {
        let view =
            view.map_err(|problem| ExchangeError::Damaged(format!("tensor '{name}': {problem}")))?;
        let entry = Entry {
            kind: view.kind,
            shape: view.shape,
            strides: view.strides,
            bytes: &bytes[view.bytes],
        };
        entries.insert(name.to_owned(), entry);
    }
    if entries.is_empty() {
        return Err(ExchangeError::Refused(
            "it holds no dictionary of tensors: save the model's state_dict()".into(),
        ));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::{bf16, f16};

    #[test]
    fn other_files_are_named_as_what_they_are() {
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"hello, this is text", "neither"),
            (b"\x80\x02}.", "bare pickle"),
            (b"PK\x03\x04 and then nothing", "archive"),
            (b"\xff\xff\xff\xff\xff\0\0\0{\"a\":1}", "safetensors"),
        ] {
            let error = Tensors::read(bytes).err().map(|e| e.to_string());
            let error = error.unwrap_or_default();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn every_type_of_number_and_a_transpose() {
        let one = f16::from_f32(1.5).to_le_bytes();
        let two = bf16::from_f32(-2.0).to_le_bytes();
        let three: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let view = |dtype, shape: &[usize], data| {
            safetensors::tensor::TensorView::new(dtype, shape.to_vec(), data).unwrap()
        };
        let file = safetensors::serialize(
            [
                ("half", view(safetensors::Dtype::F16, &[1], &one)),
                ("brain", view(safetensors::Dtype::BF16, &[1], &two)),
                ("k", view(safetensors::Dtype::U8, &[], &[64])),
                ("w", view(safetensors::Dtype::F32, &[2, 3], &three)),
            ],
            None,
        )
        .unwrap();
        let tensors = Tensors::read(&file).unwrap();
        assert_eq!(tensors.scalar("half").unwrap(), Some(1.5));
        assert_eq!(tensors.scalar("brain").unwrap(), Some(-2.0));
        assert_eq!(tensors.scalar("k").unwrap(), Some(64.0));
        assert_eq!(tensors.scalar("absent").unwrap(), None);
        let turned = tensors.transposed("this", "w", 3, 2).unwrap();
        assert_eq!(turned, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert!(tensors.matrix("this", "w", 3, 2).is_err());
        assert!(tensors.scalar("w").is_err());
    }
}
