//! Scores of a model, in several readings, and of baselines on the same proteins.

use super::{Aspect, Means, Method, Scored, Setting, means::Mean};
use crate::{
    Result,
    annot::{
        concept::{Concept, ConceptKind, ConceptsFile},
        label_index::LabelIndex,
    },
    cli::log,
    sae::encode::sigmoid,
    score::{
        calls::{Caller, ProteinMeans},
        function::{
            baseline::{self, Column, Neighbours},
            terms::TermGraph,
        },
        logistic::{self, Line, Scaling, Targets},
    },
    split::partition::Part,
};
use std::collections::BTreeMap;

/// Numbers that a matrix of features may hold.
const MOST_NUMBERS: usize = 1 << 30;

/// The proteins by part, each with the concepts that it has.
struct Data<'a> {
    means: &'a Means,
    /// Concepts that are terms of the Gene Ontology.
    concepts: Vec<&'a Concept>,
    train: Vec<&'a Mean>,
    valid: Vec<&'a Mean>,
    test: Vec<&'a Mean>,
    labels: &'a LabelIndex,
    /// What calls proteins, where a dictionary does.
    caller: Option<Caller>,
}

/// Terms of an aspect: the place of each among [`Data::concepts`], and its number.
type Places = Vec<(usize, u32)>;

/// What a method says of concept c (its place among [`Data::concepts`]) in test protein p.
enum Said {
    /// The model's own concept.
    Own(fn(&Mean, usize) -> f32),
    /// Log-odds, `test x concepts`.
    LogOdds(Vec<f32>),
    /// Concepts of each test protein, by their index, with the probability that it is right to call them.
    Calls(Vec<Vec<(u32, f32)>>),
    /// The same of all proteins.
    Same,
    /// Rows of training proteins, for each test protein.
    Near(Vec<Vec<baseline::Neighbour>>),
    /// For each concept its latent with the slope and intercept of its log-odds.
    Latents(Vec<Option<BestLatent>>),
}

/// The latent that tells a concept best.
#[derive(Clone, Copy)]
struct BestLatent {
    latent: u32,
    /// Of the concept, on the latent's mean activation.
    log_odds: Line,
}

/// Scores all methods that are asked for and possible.
pub(super) fn score(
    setting: &Setting<'_>,
    means: &Means,
    (concepts, labels): (&ConceptsFile, &LabelIndex),
    caller: Option<Caller>,
    scored: &mut Scored,
) -> Result<()> {
    let of_part = |part: Part| {
        means
            .proteins
            .iter()
            .filter(move |m| m.part == part)
            .collect()
    };
    let terms = concepts
        .concepts
        .iter()
        .filter(|c| c.kind == ConceptKind::Go);
    let data = Data {
        means,
        concepts: terms.collect(),
        train: of_part(Part::Train),
        valid: of_part(Part::Valid),
        test: of_part(Part::Test),
        labels,
        caller,
    };
    let aspects = data.aspects(setting)?;
    for (method, name) in data.methods(setting) {
        let Some(said) = data.say(setting, method) else {
            continue;
        };
        for (aspect, numbers) in &aspects {
            let near = |p: usize, scores: &mut [f64]| {
                data.fill(&said, aspect, numbers, p, scores);
            };
            aspect.score(setting, &name, &near, scored);
        }
    }
    Ok(())
}

