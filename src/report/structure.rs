//! Structures of proteins, PDB and mmCIF: which residue of which chain is which position of a protein; the chain as a
//! page draws it; and files in which molecular viewers show a value along it.
//!
//! From a file to files:
//!
//! 1. [`names_protein`] says by a file's name whose structure it is; the caller opens and decompresses it.
//! 2. [`Structure::read`] reads it: its chains, of its first model.
//! 3. [`Structure::shows`] finds the chain that shows a protein, and where each of its positions is.
//! 4. [`Trace::new`] is what `structure.js` draws, [`Structure::write_b_factors`] the same file with values in its
//!    B-factors, [`Scene`] the view of it that Mol* opens.
//!
//! ```
//! use protsae::report::structure::{Scene, Structure, Trace, names_protein};
//! # let text = (1..=12).map(|i| {
//! #     format!("ATOM  {i:>5}  CA  ALA A{i:>4}    {x:8.3}   1.000   2.000  1.00 90.00           C  \n", x = f64::from(i))
//! # }).collect::<String>();
//! # let protein = b"AAAAAAAAAAAA";
//! let name = names_protein("AF-P12345-F1-model_v4.pdb.gz").ok_or("not the name of a structure")?;
//! assert_eq!((name.accession, name.fragment), ("P12345", 1));
//!
//! let structure = Structure::read(text.as_bytes())?; // decompressed
//! let shown = structure.shows(protein)?; // or why the file is of another protein
//! let values = vec![Some(0.5); protein.len()]; // of each position, from 0 to 1
//!
//! let trace = Trace::new(&structure, &shown); // into the page's data
//! # assert!(!trace.ca.is_empty());
//! let mut coloured = Vec::new();
//! structure.write_b_factors(&mut coloured, &shown, &values)?;
//! let scene = Scene {
//!     title: "P12345: DOMAIN:Kinase",
//!     file_name: "P12345.pdb",
//!     structure: &structure,
//!     shown: &shown,
//!     values: &values,
//!     ranges: &[],
//! };
//! scene.write_mvsj(&mut Vec::new())?; // names the file beside it
//! scene.write_mvsx(&mut Vec::new(), &coloured)?; // holds it
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The readers are written here and not a library's. `pdbtbx` 0.12 refuses files of the archive for what stands far from
//! their atoms (a `DBREF` that ends at column 67, `REMARK`s of other programs), panics on an element that is `?`,
//! reads a chain `1E1` as `10`, forgets `label_seq_id`, and cannot say where in a file a B-factor stands.

mod atoms;
mod b_factors;
mod colors;
mod error;
mod letters;
mod mmcif;
mod names;
mod pdb;
mod placing;
mod scene;
mod tokens;
mod trace;

pub use colors::{RANGE_COLORS, VIRIDIS};
pub use error::StructureError;
pub use names::{NamedProtein, names_protein};
pub use placing::Shown;
pub use scene::{NamedRange, Scene};
pub use trace::Trace;

use std::{io::Read, ops::Range};

/// How a structure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The Protein Data Bank's records of 80 columns, version 3.3.
    Pdb,
    /// PDBx/mmCIF: a CIF with the table `atom_site`.
    Mmcif,
}

impl Format {
    /// The suffix of files of this format.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Pdb => "pdb",
            Self::Mmcif => "cif",
        }
    }
}

/// A residue of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Residue {
    /// Its number by the authors.
    pub number: i32,
    /// Its insertion code.
    pub insertion: Option<char>,
    /// Its place in the sequence of its entity, from 1; mmCIF alone says it.
    pub label: Option<u32>,
    /// One letter; a modified residue has that of the one it was, an unknown one `X`.
    pub letter: u8,
    /// Its C-alpha, in ångström; of alternate locations the one of the highest occupancy, then the first.
    pub alpha: Option<[f32; 3]>,
    /// The B-factor of the C-alpha, or of the first atom: in predicted structures the confidence (pLDDT).
    pub b_factor: f32,
}

/// The amino acid residues of a chain that the file has coordinates of, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Its name by the authors (`auth_asym_id`); empty where a PDB file has none.
    pub name: String,
    /// Its residues; what was not observed is left out.
    pub residues: Vec<Residue>,
}

/// Where the B-factor of an atom stands in the text.
#[derive(Clone, Debug, PartialEq)]
struct Site {
    /// Bytes of the text that a new value takes the place of.
    span: Range<usize>,
    /// Spaces before it, where the line ended too early.
    padding: usize,
    /// Index of its chain and residue; none for what is no residue of a chain.
    residue: Option<(usize, usize)>,
}

/// A structure file: its chains, and its text.
#[derive(Clone, Debug)]
pub struct Structure {
    format: Format,
    chains: Vec<Chain>,
    text: Vec<u8>,
    /// Of every atom of every model, by place in the text.
    sites: Vec<Site>,
}

impl Structure {
    /// Reads a file of either format, to its end.
    ///
    /// Chains are those of the first model. An amino acid that is a ligand is no residue of a chain.
    ///
    /// # Errors
    /// Where reading fails, or the file is of neither format, breaks its rules, or ends too early.
    pub fn read(mut input: impl Read) -> Result<Self, StructureError> {
        let mut text = Vec::new();
        input.read_to_end(&mut text)?;
        if mmcif::is_mmcif(&text) {
            let atoms = mmcif::atoms(&text)?;
            Ok(atoms.finish(Format::Mmcif, text))
        } else {
            let atoms = pdb::atoms(&text)?;
            Ok(atoms.finish(Format::Pdb, text))
        }
    }

    /// How it is written.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Its chains of amino acids, in the file's order.
    #[must_use]
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }
}

#[cfg(test)]
mod tests;
