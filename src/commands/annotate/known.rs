//! What latents and concepts are called.

use super::{Args, By};
use crate::{
    Result,
    annot::concept::Level,
    cli::{Context, Source, log},
    commands::shared,
    report::{Catalogue, LatentInfo},
    sae::folder::Sae,
    score::dictionary::{ConceptEntry, Dictionary},
    table::SaeIdentity,
};

/// What is known of latents, of which SAE they are, and the dictionary with its SHA-256.
pub(super) struct Known {
    pub(super) catalogue: Catalogue,
    pub(super) identity: Option<(String, SaeIdentity)>,
    pub(super) dictionary: Option<(Dictionary, String)>,
}

/// The concepts of a dictionary.
pub(super) fn concept_catalogue(concepts: &[ConceptEntry]) -> Catalogue {
    let info = |entry: &ConceptEntry| {
        let mut info = LatentInfo {
            name: entry.name.clone(),
            defined: true,
            ..LatentInfo::default()
        };
        info.set_concept(&entry.id, entry.kind);
        info.whole_protein = entry.level == Level::Protein;
        info.latent = (entry.ranges.as_ref()).map_or(entry.index, |r| r.evidence.latent);
        info
    };
    Catalogue {
        latents: concepts.iter().map(info).collect(),
    }
}

impl Args {
    /// What the latents are called, and what says of which SAE they are, by name.
    pub(super) fn known(&self, context: &Context) -> Result<Known> {
        let sae = match &self.model {
            Some(folder) => Some(shared::load_model(context, folder)?),
            None => None,
        };
        let mut catalogue = Catalogue::default();
        let folder = self.model.as_ref().map(|f| f.display().to_string());
        let mut identity = folder.zip(sae.as_ref().map(Sae::identity));
        if let Some(sae) = &sae {
            let defined = sae.config.shape.defined;
            for (i, &maximum) in sae.latent_max.iter().enumerate() {
                let concept = sae.concepts.concepts.get(i).filter(|_| i < defined);
                let info = concept.map_or_else(
                    || LatentInfo::unnamed(i, maximum),
                    |c| LatentInfo::of_concept(c, maximum),
                );
                catalogue.latents.push(info);
            }
        }
        let mut read = None;
        if let Some(path) = &self.dictionary {
            let (dictionary, sha256) = shared::read_dictionary(context, path)?;
            let source = Source::File(path.clone());
            match (&identity, &dictionary.sae) {
                (Some((folder, sae)), Some(own)) => {
                    own.check_same(&source.to_string(), sae, folder)?;
                }
                (None, Some(own)) => identity = Some((source.to_string(), own.clone())),
                (_, None) => {}
            }
            if sae.is_none() {
                catalogue = dictionary.catalogue();
            }
            let known = sae.as_ref().is_none_or(Sae::knows_maxima);
            dictionary
                .describe(&mut catalogue, known)
                .map_err(source.in_input())?;
            read = Some((dictionary, sha256));
        }
        let known = self.dictionary.is_some() || sae.as_ref().is_none_or(Sae::knows_maxima);
        if !known && self.by() == By::Activation {
            log::warn(
                "the model does not know the maxima of its latents, which stand as 1: thresholds are activations; --dictionary has them",
            );
        }
        Ok(Known {
            catalogue,
            identity,
            dictionary: read,
        })
    }
}
