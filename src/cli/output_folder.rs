//! A folder being written. It appears whole, and replaces an older one of its kind.

use super::{
    outputs::{Outputs, Stage},
    place,
    target::TargetFolder,
    temporary::Temporary,
};
use crate::{Result, error::Context as _};
use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A folder being written; without [`OutputFolder::commit`] nothing appears.
pub struct OutputFolder {
    temporary: Temporary,
    target: PathBuf,
    stage: Stage,
}

impl OutputFolder {
    /// Begins a folder under a temporary name beside its target.
    ///
    /// # Errors
    /// Where it cannot be made, naming it.
    pub(super) fn create(target: &TargetFolder, outputs: &Outputs) -> Result<Self> {
        let path = place::resolve(target.path());
        let temporary = Temporary::folder(&path).path(target.path())?;
        Ok(Self {
            temporary,
            target: path,
            stage: outputs.stage(),
        })
    }

    /// The folder while it is being written.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Writes a file in it.
    ///
    /// # Errors
    /// Where writing fails, naming the file.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path().join(name);
        let write = || -> io::Result<()> {
            let mut file = File::create(&path)?;
            file.write_all(content)?;
            file.sync_all()
        };
        write().path(&self.target.join(name))
    }

    /// The folder is complete, and appears with the other outputs at the end of the run.
    pub fn commit(self) {
        self.stage.push(self.temporary, self.target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_appears_whole_and_replaces_an_older_one() {
        let root = tempfile::tempdir().unwrap();
        let target = TargetFolder::from(root.path().join("model").into_os_string());
        for content in [&b"old"[..], b"new"] {
            let outputs = Outputs::new(|_| None);
            let folder = OutputFolder::create(&target, &outputs).unwrap();
            folder.write("x", content).unwrap();
            folder.commit();
            outputs.place().unwrap();
            assert_eq!(fs::read(target.path().join("x")).unwrap(), content);
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
