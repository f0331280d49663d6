//! Every file and folder that options name, found by the types of the options: a [`Source`] or a path is read, a
//! [`Target`], [`TargetFolder`], [`TableOrFolder`] or [`SharedFolder`] is written. So no executable can forget one.

use super::{
    input::Source,
    target::{Destination, SharedFolder, TableOrFolder, Target, TargetFolder},
};
use clap::{Arg, ArgMatches, Command};
use std::{fmt, path::PathBuf};

/// A value, and the option that named it.
#[derive(Clone, Debug)]
pub(super) struct Named<T> {
    pub(super) option: String,
    pub(super) value: T,
}

impl<T> Named<T> {
    pub(super) fn new(option: impl Into<String>, value: T) -> Self {
        let option = option.into();
        Self { option, value }
    }
}

impl<T: fmt::Display> Named<T> {
    /// Both, as they are typed.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.option, self.value)
    }
}

/// What a command line reads and writes.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedFiles {
    pub(super) inputs: Vec<Named<Source>>,
    pub(super) outputs: Vec<Named<Destination>>,
}

impl NamedFiles {
    /// The files and folders of a command line, in the order of the options' definition.
    pub(super) fn of(command: &Command, matches: &ArgMatches) -> Self {
        let mut files = Self::default();
        files.add(command, matches);
        files
    }

    fn add(&mut self, command: &Command, matches: &ArgMatches) {
        for argument in command.get_arguments() {
            let option = shown(argument);
            let id = argument.get_id().as_str();
            self.inputs
                .extend(values::<Source, _>(matches, id, &option, |source| source));
            self.inputs
                .extend(values::<PathBuf, _>(matches, id, &option, Source::File));
            self.outputs
                .extend(values::<Target, _>(matches, id, &option, Destination::File));
            self.outputs.extend(values::<TargetFolder, _>(
                matches,
                id,
                &option,
                Destination::Folder,
            ));
            self.outputs.extend(values::<TableOrFolder, _>(
                matches,
                id,
                &option,
                Destination::from,
            ));
            self.outputs.extend(values::<SharedFolder, _>(
                matches,
                id,
                &option,
                Destination::Shared,
            ));
        }
        if let Some((name, matches)) = matches.subcommand()
            && let Some(command) = command.find_subcommand(name)
        {
            self.add(command, matches);
        }
    }
}

/// The values of an option, if it is one of this type.
fn values<T: Clone + Send + Sync + 'static, V>(
    matches: &ArgMatches,
    id: &str,
    option: &str,
    into: impl Fn(T) -> V,
) -> Vec<Named<V>> {
    let found = matches.try_get_many::<T>(id).ok().flatten();
    found
        .into_iter()
        .flatten()
        .map(|value| Named::new(option, into(value.clone())))
        .collect()
}

/// An option as it is typed.
fn shown(argument: &Arg) -> String {
    match (argument.get_long(), argument.get_short()) {
        (Some(long), _) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) => argument.get_id().to_string(),
    }
}
