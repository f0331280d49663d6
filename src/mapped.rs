//! All bytes of a file: read where it is small, mapped into memory where it is large.
//!
//! A map is sound while its file keeps the length that it had. Outputs of this package appear by rename and are never
//! rewritten in place, so only others can break that, and a file that is shortened under a map is found in two ways:
//! pages that are gone end the process with an error, where [`on_loss`] was told how (they would end it with SIGBUS);
//! of the last page, whose missing rest reads as zeros, [`check`] tells before an output is put in place.

mod bus;

use memmap2::{Mmap, UncheckedAdvice};
use std::{
    fs::File,
    io::{self, Read, Seek},
    ops::{Deref, Range},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

/// Files from this length on are mapped; others are read, which costs no more, and nobody can take them away.
const MAPPED_FROM: u64 = 4 << 20;
/// Largest pages that a map may have on the machines of this package.
const PAGE: usize = 1 << 16;

/// What became of a file that is in use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lost {
    /// It has become shorter.
    #[error("{}: was shortened from {was} to {now} bytes while it was being read", path.display())]
    Shortened {
        /// The file.
        path: PathBuf,
        /// Bytes that it had when it was opened.
        was: u64,
        /// Bytes that it has.
        now: u64,
    },
    /// Its length is the same, but its bytes do not come.
    #[error("{}: its file system failed while it was being read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
}

impl crate::error::Classify for Lost {
    fn kind(&self) -> crate::ErrorKind {
        crate::ErrorKind::Data
    }
}

/// The bytes of a file; clones share them.
#[derive(Clone)]
pub(crate) struct Mapped(Content);

#[derive(Clone)]
enum Content {
    Read(Arc<[u8]>),
    Map(Arc<Map>),
}

/// A map, with what is needed to tell whether its file is still whole.
struct Map {
    bytes: Mmap,
    file: File,
    path: PathBuf,
    length: u64,
}

/// Maps that are in use.
static MAPS: Mutex<Vec<Weak<Map>>> = Mutex::new(Vec::new());
/// The first file that was found too short when its map was dropped.
static LOST: Mutex<Option<Lost>> = Mutex::new(None);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The maps that are in use. They are dropped outside of the lock.
fn in_use() -> Vec<Arc<Map>> {
    lock(&MAPS).iter().filter_map(Weak::upgrade).collect()
}

impl Mapped {
    /// The bytes of an opened file; `path` names it in errors.
    ///
    /// # Errors
    /// Where it can be neither read nor mapped.
    pub(crate) fn new(file: File, path: &Path) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() < MAPPED_FROM {
            return read(file).map(Self);
        }
        Self::map(file, path, metadata.len())
    }

    /// Opens a file.
    ///
    /// # Errors
    /// Where it cannot be opened, read or mapped.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::new(File::open(path)?, path)
    }

    /// Lets the system take back the whole pages among these bytes; they come back where they are read again.
    pub(crate) fn release(&self, range: Range<usize>) {
        let Content::Map(map) = &self.0 else {
            return;
        };
        let begin = range.start.next_multiple_of(PAGE);
        let end = range.end.min(map.bytes.len()) / PAGE * PAGE;
        if begin < end {
            #[expect(unsafe_code, reason = "advice that other maps must not be given")]
            // SAFETY: the map is of a file and read only, so its pages are those of the file, now and when they are read
            // again. Where the advice is not taken, nothing changes.
            let _ = unsafe {
                map.bytes
                    .unchecked_advise_range(UncheckedAdvice::DontNeed, begin, end - begin)
            };
        }
    }

    fn map(file: File, path: &Path, length: u64) -> io::Result<Self> {
        bus::watch()?;
        #[expect(unsafe_code, reason = "mapping a file")]
        // SAFETY: the map is read only. Others can change its bytes, as they can before any read, and every pattern of
        // bytes is checked where it is used; where they shorten the file, no byte behind its end reaches the program:
        // the signal that the kernel sends for it stops the thread for good (`bus`).
        let bytes = unsafe { Mmap::map(&file)? };
        let map = Arc::new(Map {
            bytes,
            file,
            path: path.to_owned(),
            length,
        });
        let mut maps = lock(&MAPS);
        maps.retain(|map| map.strong_count() > 0);
        maps.push(Arc::downgrade(&map));
        Ok(Self(Content::Map(map)))
    }
}

fn read(mut file: File) -> io::Result<Content> {
    let mut bytes = Vec::new();
    // a few bytes were looked at
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(Content::Read(bytes.into()))
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Content::Read(bytes) => bytes,
            Content::Map(map) => &map.bytes,
        }
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Map {
    /// What became of the file, where it is not as it was.
    fn lost(&self) -> Option<Lost> {
        let now = self.file.metadata().map_or(0, |m| m.len());
        (now < self.length).then(|| Lost::Shortened {
            path: self.path.clone(),
            was: self.length,
            now,
        })
    }

    fn holds(&self, address: usize) -> bool {
        let begin = self.bytes.as_ptr() as usize;
        (begin..begin + self.bytes.len()).contains(&address)
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if let Some(found) = self.lost() {
            lock(&LOST).get_or_insert(found);
        }
    }
}

/// Demands that no file became shorter while it was mapped: what was read of it may be zeros that it does not hold.
///
/// # Errors
/// [`Lost::Shortened`] with the first that did.
pub(crate) fn check() -> Result<(), Lost> {
    let found = in_use().iter().find_map(|map| map.lost());
    match found.or_else(|| lock(&LOST).clone()) {
        Some(lost) => Err(lost),
        None => Ok(()),
    }
}

/// From here on, bytes of a file that are gone when they are needed end the process by `report`, which is called on a
/// thread of its own while the one that needs them stands still.
pub(crate) fn on_loss(report: fn(&Lost) -> !) {
    bus::on_loss(report);
}

/// Which file is lost, by an address in its map.
fn lost_at(address: usize) -> Option<Lost> {
    let map = in_use().into_iter().find(|map| map.holds(address))?;
    let unreadable = || Lost::Unreadable {
        path: map.path.clone(),
    };
    Some(map.lost().unwrap_or_else(unreadable))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn small_files_are_read_and_large_ones_mapped_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 10, MAPPED_FROM as usize, MAPPED_FROM as usize + 3] {
            let path = folder.path().join(length.to_string());
            let want: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            fs::write(&path, &want).unwrap();
            let mut file = File::open(&path).unwrap();
            // as where the first bytes were looked at
            file.read_exact(&mut [0; 8][..length.min(8)]).unwrap();
            let got = Mapped::new(file, &path).unwrap();
            assert!(*got == *want, "{length} bytes");
            let is_map = matches!(got.0, Content::Map(_));
            assert_eq!(is_map, length as u64 >= MAPPED_FROM);
        }
    }

    #[test]
    fn addresses_belong_to_the_map_that_holds_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        fs::write(&path, vec![1; MAPPED_FROM as usize]).unwrap();
        let map = Mapped::open(&path).unwrap();
        let begin = map.as_ptr() as usize;
        let want = Some(Lost::Unreadable { path });
        assert_eq!(lost_at(begin), want);
        assert_eq!(lost_at(begin + map.len() - 1), want);
        // other maps may lie around it
        assert_ne!(lost_at(begin - 1), want);
        assert_ne!(lost_at(begin + map.len()), want);
    }
}
