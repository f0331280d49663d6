//! Embeddings in HDF5, one dataset a protein: as UniProt distributes them, whose datasets are named by accession, and as
//! `bio_embeddings` writes them, whose datasets have the id in the attribute `original_id`.

use super::{Float, ForeignError};
use crate::table::{TableError, guard::guarded};
use arrow_buffer::Buffer;
use hdf5_reader::{Datatype, Hdf5File, OpenOptions, error::Error, group::Group};

/// The attribute that holds a protein's id where the dataset has another name.
const ORIGINAL_ID: &str = "original_id";
/// Largest dataset that is read, in bytes: a protein of 35,000 residues of width 5,120 in single precision has 0.7 GB.
const LARGEST: usize = 1 << 32;
/// Bytes of chunks that are kept: every chunk is read once.
const CHUNK_CACHE: usize = 1 << 20;
/// Where a datatype message of floating-point numbers says the bits of the exponent.
const EXPONENT_BITS: usize = 13;

/// Datasets that are opened before the library is made to forget them: it keeps 3 kB of each, and a release of UniProt
/// has 600,000.
const REMEMBERED: usize = 1 << 14;

/// A file of embeddings.
pub struct Hdf5Source {
    bytes: Buffer,
    root: Group,
    names: Vec<String>,
    /// Datasets that were opened through `root`.
    opened: usize,
}

/// The embedding of a protein.
pub struct Embedding {
    dataset: hdf5_reader::Dataset,
    /// The protein, as the file names it.
    pub id: String,
    /// Rows: residues, or 1 of a pooled embedding.
    pub rows: usize,
    /// Numbers of a row.
    pub width: usize,
    /// Type of the numbers.
    pub of: Float,
    /// Whether it is one vector for the whole protein.
    pub pooled: bool,
}

/// A step of the library, whose panics and errors are errors here.
fn step<T>(step: impl FnOnce() -> Result<T, Error>) -> Result<T, ForeignError> {
    let said = match guarded(|| Ok(step())) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(TableError::Arrow(panic)) => panic,
        Err(other) => return Err(other.into()),
    };
    Err(ForeignError::Hdf5(said))
}

/// The root of a file that nothing was read of; the end of the file is where it says.
fn root(bytes: &Buffer) -> Result<Group, ForeignError> {
    let options = OpenOptions::default()
        .with_max_read_bytes(LARGEST)
        .with_chunk_cache_bytes(CHUNK_CACHE);
    let owner = bytes.clone();
    let file = step(|| Hdf5File::from_owner(owner, options))?;
    // datasets may lie anywhere, so that those that are left of a file that was cut can be whole
    let (says, has) = (file.superblock().eof_address, bytes.len() as u64);
    if has < says {
        return Err(ForeignError::Refused(format!(
            "truncated: it says that it has {says} bytes, but it has {has}"
        )));
    }
    step(|| file.root_group())
}

impl Hdf5Source {
    /// Opens a file of which all bytes are at hand, for example mapped.
    ///
    /// # Errors
    /// [`ForeignError`] where it is no HDF5 file, or one with groups.
    pub fn new(bytes: Buffer) -> Result<Self, ForeignError> {
        let (groups, names) = {
            let root = root(&bytes)?;
            step(|| root.member_names())?
        };
        if let Some(group) = groups.first() {
            return Err(ForeignError::Refused(format!(
                "holds the group '{group}'; expected one dataset for each protein, and no group"
            )));
        }
        Ok(Self {
            root: root(&bytes)?,
            bytes,
            names,
            opened: 0,
        })
    }

    /// Datasets.
    #[must_use]
    pub fn datasets(&self) -> usize {
        self.names.len()
    }

    /// What a dataset is.
    ///
    /// # Errors
    /// [`ForeignError::Dataset`] where it is no embedding.
    pub fn open(&mut self, index: usize) -> Result<Embedding, ForeignError> {
        if self.opened == REMEMBERED {
            self.root = root(&self.bytes)?;
            self.opened = 0;
        }
        self.opened += 1;
        let name = self.names.get(index).map_or("", String::as_str);
        let bad = |problem: String| ForeignError::Dataset {
            dataset: name.to_owned(),
            problem,
        };
        let dataset = step(|| self.root.dataset(name))?;
        let of = float(&dataset)?.ok_or_else(|| {
            bad("its numbers are not IEEE floating-point numbers of 2, 4 or 8 bytes".into())
        })?;
        let shape = dataset.shape();
        let (pooled, rows, width) = match *shape {
            [width] => (true, 1, width),
            [rows, width] => (false, rows, width),
            _ => {
                let text = format!("has shape {shape:?}, expected [rows, width] or [width]");
                return Err(bad(text));
            }
        };
        // an Arrow list counts its numbers in 31 bits, and positions have 32
        let sizes = (u32::try_from(rows), i32::try_from(width));
        let (Ok(rows @ 1..), Ok(width @ 1..)) = sizes else {
            return Err(bad(format!("has shape {shape:?}: nothing, or too much")));
        };
        let id = match dataset.attributes().iter().find(|a| a.name == ORIGINAL_ID) {
            None => name.to_owned(),
            Some(id) => step(|| id.read_string())?,
        };
        if id.is_empty() {
            return Err(bad(format!("its attribute {ORIGINAL_ID} is empty")));
        }
        Ok(Embedding {
            id,
            rows: rows as usize,
            width: width.unsigned_abs() as usize,
            of,
            pooled,
            dataset,
        })
    }
}

/// Type of a dataset's numbers; none where it is no IEEE type.
fn float(dataset: &hdf5_reader::Dataset) -> Result<Option<Float>, ForeignError> {
    let Datatype::FloatingPoint { size, .. } = dataset.dtype() else {
        return Ok(None);
    };
    let of = Float::of_bytes(usize::from(*size));
    if of != Some(Float::F16) {
        return Ok(of);
    }
    // bfloat16 has two bytes too
    let message = step(|| dataset.raw_datatype())?;
    Ok(of.filter(|_| message.get(EXPONENT_BITS) == Some(&5)))
}

impl Embedding {
    /// Reads the numbers `[rows, width]` into `out`, in place of what it held.
    ///
    /// # Errors
    /// [`ForeignError::Hdf5`] where they are not there, or damaged.
    pub fn read(&self, out: &mut Vec<f32>) -> Result<(), ForeignError> {
        out.clear();
        let bytes = step(|| self.dataset.read_native_bytes())?;
        self.of.read(&bytes, cfg!(target_endian = "big"), out);
        Ok(())
    }
}
