//! The proteins that `--proteins` names.

use crate::{
    Result,
    cli::{Context, Source},
    seq::{accession, fasta},
    table::foreign::listing::{self, Listed},
};
use std::collections::HashMap;
use std::io::BufRead as _;

/// An id as tables have it.
pub(super) fn renamed(id: &str, raw_ids: bool) -> String {
    if raw_ids {
        id.to_owned()
    } else {
        accession::from_header_word(id).to_owned()
    }
}

/// What a list or a FASTA file says, in its order.
pub(super) struct Proteins {
    pub(super) source: Source,
    pub(super) all: Vec<Listed>,
}

impl Proteins {
    /// Reads either, told by its first byte.
    ///
    /// # Errors
    /// Where it is neither, naming the line.
    pub(super) fn read(context: &Context, source: &Source, raw_ids: bool) -> Result<Self> {
        let mut reader = context.open(source)?;
        let is_fasta = reader.fill_buf().map_err(source.in_input())?.first() == Some(&b'>');
        let all = if is_fasta {
            let proteins = fasta::Reader::new(reader, raw_ids);
            let listed = proteins.map(|protein| {
                protein.map(|protein| Listed {
                    accession: protein.accession,
                    // the reader refuses sequences of 2^31 residues
                    length: Some(protein.sequence.len() as u32),
                    residues: Some(protein.sequence),
                })
            });
            let listed: Result<_, _> = listed.collect();
            listed.map_err(source.in_input())?
        } else {
            let rename = |id: &str| renamed(id, raw_ids);
            listing::read(reader, rename).map_err(source.in_input())?
        };
        let source = source.clone();
        Ok(Self { source, all })
    }

    /// Whether residues of some protein are not known.
    pub(super) fn lack_residues(&self) -> bool {
        self.all.iter().any(|listed| listed.residues.is_none())
    }

    /// The same by accession.
    pub(super) fn by_accession(self) -> Known {
        let by_accession = self.all.into_iter().map(|l| (l.accession.clone(), l));
        Known {
            source: self.source,
            by_accession: by_accession.collect(),
        }
    }
}

/// Proteins whose residues a table may lack.
pub(super) struct Known {
    pub(super) source: Source,
    by_accession: HashMap<String, Listed>,
}

impl Known {
    /// What is known of a protein.
    ///
    /// # Errors
    /// Where it is not listed.
    pub(super) fn get(&self, protein: &str) -> Result<&Listed> {
        let found = self.by_accession.get(protein);
        found.ok_or_else(|| {
            let text = format!("does not list '{protein}'");
            crate::Error::data(text).context(self.source.to_string())
        })
    }

    /// Demands as many residues as a protein has rows.
    ///
    /// # Errors
    /// Where it is not listed or has others, with both numbers.
    pub(super) fn check_length(&self, protein: &str, rows: usize) -> Result<()> {
        match self.get(protein)?.length {
            Some(length) if length as usize != rows => Err(crate::Error::data(format!(
                "'{protein}' has {rows} rows, but length {length} in {}",
                self.source
            ))),
            _ => Ok(()),
        }
    }

    /// Letters of the residues at these positions, from 1; `X` where the list says none.
    ///
    /// # Errors
    /// Where the protein is not listed or has no residue at one of them.
    pub(super) fn letters(&self, protein: &str, positions: &[u32]) -> Result<Vec<u8>> {
        let listed = self.get(protein)?;
        let Some(residues) = &listed.residues else {
            return Ok(vec![b'X'; positions.len()]);
        };
        let letter = |&position: &u32| {
            let at = (position as usize).checked_sub(1);
            at.and_then(|at| residues.get(at)).copied().ok_or_else(|| {
                let (have, source) = (residues.len(), &self.source);
                crate::Error::data(format!(
                    "'{protein}' has a row at position {position}, but length {have} in {source}"
                ))
            })
        };
        positions.iter().map(letter).collect()
    }
}
