//! The tensors of an archive: their names, and where their numbers lie.

use super::{
    NumberType, TorchError,
    archive::Archive,
    pickle::{Id, Object, Pickle, TensorRef},
};
use std::{collections::HashSet, ops::Range};

/// Most dictionaries that are looked at for tensors.
const MOST_DICTIONARIES: usize = 32;
/// Most numbers of a tensor that repeats those of its storage (`expand`): what is made of a few bytes must not fill memory.
const MOST_REPEATED: usize = 1 << 26;

/// The tensors of an archive by name.
pub(crate) struct Checkpoint {
    archive: Archive,
    tensors: Vec<(String, TensorRef)>,
}

/// Numbers of an archive that are a tensor: from the first of `bytes` on, by strides. Every one lies within `bytes`.
#[derive(Clone, Debug)]
pub(crate) struct TensorView {
    pub(crate) kind: NumberType,
    pub(crate) shape: Vec<usize>,
    /// Distances along each dimension, in numbers.
    pub(crate) strides: Vec<usize>,
    /// Where in the archive they lie.
    pub(crate) bytes: Range<usize>,
}

/// Why a tensor's numbers cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ViewError {
    /// A storage of numbers that are not read.
    #[error("a {class} is not read")]
    Storage {
        /// Class of the storage.
        class: String,
        /// The tensor's shape.
        shape: Vec<usize>,
    },
    /// An archive that does not hold them.
    #[error("{0}")]
    Damaged(String),
}

impl Checkpoint {
    /// Finds the tensors in the bytes of an archive: those of the dictionary that was saved, or of one within it by a
    /// name of `wrappers`.
    ///
    /// # Errors
    /// [`TorchError`] where it is no archive, is damaged, or is a kind that is not read.
    pub(crate) fn read(bytes: &[u8], wrappers: &[&str]) -> Result<Self, TorchError> {
        if matches!(bytes, [0x80, 0..=5, ..]) {
            return Err(TorchError::Refused(
                "a bare pickle, as PyTorch before 1.6 wrote: load it where you trust it and torch.save it again".into(),
            ));
        }
        let archive = Archive::read(bytes)?;
        let pickled = archive
            .entry("data.pkl")
            .ok_or_else(|| TorchError::Damaged("data.pkl is missing".into()))?;
        if let Some(order) = archive.entry("byteorder")
            && &bytes[order] != b"little"
        {
            return Err(TorchError::Refused(
                "it was saved on a big-endian machine".into(),
            ));
        }
        let pickle = Pickle::read(&bytes[pickled])?;
        let mut search = Search {
            pickle: &pickle,
            wrappers,
            seen: HashSet::new(),
            found: Vec::new(),
        };
        search.gather(pickle.top);
        let tensors = search.found;
        Ok(Self { archive, tensors })
    }

    /// Every tensor by its name, and where its numbers are.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (&str, Result<TensorView, ViewError>)> {
        let tensors = self.tensors.iter();
        tensors.map(|(name, tensor)| (name.as_str(), view(&self.archive, tensor)))
    }
}

/// On the way through the dictionaries of a pickle.
struct Search<'a> {
    pickle: &'a Pickle,
    wrappers: &'a [&'a str],
    /// What is not looked at again: dictionaries may hold themselves.
    seen: HashSet<Id>,
    found: Vec<(String, TensorRef)>,
}

impl Search<'_> {
    /// Finds tensors by name that a dictionary holds: in a wrapper within it, else itself, where counters may lie beside
    /// wrappers.
    fn gather(&mut self, dictionary: Id) {
        if !self.seen.insert(dictionary) || self.seen.len() > MOST_DICTIONARIES {
            return;
        }
        for wrapper in self.wrappers {
            let mut items = self.pickle.items(dictionary);
            if let Some((_, inner)) = items.find(|(name, _)| name == wrapper) {
                self.gather(inner);
            }
            if !self.found.is_empty() {
                return;
            }
        }
        for (name, value) in self.pickle.items(dictionary) {
            if let Object::Tensor(tensor) = self.pickle.get(value) {
                self.found.push((name.to_owned(), tensor.clone()));
            }
        }
    }
}

