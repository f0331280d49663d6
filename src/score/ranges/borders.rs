//! Where the ranges of concepts are that bound others.

use super::{Clusters, Gathered, Latents, Part, Target, evidence_values};
use crate::score::{
    calibration::{Calibration, Stored},
    decode::{Decoder, Item, Residues},
    dictionary::{Evidence, RangeReading},
    fitting::{Fit, fold_of},
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
        let one = |(target, evidence, fit): (&'f Target, &'f Evidence, &'f Fit)| {
            let reader = Reader {
                evidence: *evidence,
                calibration: &fit.calibration,
                floor: fit.floor,
                base: fit.base,
            };
            let decoder = |protein: &str| {
                let cluster = clusters.get(protein).copied().unwrap_or_default();
                &fit.fold_decoders[fold_of(cluster)]
            };
            let part = gathered.choosing().part;
            (
                target.concept,
                reader.ranges(gathered, part, target, latents, decoder),
            )
        };
        Self(fits.map(one).collect())
    }

    /// On the proteins on which readings are reported.
    pub(super) fn of_readings<'r>(
        gathered: &Gathered<'_>,
        readings: impl Iterator<Item = (&'r Target, &'r RangeReading)>,
        latents: &impl Latents,
    ) -> Self {
        let one = |(target, reading): (&'r Target, &'r RangeReading)| {
            let reader = Reader {
                evidence: reading.evidence,
                calibration: &reading.calibration,
                floor: reading.floor,
                base: reading.base,
            };
            let part = gathered.reporting().part;
            let decoder = |_: &str| &reading.decoder;
            (
                target.concept,
                reader.ranges(gathered, part, target, latents, decoder),
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

/// How a concept that bounds others is read.
struct Reader<'a> {
    evidence: Evidence,
    calibration: &'a Calibration,
    floor: f64,
    base: f64,
}

impl Reader<'_> {
    /// Its ranges in every protein of a part that has any.
    fn ranges<'d>(
        &self,
        gathered: &Gathered<'_>,
        part: Part,
        target: &Target,
        latents: &impl Latents,
        decoder: impl Fn(&str) -> &'d Decoder,
    ) -> HashMap<String, Vec<Item>> {
        let values = evidence_values(gathered, part, target, self.evidence, latents);
        let stored = Stored { floor: self.floor };
        let round = |&x: &f32| stored.round(self.calibration.log_odds(f64::from(x)));
        let all = gathered.of(part).every_protein();
        all.filter_map(|(name, residues)| {
            let log_odds: Vec<f64> = values[residues].iter().map(round).collect();
            let borders = decoder(name).decode(Residues {
                log_odds: &log_odds,
                floor: self.floor,
                base: self.base,
                borders: &[],
            });
            (!borders.is_empty()).then(|| (name.to_owned(), borders))
        })
        .collect()
    }
}
