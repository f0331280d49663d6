//! What whole proteins are called to have, and which training proteins are near.

use super::Args;
use crate::{
    Result,
    cli::{Context, Source},
    sae::folder::Sae,
    score::{
        calls::{Caller, ProteinMeans},
        dictionary::ConceptEntry,
        function::baseline::{NEIGHBOURS, Neighbour, Neighbours},
    },
    table::{
        calls::{CallList, NeighbourList},
        neighbours::NeighbourTable,
    },
};

/// Calls proteins.
pub(super) struct Calling {
    caller: Caller,
    near: Option<Near>,
}

/// Training proteins by their mean activations.
struct Near {
    table: NeighbourTable,
    vectors: Neighbours,
}

impl Args {
    /// What calls proteins: the concepts of a dictionary, if any is called.
    pub(super) fn calling(
        &self,
        context: &Context,
        sae: &Sae,
        concepts: &[ConceptEntry],
    ) -> Result<Option<Calling>> {
        let near = match &self.neighbours {
            Some(source) => Some(near(context, sae, source)?),
            None => None,
        };
        let caller = Caller::new(concepts)?;
        Ok(caller.map(|caller| Calling { caller, near }))
    }
}

fn near(context: &Context, sae: &Sae, source: &Source) -> Result<Near> {
    let width = sae.config.shape.width;
    let table = NeighbourTable::read(context.open_table(source)?, width);
    let mut table = table.map_err(source.in_input())?;
    let name = source.to_string();
    if let (Some(own), Some(model)) = (&table.info.plm, &sae.config.plm) {
        own.check_same(&name, model, "the model")?;
    }
    if let Some(own) = &table.info.sae {
        own.check_same(&name, &sae.identity(), "the model")?;
    }
    let vectors = Neighbours::new(std::mem::take(&mut table.activations), width);
    Ok(Near { table, vectors })
}

impl Calling {
    /// Calls of a protein, from what the model says of it and the mean of its activations.
    pub(super) fn call(&self, means: &ProteinMeans, activation: &[f32]) -> CallList {
        let (concepts, probabilities): (Vec<u32>, Vec<f32>) =
            self.caller.call(means).into_iter().unzip();
        let neighbours = self
            .near
            .as_ref()
            .map(|near| near.of(&concepts, activation));
        CallList {
            concepts,
            probabilities,
            neighbours,
        }
    }
}

impl Near {
    /// Who has the concepts of calls, among the nearest.
    fn of(&self, concepts: &[u32], activation: &[f32]) -> NeighbourList {
        let nearest = self.vectors.nearest(activation, NEIGHBOURS);
        let weight = |n: &Neighbour| n.similarity.max(0.0);
        let whole: f32 = nearest.iter().map(weight).sum();
        let mut list = NeighbourList::default();
        for concept in concepts {
            let has = |n: &&Neighbour| self.table.concepts[n.row].binary_search(concept).is_ok();
            let with: Vec<&Neighbour> = nearest.iter().filter(has).collect();
            let donor = with.first().filter(|n| n.similarity > 0.0);
            let name = donor.map_or(String::new(), |n| self.table.proteins[n.row].clone());
            list.donors.push(name);
            list.donor_scores
                .push(donor.map_or(0.0, |n| n.similarity.min(1.0)));
            let share: f32 = with.iter().map(|n| weight(n)).sum();
            let share = if whole > 0.0 { share / whole } else { 0.0 };
            list.neighbour_scores.push(share.min(1.0));
        }
        list
    }
}
