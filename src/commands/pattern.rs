//! One option that names several outputs: a word in braces stands for what tells them apart.

use crate::cli::Target;
use std::{
    ffi::OsString,
    fmt::Display,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::Path,
};

/// A path that holds such a word; paths need not be UTF-8.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pattern<'a> {
    path: &'a Path,
    word: &'static str,
}

impl<'a> Pattern<'a> {
    /// The target as a pattern, where it holds the word.
    pub(super) fn of(target: &'a Target, word: &'static str) -> Option<Self> {
        let path = target.path()?;
        memchr::memmem::find(path.as_os_str().as_bytes(), word.as_bytes())?;
        Some(Self { path, word })
    }

    /// The target that it was made of.
    pub(super) fn target(&self) -> Target {
        Target::File(self.path.to_owned())
    }

    /// The output for this value, which stands wherever the word does.
    pub(super) fn with(&self, value: impl Display) -> Target {
        let value = value.to_string();
        let mut rest = self.path.as_os_str().as_bytes();
        let mut name = Vec::with_capacity(rest.len());
        while let Some(at) = memchr::memmem::find(rest, self.word.as_bytes()) {
            name.extend_from_slice(&rest[..at]);
            name.extend_from_slice(value.as_bytes());
            rest = &rest[at + self.word.len()..];
        }
        name.extend_from_slice(rest);
        Target::File(OsString::from_vec(name).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_replaced_wherever_it_stands_and_in_names_that_are_no_text() {
        let target = |bytes: &[u8]| Target::from(OsString::from_vec(bytes.to_vec()));
        let pattern = target(b"a {shard}/caf\xe9.{shard}.fa");
        let pattern = Pattern::of(&pattern, "{shard}").unwrap();
        assert_eq!(pattern.with(12), target(b"a 12/caf\xe9.12.fa"));
        assert!(Pattern::of(&target(b"a.{layer}.fa"), "{shard}").is_none());
        assert!(Pattern::of(&Target::Stdout, "{shard}").is_none());
    }
}
