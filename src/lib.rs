//! `ProtSAE`: from protein language models to annotation files.
//!
//! ```text
//!  FASTA ──────────────► embed ─► activations ─► train ─► model/
//!  UniProt GO InterPro ─► concepts ─► concepts.json, labels ─┘   │
//!                         split ─► split.tsv                     │
//!  activations ─► encode -m model/ ─► features ──┬─► annotate ─► GFF3, TSV, ...
//!                                                ├─► interpret ─► dictionary.json
//!                                                └─► evaluate ─► metrics.json
//!  FASTA, model/ ─► steer ─► FASTA, table
//! ```
//!
//! Each arrow is an executable `protsae-<name>`; [`commands`] holds one module for each, the only
//! place where files ([`cli`], [`table`]) and the sciences ([`annot`], [`ontology`], [`plm`],
//! [`sae`], [`train`], [`steer`], [`score`], [`report`]) meet.

pub mod annot;
pub mod cli;
pub mod commands;
pub mod error;
pub mod exchange;
pub mod hash;
pub(crate) mod mapped;
pub mod math;
pub mod ontology;
pub mod plm;
pub mod report;
pub mod sae;
pub mod score;
pub mod seq;
pub mod split;
pub mod steer;
pub mod table;
mod torch;
pub mod train;

pub use error::{Error, ErrorKind, Result};
