//! Outputs that are complete, and how they replace what was there before.

use super::{FirstForeign, lock};
use crate::cli::{
    log,
    temporary::{self, Temporary, name_beside},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// Takes outputs that are complete.
#[derive(Clone)]
pub(in crate::cli) struct Stage(Arc<Mutex<Vec<Staged>>>);

impl Stage {
    pub(super) fn of(staged: &Arc<Mutex<Vec<Staged>>>) -> Self {
        Self(Arc::clone(staged))
    }

    pub(in crate::cli) fn push(&self, temporary: Temporary, target: PathBuf) {
        lock(&self.0).push(Staged { temporary, target });
    }
}

/// A complete output under its temporary name.
pub(super) struct Staged {
    temporary: Temporary,
    target: PathBuf,
}

impl Staged {
    /// The path that it will have.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// The path that it has.
    pub(super) fn lies(&self) -> &Path {
        self.temporary.path()
    }

    /// Renames it to its target, keeping what was there.
    ///
    /// # Errors
    /// Where it cannot be renamed; what was there is there again.
    pub(super) fn replace(self, first_foreign: FirstForeign) -> io::Result<Replaced> {
        let Self {
            mut temporary,
            target,
        } = self;
        if target.exists() && target.is_dir() != temporary.path().is_dir() {
            let text = "what is there has become a file or folder of another kind";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        if target.is_dir() {
            // so that at no moment there is none
            match temporary.exchange(&target) {
                Ok(old) => {
                    return Ok(Replaced {
                        target,
                        old: Some(old),
                        first_foreign,
                    });
                }
                Err(same) => temporary = same,
            }
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
        log::warn(&format!(
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
pub(super) struct Replaced {
    target: PathBuf,
    old: Option<PathBuf>,
    first_foreign: FirstForeign,
}

impl Replaced {
    /// Lets everything be as it was.
    pub(super) fn undo(self) {
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
    pub(super) fn forget(self) {
        let Some(old) = self.old else { return };
        if old.is_dir() && (self.first_foreign)(&old).is_some() {
            log::warn(&format!(
                "{} was replaced; what it held is kept in {}, since files of others came into it",
                self.target.display(),
                old.display()
            ));
            return;
        }
        temporary::remove(&old);
    }
}
