//! Files and folders under temporary names, which vanish unless they are put in place.
//!
//! They are listed, so that a signal or exhausted memory removes them. The list is only ever appended to and needs
//! no lock: whoever runs out of memory can walk it, whatever other threads are doing.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Bytes of the final name that its temporary name repeats: names may have 255 in all.
const NAME_BYTES: usize = 200;
/// Temporary names that are tried: another process of this number may work in the folder, on another machine.
const TRIES: u32 = 1000;

/// A listed path, and those behind it.
struct Listed {
    path: PathBuf,
    /// Whether it is there and temporary.
    exists: AtomicBool,
    next: OnceLock<Box<Listed>>,
}

/// The list.
static FIRST: OnceLock<Box<Listed>> = OnceLock::new();
/// Held while temporaries are made or put in place; a signal waits for it, and keeps it.
static GATE: Mutex<()> = Mutex::new(());

/// Keeps signals from ending the process until the guard is dropped.
pub(super) fn hold_signals() -> MutexGuard<'static, ()> {
    GATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all temporary files and folders.
pub(super) fn remove_all() {
    let mut next = FIRST.get();
    while let Some(listed) = next {
        if listed.exists.swap(false, Ordering::SeqCst) {
            remove(&listed.path);
        }
        next = listed.next.get();
    }
}

/// Removes a file, or a folder with all that is in it, if it is there.
pub(super) fn remove(path: &Path) {
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
}

/// Lists a path at which nothing is yet: once something is, no memory is needed to know of it.
fn list(path: PathBuf) -> &'static Listed {
    let mut listed = Box::new(Listed {
        path,
        exists: AtomicBool::new(false),
        next: OnceLock::new(),
    });
    let mut slot = &FIRST;
    loop {
        match slot.set(listed) {
            Ok(()) => break,
            Err(back) => listed = back,
        }
        // a slot that refuses is full
        if let Some(full) = slot.get() {
            slot = &full.next;
        }
    }
    slot.get().expect("a slot that was just filled")
}

/// A temporary file or folder beside its target.
pub(super) struct Temporary(&'static Listed);

impl Temporary {
    /// Makes an empty file beside its target.
    ///
    /// # Errors
    /// Where nothing can be made there.
    pub(super) fn file(target: &Path) -> io::Result<(Self, File)> {
        Self::make(target, |path| {
            OpenOptions::new().write(true).create_new(true).open(path)
        })
    }

    /// Makes an empty folder beside its target.
    ///
    /// # Errors
    /// Where nothing can be made there.
    pub(super) fn folder(target: &Path) -> io::Result<Self> {
        Ok(Self::make(target, |path| fs::create_dir(path))?.0)
    }

    fn make<T>(target: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(Self, T)> {
        let _gate = hold_signals();
        for number in 0..TRIES {
            let listed = list(name_beside(target, number));
            match make(&listed.path) {
                Ok(made) => {
                    listed.exists.store(true, Ordering::SeqCst);
                    return Ok((Self(listed), made));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        let text = "every temporary name beside it is taken";
        Err(io::Error::new(io::ErrorKind::AlreadyExists, text))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Lets it and a folder that is there change names, in one step; what is at its path then is no temporary.
    /// Gives itself back where the system or the file system cannot.
    ///
    /// # Errors
    /// Itself; nothing has changed then.
    pub(super) fn exchange(self, target: &Path) -> Result<PathBuf, Self> {
        // at no moment would the other folder be removed as a temporary
        self.0.exists.store(false, Ordering::SeqCst);
        if exchange(&self.0.path, target).is_ok() {
            return Ok(self.0.path.clone());
        }
        self.0.exists.store(true, Ordering::SeqCst);
        Err(self)
    }

    /// Renames it to its target; afterwards it is no temporary any more.
    ///
    /// # Errors
    /// Where it cannot be renamed; it is removed then.
    pub(super) fn rename(self, target: &Path) -> io::Result<()> {
        fs::rename(&self.0.path, target)?;
        self.0.exists.store(false, Ordering::SeqCst);
        Ok(())
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library has no such renaming")]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    let text = |path: &Path| std::ffi::CString::new(path.as_os_str().as_bytes());
    let (one, other) = (text(one)?, text(other)?);
    let here = libc::AT_FDCWD;
    // SAFETY: both are strings that end in a zero and live as long as the call, which writes to no memory of ours.
    let status = unsafe {
        libc::renameat2(
            here,
            one.as_ptr(),
            here,
            other.as_ptr(),
            libc::RENAME_EXCHANGE,
        )
    };
    if status == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.0.exists.swap(false, Ordering::SeqCst) {
            remove(&self.0.path);
        }
    }
}

/// The temporary name of a number: hidden, and telling whose it is.
pub(super) fn name_beside(target: &Path, number: u32) -> PathBuf {
    let name = target.file_name().unwrap_or_default().as_bytes();
    let mut hidden = OsString::from(".");
    hidden.push(std::ffi::OsStr::from_bytes(
        &name[..name.len().min(NAME_BYTES)],
    ));
    hidden.push(format!(".{}-{number}.tmp", std::process::id()));
    target.with_file_name(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_vanishes_unless_it_is_put_in_place() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("x".repeat(255));
        let (kept, _) = Temporary::file(&target).unwrap();
        let (lost, _) = Temporary::file(&target).unwrap();
        assert_ne!(kept.path(), lost.path());
        kept.rename(&target).unwrap();
        drop(lost);
        let left: Vec<_> = fs::read_dir(root.path()).unwrap().collect();
        assert_eq!(left.len(), 1);
        assert!(target.is_file());
    }
}
