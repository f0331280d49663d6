//! The tensors of a checkpoint, wherever they lie.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use half::{bf16, f16};
use safetensors::SafeTensors;

use super::{
    ExchangeError,
    archive::Archive,
    pickle::{Id, Object, Pickle, TensorRef},
};

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
/// Most dictionaries that are looked at for that.
const MOST_DICTIONARIES: usize = 32;
/// Most numbers of a tensor that repeats those of its storage (`expand`): what is made of a few bytes must not fill memory.
const MOST_REPEATED: usize = 1 << 26;

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Type {
    fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    fn of_storage(class: &str) -> Option<Self> {
        Some(match class {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::Bf16,
            "LongStorage" => Self::I64,
            "IntStorage" => Self::I32,
            "ShortStorage" => Self::I16,
            "CharStorage" => Self::I8,
            "ByteStorage" => Self::U8,
            "BoolStorage" => Self::Bool,
            _ => return None,
        })
    }

    fn of_safetensors(dtype: safetensors::Dtype) -> Option<Self> {
        use safetensors::Dtype;
        Some(match dtype {
            Dtype::F64 => Self::F64,
            Dtype::F32 => Self::F32,
            Dtype::F16 => Self::F16,
            Dtype::BF16 => Self::Bf16,
            Dtype::I64 => Self::I64,
            Dtype::I32 => Self::I32,
            Dtype::I16 => Self::I16,
            Dtype::I8 => Self::I8,
            Dtype::U8 => Self::U8,
            Dtype::BOOL => Self::Bool,
            _ => return None,
        })
    }

    /// The number in these bytes, of which there are [`Type::size`].
    fn value(self, bytes: &[u8]) -> f64 {
        fn le<const N: usize>(bytes: &[u8]) -> [u8; N] {
            bytes.first_chunk().copied().unwrap_or([0; N])
        }
        match self {
            Self::F64 => f64::from_le_bytes(le(bytes)),
            Self::F32 => f64::from(f32::from_le_bytes(le(bytes))),
            Self::F16 => f16::from_le_bytes(le(bytes)).to_f64(),
            Self::Bf16 => bf16::from_le_bytes(le(bytes)).to_f64(),
            Self::I64 => i64::from_le_bytes(le(bytes)) as f64,
            Self::I32 => f64::from(i32::from_le_bytes(le(bytes))),
            Self::I16 => f64::from(i16::from_le_bytes(le(bytes))),
            Self::I8 => f64::from(i8::from_le_bytes(le(bytes))),
            Self::U8 | Self::Bool => f64::from(u8::from_le_bytes(le(bytes))),
        }
    }
}

/// A tensor: numbers of `bytes`, from its first one on, by strides.
#[derive(Clone, Debug)]
struct Entry<'a> {
    kind: Type,
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
            return Err(ExchangeError::Refused(
                "a bare pickle, as PyTorch before 1.6 wrote: load it where you trust it and torch.save it again".into(),
            ));
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
        let Some(kind) = Type::of_safetensors(view.dtype()) else {
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
    let archive = Archive::read(bytes)?;
    let pickled = archive
        .entry("data.pkl")
        .ok_or_else(|| ExchangeError::Damaged("data.pkl is missing".into()))?;
    if let Some(order) = archive.entry("byteorder")
        && &bytes[order] != b"little"
    {
        return Err(ExchangeError::Refused(
            "it was saved on a big-endian machine".into(),
        ));
    }
    let pickle = Pickle::read(&bytes[pickled])?;
    let mut found: Vec<(String, TensorRef)> = Vec::new();
    gather(&pickle, pickle.top, &mut HashSet::new(), &mut found);
    if found.is_empty() {
        return Err(ExchangeError::Refused(
            "it holds no dictionary of tensors: save the model's state_dict()".into(),
        ));
    }
    let mut entries = BTreeMap::new();
    for (name, tensor) in found {
        let entry = view(bytes, &archive, &tensor)
            .map_err(|problem| ExchangeError::Damaged(format!("tensor '{name}': {problem}")))?;
        entries.insert(name, entry);
    }
    Ok(entries)
}

/// Tensors by name that a dictionary holds: in a wrapper within it, else itself, where counters may lie beside wrappers.
/// What was `seen` is not looked at again: dictionaries may hold themselves.
fn gather(
    pickle: &Pickle,
    dictionary: Id,
    seen: &mut HashSet<Id>,
    found: &mut Vec<(String, TensorRef)>,
) {
    if !seen.insert(dictionary) || seen.len() > MOST_DICTIONARIES {
        return;
    }
    for wrapper in WRAPPERS {
        let inner = pickle.items(dictionary).find(|(name, _)| *name == wrapper);
        if let Some((_, inner)) = inner {
            gather(pickle, inner, seen, found);
        }
        if !found.is_empty() {
            return;
        }
    }
    for (name, value) in pickle.items(dictionary) {
        if let Object::Tensor(tensor) = pickle.get(value) {
            found.push((name.to_owned(), tensor.clone()));
        }
    }
}

/// The numbers of a tensor in its storage, all of which must be there.
fn view<'a>(bytes: &'a [u8], archive: &Archive, tensor: &TensorRef) -> Result<Entry<'a>, String> {
    let class = &tensor.storage.class;
    let kind = Type::of_storage(class).ok_or_else(|| format!("a {class} is not read"))?;
    let key = &tensor.storage.key;
    let range = archive
        .entry(&format!("data/{key}"))
        .ok_or_else(|| format!("its storage {key} is missing"))?;
    let (shape, strides) = (tensor.shape.clone(), tensor.strides.clone());
    if shape.len() != strides.len() {
        return Err("it has another number of sizes than of strides".into());
    }
    let numbers = range.len() / kind.size();
    // the place past the last number, and about as many numbers as there are: nothing is allocated for much more than
    // the file holds
    let needed = || -> Option<usize> {
        if shape.contains(&0) {
            return Some(tensor.offset);
        }
        let mut last = tensor.offset;
        for (&size, &stride) in shape.iter().zip(&strides) {
            last = last.checked_add((size - 1).checked_mul(stride)?)?;
        }
        last.checked_add(1)
    };
    let count = shape
        .iter()
        .try_fold(1usize, |n, &size| n.checked_mul(size));
    // tensors that were expanded have the same number in many places
    let most = numbers.max(MOST_REPEATED);
    let fits = needed().is_some_and(|n| n <= numbers) && count.is_some_and(|n| n <= most);
    if !fits {
        return Err(format!(
            "shape {shape:?} with strides {strides:?} from {} does not fit {numbers} numbers",
            tensor.offset
        ));
    }
    Ok(Entry {
        kind,
        shape,
        strides,
        bytes: &bytes[range][tensor.offset * kind.size()..],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
