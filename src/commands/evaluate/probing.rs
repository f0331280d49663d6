//! The suite `probing`: logistic probes of concepts on means over the residues of whole proteins.

use super::function::Means;
use crate::{
    annot::{concept::ConceptsFile, label_index::LabelIndex},
    cli::log,
    score::probing::{Features, Probing, Table, Truth, probe},
    split::partition::Part,
};
use std::collections::BTreeSet;

/// Numbers that a matrix of features may hold.
const MOST_NUMBERS: usize = 1 << 30;
/// Training proteins that must carry a concept.
const MIN_TRAINING: usize = 10;

/// Probes of the concepts that at least so many test proteins carry, wherever they lie; none, with a warning, where the
/// matrices would be too large or there are no training proteins.
pub(super) fn score(
    means: &Means,
    concepts: &ConceptsFile,
    labels: &LabelIndex,
    min_proteins: usize,
) -> Option<Probing> {
    let numbers = means.latents.max(means.width) * means.proteins.len();
    if numbers > MOST_NUMBERS {
        log::warn(&format!("no probes: {numbers} numbers are too many"));
        return None;
    }
    let of_part = |part| means.proteins.iter().filter(move |m| m.part == part);
    let rows = |part| of_part(part).count();
    if rows(Part::Train) == 0 {
        log::warn("no probes: they are trained on training proteins, and there are none here");
        return None;
    }
    let count = concepts.concepts.len();
    let positives = |part| {
        let mut rows = vec![Vec::new(); count];
        for (row, mean) in (0u32..).zip(of_part(part)) {
            let own: BTreeSet<u32> = labels.of(&mean.protein).iter().map(|l| l.concept).collect();
            for concept in own {
                rows[concept as usize].push(row);
            }
        }
        rows
    };
    let all = [Part::Train, Part::Valid, Part::Test].map(positives);
    let enough = |part: usize, least: usize, rows: usize, c: usize| {
        let found = all[part][c].len();
        found >= least && found < rows
    };
    let (train, test) = (rows(Part::Train), rows(Part::Test));
    let counted: Vec<usize> = (0..count)
        .filter(|&c| enough(0, MIN_TRAINING, train, c) && enough(2, min_proteins.max(1), test, c))
        .collect();
    let [train, valid, test] = all.map(|part| counted.iter().map(|&c| part[c].clone()).collect());
    let ids = counted.iter().map(|&c| concepts.concepts[c].id.clone());
    let latents = table(means, means.latents, |mean, row| {
        for &(latent, value) in &mean.latents {
            row[latent as usize] = value;
        }
    });
    let plm = table(means, means.width, |mean, row| {
        row.copy_from_slice(&mean.activations);
    });
    let truth = Truth { train, valid, test };
    Some(probe(latents, plm, &truth, ids.collect()))
}

/// Features of all parts.
fn table(means: &Means, width: usize, fill: impl Fn(&super::function::Mean, &mut [f32])) -> Table {
    let part = |part: Part| {
        let mut values = Vec::new();
        let mut rows = 0;
        for mean in means.proteins.iter().filter(|m| m.part == part) {
            values.resize((rows + 1) * width, 0.0);
            fill(mean, &mut values[rows * width..]);
            rows += 1;
        }
        Features { rows, values }
    };
    Table {
        width,
        train: part(Part::Train),
        valid: part(Part::Valid),
        test: part(Part::Test),
    }
}
