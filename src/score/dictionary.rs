//! `dictionary.json` (`dictionary/2`): what each latent means, and how annotations of each concept are read.
//!
//! `dictionary/1` is read as well: it has latents alone.

mod concepts;
mod error;
mod latents;

pub use concepts::{
    CallReading, CallScores, CallSource, ConceptEntry, Evidence, EvidenceSource, NeighbourReading,
    RangeReading, RangeScores,
};
pub use error::DictionaryError;
pub use latents::{ConceptName, Entry, LatentKind, Status, TopProtein};

use crate::{
    report::{Catalogue, LatentInfo},
    table::SaeIdentity,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Format name and version of `dictionary.json`.
pub const DICTIONARY_FORMAT: &str = "dictionary/2";
/// The version before, without concepts.
pub const DICTIONARY_FORMAT_1: &str = "dictionary/1";

/// The content of `dictionary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dictionary {
    /// `dictionary/2`, or `dictionary/1`, which has no concepts.
    pub format: String,
    /// The SAE whose latents these are.
    pub sae: Option<SaeIdentity>,
    /// Residues that were read.
    pub residues: u64,
    /// Proteins that were read.
    pub proteins: u64,
    /// One entry a latent, by index.
    pub latents: Vec<Entry>,
    /// One entry a concept of the vocabulary, by index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concepts: Option<Vec<ConceptEntry>>,
}

impl Dictionary {
    /// Reads a dictionary.
    ///
    /// # Errors
    /// [`DictionaryError`] where it is none.
    pub fn read(input: impl std::io::Read) -> Result<Self, DictionaryError> {
        let dictionary: Self = serde_json::from_reader(input)?;
        let has_concepts = match dictionary.format.as_str() {
            DICTIONARY_FORMAT => true,
            DICTIONARY_FORMAT_1 => false,
            _ => return Err(DictionaryError::Format(dictionary.format)),
        };
        if has_concepts != dictionary.concepts.is_some() {
            return Err(DictionaryError::Concepts(dictionary.format));
        }
        let mut indices = dictionary.latents.iter().map(|e| e.index).enumerate();
        if let Some((at, index)) = indices.find(|(at, index)| *index as usize != *at) {
            return Err(DictionaryError::Index { at, index });
        }
        dictionary.check_concepts()?;
        Ok(dictionary)
    }

    /// Entries of concepts; none in `dictionary/1`.
    #[must_use]
    pub fn concepts(&self) -> &[ConceptEntry] {
        self.concepts.as_deref().unwrap_or_default()
    }

    fn check_concepts(&self) -> Result<(), DictionaryError> {
        for (at, entry) in self.concepts().iter().enumerate() {
            let index = entry.index;
            if index as usize != at {
                return Err(DictionaryError::Index { at, index });
            }
            let bad = |problem| DictionaryError::Concept {
                concept: entry.id.clone(),
                problem,
            };
            entry.check(self.latents.len()).map_err(bad)?;
            self.check_border(entry).map_err(bad)?;
        }
        Ok(())
    }

    /// Whether the concept that bounds another is read by itself.
    fn check_border(&self, entry: &ConceptEntry) -> Result<(), String> {
        let border = entry.ranges.as_ref().and_then(|r| r.decoder.bounded_by());
        let Some(border) = border else {
            return Ok(());
        };
        let other = self.concepts().get(border as usize);
        match other.and_then(|other| other.ranges.as_ref()) {
            Some(reading) if reading.decoder.bounded_by().is_none() => Ok(()),
            _ => Err(format!(
                "it lies between ranges of concept {border}, which the dictionary does not read by itself"
            )),
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
