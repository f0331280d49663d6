//! What is counted and kept while the proteins go by, one at a time.

use super::{
    examples::{Examples, Place},
    finding::{Finder, Found},
    known::Known,
    tally::Tally,
};
use crate::{
    Result,
    annot::{
        concept::Level,
        label_index::{LabelIndex, LabelRange},
    },
    cli::{Context, log},
    commands::protein_rows::ProteinRows,
    report::page::data::{ExampleKind, ProteinPage, percent},
    score::{
        decode::Item,
        matching::{self, Known as Stretch, overlap},
        ranges::Instances,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// What was counted over all proteins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) proteins: u64,
    pub(super) residues: u64,
    /// Those that are judged on.
    pub(super) judged: u64,
    /// Ranges that are written, and the proteins that have any.
    pub(super) ranges: u64,
    pub(super) with_ranges: u64,
    /// Calls that are written, and the proteins that have any.
    pub(super) calls: u64,
    pub(super) with_calls: u64,
    /// Whether anything was called.
    pub(super) has_calls: bool,
}

/// What is counted and kept.
pub(super) struct Survey<'a> {
    known: &'a Known,
    finder: Finder,
    instances: Instances,
    /// By concept.
    pub(super) tallies: Vec<Tally>,
    pub(super) examples: Examples,
    /// Pages of the proteins that are shown in any case.
    pub(super) wanted: BTreeMap<String, Rc<ProteinPage>>,
    pub(super) counts: Counts,
}

/// A protein that goes by.
struct Passing<'a> {
    rows: &'a ProteinRows,
    found: Vec<Found>,
    labels: &'a [LabelRange],
    /// Instances by concept.
    truths: Vec<(u32, Vec<Item>)>,
    /// What labels of partial concepts say something of.
    stretch: Option<Stretch>,
    has_labels: bool,
    is_judged: bool,
    places: Vec<Place<'a>>,
}

impl<'a> Survey<'a> {
    pub(super) fn new(known: &'a Known, examples: usize, seed: u64) -> Self {
        Self {
            finder: Finder::new(known),
            instances: Instances::new(&known.concepts),
            tallies: vec![Tally::default(); known.concepts.len()],
            examples: Examples::new(seed, examples),
            wanted: BTreeMap::new(),
            counts: Counts::default(),
            known,
        }
    }

    /// Adds a protein.
    ///
    /// # Errors
    /// Where a label ends past it.
    pub(super) fn add(&mut self, rows: &ProteinRows) -> Result<()> {
        let known = self.known;
        let labels = known.labels.as_ref();
        if let Some(labels) = labels {
            labels.check_length(&rows.protein, rows.length())?;
        }
        let of_protein = labels.map_or(&[][..], |l: &LabelIndex| l.of(&rows.protein));
        let mut passing = Passing {
            rows,
            found: self.finder.find(rows),
            labels: of_protein,
            truths: self.instances.of(of_protein),
            stretch: self.instances.known(of_protein),
            has_labels: labels.is_some(),
            is_judged: known.is_judged(&rows.protein),
            places: Vec::new(),
        };
        self.counts.proteins += 1;
        self.counts.residues += u64::from(rows.length());
        self.counts.judged += u64::from(passing.is_judged);
        let ranges = self.ranges(&mut passing);
        self.counts.ranges += ranges;
        self.counts.with_ranges += u64::from(ranges > 0);
        let calls = self.calls(&mut passing);
        self.counts.calls += calls;
        self.counts.with_calls += u64::from(calls > 0);
        self.keep(&passing);
        Ok(())
    }

    /// Counts the ranges of a protein, and notes what they are examples of; how many are written.
    fn ranges(&mut self, passing: &mut Passing<'_>) -> u64 {
        let mut concepts: BTreeSet<u32> = passing.found.iter().map(|f| f.concept).collect();
        let labelled = passing.truths.iter().map(|(concept, _)| *concept);
        concepts.extend(labelled.filter(|&c| self.known.is_read(c)));
        let mut all = 0;
        for concept in concepts {
            let is_own = |f: &&Found| f.concept == concept;
            let found: Vec<Found> = passing.found.iter().filter(is_own).copied().collect();
            let at = passing.truths.binary_search_by_key(&concept, |(c, _)| *c);
            let truths = at.map_or(&[][..], |at| &passing.truths[at].1).to_vec();
            let written = found.iter().filter(|f| self.known.is_written(f.value));
            let written = written.count() as u64;
            self.tallies[concept as usize].written += written;
            self.tallies[concept as usize].proteins += u64::from(written > 0);
            all += written;
            let is_partial = self.instances.is_partial(concept);
            let stretch = if is_partial {
                passing.stretch
            } else {
                Some(Stretch::ALL)
            };
            self.judge(passing, &found, &truths, stretch, concept);
        }
        all
    }

