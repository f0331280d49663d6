//! What whole proteins are called to have, and which training proteins are near.

use crate::{
    Error, Result,
    cli::{Context, Source},
    sae::folder::Sae,
    score::{
        calls::{Caller, Near, ProteinMeans, TrainingProteins},
        dictionary::ConceptEntry,
    },
    table::{
        calls::{CallList, NeighbourList},
        neighbours::NeighbourTable,
    },
};

/// Calls proteins.
pub(super) struct Calling {
    caller: Caller,
    training: Option<TrainingProteins>,
    /// Whether neighbours count in the calls, and do not only stand beside them.
    with_neighbours: bool,
}

impl Calling {
    /// What calls proteins by the concepts of a dictionary, if any is called; `neighbours` is a table of training proteins.
    ///
    /// # Errors
    /// Where the table does not fit the model, or the dictionary does not say how neighbours count that shall.
    pub(super) fn read(
        context: &Context,
        sae: &Sae,
        concepts: &[ConceptEntry],
        neighbours: Option<&Source>,
        with_neighbours: bool,
    ) -> Result<Option<Self>> {
        let training = neighbours
            .map(|source| training(context, sae, source))
            .transpose()?;
        let calling = Self::new(concepts, training, with_neighbours)?;
        if with_neighbours
            && !(calling.as_ref()).is_some_and(|calling| calling.caller.knows_neighbours())
        {
            return Err(Error::mismatch(
                "--with-neighbours: the dictionary does not say how neighbours count in calls; protsae-interpret says it \
                 where activations of training proteins are given",
            ));
        }
        Ok(calling)
    }

    /// The same with training proteins that are known already.
    ///
    /// # Errors
    /// Where what concepts imply is no hierarchy.
    pub(super) fn new(
        concepts: &[ConceptEntry],
        training: Option<TrainingProteins>,
        with_neighbours: bool,
    ) -> Result<Option<Self>> {
        let caller = Caller::new(concepts)?;
        Ok(caller.map(|caller| Self {
            caller,
            training,
            with_neighbours,
        }))
    }
}

fn training(context: &Context, sae: &Sae, source: &Source) -> Result<TrainingProteins> {
    let width = sae.config.shape.width;
    let table = NeighbourTable::read(context.open_table(source)?, width);
    let table = table.map_err(source.in_input())?;
    let name = source.to_string();
    if let (Some(own), Some(model)) = (&table.info.plm, &sae.config.plm) {
        own.check_same(&name, model, "the model")?;
    }
    if let Some(own) = &table.info.sae {
        own.check_same(&name, &sae.identity(), "the model")?;
    }
    Ok(TrainingProteins::new(
        table.proteins,
        table.activations,
        width,
        table.concepts,
    ))
}

impl Calling {
    /// Calls of a protein, from what the model says of it and the mean of its activations.
    pub(super) fn call(&self, protein: &str, means: &ProteinMeans, activation: &[f32]) -> CallList {
        let near = self.training.as_ref().map(|t| t.near(protein, activation));
        let shares = near.as_ref().map(Near::shares);
        let counted = shares.as_ref().filter(|_| self.with_neighbours);
        let (concepts, probabilities): (Vec<u32>, Vec<f32>) =
            self.caller.call(means, counted).into_iter().unzip();
        let neighbours = near.zip(shares).map(|(near, shares)| {
            let donors = concepts
                .iter()
                .map(|&concept| near.donor(concept).unwrap_or_default());
            let (donors, donor_scores) = donors
                .map(|(name, cosine)| (name.to_owned(), cosine))
                .unzip();
            NeighbourList {
                donors,
                donor_scores,
                neighbour_scores: concepts.iter().map(|&concept| shares.of(concept)).collect(),
            }
        });
        CallList {
            concepts,
            probabilities,
            neighbours,
        }
    }
}
