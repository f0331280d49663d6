//! The stack machine of pickles: its operations, and the values on its stack.

use super::{Id, Object, Storage, TensorRef};
use std::collections::HashMap;

/// Most objects of a pickle: a state dictionary has a few per tensor, Lightning's a few more.
const MAX_OBJECTS: usize = 1 << 22;
/// Longest name of a global or of a storage: what is longer is none that anybody asks for, and one
/// long text referred to many times must not fill memory.
const MAX_NAME: usize = 256;
/// Most dimensions of a tensor.
const MAX_DIMENSIONS: usize = 8;
/// Arguments of a call that are looked at.
const MAX_ARGUMENTS: usize = 4;

type Step<T = ()> = Result<T, String>;

/// A machine, and what is left of its input.
pub(super) struct PickleVm<'a> {
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
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            copied: 0,
        }
    }

    /// Bytes that have not been read.
    pub(super) fn rest(&self) -> usize {
        self.input.len()
    }

    /// All objects that were made, by their ids.
    pub(super) fn into_objects(self) -> Vec<Object> {
        self.objects
    }

    /// Runs to the end of the pickle and gives the object that it is of.
    ///
    /// # Errors
    /// What is wrong with the operation that was read last.
    pub(super) fn run(&mut self) -> Step<Id> {
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
            _ => self.refer(op),
        }
    }

    /// Operations on what was remembered, and on what is known by name.
    fn refer(&mut self, op: u8) -> Step {
        match op {
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
            // a subclass of tensors: what makes the tensor, the class, its arguments
            "torch._tensor._rebuild_from_type_v2" => match arguments[..] {
                [function, _, inner, ..] if self.rebuilds(function) => self.call(function, inner),
                _ => self.push(Object::Opaque),
            },
            _ if is_tensor(&name) => {
                let tensor = self.tensor(&arguments)?;
                self.push(Object::Tensor(tensor))
            }
            _ if is_parameter(&name) => {
                let data = *arguments.first().ok_or("a parameter without data")?;
                self.stack.push(data);
                Ok(())
            }
            _ if is_dictionary(&name) => {
                let items = self.pairs(&arguments)?;
                self.push(Object::Dict(items))
            }
            _ => self.push(Object::Opaque),
        }
    }

    /// Whether a call of this object makes a tensor.
    fn rebuilds(&self, callable: Id) -> bool {
        matches!(&self.objects[callable], Object::Global(name) if is_tensor(name) || is_parameter(name))
    }

    /// Entries of a dictionary that is made of a list of pairs.
    fn pairs(&mut self, arguments: &[Id]) -> Step<Vec<(Id, Id)>> {
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
        Ok(items)
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

fn is_tensor(name: &str) -> bool {
    matches!(
        name,
        "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2"
    )
}

fn is_parameter(name: &str) -> bool {
    matches!(
        name,
        "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state"
    )
}

fn is_dictionary(name: &str) -> bool {
    matches!(name, "collections.OrderedDict" | "collections.defaultdict")
}
