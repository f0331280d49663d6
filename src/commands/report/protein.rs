//! The page of one protein, and what corroborates its calls.

use super::{Args, finding::Found, known::Known, survey::Survey};
use crate::{
    Result,
    annot::concept::Level,
    cli::Context,
    commands::protein_rows::ProteinRows,
    report::page::data::{CallRow, Measure, PlacedLabel, PlacedRange, ProteinPage, Track, percent},
    score::dictionary::CallSource,
    table::proteins,
};
use std::collections::{BTreeMap, HashMap};

/// Least probability of a call that is shown, where no lower one is written.
const LEAST_CALL: f32 = 0.5;

impl Known {
    /// Whether a range or call of this probability is written.
    pub(super) fn is_written(&self, probability: f32) -> bool {
        self.calibrated_by().is_none() || f64::from(probability) >= self.min_precision
    }

    /// The values of a concept along a protein: calibrated probabilities where there are any, else activations of its latent.
    pub(super) fn track(&self, rows: &ProteinRows, concept: u32) -> Track {
        let has_ranges = self.entry(concept).is_some_and(|e| e.ranges.is_some());
        let residues = 0..rows.residues.len();
        if has_ranges {
            let values = residues.filter_map(|at| {
                let (concepts, probabilities) = rows.concepts.row(at);
                let found = concepts.binary_search(&concept).ok()?;
                Some((at as u32 + 1, probabilities[found]))
            });
            return Track::new(Measure::Probability, values);
        }
        let latent = self.latent(concept);
        let maximum = latent.and_then(|l| self.sae.latent_max.get(l as usize));
        let maximum = maximum.copied().filter(|&m| m > 0.0);
        let (Some(latent), Some(maximum)) = (latent, maximum) else {
            return Track::new(Measure::Activation, []);
        };
        let values = residues.filter_map(|at| {
            let (latents, activations) = rows.latents.row(at);
            let found = latents.binary_search(&latent).ok()?;
            Some((at as u32 + 1, activations[found] / maximum))
        });
        Track::new(Measure::Activation, values)
    }

