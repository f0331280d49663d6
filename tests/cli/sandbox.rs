//! A run of a row on copies of its inputs, so that an input that is harmed is told.

use crate::{
    fixture::{Fixture, command},
    rows::{Out, Row},
};
use protsae::cli::{SharedFolder, Source, TableOrFolder, Target, TargetFolder};
use std::{
    any::TypeId,
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Output,
};
use tempfile::TempDir;

/// What an option names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Input,
    OutputFile,
    OutputFolder,
    SharedFolder,
}

/// An option of a path.
#[derive(Clone, Debug)]
pub(crate) struct PathOption {
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// Every option of an executable that names a file or a folder, by the type of its values.
pub(crate) fn path_options(tool: &str) -> Vec<PathOption> {
    let commands = protsae::commands::all();
    let command = commands.iter().find(|c| c.get_name() == tool).unwrap();
    let options = command.get_arguments().filter_map(|argument| {
        let of = argument.get_value_parser().type_id();
        let is = |id: TypeId| of == id;
        let role = if is(TypeId::of::<Source>()) || is(TypeId::of::<PathBuf>()) {
            Role::Input
        } else if is(TypeId::of::<Target>()) {
            Role::OutputFile
        } else if is(TypeId::of::<TargetFolder>()) || is(TypeId::of::<TableOrFolder>()) {
            Role::OutputFolder
        } else if is(TypeId::of::<SharedFolder>()) {
            Role::SharedFolder
        } else {
            return None;
        };
        let name = format!("--{}", argument.get_long()?);
        Some(PathOption { name, role })
    });
    options.collect()
}

/// Copies of a row's inputs, and the arguments that name them.
pub(crate) struct Sandbox {
    row: &'static Row,
    pub(crate) folder: TempDir,
    /// All arguments but the outputs'.
    pub(crate) arguments: Vec<String>,
    /// The inputs by the option that names each.
    pub(crate) inputs: Vec<(String, PathBuf)>,
    before: BTreeMap<PathBuf, State>,
}

impl Sandbox {
    pub(crate) fn new(row: &'static Row) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Fixture::get();
        let mut given = vec![row.input.to_owned()];
        given.push((row.source)(fixture).to_str().unwrap().to_owned());
        given.extend((row.rest)(fixture));
        let mut inputs = Vec::new();
        let mut arguments: Vec<String> = Vec::new();
        for argument in given {
            let path = Path::new(&argument);
            let is_input = path.is_absolute() && (path.is_file() || path.is_dir());
            if !is_input {
                arguments.push(argument);
                continue;
            }
            let inbox = folder.path().join(format!("in{}", inputs.len()));
            fs::create_dir(&inbox).unwrap();
            let copy = inbox.join(path.file_name().unwrap());
            copy_all(path, &copy);
            inputs.push((arguments.last().unwrap().clone(), copy.clone()));
            arguments.push(copy.to_str().unwrap().to_owned());
        }
        let before = states(folder.path());
        Self {
            row,
            folder,
            arguments,
            inputs,
            before,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The arguments with an output at this path.
    pub(crate) fn with(&self, more: &[String]) -> Vec<String> {
        let mut all = self.arguments.clone();
        // what is said here replaces what the row says, by either name of an option
        for pair in more.chunks(2) {
            let name = |option: &str| match option {
                "--input" => "-i".to_owned(),
                "--output" => "-o".to_owned(),
                "--model" => "-m".to_owned(),
                other => other.to_owned(),
            };
            let same = |argument: &String| name(argument) == name(&pair[0]);
            if let Some(at) = all.iter().position(same) {
                all.drain(at..at + 2);
            }
        }
        all.extend_from_slice(more);
        let has_output = all.iter().any(|a| a == "-o" || a == "--output");
        if !has_output && self.row.output != Out::Stdout {
            let target = self.path(&self.row.output.name());
            all.extend(["-o".to_owned(), target.to_str().unwrap().to_owned()]);
        }
        all
    }

    /// Runs with these outputs.
    pub(crate) fn run(&self, more: &[String]) -> Output {
        command(self.row.tool, &self.with(more)).output().unwrap()
    }

    /// Demands that all inputs, and nothing else but `new`, are there as they were.
    pub(crate) fn assert_untouched(&self, what: &str) {
        let now = states(self.folder.path());
        for (path, content) in &self.before {
            assert!(
                now.get(path) == Some(content),
                "{}: {what} harmed {}",
                self.row.tool,
                path.display()
            );
        }
        let new: Vec<_> = now
            .keys()
            .filter(|p| !self.before.contains_key(*p))
            .collect();
        assert!(new.is_empty(), "{}: {what} left {new:?}", self.row.tool);
    }

    /// As [`Self::settle`], but what has such a name is expected to vanish.
    pub(crate) fn settle_but(&mut self, temporary: &str) {
        self.settle();
        let is_temporary = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with(temporary)
        };
        self.before.retain(|path, _| !is_temporary(path));
    }

    /// From here on what is there now counts as what was there before.
    pub(crate) fn settle(&mut self) {
        self.before = states(self.folder.path());
    }
}

/// Bytes from which a file is linked, not copied.
const LARGE: u64 = 1 << 19;

fn copy_all(from: &Path, to: &Path) {
    if !from.is_dir() {
        let is_large = from.metadata().unwrap().len() >= LARGE;
        if !(is_large && fs::hard_link(from, to).is_ok()) {
            fs::copy(from, to).unwrap();
        }
        return;
    }
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy_all(&entry.path(), &to.join(entry.file_name()));
    }
}

/// What a file was at a moment: which one it is, its size and when it was written; links by what they name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    File(u64, u64, i64, i64),
    Link(PathBuf),
}

/// The state of every file below a folder.
fn states(folder: &Path) -> BTreeMap<PathBuf, State> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let there = fs::symlink_metadata(&path).unwrap();
        if there.is_dir() {
            all.extend(states(&path));
        } else if there.is_symlink() {
            let to = fs::read_link(&path).unwrap();
            all.insert(path, State::Link(to));
        } else {
            let (size, time) = (there.size(), (there.mtime(), there.mtime_nsec()));
            all.insert(path, State::File(there.ino(), size, time.0, time.1));
        }
    }
    all
}
