//! What was made here of what lies in a folder of checkpoints; all else is somebody's and stays.

use super::{SaeError, io};
use crate::sae::folder::LOG_FILE;
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

pub(super) const STATE_FILE: &str = "state.yaml";
pub(super) const PARAMS_FILE: &str = "params.safetensors";
pub(super) const FIRST_FILE: &str = "first-moments.safetensors";
pub(super) const SECOND_FILE: &str = "second-moments.safetensors";
pub(super) const BEST_FILE: &str = "best.safetensors";
pub(super) const METERS_FILE: &str = "meters.yaml";
pub(super) const IDLE_FILE: &str = "idle.safetensors";
/// All files of a model in a checkpoint.
const FILES: [&str; 8] = [
    STATE_FILE,
    PARAMS_FILE,
    FIRST_FILE,
    SECOND_FILE,
    BEST_FILE,
    METERS_FILE,
    IDLE_FILE,
    LOG_FILE,
];
/// How every state begins, of whatever version. It is the first file that is written.
const MARK: &str = "format: checkpoint/";

/// The first entry of a checkpoint's folder that no checkpoint has; none where the folder is not there.
///
/// # Errors
/// [`SaeError::Io`].
pub(super) fn first_foreign(folder: &Path) -> Result<Option<PathBuf>, SaeError> {
    match fs::symlink_metadata(folder) {
        Ok(there) if there.is_dir() => {}
        Ok(_) => return Ok(Some(folder.into())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io(folder, e)),
    }
    let (mut files, mut foreign) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(|e| io(folder, e))? {
        let entry = entry.map_err(|e| io(folder, e))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|e| io(&path, e))?;
        let known = (entry.file_name().to_str())
            .is_some_and(|name| FILES.contains(&name) || is_part_of_tensors(name));
        if kind.is_dir() {
            // a model of a grid
            foreign.extend(first_foreign(&path)?);
        } else if kind.is_file() && known {
            files.push(path);
        } else {
            foreign.push(path);
        }
    }
    // names alone make no file ours
    if !is_marked(folder, files.len()) {
        foreign.extend(files);
    }
    Ok(foreign.into_iter().min())
}

/// Whether a file has the name under which the library of tensors writes one before it has its own: a run that was
/// killed meanwhile left it.
fn is_part_of_tensors(name: &str) -> bool {
    let random = name.strip_prefix(".tmp").unwrap_or_default();
    random.len() == 6 && random.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether a folder of so many files holds a state: a run that was killed when it began one left it empty, and alone.
fn is_marked(folder: &Path, files: usize) -> bool {
    let mut begin = Vec::new();
    let read = File::open(folder.join(STATE_FILE))
        .and_then(|file| file.take(MARK.len() as u64).read_to_end(&mut begin));
    read.is_ok() && (begin == MARK.as_bytes() || files == 1 && begin.is_empty())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What such a search finds in a folder of these files, relative to it.
    pub(crate) fn found_in(
        files: &[(&str, &str)],
        search: impl Fn(&Path) -> Option<PathBuf>,
    ) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let found = search(root.path())?;
        let found = found.strip_prefix(root.path()).unwrap();
        Some(found.to_string_lossy().into_owned())
    }

    fn foreign(files: &[(&str, &str)]) -> Option<String> {
        found_in(files, |folder| first_foreign(folder).unwrap())
    }

    #[test]
    fn names_alone_make_no_checkpoint_ours() {
        let state = (STATE_FILE, "format: checkpoint/1\n");
        let all: Vec<_> = FILES[1..].iter().map(|name| (*name, "")).collect();
        assert_eq!(foreign(&[&[state], &all[..]].concat()), None);
        assert_eq!(
            foreign(&[("k=1/state.yaml", "format: checkpoint/1\n")]),
            None
        );
        assert_eq!(foreign(&[]), None);
        assert_eq!(foreign(&[(STATE_FILE, "")]), None);
        let found = |files: &[(&str, &str)]| foreign(files).unwrap();
        assert_eq!(found(&[(LOG_FILE, "theirs")]), LOG_FILE);
        assert_eq!(found(&[(STATE_FILE, "theirs")]), STATE_FILE);
        assert_eq!(found(&[(STATE_FILE, ""), (LOG_FILE, "")]), LOG_FILE);
        assert_eq!(found(&[state, ("notes", "")]), "notes");
        // tensors that were being written when the run was killed, beside a state and without one
        assert_eq!(foreign(&[state, (".tmpPZzt9v", "")]), None);
        assert_eq!(found(&[(".tmpPZzt9v", "theirs")]), ".tmpPZzt9v");
        assert_eq!(found(&[state, (".tmp-notes", "")]), ".tmp-notes");
        assert_eq!(found(&[state, ("k=1/log.jsonl", "")]), "k=1/log.jsonl");
    }

    #[test]
    fn a_link_is_no_checkpoint() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("theirs")).unwrap();
        let link = root.path().join("step-1");
        std::os::unix::fs::symlink("theirs", &link).unwrap();
        assert_eq!(first_foreign(&link).unwrap(), Some(link));
    }
}