/// The numbers of a tensor in its storage, all of which must be there.
fn view(archive: &Archive, tensor: &TensorRef) -> Result<TensorView, ViewError> {
    let class = &tensor.storage.class;
    let kind = NumberType::of_storage(class).ok_or_else(|| ViewError::Storage {
        class: class.clone(),
        shape: tensor.shape.clone(),
    })?;
    let key = &tensor.storage.key;
    let range = archive
        .entry(&format!("data/{key}"))
        .ok_or_else(|| ViewError::Damaged(format!("its storage {key} is missing")))?;
    let (shape, strides) = (tensor.shape.clone(), tensor.strides.clone());
    if shape.len() != strides.len() {
        return Err(ViewError::Damaged(
            "it has another number of sizes than of strides".into(),
        ));
    }
    let numbers = range.len() / kind.size();
    // about as many numbers as there are: nothing is allocated for much more than the file holds; tensors that were
    // expanded have the same number in many places
    let most = numbers.max(MOST_REPEATED);
    let mut sizes = shape.iter();
    let count = sizes.try_fold(1usize, |n, &size| n.checked_mul(size));
    let fits = end(tensor).is_some_and(|n| n <= numbers) && count.is_some_and(|n| n <= most);
    if !fits {
        return Err(ViewError::Damaged(format!(
            "shape {shape:?} with strides {strides:?} from {} does not fit {numbers} numbers",
            tensor.offset
        )));
    }
    Ok(TensorView {
        kind,
        shape,
        strides,
        bytes: range.start + tensor.offset * kind.size()..range.end,
    })
}

/// The place past the last number of a tensor in its storage; none where there can be no such place.
fn end(tensor: &TensorRef) -> Option<usize> {
    if tensor.shape.contains(&0) {
        return Some(tensor.offset);
    }
    let mut last = tensor.offset;
    for (&size, &stride) in tensor.shape.iter().zip(&tensor.strides) {
        last = last.checked_add((size - 1).checked_mul(stride)?)?;
    }
    last.checked_add(1)
}

impl TensorView {
    /// Numbers of the tensor.
    pub(crate) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the numbers lie row by row, one behind the other.
    pub(crate) fn is_contiguous(&self) -> bool {
        if self.count() == 0 {
            return true;
        }
        let mut next = 1;
        let dimensions = self.shape.iter().zip(&self.strides).rev();
        for (&size, &stride) in dimensions {
            if size != 1 && stride != next {
                return false;
            }
            next *= size;
        }
        true
    }

    /// Bytes of the numbers, row by row, out of those of the archive.
    pub(crate) fn gathered(&self, archive: &[u8]) -> Vec<u8> {
        let (size, data) = (self.kind.size(), &archive[self.bytes.clone()]);
        let mut out = Vec::with_capacity(self.count() * size);
        let mut index = vec![0; self.shape.len()];
        for _ in 0..self.count() {
            let at: usize = index.iter().zip(&self.strides).map(|(i, s)| i * s).sum();
            out.extend_from_slice(&data[at * size..][..size]);
            for (i, &size) in index.iter_mut().zip(&self.shape).rev() {
                *i += 1;
                if *i < size {
                    break;
                }
                *i = 0;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(shape: &[usize], strides: &[usize]) -> TensorView {
        TensorView {
            kind: NumberType::U8,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            bytes: 1..7,
        }
    }

    #[test]
    fn numbers_are_gathered_row_by_row() {
        let archive = [9, 0, 1, 2, 3, 4, 5, 9];
        let rows = view(&[2, 3], &[3, 1]);
        assert!(rows.is_contiguous() && view(&[2, 1, 3], &[3, 77, 1]).is_contiguous());
        assert_eq!(rows.gathered(&archive), [0, 1, 2, 3, 4, 5]);
        let columns = view(&[2, 3], &[1, 2]);
        assert!(!columns.is_contiguous());
        assert_eq!(columns.gathered(&archive), [0, 2, 4, 1, 3, 5]);
        assert_eq!(
            view(&[3, 2], &[2, 0]).gathered(&archive),
            [0, 0, 2, 2, 4, 4]
        );
        assert_eq!(view(&[], &[]).gathered(&archive), [0]);
        let empty = view(&[0, 1 << 40, 1 << 40], &[1, 1, 1]);
        assert!(empty.is_contiguous() && empty.gathered(&archive).is_empty());
    }

    #[test]
    fn other_files_are_told_apart() {
        for (bytes, word) in [
            (&b"\x80\x02}."[..], "bare pickle"),
            (b"", "archive"),
            (b"PK\x03\x04 and then nothing", "archive"),
        ] {
            let error = Checkpoint::read(bytes, &[]).err().map(|e| e.to_string());
            assert!(error.unwrap_or_default().contains(word));
        }
    }
}