impl Data<'_> {
    /// The aspects of the concepts, each with its terms' places among the concepts: (place, term).
    fn aspects(&self, setting: &Setting<'_>) -> Result<Vec<(Aspect, Places)>> {
        let mut by_namespace: BTreeMap<&str, Vec<&Concept>> = BTreeMap::new();
        for concept in &self.concepts {
            let namespace = concept.namespace.as_deref().unwrap_or_default();
            by_namespace.entry(namespace).or_default().push(concept);
        }
        let mut graphs: BTreeMap<String, TermGraph> = setting.graphs()?.into_iter().collect();
        let mut aspects = Vec::new();
        for (namespace, list) in by_namespace {
            let graph = match graphs.remove(namespace) {
                Some(graph) => graph,
                None if setting.ontology.is_some() => {
                    log::warn(&format!(
                        "the ontology has no namespace '{namespace}': its concepts are not scored"
                    ));
                    continue;
                }
                None => TermGraph::of_concepts(&list)?,
            };
            let places = self.concepts.iter().enumerate();
            let places =
                places.filter(|(_, c)| c.namespace.as_deref().unwrap_or_default() == namespace);
            let numbers: Vec<(usize, u32)> = places
                .filter_map(|(place, c)| Some((place, graph.find(&c.id)?)))
                .collect();
            let mut universe = vec![false; graph.len()];
            for term in graph.with_ancestors(numbers.iter().map(|n| n.1)) {
                universe[term as usize] = true;
            }
            let terms = |proteins: &[&Mean]| self.terms(&graph, proteins);
            let mut aspect = Aspect {
                name: namespace.to_owned(),
                proteins: self.test.iter().map(|m| m.protein.clone()).collect(),
                truths: terms(&self.test),
                known: None,
                training: terms(&self.train),
                universe,
                information: Vec::new(),
                graph,
            };
            aspect.count_information();
            if setting.ontology.is_none() {
                // roots are no concepts, so that only the vocabulary knows what their children say
                for concept in list {
                    if let Some(term) = aspect.graph.find(&concept.id) {
                        aspect.information[term as usize] = concept.information_content;
                    }
                }
            }
            aspects.push((aspect, numbers));
        }
        Ok(aspects)
    }

    /// Terms of proteins with their ancestors.
    fn terms(&self, graph: &TermGraph, proteins: &[&Mean]) -> Vec<Vec<u32>> {
        let by_index: BTreeMap<u32, u32> = (self.concepts.iter())
            .filter_map(|c| Some((c.index, graph.find(&c.id)?)))
            .collect();
        let of = |mean: &&Mean| {
            let labels = self.labels.of(&mean.protein).iter();
            graph.with_ancestors(labels.filter_map(|l| by_index.get(&l.concept).copied()))
        };
        proteins.iter().map(of).collect()
    }

    /// The methods that are possible, of those that are asked for.
    fn methods(&self, setting: &Setting<'_>) -> Vec<(Method, String)> {
        use clap::ValueEnum as _;
        let asked = &setting.args.methods;
        let all = Method::value_variants().iter().copied();
        let has_own = self.means.proteins.iter().any(|m| !m.logits.is_empty());
        let is_possible = |method: &Method| match method {
            Method::Pi | Method::Logit => has_own,
            Method::Calls => self.caller.is_some(),
            _ => !self.train.is_empty(),
        };
        let wanted = all.filter(|m| asked.is_empty() || asked.contains(m));
        let (possible, not): (Vec<Method>, Vec<Method>) = wanted.partition(is_possible);
        let name = |m: &Method| {
            m.to_possible_value()
                .map_or(String::new(), |v| v.get_name().to_owned())
        };
        for method in not.iter().filter(|m| asked.contains(m)) {
            log::warn(&format!(
                "no scores of '{}': there are no concepts of the model, no training proteins, or no --dictionary that calls",
                name(method)
            ));
        }
        possible.into_iter().map(|m| (m, name(&m))).collect()
    }

    fn say(&self, setting: &Setting<'_>, method: Method) -> Option<Said> {
        Some(match method {
            Method::Pi => Said::Own(|mean, c| mean.probabilities[c]),
            Method::Logit => Said::Own(|mean, c| sigmoid(mean.logits[c])),
            Method::Naive => Said::Same,
            Method::Calls => {
                let caller = self.caller.as_ref()?;
                let means = |mean: &&Mean| ProteinMeans {
                    logits: mean.logits.clone(),
                    latents: mean.latents.clone(),
                };
                let proteins = self.test.iter().map(means);
                Said::Calls(proteins.map(|means| caller.call(&means, None)).collect())
            }
            Method::LinearProbe => Said::LogOdds(self.probe(self.means.width, |mean, row| {
                row.copy_from_slice(&mean.activations);
            })?),
            Method::LatentProbe => Said::LogOdds(self.probe(self.means.latents, |mean, row| {
                for &(latent, value) in &mean.latents {
                    row[latent as usize] = value;
                }
            })?),
            Method::Neighbours => {
                let vectors = |list: &[&Mean]| -> Vec<f32> {
                    list.iter()
                        .flat_map(|m| m.activations.iter().copied())
                        .collect()
                };
                let neighbours = Neighbours::new(vectors(&self.train), self.means.width);
                let k = setting.args.neighbours as usize;
                Said::Near(neighbours.nearest_of_each(&vectors(&self.test), k))
            }
            Method::BestLatent => Said::Latents(self.best_latents()),
        })
    }

    /// Fills the scores of the terms of an aspect.
    fn fill(
        &self,
        said: &Said,
        aspect: &Aspect,
        numbers: &[(usize, u32)],
        p: usize,
        scores: &mut [f64],
    ) {
        let mean = self.test[p];
        let concepts = self.concepts.len();
        let score = |place: usize| match said {
            Said::Own(of) => {
                let index = self.concepts[place].index as usize;
                if index < mean.logits.len() {
                    f64::from(of(mean, index))
                } else {
                    0.0
                }
            }
            Said::LogOdds(all) => f64::from(sigmoid(all[p * concepts + place])),
            Said::Latents(latents) => latents[place].map_or(0.0, |best| {
                let at = mean.latents.binary_search_by_key(&best.latent, |l| l.0);
                let value = at.map_or(0.0, |at| f64::from(mean.latents[at].1));
                let Line { slope, intercept } = best.log_odds;
                (1.0 + (-(slope * value + intercept)).exp()).recip()
            }),
            Said::Calls(calls) => {
                let index = self.concepts[place].index;
                let at = calls[p].binary_search_by_key(&index, |call| call.0);
                at.map_or(0.0, |at| f64::from(calls[p][at].1))
            }
            Said::Same | Said::Near(_) => 0.0,
        };
        match said {
            Said::Same => scores.copy_from_slice(&baseline::naive(scores.len(), &aspect.training)),
            Said::Near(near) => {
                scores.copy_from_slice(&baseline::transfer(
                    scores.len(),
                    &near[p],
                    &aspect.training,
                ));
            }
            _ => {
                for &(place, term) in numbers {
                    scores[term as usize] = score(place);
                }
            }
        }
    }

    /// Rows of proteins that have each concept.
    fn positives(&self, proteins: &[&Mean]) -> Vec<Vec<u32>> {
        let place: BTreeMap<u32, usize> = self.concepts.iter().map(|c| c.index).zip(0..).collect();
        let mut positives = vec![Vec::new(); self.concepts.len()];
        for (row, mean) in (0..).zip(proteins) {
            let labels = self.labels.of(&mean.protein).iter();
            for place in labels.filter_map(|l| place.get(&l.concept)) {
                positives[*place].push(row);
            }
        }
        positives.iter_mut().for_each(Vec::dedup);
        positives
    }

    /// Log-odds of the test proteins by a probe on features, its penalty chosen on validation proteins.
    fn probe(&self, width: usize, fill: impl Fn(&Mean, &mut [f32])) -> Option<Vec<f32>> {
        if width.saturating_mul(self.means.proteins.len()) > MOST_NUMBERS {
            log::warn(&format!(
                "no probe on {width} features of {} proteins: too many numbers",
                self.means.proteins.len()
            ));
            return None;
        }
        let matrix = |list: &[&Mean]| {
            let mut all = vec![0.0; list.len() * width];
            for (row, mean) in all.chunks_exact_mut(width.max(1)).zip(list) {
                fill(mean, row);
            }
            all
        };
        let mut train = matrix(&self.train);
        let scaling = Scaling::of(&train, width);
        scaling.apply(&mut train);
        let positives = self.positives(&self.train);
        let targets = Targets {
            rows: self.train.len(),
            positives: &positives,
        };
        let models = logistic::fit(&train, width, targets);
        drop(train);
        let mut valid = matrix(&self.valid);
        scaling.apply(&mut valid);
        let positives = self.positives(&self.valid);
        let targets = Targets {
            rows: self.valid.len(),
            positives: &positives,
        };
        let model = logistic::choose(&models, &valid, targets);
        let mut test = matrix(&self.test);
        scaling.apply(&mut test);
        Some(model.logits(&test))
    }

    /// The best latent of each concept by validation proteins, its log-odds by training proteins.
    fn best_latents(&self) -> Vec<Option<BestLatent>> {
        let chosen_on = if self.valid.is_empty() {
            &self.train
        } else {
            &self.valid
        };
        let mut columns: Vec<Column> = vec![Vec::new(); self.means.latents];
        for (row, mean) in (0..).zip(chosen_on) {
            for &(latent, value) in &mean.latents {
                columns[latent as usize].push((row, value));
            }
        }
        let best = baseline::best_columns(&columns, chosen_on.len(), &self.positives(chosen_on));
        let positives = self.positives(&self.train);
        let fit = |(best, rows): (Option<usize>, Vec<u32>)| {
            let latent = best? as u32;
            let value = |mean: &&Mean| {
                let at = mean.latents.binary_search_by_key(&latent, |l| l.0);
                at.map_or(0.0, |at| mean.latents[at].1)
            };
            let values: Vec<f32> = self.train.iter().map(value).collect();
            let mut positive = vec![false; values.len()];
            for row in rows {
                positive[row as usize] = true;
            }
            Some(BestLatent {
                latent,
                log_odds: logistic::line(&values, &positive),
            })
        };
        best.into_iter().zip(positives).map(fit).collect()
    }
}
