//! `dictionary.json` (`dictionary/1`): what each latent means and how well.

use crate::{
    annot::concept::ConceptKind,
    error::{Classify, ErrorKind, kind_of},
    report::{Catalogue, LatentInfo},
    table::SaeIdentity,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Format name and version of `dictionary.json`.
pub const DICTIONARY_FORMAT: &str = "dictionary/1";

/// The content of `dictionary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dictionary {
    /// `dictionary/1`.
    pub format: String,
    /// The SAE whose latents these are.
    pub sae: Option<SaeIdentity>,
    /// Residues that were read.
    pub residues: u64,
    /// Proteins that were read.
    pub proteins: u64,
    /// One entry a latent, by index.
    pub latents: Vec<Entry>,
}

/// What can be wrong with a dictionary.
#[derive(Debug, thiserror::Error)]
pub enum DictionaryError {
    /// No dictionary.
    #[error("not a dictionary: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version.
    #[error("this is '{0}', expected '{DICTIONARY_FORMAT}'")]
    Format(String),
    /// An entry is not where its index says.
    #[error("entry {at} has index {index}")]
    Index {
        /// Its place.
        at: usize,
        /// Its index.
        index: u32,
    },
    /// It was made with other maxima than the model's.
    #[error(
        "the maximum of latent {latent} is {dictionary}, in the model {model}; make the dictionary anew"
    )]
    Maximum {
        /// The latent.
        latent: u32,
        /// The dictionary's.
        dictionary: f64,
        /// The model's.
        model: f64,
    },
    /// More or fewer latents than the model.
    #[error("it describes {dictionary} latents, the model has {model}")]
    Latents {
        /// Latents of the dictionary.
        dictionary: usize,
        /// Latents of the model.
        model: usize,
    },
}

impl Classify for DictionaryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Format(_) | Self::Latents { .. } | Self::Maximum { .. } => ErrorKind::Mismatch,
            Self::Json(error) => kind_of(error),
            Self::Index { .. } => ErrorKind::Data,
        }
    }
}

impl Dictionary {
    /// Reads a dictionary.
    ///
    /// # Errors
    /// [`DictionaryError`] where it is none.
    pub fn read(input: impl std::io::Read) -> Result<Self, DictionaryError> {
        let dictionary: Self = serde_json::from_reader(input)?;
        if dictionary.format != DICTIONARY_FORMAT {
            return Err(DictionaryError::Format(dictionary.format));
        }
        let mut entries = dictionary.latents.iter().enumerate();
        match entries.find(|(at, e)| e.index as usize != *at) {
            Some((at, entry)) => Err(DictionaryError::Index {
                at,
                index: entry.index,
            }),
            None => Ok(dictionary),
        }
    }

    /// A catalogue of the dictionary's latents.
    #[must_use]
    pub fn catalogue(&self) -> Catalogue {
        let entries = self.latents.iter().enumerate();
        let unnamed = entries.map(|(i, e)| LatentInfo::unnamed(i, e.maximum as f32));
        Catalogue {
            latents: unnamed.collect(),
        }
    }

    /// Adds names and thresholds to the latents of a catalogue, whose maxima must be the dictionary's;
    /// if the catalogue does not know them, they are taken over.
    ///
    /// # Errors
    /// [`DictionaryError::Latents`] where the catalogue has another number of latents,
    /// [`DictionaryError::Maximum`] where it has other maxima.
    pub fn describe(
        &self,
        catalogue: &mut Catalogue,
        known_maxima: bool,
    ) -> Result<(), DictionaryError> {
        if catalogue.latents.len() != self.latents.len() {
            return Err(DictionaryError::Latents {
                dictionary: self.latents.len(),
                model: catalogue.latents.len(),
            });
        }
        for (info, entry) in catalogue.latents.iter_mut().zip(&self.latents) {
            info.threshold = entry.threshold.map(|t| t as f32);
            if !known_maxima {
                info.maximum = entry.maximum as f32;
            } else if info.maximum != entry.maximum as f32 {
                return Err(DictionaryError::Maximum {
                    latent: entry.index,
                    dictionary: entry.maximum,
                    model: f64::from(info.maximum),
                });
            }
            if info.concept.is_some() {
                continue;
            }
            info.defined = entry.kind == LatentKind::Defined;
            if let Some(concept) = &entry.concept {
                info.name.clone_from(&concept.name);
                info.set_concept(&concept.id, concept.kind);
            }
        }
        Ok(())
    }
}

/// Whether a latent was given a concept in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LatentKind {
    /// Tied to a concept in training.
    Defined,
    /// Free.
    Unknown,
}

/// What is known of a latent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Tied to a concept in training.
    Defined,
    /// Found to agree with a concept.
    Named,
    /// Active, and no concept is known.
    Unnamed,
    /// Never active.
    Dead,
}

impl Status {
    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Defined => "defined",
            Self::Named => "named",
            Self::Unnamed => "unnamed",
            Self::Dead => "dead",
        }
    }
}

/// A concept by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConceptName {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: ConceptKind,
}

/// One latent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Index of the latent.
    pub index: u32,
    /// Whether it was given a concept in training.
    pub kind: LatentKind,
    /// Its concept: the given one, or the one it agrees with best.
    pub concept: Option<ConceptName>,
    /// What is known of it.
    pub status: Status,
    /// Harmonic mean of precision and recall on the test proteins; none without support.
    pub f1: Option<f64>,
    /// Share of the residues it marks that carry the concept.
    pub precision: Option<f64>,
    /// Share of the concept's instances that it touches.
    pub recall: Option<f64>,
    /// Area under the ROC curve of its activation.
    pub auroc: Option<f64>,
    /// False discovery rate of the association, over all pairs tested.
    pub q_value: Option<f64>,
    /// Share of its maximum from which it counts.
    pub threshold: Option<f64>,
    /// Residues (or proteins) of the test proteins that carry the concept.
    pub support: u64,
    /// Share of residues on which it is active.
    pub density: f64,
    /// Largest activation over the training rows, of which thresholds are shares: the model's, or, of a
    /// model that does not know it, over the training proteins that were read.
    pub maximum: f64,
    /// The proteins in which it is most active.
    pub top_proteins: Vec<TopProtein>,
}

/// A protein in which a latent is active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopProtein {
    /// Accession.
    pub protein: String,
    /// Largest activation in it.
    pub activation: f64,
    /// Runs of residues in which it is active, 1-based, inclusive.
    pub ranges: Vec<[u32; 2]>,
}
