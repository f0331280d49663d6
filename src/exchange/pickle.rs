//! The pickle of a `PyTorch` checkpoint, read as data.
//!
//! A stack machine that builds dictionaries, lists, numbers, text and references to tensors. Calls
//! that rebuild tensors and ordered dictionaries are understood by their names; every other call
//! makes an object of which nothing is known. No name is looked up and nothing is run.

use std::collections::HashMap;

use super::ExchangeError;

/// Most objects of a pickle: a state dictionary has a few per tensor, Lightning's a few more.
const MAX_OBJECTS: usize = 1 << 22;
/// Longest name of a global or of a storage: what is longer is none that anybody asks for, and one
/// long text referred to many times must not fill memory.
const MAX_NAME: usize = 256;
/// Most dimensions of a tensor.
const MAX_DIMENSIONS: usize = 8;
/// Arguments of a call that are looked at.
const MAX_ARGUMENTS: usize = 4;

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

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ExchangeError> {
        let mut machine = PickleVm {
            input: bytes,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            copied: 0,
        };
        let top = machine.run().map_err(|problem| {
            let at = bytes.len() - machine.input.len();
            ExchangeError::Damaged(format!("data.pkl, byte {at}: {problem}"))
        })?;
        Ok(Self {
            objects: machine.objects,
            top,
        })
    }
}

type Step<T = ()> = Result<T, String>;

struct PickleVm<'a> {
    input: &'a [u8],
    objects: Vec<Object>,
    stack: Vec<Id>,
    /// Heights of the stack where marks stand.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Entries of dictionaries that were copied out of lists.
    copied: usize,
}

impl<'a> PickleVm<'a> {
    fn run(&mut self) -> Step<Id> {
        loop {
            let op = self.bytes(1)?[0];
            if op == b'.' {
                return self.pop();
            }
            self.step(op)?;
        }
    }

