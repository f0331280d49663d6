//! Where a path leads, whatever links and dots it is written with.

use std::{
    fs::{self, Metadata},
    io,
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

/// Symbolic links that are followed before a path is taken for a circle, as in the system's own look-up.
const MAX_LINKS: usize = 40;

/// A device and the number of a file on it: equal for all hard links of a file.
type FileId = (u64, u64);

/// Where a path leads.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Without links and dots; none for a standard stream.
    path: Option<PathBuf>,
    /// None where nothing is there yet, and for devices: whoever writes to `/dev/null` twice loses nothing.
    id: Option<FileId>,
    is_folder: bool,
}

impl Place {
    /// The place of a path.
    pub(super) fn of_path(path: &Path) -> Self {
        let there = fs::metadata(path).ok();
        let mut place = Self::of_metadata(there.as_ref());
        place.path = Some(resolve(path));
        place
    }

    /// The place of standard input, where it is a file: a socket may be standard output as well, and is not replaced.
    pub(super) fn of_stdin() -> Self {
        let there = of_stream(&io::stdin());
        Self::of_metadata(there.as_ref().filter(|m| m.is_file()))
    }

    /// The place of standard output.
    pub(super) fn of_stdout() -> Self {
        Self::of_metadata(of_stream(&io::stdout()).as_ref())
    }

    fn of_metadata(there: Option<&Metadata>) -> Self {
        let id = there
            .filter(|m| !m.file_type().is_char_device())
            .map(file_id);
        Self {
            path: None,
            id,
            is_folder: there.is_some_and(Metadata::is_dir),
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// Whether both are one file or folder.
    pub(super) fn is(&self, other: &Self) -> bool {
        if let (Some(a), Some(b)) = (self.id, other.id) {
            return a == b;
        }
        // what does not exist yet, or is a device, has no id: two names of one place to be
        let both_missing = self.id.is_none() && other.id.is_none();
        // a device is asked for last: it costs a look at the file system, and runs may have thousands of outputs
        both_missing && self.path.is_some() && self.path == other.path && !self.is_device()
    }

    /// Whether it lies in a folder, at any depth.
    pub(super) fn is_inside(&self, folder: &Self) -> bool {
        let (Some(path), Some(outer)) = (&self.path, &folder.path) else {
            return false;
        };
        // by number too: a folder may be mounted in two places
        path.ancestors().skip(1).any(|above| {
            above == outer
                || folder.id.is_some()
                    && fs::metadata(above).ok().as_ref().map(file_id) == folder.id
        })
    }

    fn is_device(&self) -> bool {
        let path = self.path.as_deref();
        let there = path.and_then(|path| fs::metadata(path).ok());
        there.is_some_and(|m| m.file_type().is_char_device())
    }
}

fn of_stream(stream: &impl AsFd) -> Option<Metadata> {
    let file = stream.as_fd().try_clone_to_owned().map(fs::File::from);
    file.and_then(|file| file.metadata()).ok()
}

fn file_id(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

/// A path without links and dots, also where nothing is there yet; a dangling link leads to what it names.
pub(super) fn resolve(path: &Path) -> PathBuf {
    // without a slash at its end, with which a dangling link could not be read
    let mut path: PathBuf = path.components().collect();
    for _ in 0..MAX_LINKS {
        if let Ok(real) = fs::canonicalize(&path) {
            return real;
        }
        let Ok(link) = fs::read_link(&path) else {
            break;
        };
        path = parent(&path).join(link);
    }
    let Some(name) = path.file_name() else {
        return std::path::absolute(&path).unwrap_or(path);
    };
    match fs::canonicalize(parent(&path)) {
        Ok(folder) => folder.join(name),
        // the folder is missing too, which is told when the output is tried
        Err(_) => std::path::absolute(&path).unwrap_or(path),
    }
}

/// The folder that a path names a file in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// Whether something is there that is neither file nor folder: a FIFO, a device, a socket.
pub(super) fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

/// Whether what is written there goes through what is open already: a FIFO, a device, or a name of one of the
/// descriptors of this process, `/dev/stdout` and the like, whatever it was opened to.
pub(super) fn is_stream(path: &Path) -> bool {
    is_special(path) || is_descriptor(path)
}

/// Whether a path names a descriptor of this process.
pub(super) fn is_descriptor(path: &Path) -> bool {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let folder = fs::canonicalize(parent(&path)).unwrap_or_default();
        if folder.starts_with("/proc") && folder.ends_with("fd") {
            return fs::symlink_metadata(&path).is_ok();
        }
        match fs::read_link(&path) {
            Ok(link) => path = parent(&path).join(link),
            Err(_) => return false,
        }
    }
    false
}

/// Demands that a file or folder of this path could be made: its folder is there, and is one.
pub(super) fn check_parent(path: &Path) -> io::Result<()> {
    let folder = parent(path);
    let there = fs::metadata(folder).map_err(|error| {
        let text = format!("its folder {}: {error}", folder.display());
        io::Error::new(error.kind(), text)
    })?;
    if there.is_dir() {
        return Ok(());
    }
    let text = format!("{} is no folder", folder.display());
    Err(io::Error::new(io::ErrorKind::NotADirectory, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_dots_and_hard_links_are_one_place() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("folder/a"), "a").unwrap();
        symlink(at("folder/a"), at("link")).unwrap();
        fs::hard_link(at("folder/a"), at("hard")).unwrap();
        symlink(at("folder"), at("other")).unwrap();
        symlink("folder/new", at("dangling")).unwrap();
        let place = |name: &str| Place::of_path(&at(name));
        for name in ["folder/./a", "link", "hard", "other/a", "folder/../hard"] {
            assert!(place("folder/a").is(&place(name)), "{name}");
        }
        assert!(place("dangling").is(&place("other/new")));
        assert!(!place("folder/a").is(&place("folder/b")));
        assert!(place("other/a").is_inside(&place("folder")));
        assert!(place("dangling").is_inside(&place("other")));
        assert!(!place("hard").is_inside(&place("folder")));
        assert!(!place("folder").is_inside(&place("folder")));
    }

    #[test]
    fn a_device_is_never_in_the_way() {
        let null = Place::of_path(Path::new("/dev/null"));
        assert!(!null.is(&null.clone()));
    }
}
