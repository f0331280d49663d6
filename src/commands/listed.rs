//! Concepts that are listed for a residue.

use super::shared::{self, ReadDictionary};
use crate::{
    Error, Result,
    cli::Context,
    sae::{encode::sigmoid, folder::Sae},
    score::dictionary::{ConceptEntry, EvidenceSource, RangeReading},
};
use std::path::Path;

/// Which concepts are listed for a residue, and with which probability.
pub(super) enum Listed {
    /// Those above a probability of the model.
    Model { least: f32 },
    /// Those of a dictionary above their floors, calibrated; by index.
    Calibrated(Vec<(u32, RangeReading)>),
}

impl Listed {
    /// Lists the concepts of a residue by its logits and active latents.
    pub(super) fn list(
        &self,
        logits: &[f32],
        (latents, values): (&[u32], &[f32]),
        concepts: &mut Vec<u32>,
        probabilities: &mut Vec<f32>,
    ) {
        concepts.clear();
        probabilities.clear();
        match self {
            Self::Model { least } => {
                for (concept, &logit) in logits.iter().enumerate() {
                    let p = sigmoid(logit);
                    if p >= *least {
                        concepts.push(concept as u32);
                        probabilities.push(p);
                    }
                }
            }
            Self::Calibrated(readings) => {
                for (concept, reading) in readings {
                    let latent = reading.evidence.latent;
                    let value = match reading.evidence.source {
                        EvidenceSource::Logit => logits[latent as usize],
                        EvidenceSource::Activation => {
                            latents.binary_search(&latent).map_or(0.0, |at| values[at])
                        }
                    };
                    if let Some(p) = reading.probability(value) {
                        concepts.push(*concept);
                        probabilities.push(p);
                    }
                }
            }
        }
    }
}

/// What a dictionary says of the concepts of residues.
pub(super) struct Readings {
    /// How its usable concepts are read, by index.
    pub(super) usable: Vec<(u32, RangeReading)>,
    /// All its concepts.
    pub(super) concepts: Vec<ConceptEntry>,
    /// Of its file.
    pub(super) sha256: String,
}

/// What the dictionary of this path says, where it fits the model of this folder.
///
/// # Errors
/// Where it is none that calibrates, or is of another model, naming both.
pub(super) fn readings(
    context: &Context,
    sae: &Sae,
    folder: &Path,
    path: &Path,
) -> Result<Readings> {
    let ReadDictionary {
        content: dictionary,
        sha256,
    } = shared::read_dictionary(context, path)?;
    let name = path.display().to_string();
    if dictionary.concepts.is_none() {
        return Err(Error::mismatch(format!(
            "{name} is '{}', which does not calibrate; make it anew from activations",
            dictionary.format
        )));
    }
    if let Some(own) = &dictionary.sae {
        let folder = folder.display().to_string();
        own.check_same(&name, &sae.identity(), &folder)?;
    }
    let concepts = dictionary.concepts.unwrap_or_default();
    Ok(Readings {
        usable: usable(&concepts, sae.config.shape.defined, &name)?,
        concepts,
        sha256,
    })
}

/// How the usable ones of a dictionary's concepts are read from a model with this many logits.
///
/// # Errors
/// [`crate::ErrorKind::Mismatch`] where one is read by a logit that the model does not have.
pub(super) fn usable(
    concepts: &[ConceptEntry],
    defined: usize,
    name: &str,
) -> Result<Vec<(u32, RangeReading)>> {
    let mut usable = Vec::new();
    for entry in concepts {
        let Some(reading) = &entry.ranges else {
            continue;
        };
        let latent = reading.evidence.latent as usize;
        if reading.evidence.source == EvidenceSource::Logit && latent >= defined {
            return Err(Error::mismatch(format!(
                "concept '{}' is read by logit {latent} in {name}, the model has {defined}",
                entry.id
            )));
        }
        usable.push((entry.index, reading.clone()));
    }
    Ok(usable)
}
