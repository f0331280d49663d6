//! Where the ranges of concepts are that bound others.

use super::{Clusters, Gathered, Latents, PartRows, Target, evidence_values};
use crate::score::{
    decode::{Decoder, Item},
    dictionary::{Evidence, RangeReading},
    fitting::{Fit, fold_of},
    reader::Reader,
};
use std::collections::{BTreeMap, HashMap};

/// Ranges of the concepts that bound others, by concept and protein.
#[derive(Debug, Default)]
pub(super) struct Borders(BTreeMap<u32, HashMap<String, Vec<Item>>>);

impl Borders {
    /// On the proteins by which readings are chosen: each is read as the other folds chose.
    pub(super) fn of_fits<'f>(
        gathered: &Gathered<'_>,
        fits: impl Iterator<Item = (&'f Target, &'f Evidence, &'f Fit)>,
        latents: &impl Latents,
        clusters: &Clusters,
    ) -> Self {
        let rows = gathered.choosing();
        let one = |(target, evidence, fit): (&'f Target, &'f Evidence, &'f Fit)| {
            let reader = Reader {
                calibration: &fit.calibration,
                floor: fit.floor,
                base: fit.base,
            };
            let decoder = |protein: &str| {
                let cluster = clusters.get(protein).copied().unwrap_or_default();
                &fit.fold_decoders[fold_of(cluster)]
            };
            let values = evidence_values(gathered, rows.part, target, *evidence, latents);
            (target.concept, ranges(rows, &values, reader, decoder))
        };
        Self(fits.map(one).collect())
    }

    /// On the proteins on which readings are reported.
    pub(super) fn of_readings<'r>(
        gathered: &Gathered<'_>,
        readings: impl Iterator<Item = (&'r Target, &'r RangeReading)>,
        latents: &impl Latents,
    ) -> Self {
        let rows = gathered.reporting();
        let one = |(target, reading): (&'r Target, &'r RangeReading)| {
            let evidence = reading.evidence;
            let values = evidence_values(gathered, rows.part, target, evidence, latents);
            let decoder = |_: &str| &reading.decoder;
            (
                target.concept,
                ranges(rows, &values, reading.reader(), decoder),
            )
        };
        Self(readings.map(one).collect())
    }

    /// Those of a concept in a protein.
    pub(super) fn of(&self, concept: Option<u32>, protein: &str) -> &[Item] {
        let of_concept = concept.and_then(|c| self.0.get(&c));
        of_concept
            .and_then(|of| of.get(protein))
            .map_or(&[], Vec::as_slice)
    }
}

/// Ranges of a concept that bounds others, in every protein of a part that has any, by its evidence of all residues.
fn ranges<'d>(
    rows: &PartRows,
    values: &[f32],
    reader: Reader<'_>,
    decoder: impl Fn(&str) -> &'d Decoder,
) -> HashMap<String, Vec<Item>> {
    let mut log_odds = Vec::new();
    let all = rows.every_protein();
    all.filter_map(|(name, residues)| {
        let read = reader.read(&values[residues], &[], &mut log_odds);
        let borders = decoder(name).decode(read);
        (!borders.is_empty()).then(|| (name.to_owned(), borders))
    })
    .collect()
}