    /// Holds the ranges of a concept against its instances, within what labels say something of.
    fn judge(
        &mut self,
        passing: &mut Passing<'_>,
        found: &[Found],
        truths: &[Item],
        stretch: Option<Stretch>,
        concept: u32,
    ) {
        let (known, tally) = (self.known, &mut self.tallies[concept as usize]);
        let Some(stretch) = stretch.filter(|_| passing.has_labels) else {
            if !passing.has_labels {
                for f in found
                    .iter()
                    .filter(|f| f64::from(f.value) >= known.least(concept))
                {
                    passing.place(concept, ExampleKind::Found, Some(f.item), Some(f.value));
                }
            }
            return;
        };
        let within: Vec<Found> = (found.iter().copied())
            .filter(|f| stretch.touches(&f.item))
            .collect();
        let items: Vec<Item> = within.iter().map(|f| f.item).collect();
        let rights = matching::rights(&items, truths);
        if passing.is_judged {
            tally.truths += truths.len() as u64;
            for (f, right) in within.iter().zip(&rights) {
                tally.judge(f.value, known.is_written(f.value), *right);
            }
        }
        let touch = |a: &Item, b: &Item| overlap(a, b) > 0.0;
        let shown: Vec<(Found, bool)> = (within.into_iter().zip(rights))
            .filter(|(f, _)| f64::from(f.value) >= known.least(concept))
            .collect();
        for (f, right) in &shown {
            let kind = match right {
                true => ExampleKind::Right,
                false if truths.iter().any(|truth| touch(truth, &f.item)) => continue,
                false => ExampleKind::Unlabelled,
            };
            passing.place(concept, kind, Some(f.item), Some(f.value));
        }
        let is_missed = |truth: &&Item| !shown.iter().any(|(f, _)| touch(&f.item, truth));
        for truth in truths.iter().filter(is_missed) {
            passing.place(concept, ExampleKind::Missed, Some(*truth), None);
        }
    }

    /// Counts the calls of a protein, and notes what they are examples of; how many are written.
    fn calls(&mut self, passing: &mut Passing<'_>) -> u64 {
        let known = self.known;
        let Some(calls) = &passing.rows.calls else {
            return 0;
        };
        self.counts.has_calls = true;
        let is_called = |c: u32| known.entry(c).is_some_and(|e| e.calls.is_some());
        let mut labelled: Vec<u32> = passing.labels.iter().map(|l| l.concept).collect();
        labelled.retain(|&c| is_called(c));
        labelled.dedup();
        let mut all = 0;
        let mut missed: BTreeSet<u32> = labelled.iter().copied().collect();
        for (&concept, &probability) in calls.concepts.iter().zip(&calls.probabilities) {
            if known.concepts.get(concept as usize).map(|c| c.level) != Some(Level::Protein) {
                continue;
            }
            let tally = &mut self.tallies[concept as usize];
            let is_written = known.is_written(probability);
            tally.written += u64::from(is_written);
            tally.proteins += u64::from(is_written);
            all += u64::from(is_written);
            let is_right = labelled.binary_search(&concept).is_ok();
            if passing.is_judged {
                tally.judge(probability, is_written, is_right);
            }
            if f64::from(probability) < known.least(concept) {
                continue;
            }
            missed.remove(&concept);
            let kind = match (passing.has_labels, is_right) {
                (false, _) => ExampleKind::Found,
                (true, true) => ExampleKind::Right,
                (true, false) => ExampleKind::Unlabelled,
            };
            passing.place(concept, kind, None, Some(probability));
        }
        for concept in labelled.into_iter().filter(|_| passing.is_judged) {
            self.tallies[concept as usize].truths += 1;
        }
        for concept in missed {
            passing.place(concept, ExampleKind::Missed, None, None);
        }
        all
    }

    /// Keeps the page of a protein where anything shows it.
    fn keep(&mut self, passing: &Passing<'_>) {
        let (known, rows) = (self.known, passing.rows);
        let mut made: Option<Rc<ProteinPage>> = None;
        let mut page = || {
            let make = || Rc::new(known.page(rows, &passing.found));
            Rc::clone(made.get_or_insert_with(make))
        };
        if known.wanted.contains(&rows.protein) {
            self.wanted.insert(rows.protein.clone(), page());
        }
        let example = |place: &Place<'_>| (page(), known.track(rows, place.concept));
        self.examples.offer(&passing.places, example);
    }

    /// Pages of the proteins that may be shown, by accession.
    pub(super) fn pages(&self) -> BTreeMap<&str, &ProteinPage> {
        let wanted = self.wanted.values().map(|page| &**page);
        let all = wanted.chain(self.examples.pages());
        all.map(|page| (page.id.as_str(), page)).collect()
    }

    /// Says what was counted, once all proteins have gone by.
    pub(super) fn finish(&self, context: &Context) {
        let counts = &self.counts;
        context.metric("proteins", counts.proteins);
        context.metric("residues", counts.residues);
        context.metric("proteins_judged_on", counts.judged);
        context.metric("ranges", counts.ranges);
        context.metric("calls", counts.calls);
        let listed = self.known.listed.iter();
        let unseen: Vec<&String> = listed.filter(|id| !self.wanted.contains_key(*id)).collect();
        if let Some(first) = unseen.first() {
            log::warn(&format!(
                "{} proteins of --proteins-listed are in no input, such as {first}",
                unseen.len()
            ));
        }
        context.metric("proteins_listed_and_not_found", unseen);
    }
}

impl Passing<'_> {
    /// Notes a place that is an example of something.
    fn place(
        &mut self,
        concept: u32,
        kind: ExampleKind,
        item: Option<Item>,
        probability: Option<f32>,
    ) {
        self.places.push(Place {
            concept,
            kind,
            protein: &self.rows.protein,
            length: self.rows.residues.len(),
            is_judged: self.is_judged,
            range: item.map(|item| [item.start, item.end]),
            probability: probability.map(percent),
        });
    }
}
