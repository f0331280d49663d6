//! What the page says first, in plain sentences.

use super::{
    Args,
    facts::{self, of},
    known::Known,
    survey::Survey,
    tally::Tally,
};
use crate::{
    Result,
    annot::concept::Level,
    commands::train::curves,
    report::{
        curve::{Axes, Chart, Line},
        page::{
            Distrusted, Drawing, Overview,
            data::{ConceptPage, Use},
        },
    },
};

/// Concepts to be careful with that are named.
const DISTRUSTED: usize = 25;

/// The overview.
pub(super) fn overview(
    args: &Args,
    known: &Known,
    survey: &Survey<'_>,
    concepts: &[ConceptPage],
) -> Result<Overview> {
    let drawn = curves::charts(&known.log)
        .iter()
        .map(Drawing::new)
        .collect::<Result<Vec<_>, _>>()?;
    let mut careful: Vec<&ConceptPage> = concepts
        .iter()
        .filter(|c| c.status == Use::Doubtful)
        .collect();
    careful.sort_by(|a, b| b.written.cmp(&a.written).then_with(|| a.id.cmp(&b.id)));
    let distrusted = careful.iter().take(DISTRUSTED).map(|concept| Distrusted {
        id: concept.id.clone(),
        name: name(concept).to_owned(),
        reason: concept.reason.clone().unwrap_or_default(),
    });
    Ok(Overview {
        title: title(known),
        sentences: sentences(known, survey, concepts, careful.len()),
        facts: facts::facts(known, survey),
        distrusted: distrusted.collect(),
        lacking: lacking(args, known),
        curves: drawn.into_iter().flatten().collect(),
        reliability: Drawing::new(&reliability(known, survey))?,
    })
}

fn name(concept: &ConceptPage) -> &str {
    if concept.name.is_empty() {
        &concept.id
    } else {
        &concept.name
    }
}

fn title(known: &Known) -> String {
    let variant = known.sae.config.objective.variant.name();
    match &known.sae.config.plm {
        Some(plm) => format!("{variant} on {}, layer {}", plm.name, plm.layer),
        None => format!("{variant} on a protein language model"),
    }
}

fn share(value: f64) -> String {
    format!("{:.0} %", 100.0 * value)
}

fn sentences(
    known: &Known,
    survey: &Survey<'_>,
    concepts: &[ConceptPage],
    careful: usize,
) -> Vec<String> {
    let mut said = Vec::new();
    let total = of(concepts.len() as u64, "concept", "concepts");
    if known.calibrated_by().is_none() {
        said.push(format!(
            "The model has {total}. Nobody has chosen how they are read, or counted how often that is right: ranges here are \
             runs of residues on which a concept's latent is active."
        ));
    } else {
        let usable = |level: Level| {
            let is_usable = |c: &&ConceptPage| {
                matches!(c.status, Use::Usable | Use::Doubtful) && c.level == level
            };
            concepts.iter().filter(is_usable).count() as u64
        };
        let (residues, proteins) = (usable(Level::Residue), usable(Level::Protein));
        said.push(format!(
            "Of {total}, {} can be used at a precision of {}: {residues} for ranges of residues, and {proteins} for whole proteins.",
            residues + proteins,
            share(known.min_precision)
        ));
    }
    said.extend(written(known, survey));
    if careful > 0 {
        let those = of(careful as u64, "usable concept", "usable concepts");
        said.push(format!("Be careful with {those}, listed below: either test proteins contradict what is stated, or it rests on little."));
    }
    if !known.missing.is_empty() {
        let rows = of(
            known.missing.len() as u64,
            "annotation is",
            "annotations are",
        );
        said.push(format!(
            "{rows} likely where the protein has no such label: see what labels lack."
        ));
    }
    said
}

