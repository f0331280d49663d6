//! How annotations of each concept are read, for the dictionary.

use super::{Args, reading::Reading};
use crate::{
    Result,
    annot::concept::ConceptsFile,
    cli::Context,
    commands::ranges::{self, SheetLatents},
    score::{
        alignment::best_by_auroc,
        dictionary::{DICTIONARY_FORMAT, Dictionary, LatentKind, Status},
        ranges::{Candidates, Clusters, Gathered, read_all},
    },
};

/// Adds the sections of concepts, where ranges were gathered; numbers of the clusters of the proteins.
pub(super) fn add(
    dictionary: &mut Dictionary,
    args: &Args,
    context: &Context,
    reading: &mut Reading<'_>,
    concepts: &ConceptsFile,
) -> Result<Option<Clusters>> {
    let Some(mut gathered) = reading.gathered.take() else {
        return Ok(None);
    };
    gathered.sort();
    let clusters = ranges::clusters(context, &args.clusters, &gathered, &reading.sequences)?;
    let latents = SheetLatents {
        choosing: &reading.valid.as_ref().unwrap_or(&reading.test).residues,
        reporting: &reading.test.residues,
    };
    let candidates = candidates(dictionary, &gathered, &latents, reading);
    let outcomes = read_all(&gathered, &candidates, &latents, &clusters, context.seed());
    let usable = outcomes.iter().filter(|o| o.result.is_ok()).count();
    context.metric("concepts_with_ranges", usable);
    dictionary.concepts = Some(ranges::entries(
        &concepts.concepts,
        outcomes,
        &args.exclude_features,
    ));
    dictionary.format = DICTIONARY_FORMAT.into();
    Ok(Some(clusters))
}

/// What is tried for each concept: its logit, and the latent that bears its name; in a model without predictors the
/// latent that ranks residues best.
fn candidates(
    dictionary: &Dictionary,
    gathered: &Gathered<'_>,
    latents: &SheetLatents<'_>,
    reading: &Reading<'_>,
) -> Candidates {
    let mut candidates = Candidates::new();
    for target in &gathered.targets {
        let c = target.concept;
        if (c as usize) < reading.defined {
            candidates.entry(c).or_default().push(ranges::logit(c));
        }
    }
    let maximum = |latent: usize| reading.maxima[latent];
    if reading.defined == 0 {
        let best = best_by_auroc(latents.choosing, 0..reading.maxima.len());
        for target in &gathered.targets {
            let found = best.get(target.concept as usize).copied().flatten();
            let evidence = found.and_then(|(l, _)| ranges::activation(l as u32, maximum(l)));
            candidates
                .entry(target.concept)
                .or_default()
                .extend(evidence);
        }
        return candidates;
    }
    for target in &gathered.targets {
        let named = dictionary.latents.iter().filter(|entry| {
            let own = entry.concept.as_ref().map(|c| c.id.as_str());
            entry.kind == LatentKind::Unknown
                && entry.status == Status::Named
                && own == Some(gathered.id(target.concept))
        });
        // the best on the proteins for reporting would be a choice by them: of several, the first
        let first = named.map(|entry| entry.index).next();
        let evidence = first.and_then(|l| ranges::activation(l, maximum(l as usize)));
        candidates
            .entry(target.concept)
            .or_default()
            .extend(evidence);
    }
    candidates
}