    fn bytes(&mut self, count: usize) -> Step<&'a [u8]> {
        let (head, tail) = self
            .input
            .split_at_checked(count)
            .ok_or("it is cut short")?;
        self.input = tail;
        Ok(head)
    }

    /// An unsigned number of so many bytes, little end first.
    fn number(&mut self, size: usize) -> Step<u64> {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(self.bytes(size)?);
        Ok(u64::from_le_bytes(bytes))
    }

    fn counted(&mut self, size: usize) -> Step<&'a [u8]> {
        let count = self.number(size)?;
        self.bytes(usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Step<&'a str> {
        let end = memchr::memchr(b'\n', self.input).ok_or("it is cut short")?;
        let line = &self.bytes(end + 1)?[..end];
        std::str::from_utf8(line).map_err(|e| e.to_string())
    }

    fn push(&mut self, object: Object) -> Step {
        if self.objects.len() >= MAX_OBJECTS {
            return Err(format!("more than {MAX_OBJECTS} objects"));
        }
        self.stack.push(self.objects.len());
        self.objects.push(object);
        Ok(())
    }

    fn pop(&mut self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err("the stack is empty".into());
        }
        self.stack.pop().ok_or_else(|| "the stack is empty".into())
    }

    fn top(&self) -> Step<Id> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| "the stack is empty".into())
    }

    /// What lies above the last mark.
    fn since_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn tuple(&mut self, size: usize) -> Step {
        let mut items = Vec::with_capacity(size);
        for _ in 0..size {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Object::Tuple(items))
    }

    fn text(&mut self, bytes: &[u8]) -> Step {
        self.push(Object::Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn remember(&mut self, key: u64) -> Step {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Step {
        let id = *self.memo.get(&key).ok_or("a reference to nothing")?;
        self.stack.push(id);
        // a pickle that only recalls could fill memory too
        if self.stack.len() > MAX_OBJECTS {
            return Err(format!("more than {MAX_OBJECTS} objects"));
        }
        Ok(())
    }

    /// Adds to the list, set or dictionary on top of the stack; objects of classes take anything.
    fn add(&mut self, items: Vec<Id>) -> Step {
        let into = self.top()?;
        match &mut self.objects[into] {
            Object::List(list) => list.extend(items),
            Object::Dict(dict) => {
                dict.extend(
                    items
                        .as_chunks::<2>()
                        .0
                        .iter()
                        .map(|&[key, value]| (key, value)),
                );
            }
            Object::Opaque => {}
            other => return Err(format!("items are added to {other:?}")),
        }
        Ok(())
    }

    fn step(&mut self, op: u8) -> Step {
        match op {
            // protocol; frames say nothing that their content does not
            0x80 => self.bytes(1).map(drop),
            0x95 => self.bytes(8).map(drop),
            b'N' => self.push(Object::None),
            0x88 | 0x89 => self.push(Object::Opaque),
            b'J' => {
                let value = self.number(4)? as u32;
                self.push(Object::Int(i64::from(value.cast_signed())))
            }
            b'K' => {
                let value = self.number(1)?;
                self.push(Object::Int(value.cast_signed()))
            }
            b'M' => {
                let value = self.number(2)?;
                self.push(Object::Int(value.cast_signed()))
            }
            0x8a => {
                let bytes = self.counted(1)?;
                self.long(bytes)
            }
            0x8b => {
                let bytes = self.counted(4)?;
                self.long(bytes)
            }
            b'G' => {
                self.bytes(8)?;
                self.push(Object::Opaque)
            }
            b'X' | b'T' => {
                let text = self.counted(4)?;
                self.text(text)
            }
            0x8c | b'U' => {
                let text = self.counted(1)?;
                self.text(text)
            }
            0x8d => {
                let text = self.counted(8)?;
                self.text(text)
            }
            b'B' => self.counted(4).and_then(|_| self.push(Object::Opaque)),
            b'C' => self.counted(1).and_then(|_| self.push(Object::Opaque)),
            0x8e | 0x96 => self.counted(8).and_then(|_| self.push(Object::Opaque)),
            _ => self.arrange(op),
        }
    }

    /// Operations on what is on the stack already.
    fn arrange(&mut self, op: u8) -> Step {
        match op {
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b')' => self.push(Object::Tuple(Vec::new())),
            b't' => {
                let items = self.since_mark()?;
                self.push(Object::Tuple(items))
            }
            0x85 => self.tuple(1),
            0x86 => self.tuple(2),
            0x87 => self.tuple(3),
            b']' | 0x8f => self.push(Object::List(Vec::new())),
            b'l' | 0x91 => {
                let items = self.since_mark()?;
                self.push(Object::List(items))
            }
            b'}' => self.push(Object::Dict(Vec::new())),
            b'd' => {
                let items = self.since_mark()?;
                self.push(Object::Dict(Vec::new()))?;
                self.add(items)
            }
            b'a' => {
                let item = self.pop()?;
                self.add(vec![item])
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.add(vec![key, value])
            }
            b'e' | b'u' | 0x90 => {
                let items = self.since_mark()?;
                self.add(items)
            }
            // also the state of an object: of a dictionary, attributes that are no entries
            b'0' | b'b' => self.pop().map(drop),
            b'1' => self.since_mark().map(drop),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            b'q' => self.number(1).and_then(|key| self.remember(key)),
            b'r' => self.number(4).and_then(|key| self.remember(key)),
            0x94 => self.remember(self.memo.len() as u64),
            b'h' => self.number(1).and_then(|key| self.recall(key)),
            b'j' => self.number(4).and_then(|key| self.recall(key)),
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Object::Global(format!("{module}.{name}")))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let global = format!("{}.{}", self.shown(module), self.shown(name));
                self.push(Object::Global(global))
            }
            b'Q' => self.persistent(),
            b'R' => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, arguments)
            }
            0x81 => {
                let (_, class) = (self.pop()?, self.pop()?);
                self.instance(class)
            }
            0x92 => {
                let (_, _, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.instance(class)
            }
            other => Err(format!("operation 0x{other:02x} is not one of torch.save")),
        }
    }

    fn long(&mut self, bytes: &[u8]) -> Step {
        // seeds are of more than 64 bits; nothing that is asked for is
        if bytes.len() > 8 {
            return self.push(Object::Opaque);
        }
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut all = [if negative { 0xff } else { 0 }; 8];
        all[..bytes.len()].copy_from_slice(bytes);
        self.push(Object::Int(i64::from_le_bytes(all)))
    }

    fn shown(&self, id: Id) -> &str {
        match &self.objects[id] {
            Object::Text(text) if text.len() <= MAX_NAME => text,
            _ => "?",
        }
    }

    /// An object made without arguments.
    fn instance(&mut self, class: Id) -> Step {
        let dictionary =
            matches!(&self.objects[class], Object::Global(name) if is_dictionary(name));
        self.push(if dictionary {
            Object::Dict(Vec::new())
        } else {
            Object::Opaque
        })
    }

    /// A reference to a storage: ('storage', class, entry, device, numbers).
    fn persistent(&mut self) -> Step {
        let id = self.pop()?;
        let Object::Tuple(parts) = &self.objects[id] else {
            return self.push(Object::Opaque);
        };
        let mut found = None;
        if let [kind, class, key, ..] = parts.as_slice()
            && self.shown(*kind) == "storage"
            && let Object::Global(class) = &self.objects[*class]
        {
            let class = class.rsplit('.').next().unwrap_or_default();
            found = Some(Storage {
                class: class.chars().take(MAX_NAME).collect(),
                key: self.shown(*key).to_owned(),
            });
        }
        self.push(found.map_or(Object::Opaque, Object::Storage))
    }

    fn call(&mut self, callable: Id, arguments: Id) -> Step {
        let name = match &self.objects[callable] {
            Object::Global(name) if name.len() <= MAX_NAME => name.clone(),
            _ => String::new(),
        };
        let arguments: Vec<Id> = match &self.objects[arguments] {
            Object::Tuple(items) => items.iter().take(MAX_ARGUMENTS).copied().collect(),
            _ => Vec::new(),
        };
        match name.as_str() {
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => {
                let tensor = self.tensor(&arguments)?;
                self.push(Object::Tensor(tensor))
            }
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                let data = *arguments.first().ok_or("a parameter without data")?;
                self.stack.push(data);
                Ok(())
            }
            _ if is_dictionary(&name) => {
                let mut items = Vec::new();
                if let Some(&pairs) = arguments.first()
                    && let Object::List(pairs) = &self.objects[pairs]
                {
                    self.copied += pairs.len();
                    if self.copied > MAX_OBJECTS {
                        return Err(format!("more than {MAX_OBJECTS} entries"));
                    }
                    for &pair in pairs {
                        if let Object::Tuple(pair) | Object::List(pair) = &self.objects[pair]
                            && let &[key, value] = pair.as_slice()
                        {
                            items.push((key, value));
                        }
                    }
                }
                self.push(Object::Dict(items))
            }
            _ => self.push(Object::Opaque),
        }
    }

    fn tensor(&self, arguments: &[Id]) -> Step<TensorRef> {
        let &[storage, offset, shape, strides, ..] = arguments else {
            return Err("a tensor with too few arguments".into());
        };
        let Object::Storage(storage) = &self.objects[storage] else {
            return Err("a tensor without storage".into());
        };
        Ok(TensorRef {
            storage: storage.clone(),
            offset: self.size(offset)?,
            shape: self.sizes(shape)?,
            strides: self.sizes(strides)?,
        })
    }

    fn size(&self, id: Id) -> Step<usize> {
        match self.objects[id] {
            Object::Int(n) => usize::try_from(n).map_err(|_| format!("a size of {n}")),
            _ => Err("a size that is no number".into()),
        }
    }

    fn sizes(&self, id: Id) -> Step<Vec<usize>> {
        match &self.objects[id] {
            Object::Tuple(items) | Object::List(items) => {
                if items.len() > MAX_DIMENSIONS {
                    return Err(format!("a tensor of {} dimensions", items.len()));
                }
                items.iter().map(|&item| self.size(item)).collect()
            }
            _ => Err("sizes that are no tuple".into()),
        }
    }
}

fn is_dictionary(name: &str) -> bool {
    matches!(name, "collections.OrderedDict" | "collections.defaultdict")
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
