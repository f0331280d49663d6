//! `ProtSAE` (arXiv 2509.05309): a sparse autoencoder over activations of a protein language model
//! whose first latents are tied to biological concepts.
//!
//! [`config`] says what is minimised and how latents are chosen, [`variants`] how each autoencoder differs from the others,
//! [`params`] holds the weights, [`forward`] chooses the active latents of a row, [`encode`] is the way to use a trained model, and [`folder`] its files. How a model comes
//! about is another room: `train`.
//!
//! ```
//! use protsae::annot::concept::ConceptsFile;
//! use protsae::sae::{Encoder, ModelConfig, Sae, config, folder, params::Params, sigmoid};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // usually `Sae::load(folder)`; here, a model as it is before training
//! let shape = config::Shape { width: 8, latents: 32, defined: 2, ..Default::default() };
//! let objective = config::Objective {
//!     variant: config::Variant::default().with_k(4),
//!     ..Default::default()
//! };
//! let sae = Sae {
//!     params: Params::initial(shape, &objective, 1, -3.0, &[0.0; 8]),
//!     config: ModelConfig {
//!         format: folder::MODEL_FORMAT.into(),
//!         plm: None,
//!         shape,
//!         input_scale: 1.0,
//!         objective,
//!         training: Default::default(),
//!         conversion: None,
//!     },
//!     concepts: ConceptsFile::default(),
//!     latent_max: vec![1.0; 32],
//!     latent_scale: Vec::new(),
//!     positive_weight: Vec::new(),
//!     sha256: String::new(),
//! };
//! // activations of three residues, row by row
//! let x: Vec<f32> = (0..24u8).map(|i| f32::from(i % 7) - 3.0).collect();
//! let mut encoder = Encoder::new(&sae);
//! let encoded = encoder.encode(&x)?;
//! let (latents, activations) = encoded.z.row(0);
//! assert!(latents.len() >= 4 && latents.len() == activations.len());
//! let probability = sigmoid(encoded.logits[0]);
//! assert!(probability < 0.5);
//! // and back, in the units of the activations
//! let mut reconstruction = vec![0.0; x.len()];
//! sae.decode(encoded.z, &mut reconstruction)?;
//! # Ok(())
//! # }
//! ```

pub mod config;
mod control;
pub mod conversion;
pub(crate) mod decoder;
pub mod encode;
pub mod error;
pub mod folder;
pub mod forward;
pub mod hierarchy;
mod initial;
pub mod params;
pub mod settings;
mod shape;
pub mod sparse;
pub mod unexplained;
pub mod variants;

pub use encode::{Encoded, Encoder, LatentRows, sigmoid};
pub use error::SaeError;
pub use folder::{ModelConfig, Sae};
pub use hierarchy::Hierarchy;
