//! Complete outputs on their way from their temporary names to their own, and back where one of them fails.

use super::{
    outputs::FirstForeign,
    temporary::{self, Temporary, hold_signals, name_beside},
};
use crate::{Result, error::Context as _};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where outputs wait that are complete, until all are.
#[derive(Clone, Default)]
pub(super) struct Stage(Arc<Mutex<Vec<Staged>>>);

impl Stage {
    /// Takes an output that is complete.
    pub(super) fn push(&self, temporary: Temporary, target: PathBuf) {
        lock(&self.0).push(Staged { temporary, target });
    }

    /// Where the bytes of an output lie that will have this path, without links; none where it is not complete.
    pub(super) fn find(&self, target: &Path) -> Option<PathBuf> {
        let staged = lock(&self.0);
        let one = staged.iter().find(|one| one.target == target);
        one.map(|one| one.temporary.path().to_owned())
    }

    /// Drops all: their run has failed.
    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// Puts all in place, or none.
    ///
    /// # Errors
    /// The first that cannot be put there, named; what was in all places before is there again.
    pub(super) fn place_all(&self, first_foreign: FirstForeign) -> Result<()> {
        let staged = std::mem::take(&mut *lock(&self.0));
        let mut placed = Vec::with_capacity(staged.len());
        let held = hold_signals();
        for one in staged {
            let target = one.target.clone();
            match one.replace(first_foreign) {
                Ok(replaced) => placed.push(replaced),
                Err(error) => {
                    placed.into_iter().rev().for_each(Replaced::undo);
                    return Err(error).path(&target);
                }
            }
        }
        drop(held);
        placed.into_iter().for_each(Replaced::forget);
        Ok(())
    }
}

/// The content of a lock; a panic elsewhere does not keep it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A complete output under its temporary name.
struct Staged {
    temporary: Temporary,
    target: PathBuf,
}

impl Staged {
    /// Renames it to its target, keeping what was there.
    fn replace(self, first_foreign: FirstForeign) -> io::Result<Replaced> {
        let Self { temporary, target } = self;
        if target.exists() && target.is_dir() != temporary.path().is_dir() {
            let text = "what is there has become a file or folder of another kind";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        let old = keep(&target)?;
        if let Err(error) = temporary.rename(&target) {
            if let Some(old) = old {
                give_back(&old, &target);
            }
            return Err(error);
        }
        Ok(Replaced {
            target,
            old,
            first_foreign,
        })
    }
}

/// Gives what is at a path a second, hidden name, or moves it there where it can have but one.
fn keep(target: &Path) -> io::Result<Option<PathBuf>> {
    if fs::symlink_metadata(target).is_err() {
        return Ok(None);
    }
    let mut number = 0;
    let mut name = name_beside(target, number).with_extension("old");
    while fs::symlink_metadata(&name).is_ok() {
        number += 1;
        name = name_beside(target, number).with_extension("old");
    }
    // with two names a file is there at every moment; folders have but one, and so have files of some file systems
    if target.is_dir() || fs::hard_link(target, &name).is_err() {
        fs::rename(target, &name)?;
    }
    Ok(Some(name))
}

/// Lets a path hold again what was kept.
fn give_back(old: &Path, target: &Path) {
    if fs::rename(old, target).is_err() {
        super::log::warn(&format!(
            "{}: what was there before is now {}",
            target.display(),
            old.display()
        ));
    }
    // of two names of one file, renaming leaves both
    if target.is_file() {
        let _ = fs::remove_file(old);
    }
}

/// An output that is in place, and what was there before.
struct Replaced {
    target: PathBuf,
    old: Option<PathBuf>,
    first_foreign: FirstForeign,
}

impl Replaced {
    /// Lets everything be as it was.
    fn undo(self) {
        if self.target.is_dir() {
            let _ = fs::remove_dir_all(&self.target);
        } else if self.old.is_none() {
            let _ = fs::remove_file(&self.target);
        }
        if let Some(old) = self.old {
            give_back(&old, &self.target);
        }
    }

    /// Removes what was there before; what somebody put into an old folder meanwhile stays.
    fn forget(self) {
        let Some(old) = self.old else { return };
        if old.is_dir() && (self.first_foreign)(&old).is_some() {
            super::log::warn(&format!(
                "{} was replaced; what it held is kept in {}, since files of others came into it",
                self.target.display(),
                old.display()
            ));
            return;
        }
        temporary::remove(&old);
    }
}