/// What was written for how many proteins, and how much of it is right.
fn written(known: &Known, survey: &Survey<'_>) -> Vec<String> {
    let counts = &survey.counts;
    if counts.proteins == 0 {
        return Vec::new();
    }
    let read = of(counts.proteins, "protein", "proteins");
    let mut said = vec![format!(
        "In {read}, {} for {}{}.",
        of(counts.ranges, "range is written", "ranges are written"),
        of(counts.with_ranges, "protein", "proteins"),
        if counts.has_calls {
            format!(
                ", and {} for {}",
                of(counts.calls, "call", "calls"),
                of(counts.with_calls, "protein", "proteins")
            )
        } else {
            String::new()
        }
    )];
    let right = |level: Level, what: &str| {
        let sum = sum(known, survey, level);
        let precision = sum.precision()?;
        Some(format!(
            "{} of {} {what} are right",
            share(precision),
            sum.judged
        ))
    };
    let judged = [
        right(Level::Residue, "ranges"),
        right(Level::Protein, "calls"),
    ];
    let judged: Vec<String> = judged.into_iter().flatten().collect();
    if !judged.is_empty() {
        let on = match known.split {
            Some(_) => of(counts.judged, "test protein", "test proteins"),
            None => "all proteins, also those that the model was trained on".into(),
        };
        said.push(format!(
            "On {on}, {}, if what no label says counts as wrong.",
            judged.join(", and ")
        ));
    }
    said
}

/// The counts of all concepts of a level.
fn sum(known: &Known, survey: &Survey<'_>, level: Level) -> Tally {
    let mut sum = Tally::default();
    let all = known.concepts.iter().zip(&survey.tallies);
    for (_, tally) in all.filter(|(concept, _)| concept.level == level) {
        sum.add(tally);
    }
    sum
}

/// Whether annotations are right as often as is said of them.
fn reliability(known: &Known, survey: &Survey<'_>) -> Chart {
    let line = |label, level| {
        let bins = sum(known, survey, level).bins();
        let points = bins.iter().rev().map(|bin| {
            let seen = bin.right as f64 / bin.annotations as f64;
            (bin.expected, seen)
        });
        Line {
            label,
            points: points.collect(),
            marked: true,
        }
    };
    let as_stated = Line {
        label: "as stated",
        points: vec![(0.0, 0.0), (1.0, 1.0)],
        marked: false,
    };
    Chart {
        title: "Share that is right, by stated probability",
        axes: Axes::Shares {
            x: "stated probability of being right",
            y: "share that is right",
        },
        lines: if known.calibrated_by().is_some() && survey.counts.judged > 0 {
            vec![
                line("ranges of residues", Level::Residue),
                line("calls of whole proteins", Level::Protein),
                as_stated,
            ]
        } else {
            Vec::new()
        },
    }
}

/// What is not shown, and which option gives it.
fn lacking(args: &Args, known: &Known) -> Vec<String> {
    let tables = [
        (
            known.calibrated_by().is_none(),
            "Which concepts can be used, and how right they are: --dictionary, made from activations.",
        ),
        (
            args.input.is_empty(),
            "Examples, proteins, and what is written: -i with features, or with activations.",
        ),
        (
            args.labels.is_none(),
            "Labels beside ranges, and which ranges are right: --labels.",
        ),
        (
            args.split.is_none() && args.labels.is_some(),
            "What is right on proteins that had no part in training: --split.",
        ),
        (
            args.scores.is_empty(),
            "Fidelity and scores on test proteins, and what they stand beside: --scores, as protsae-evaluate writes them.",
        ),
        (
            args.proteins.is_empty(),
            "Neighbours that corroborate calls: --proteins, as protsae-encode --neighbours writes it.",
        ),
        (
            args.missing.is_none(),
            "What labels lack: --missing, as protsae-interpret writes it.",
        ),
        (
            known.log.is_empty(),
            "Training curves: the model's folder has no log.",
        ),
    ];
    let lacking = tables.into_iter().filter(|(lacks, _)| *lacks);
    lacking.map(|(_, text)| text.to_owned()).collect()
}
