//! What latents and concepts are called.

use super::{Args, By};
use crate::{
    Result,
    cli::{Context, Source, log},
    commands::shared::{self, ReadDictionary},
    report::{Catalogue, LatentInfo},
    sae::folder::Sae,
    score::dictionary::Dictionary,
    table::SaeIdentity,
};
use std::path::{Path, PathBuf};

/// Which SAE all is of.
pub(super) struct NamedSae {
    /// Who says so: the model's folder, or the dictionary's file.
    by: String,
    pub(super) sae: SaeIdentity,
}

impl NamedSae {
    /// That of a model's folder.
    pub(super) fn of_model(folder: Option<&PathBuf>, sae: Option<&Sae>) -> Option<Self> {
        Some(Self {
            by: folder?.display().to_string(),
            sae: sae?.identity(),
        })
    }

    /// That of a dictionary, where no model says it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Mismatch`] where both do, and differ.
    pub(super) fn or_of(
        of_model: Option<Self>,
        dictionary: &Dictionary,
        path: &Path,
    ) -> Result<Option<Self>> {
        let by = path.display().to_string();
        if let (Some(model), Some(own)) = (&of_model, &dictionary.sae) {
            own.check_same(&by, &model.sae, &model.by)?;
        }
        let own = dictionary.sae.clone();
        Ok(of_model.or_else(|| own.map(|sae| Self { by, sae })))
    }

    /// Demands a table of the same SAE, or says that nothing tells.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Mismatch`], naming both.
    pub(super) fn check(
        own: Option<&Self>,
        table: Option<&SaeIdentity>,
        at: &Source,
    ) -> Result<()> {
        match (own, table) {
            (Some(own), Some(table)) => own.sae.check_same(&own.by, table, &at.to_string())?,
            _ => log::warn(&format!(
                "{at}: nothing says that it was made by this model"
            )),
        }
        Ok(())
    }
}

/// What is known of latents, of which SAE they are, and the dictionary.
pub(super) struct Known {
    pub(super) catalogue: Catalogue,
    pub(super) identity: Option<NamedSae>,
    pub(super) dictionary: Option<ReadDictionary>,
}

impl Args {
    /// What the latents are called, and what says of which SAE they are, by name.
    pub(super) fn known(&self, context: &Context) -> Result<Known> {
        let sae = match &self.model {
            Some(folder) => Some(shared::load_model(context, folder)?),
            None => None,
        };
        let mut catalogue = Catalogue::default();
        let mut identity = NamedSae::of_model(self.model.as_ref(), sae.as_ref());
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
            let found = shared::read_dictionary(context, path)?;
            let (dictionary, source) = (&found.content, Source::File(path.clone()));
            identity = NamedSae::or_of(identity, dictionary, path)?;
            if sae.is_none() {
                catalogue = dictionary.catalogue();
            }
            let known = sae.as_ref().is_none_or(Sae::knows_maxima);
            dictionary
                .describe(&mut catalogue, known)
                .map_err(source.in_input())?;
            read = Some(found);
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
