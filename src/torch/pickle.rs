//! The pickle of a `PyTorch` checkpoint, read as data.
//!
//! A stack machine that builds dictionaries, lists, numbers, text and references to tensors. Calls
//! that rebuild tensors and ordered dictionaries are understood by their names; every other call
//! makes an object of which nothing is known. No name is looked up and nothing is run.

mod machine;

use super::TorchError;
use machine::PickleVm;

/// An object's place in the arena: objects refer to one another, in circles too, and deep nests of
/// them are dropped without recursion.
pub(crate) type Id = usize;

/// An object.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    None,
    Int(i64),
    Text(String),
    /// `module.name`, not looked up.
    Global(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Storage(Storage),
    Tensor(TensorRef),
    /// What a call, or a class of somebody, would have made, and what nobody asks for.
    Opaque,
}

/// Numbers in an entry of the archive.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    /// Class of the storage, for example `FloatStorage`.
    pub(crate) class: String,
    /// Entry in the archive, below `data/`.
    pub(crate) key: String,
}

/// A view of a storage.
#[derive(Clone, Debug)]
pub(crate) struct TensorRef {
    pub(crate) storage: Storage,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

/// A pickle that has been read.
pub(crate) struct Pickle {
    objects: Vec<Object>,
    /// The object that the pickle is of.
    pub(crate) top: Id,
}

impl Pickle {
    pub(crate) fn get(&self, id: Id) -> &Object {
        &self.objects[id]
    }

    /// Entries of a dictionary whose keys are text.
    pub(crate) fn items(&self, id: Id) -> impl Iterator<Item = (&str, Id)> {
        let items = match self.get(id) {
            Object::Dict(items) => items.as_slice(),
            _ => &[],
        };
        items
            .iter()
            .filter_map(|&(key, value)| match self.get(key) {
                Object::Text(key) => Some((key.as_str(), value)),
                _ => None,
            })
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, TorchError> {
        let mut machine = PickleVm::new(bytes);
        let top = machine.run().map_err(|problem| {
            let at = bytes.len() - machine.rest();
            TorchError::Damaged(format!("data.pkl, byte {at}: {problem}"))
        })?;
        Ok(Self {
            objects: machine.into_objects(),
            top,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_not_made() {
        // os.system("echo"), as a malicious checkpoint has it, in a dictionary beside a number
        let bytes = b"\x80\x02}(X\x01\0\0\0acos\nsystem\nX\x04\0\0\0echo\x85RX\x01\0\0\0bK\x07u.";
        let pickle = Pickle::read(bytes).unwrap();
        let items: Vec<_> = pickle.items(pickle.top).collect();
        assert_eq!(items.len(), 2);
        assert!(matches!(pickle.get(items[0].1), Object::Opaque));
        assert!(matches!(pickle.get(items[1].1), Object::Int(7)));
    }

    #[test]
    fn a_tensor_of_a_subclass_is_a_tensor() {
        let inner =
            b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000tQK\x02K\x03\x85K\x01\x85t";
        let rebuilt = |function: &[u8]| {
            let mut bytes = b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(".to_vec();
            bytes.extend_from_slice(function);
            bytes.extend_from_slice(b"ctorch.nn\nBuffer\n");
            bytes.extend_from_slice(inner);
            bytes.extend_from_slice(b"NtR.");
            Pickle::read(&bytes).unwrap()
        };
        let pickle = rebuilt(b"ctorch._utils\n_rebuild_tensor_v2\n");
        let Object::Tensor(tensor) = pickle.get(pickle.top) else {
            panic!("a tensor")
        };
        assert_eq!((tensor.offset, &tensor.shape[..]), (2, &[3][..]));
        let pickle = rebuilt(b"cos\nsystem\n");
        assert!(matches!(pickle.get(pickle.top), Object::Opaque));
    }

    #[test]
    fn numbers_and_circles() {
        // a list that holds itself, a negative number and a long one
        let bytes = b"\x80\x02]q\x00(h\x00J\xff\xff\xff\xff\x8a\x02\x00\x80e.";
        let pickle = Pickle::read(bytes).unwrap();
        let Object::List(items) = pickle.get(pickle.top) else {
            panic!("a list")
        };
        assert_eq!(items[0], pickle.top);
        assert!(matches!(pickle.get(items[1]), Object::Int(-1)));
        assert!(matches!(pickle.get(items[2]), Object::Int(-32768)));
    }

    #[test]
    fn references_to_one_long_object_do_not_multiply_it() {
        // a list of ten thousand pairs, made into a dictionary again and again
        let mut bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00](".to_vec();
        for _ in 0..10_000 {
            bytes.extend_from_slice(b"K\x01K\x02\x86");
        }
        bytes.extend_from_slice(b"e\x85q\x010");
        for _ in 0..10_000 {
            bytes.extend_from_slice(b"h\x00h\x01R0");
        }
        let error = Pickle::read(&bytes).err().unwrap().to_string();
        assert!(error.contains("entries"), "{error}");
    }

    #[test]
    fn damage_is_an_error_at_its_byte() {
        for bytes in [
            &b""[..],
            b"\x80",
            b"\x80\x02.",
            b"\x80\x02X\xff\xff\xff\xffa",
            b"\x80\x02h\x05.",
            b"\x80\x02u.",
            b"\x80\x02(0.",
            b"\x80\x02K\x01K\x02a.",
            b"\x80\x02\xfa.",
        ] {
            let error = Pickle::read(bytes).err().unwrap().to_string();
            assert!(error.contains("data.pkl, byte"), "{error}");
        }
    }
}