    /// The latent by which a concept is read: of several its own, else the one that counts most.
    pub(super) fn latent(&self, concept: u32) -> Option<u32> {
        let entry = self.entry(concept);
        if let Some(reading) = entry.and_then(|e| e.ranges.as_ref()) {
            return Some(reading.evidence.latent);
        }
        let own = Some(concept).filter(|&c| (c as usize) < self.sae.config.shape.defined);
        match entry.and_then(|e| e.calls.as_ref()).map(|c| &c.source) {
            _ if own.is_some() => own,
            Some(CallSource::LogitMean { latent }) => Some(*latent),
            Some(CallSource::Probe {
                latents, weights, ..
            }) => {
                let weighed = latents.iter().zip(weights);
                let most = weighed.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0)));
                most.map(|(&latent, _)| latent)
            }
            None => None,
        }
    }

    /// The page of a protein, without tracks that only examples need.
    pub(super) fn page(&self, rows: &ProteinRows, found: &[Found]) -> ProteinPage {
        let labels = self.labels.as_ref().map(|l| l.of(&rows.protein));
        let placed = labels.unwrap_or_default().iter();
        let placed = placed.filter(|l| !l.is_whole() && self.is_read(l.concept));
        let labelled = placed.map(|l| PlacedLabel(l.concept, l.start, l.end));
        let range = |f: &Found| {
            let written = u8::from(self.is_written(f.value));
            let Found {
                concept,
                item,
                value,
            } = f;
            PlacedRange(*concept, item.start, item.end, percent(*value), written)
        };
        let mut page = ProteinPage {
            id: rows.protein.clone(),
            split: self.part(&rows.protein).map(|part| part.name().to_owned()),
            sequence: String::from_utf8_lossy(&rows.residues).into_owned(),
            labels: labelled.collect(),
            ranges: found
                .iter()
                .filter(|f| self.is_shown(f))
                .map(range)
                .collect(),
            calls: self.calls(rows),
            ..ProteinPage::default()
        };
        page.labels.dedup();
        let written = page.ranges.iter().filter(|r| r.4 > 0).map(|r| r.0);
        let tracked: Vec<u32> = written.chain(page.labels.iter().map(|l| l.0)).collect();
        for concept in tracked {
            let track = || self.track(rows, concept);
            page.tracks.entry(concept).or_insert_with(track);
        }
        page
    }

    /// Whether a range is on pages: written, or of a concept that is written nowhere and as likely as any of its.
    fn is_shown(&self, found: &Found) -> bool {
        self.is_written(found.value) || f64::from(found.value) >= self.least(found.concept)
    }

    /// Least probability of examples of a concept that was found.
    pub(super) fn least(&self, concept: u32) -> f64 {
        let best = self.best_precision(concept).unwrap_or(0.0);
        // in f32, as probabilities of ranges are
        f64::from(best.min(self.min_precision) as f32)
    }

    fn calls(&self, rows: &ProteinRows) -> Vec<CallRow> {
        let Some(calls) = &rows.calls else {
            return Vec::new();
        };
        let labels = self.labels.as_ref().map(|l| l.of(&rows.protein));
        let listed = calls.concepts.iter().zip(&calls.probabilities);
        let least = LEAST_CALL.min(self.min_precision as f32);
        let likely = listed.filter(|(_, p)| **p >= least);
        let of_whole = likely.filter(|(c, _)| {
            let concept = self.concepts.get(**c as usize);
            concept.is_some_and(|concept| concept.level == Level::Protein)
        });
        let call = |(&concept, &probability): (&u32, &f32)| CallRow {
            concept,
            probability: percent(probability),
            labelled: labels.map(|l| l.iter().any(|label| label.concept == concept)),
            donor: None,
            donor_score: None,
        };
        let mut calls: Vec<CallRow> = of_whole.map(call).collect();
        calls.sort_by_key(|call| (std::cmp::Reverse(call.probability), call.concept));
        calls
    }
}

/// The nearest training proteins that have what proteins are called to have.
#[derive(Default)]
pub(super) struct Donors(HashMap<String, BTreeMap<u32, (String, f32)>>);

impl Donors {
    /// Those of the proteins that may be shown.
    ///
    /// # Errors
    /// Where a table cannot be read, or is of another model.
    pub(super) fn read(
        args: &Args,
        context: &Context,
        known: &Known,
        survey: &Survey<'_>,
    ) -> Result<Self> {
        let shown = survey.pages();
        let mut donors = Self::default();
        for source in &args.proteins {
            proteins::read(context.open_table(source)?, |info, row| -> Result<()> {
                if let Some(own) = &info.sae {
                    let folder = args.model.display().to_string();
                    own.check_same(&source.to_string(), &known.sae.identity(), &folder)?;
                }
                if !shown.contains_key(row.protein.as_str()) {
                    return Ok(());
                }
                let Some(calls) = row.calls else {
                    return Ok(());
                };
                let neighbours = calls.neighbours.unwrap_or_default();
                let near = neighbours.donors.into_iter().zip(neighbours.donor_scores);
                let of = calls.concepts.into_iter().zip(near);
                let named = of.filter(|(_, (donor, _))| !donor.is_empty());
                donors.0.insert(row.protein, named.collect());
                Ok(())
            })
            .map_err(source.in_input())?;
        }
        Ok(donors)
    }

    /// Notes them at the calls of a protein.
    pub(super) fn note(&self, page: &mut ProteinPage) {
        let Some(of_protein) = self.0.get(&page.id) else {
            return;
        };
        for call in &mut page.calls {
            if let Some((donor, score)) = of_protein.get(&call.concept) {
                call.donor = Some(donor.clone());
                call.donor_score = Some((f64::from(*score) * 1e4).round() / 1e4);
            }
        }
    }
}
