//! Protein language models: residues in, activations of a place out.
//!
//! An [`Engine`](engine::Engine) turns a [`Batch`](batch::Batch) of token sequences into activations at chosen
//! [`Place`](place::Place)s, or into the logits of its masked-language-modelling head. What models differ in is data: an
//! [`Architecture`](architecture::Architecture) and a `Vocabulary`, which a family reads from a
//! folder. Each family has a folder and a line in `families`.
//!
//! ```
//! use protsae::plm::{
//!     batch::Batch,
//!     encoder::LoadPlan,
//!     engine::{Engine, Where},
//!     place::Place,
//!     weights::{ModelFolder, Precision},
//! };
//! use protsae::table::metadata::Site;
//!
//! let folder = ModelFolder::open("test_data/mini_esm2".as_ref())?;
//! let last = Place::new(Site::Residual, folder.architecture.layers, &folder.architecture)?;
//! let plan = LoadPlan::places(&[last], Precision::F32);
//! let engine = Engine::load(&folder, plan, Where::Cpu)?;
//!
//! let mut batch = Batch::new();
//! batch.push(&folder.vocabulary, b"MKTAYIAKQR");
//! let activations = engine.forward(&batch, &[last])?.fetch()?;
//!
//! let residues = batch.residues(0);
//! let mut rows = vec![0.0; residues.len() * activations.width()];
//! activations.rows(0, residues, &mut rows);
//! assert_eq!(rows.len(), 10 * 128);
//! # Ok::<(), protsae::plm::error::PlmError>(())
//! ```

mod amplify;
pub mod architecture;
pub mod batch;
pub mod encoder;
pub mod engine;
pub mod error;
mod esm;
mod esmc;
mod families;
mod family;
pub mod names;
pub mod panel;
pub mod place;
mod t5;
pub(crate) mod vocabulary;
pub mod weights;
pub mod window;
