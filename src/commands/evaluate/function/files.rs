//! Scores of predictions that others made.

use super::{Aspect, Scored, Setting};
use crate::{
    Result,
    annot::{error::AnnotError, go::cafa},
    cli::{Context, Source, input::Reader, log},
    score::function::{baseline, result::Knowledge, terms::TermGraph},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

/// Terms of proteins, by aspect; an aspect's terms are direct ones still.
type ByAspect = Vec<BTreeMap<String, Vec<u32>>>;

/// Finds terms in the aspects.
struct Finder<'a> {
    graphs: &'a [(String, TermGraph)],
    /// Statements about ids that no aspect has.
    unknown: u64,
}

impl Finder<'_> {
    fn find(&mut self, id: &str) -> Option<(usize, u32)> {
        let mut all = self.graphs.iter().enumerate();
        let found = all.find_map(|(aspect, (_, graph))| Some((aspect, graph.find(id)?)));
        self.unknown += u64::from(found.is_none());
        found
    }

    /// Reads what proteins have, and warns of terms that the ontology does not have.
    fn read(&mut self, context: &Context, sources: &[Source]) -> Result<ByAspect> {
        let mut terms: ByAspect = vec![BTreeMap::new(); self.graphs.len()];
        for source in sources {
            self.unknown = 0;
            let each = |protein: &str, id: &str| {
                if let Some((aspect, term)) = self.find(id) {
                    terms[aspect]
                        .entry(protein.to_owned())
                        .or_default()
                        .push(term);
                }
            };
            cafa::read_truth(context.open(source)?, each).map_err(source.in_input())?;
            self.warn(source);
        }
        for (aspect, (_, graph)) in self.graphs.iter().enumerate() {
            for list in terms[aspect].values_mut() {
                *list = graph.with_ancestors(std::mem::take(list));
            }
        }
        Ok(terms)
    }

    fn warn(&self, source: &Source) {
        if self.unknown > 0 {
            log::warn(&format!(
                "{source}: {} statements name terms that the ontology does not have or that are obsolete: left out",
                self.unknown
            ));
        }
    }
}

/// Scores the files; the number of proteins with a truth.
pub(super) fn score(
    setting: &Setting<'_>,
    context: &Context,
    scored: &mut Scored,
) -> Result<usize> {
    let graphs = setting.graphs()?;
    let mut finder = Finder {
        graphs: &graphs,
        unknown: 0,
    };
    let args = setting.args;
    let truths = finder.read(context, args.truth.as_slice())?;
    let training = finder.read(context, &args.training)?;
    let known = match &args.known {
        Some(source) => Some(finder.read(context, std::slice::from_ref(source))?),
        None => None,
    };
    let everyone: BTreeSet<&String> = truths.iter().flat_map(BTreeMap::keys).collect();
    let count = everyone.len();
    let mut aspects: Vec<Aspect> = (graphs.iter().enumerate())
        .map(|(number, (name, graph))| {
            aspect(number, name, graph, &truths, &training, known.as_ref())
        })
        .collect();
    let mut methods = Vec::new();
    for (number, source) in args.predictions.iter().enumerate() {
        let name = method_name(source, number, &args.predictions);
        let rows = predictions(context.open(source)?, &mut finder, &aspects);
        let rows = rows.map_err(source.in_input())?;
        finder.warn(source);
        methods.push((name, rows));
    }
    for (number, aspect) in aspects.iter_mut().enumerate() {
        if aspect.proteins.is_empty() {
            continue;
        }
        let predicted = methods.iter().flat_map(|(_, rows)| &rows[number]);
        let predicted = predicted.flatten().map(|&(term, _)| term);
        let has = aspect.truths.iter().chain(&aspect.training).flatten();
        let all = aspect.graph.with_ancestors(predicted.chain(has.copied()));
        for term in all {
            aspect.universe[term as usize] = true;
        }
        aspect.count_information();
        for (name, rows) in &methods {
            let fill = |protein: usize, scores: &mut [f64]| {
                for &(term, score) in &rows[number][protein] {
                    let slot = &mut scores[term as usize];
                    *slot = slot.max(score);
                }
            };
            aspect.score(setting, name, &fill, scored);
        }
        if !args.training.is_empty() {
            let frequencies = baseline::naive(aspect.graph.len(), &aspect.training);
            let fill = |_: usize, scores: &mut [f64]| scores.copy_from_slice(&frequencies);
            aspect.score(setting, "naive", &fill, scored);
        }
    }
    Ok(count)
}

fn aspect(
    number: usize,
    name: &str,
    graph: &TermGraph,
    truths: &ByAspect,
    training: &ByAspect,
    known: Option<&ByAspect>,
) -> Aspect {
    let own = &truths[number];
    let known = known.map(|known| {
        let of = |protein: &String| known[number].get(protein).cloned().unwrap_or_default();
        let is_known = |protein: &String| known.iter().any(|aspect| aspect.contains_key(protein));
        let kind = |protein: &String| match (known[number].contains_key(protein), is_known(protein))
        {
            (true, _) => Knowledge::Partial,
            (false, true) => Knowledge::Limited,
            (false, false) => Knowledge::None,
        };
        (own.keys().map(of).collect(), own.keys().map(kind).collect())
    });
    Aspect {
        name: name.to_owned(),
        proteins: own.keys().cloned().collect(),
        truths: own.values().cloned().collect(),
        known,
        training: training[number].values().cloned().collect(),
        universe: vec![false; graph.len()],
        information: Vec::new(),
        graph: graph.clone(),
    }
}

/// Direct scores of an aspect's proteins.
type Rows = Vec<Vec<(u32, f64)>>;

/// Reads predictions for the aspects' proteins; others are passed.
fn predictions(
    reader: Reader,
    finder: &mut Finder<'_>,
    aspects: &[Aspect],
) -> Result<Vec<Rows>, AnnotError> {
    let places: Vec<HashMap<&str, usize>> = (aspects.iter())
        .map(|aspect| {
            aspect
                .proteins
                .iter()
                .map(String::as_str)
                .zip(0..)
                .collect()
        })
        .collect();
    let mut rows: Vec<Rows> = (aspects.iter())
        .map(|aspect| vec![Vec::new(); aspect.proteins.len()])
        .collect();
    finder.unknown = 0;
    cafa::read_predictions(reader, |protein, id, score| {
        if let Some((aspect, term)) = finder.find(id)
            && let Some(&place) = places[aspect].get(protein)
        {
            rows[aspect][place].push((term, score));
        }
    })?;
    Ok(rows)
}

/// A method by its file's name, without suffixes where that tells it from the others.
fn method_name(source: &Source, number: usize, all: &[Source]) -> String {
    let name = |source: &Source| {
        let file = source.path().and_then(Path::file_name);
        file.map_or("standard input".into(), |f| {
            f.to_string_lossy().into_owned()
        })
    };
    let own = name(source);
    let stem = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let same = |other: &Source| stem(&name(other)) == stem(&own);
    if all.iter().filter(|other| same(other)).count() == 1 && !stem(&own).is_empty() {
        stem(&own)
    } else {
        format!("{own} ({})", number + 1)
    }
}
