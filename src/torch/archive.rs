//! The zip archive that `torch.save` writes: entries as they are, not compressed.

use std::{collections::HashMap, io::Cursor, ops::Range};

use zip::{CompressionMethod, ZipArchive};

use super::TorchError;

/// Where the entries of an archive lie.
pub(crate) struct Archive {
    /// Folder that all entries are in.
    root: String,
    entries: HashMap<String, Range<usize>>,
}

impl Archive {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, TorchError> {
        let damaged = |e: zip::result::ZipError| {
            TorchError::Damaged(format!("not a complete PyTorch archive: {e}"))
        };
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        let mut entries = HashMap::new();
        for i in 0..zip.len() {
            let file = zip.by_index_raw(i).map_err(damaged)?;
            let name = file.name().map_err(damaged)?.into_owned();
            if file.compression() != CompressionMethod::Stored {
                return Err(TorchError::Damaged(format!(
                    "entry '{name}' is compressed, which torch.save never does"
                )));
            }
            let range = file
                .data_start()
                .and_then(|start| {
                    let end = start.checked_add(file.size())?;
                    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
                    (end <= bytes.len()).then_some(start..end)
                })
                .ok_or_else(|| {
                    TorchError::Damaged(format!("entry '{name}' lies past the end of the file"))
                })?;
            entries.insert(name, range);
        }
        let root = entries
            .keys()
            .filter_map(|name| name.strip_suffix("/data.pkl"))
            .min()
            .map(ToOwned::to_owned);
        let Some(root) = root else {
            return Err(TorchError::Damaged(
                "a zip archive without data.pkl: not what torch.save writes".into(),
            ));
        };
        if entries
            .keys()
            .any(|name| name.starts_with(&format!("{root}/code/")))
        {
            return Err(TorchError::Refused(
                "a TorchScript archive: save the module's state_dict() with torch.save".into(),
            ));
        }
        Ok(Self { root, entries })
    }

    /// An entry by its name below the root.
    pub(crate) fn entry(&self, name: &str) -> Option<Range<usize>> {
        self.entries.get(&format!("{}/{name}", self.root)).cloned()
    }
}
