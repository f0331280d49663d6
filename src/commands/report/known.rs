//! What is known beside the features: model, vocabulary, labels, split, dictionary, scores, and what labels lack.

use super::Args;
use crate::{
    Error, Result,
    annot::{
        concept::{Concept, ConceptsFile, Level},
        label_index::LabelIndex,
    },
    cli::{Context, Source},
    commands::{
        shared::{self, ReadDictionary},
        train::curves,
    },
    report::{
        missing::{self, MissingRow},
        page::data::Use,
    },
    sae::folder::{LOG_FILE, SUMMARY_FILE, Sae},
    score::{
        dictionary::{ConceptEntry, RangeReading},
        metrics::{METRICS_FORMAT, Metrics},
    },
    split::partition::{Part, Partition},
    train::{driver::Summary, meter::LogLine},
};
use std::{collections::BTreeSet, io::BufRead as _, path::Path};

/// Proteins of the likeliest rows of what labels lack that are shown.
const MISSING_SHOWN: usize = 40;

/// What is known beside the features.
pub(super) struct Known {
    pub(super) sae: Sae,
    pub(super) concepts: Vec<Concept>,
    /// The highest probability of being right that an annotation with each concept can have; none where none has any.
    best_precision: Vec<Option<f64>>,
    pub(super) labels: Option<LabelIndex>,
    pub(super) split: Option<Partition>,
    pub(super) dictionary: Option<ReadDictionary>,
    pub(super) scores: Vec<Metrics>,
    pub(super) missing: Vec<MissingRow>,
    /// Proteins that are shown in any case.
    pub(super) wanted: BTreeSet<String>,
    /// Those of them that were asked for.
    pub(super) listed: BTreeSet<String>,
    pub(super) min_precision: f64,
    pub(super) log: Vec<LogLine>,
    pub(super) summary: Option<Summary>,
}

impl Known {
    /// Reads it.
    ///
    /// # Errors
    /// Where a file cannot be read, or does not fit the model.
    pub(super) fn read(args: &Args, context: &Context) -> Result<Self> {
        let sae = shared::load_model(context, &args.model)?;
        let vocabulary = match &args.concepts {
            Some(path) => {
                let concepts = shared::read_concepts(context, path)?;
                shared::check_vocabulary(&sae, &args.model, &concepts, path)?;
                concepts
            }
            None => sae.concepts.clone(),
        };
        let labels = match &args.labels {
            Some(source) => Some(shared::read_labels(context, source, &vocabulary)?),
            None => None,
        };
        let dictionary = match &args.dictionary {
            Some(path) => Some(read_dictionary(args, context, &sae, &vocabulary, path)?),
            None => None,
        };
        let concepts = with_partial(vocabulary.concepts, dictionary.as_ref());
        let best_precision = best_precisions(&concepts, dictionary.as_ref());
        let missing = read_missing(context, args.missing.as_ref())?;
        let listed = read_list(context, args.proteins_listed.as_ref())?;
        let first = missing.iter().take(MISSING_SHOWN);
        let wanted = first.map(|row| row.protein.clone()).chain(listed.clone());
        Ok(Self {
            wanted: wanted.collect(),
            listed,
            labels,
            split: shared::read_split(context, args.split.as_ref())?,
            dictionary,
            scores: read_scores(args, context, &sae)?,
            missing,
            min_precision: args.min_precision,
            log: curves::lines(&in_folder(&args.model, LOG_FILE)?.unwrap_or_default()),
            summary: summary(&args.model)?,
            best_precision,
            concepts,
            sae,
        })
    }

    /// Concepts of the dictionary; none without one that calibrates.
    pub(super) fn entries(&self) -> &[ConceptEntry] {
        (self.dictionary.as_ref()).map_or(&[], |read| read.content.concepts())
    }

    /// What the dictionary says of a concept.
    pub(super) fn entry(&self, concept: u32) -> Option<&ConceptEntry> {
        self.entries().get(concept as usize)
    }

    /// SHA-256 of the dictionary that calibrates.
    pub(super) fn calibrated_by(&self) -> Option<&str> {
        let read = self.dictionary.as_ref()?;
        read.content.concepts.as_ref()?;
        Some(&read.sha256)
    }

    /// The part of a protein.
    pub(super) fn part(&self, protein: &str) -> Option<Part> {
        self.split.as_ref()?.of(protein)
    }

    /// Whether a protein is one of those that are judged on: of the test, or any without a split.
    pub(super) fn is_judged(&self, protein: &str) -> bool {
        self.labels.is_some() && (self.split.is_none() || self.part(protein) == Some(Part::Test))
    }

    /// Whether a concept has annotations: it is read, or, without a dictionary, of residues and given to a latent.
    pub(super) fn is_read(&self, concept: u32) -> bool {
        if let Some(entry) = self.entry(concept) {
            return entry.ranges.is_some() || entry.calls.is_some();
        }
        let is_defined = (concept as usize) < self.sae.config.shape.defined;
        let level = self.concepts.get(concept as usize).map(|c| c.level);
        is_defined && self.entries().is_empty() && level == Some(Level::Residue)
    }

    /// The highest probability of being right that an annotation with a concept can have.
    pub(super) fn best_precision(&self, concept: u32) -> Option<f64> {
        self.best_precision.get(concept as usize).copied().flatten()
    }

    /// Whether a concept can be used, as far as the dictionary says.
    pub(super) fn status(&self, concept: u32) -> Use {
        if self.entries().is_empty() {
            return Use::Unknown;
        }
        match self.best_precision(concept) {
            Some(best) if best >= self.min_precision => Use::Usable,
            Some(_) => Use::Below,
            None => Use::Unusable,
        }
    }
}

/// Concepts, partial as the dictionary has it: that is how they were judged.
fn with_partial(mut concepts: Vec<Concept>, dictionary: Option<&ReadDictionary>) -> Vec<Concept> {
    let entries = dictionary.map_or(&[][..], |read| read.content.concepts());
    for (concept, entry) in concepts.iter_mut().zip(entries) {
        concept.partial = entry.partial;
    }
    concepts
}

/// The highest probability that annotations with each concept can have; what is called has what it implies, too.
fn best_precisions(concepts: &[Concept], dictionary: Option<&ReadDictionary>) -> Vec<Option<f64>> {
    let mut best: Vec<Option<f64>> = vec![None; concepts.len()];
    for entry in dictionary.map_or(&[][..], |read| read.content.concepts()) {
        let of_ranges = entry.ranges.as_ref().map(RangeReading::best_precision);
        let of_calls = entry.calls.as_ref().map(|calls| {
            let last = calls.precision.last();
            last.map_or(0.0, |step| step.precision)
        });
        let implied = entry.calls.iter().flat_map(|calls| &calls.implies);
        let Some(own) = of_ranges.or(of_calls) else {
            continue;
        };
        for &concept in implied.chain([&entry.index]) {
            if let Some(best) = best.get_mut(concept as usize) {
                *best = Some(own.max(best.unwrap_or(0.0)));
            }
        }
    }
    // what is implied and never called has none
    for entry in dictionary.map_or(&[][..], |read| read.content.concepts()) {
        if entry.ranges.is_none() && entry.calls.is_none() {
            best[entry.index as usize] = None;
        }
    }
    best
}

/// The dictionary, which must be of the model and the vocabulary.
fn read_dictionary(
    args: &Args,
    context: &Context,
    sae: &Sae,
    vocabulary: &ConceptsFile,
    path: &Path,
) -> Result<ReadDictionary> {
    let read = shared::read_dictionary(context, path)?;
    let (name, folder) = (path.display().to_string(), args.model.display().to_string());
    if let Some(own) = &read.content.sae {
        own.check_same(&name, &sae.identity(), &folder)?;
    }
    if read.content.latents.len() != sae.config.shape.latents {
        return Err(Error::mismatch(format!(
            "{name} has {} latents, {folder} {}",
            read.content.latents.len(),
            sae.config.shape.latents
        )));
    }
    if read.content.concepts.is_none() {
        return Ok(read);
    }
    let entries = read.content.concepts();
    let ids = |at: usize| {
        let own = entries.get(at).map(|entry| entry.id.as_str());
        (own, vocabulary.concepts.get(at).map(|c| c.id.as_str()))
    };
    let most = entries.len().max(vocabulary.concepts.len());
    let differ = |at: &usize| {
        let (own, other) = ids(*at);
        own != other
    };
    if let Some(at) = (0..most).find(differ) {
        let (own, other) = ids(at);
        return Err(Error::mismatch(format!(
            "concept {at} is '{}' in {name}, '{}' in the vocabulary",
            own.unwrap_or("none"),
            other.unwrap_or("none")
        )));
    }
    Ok(read)
}

/// Scores, which must be of the model where they say of which they are.
fn read_scores(args: &Args, context: &Context, sae: &Sae) -> Result<Vec<Metrics>> {
    let mut all = Vec::new();
    for source in &args.scores {
        let reader = context.open(source)?;
        let parsed: serde_json::Result<Metrics> = serde_json::from_reader(reader);
        let metrics = parsed
            .map_err(|e| Error::data(format!("no scores: {e}")))
            .map_err(source.in_input())?;
        if metrics.format != METRICS_FORMAT {
            return Err(Error::mismatch(format!(
                "{source} is '{}', expected '{METRICS_FORMAT}'",
                metrics.format
            )));
        }
        if let Some(own) = &metrics.sae {
            let folder = args.model.display().to_string();
            own.check_same(&source.to_string(), &sae.identity(), &folder)?;
        }
        all.push(metrics);
    }
    Ok(all)
}

fn read_missing(context: &Context, source: Option<&Source>) -> Result<Vec<MissingRow>> {
    let Some(source) = source else {
        return Ok(Vec::new());
    };
    let mut rows = missing::read(context.open(source)?).map_err(source.in_input())?;
    MissingRow::sort(&mut rows);
    Ok(rows)
}

/// Accessions, one a line.
fn read_list(context: &Context, source: Option<&Source>) -> Result<BTreeSet<String>> {
    let Some(source) = source else {
        return Ok(BTreeSet::new());
    };
    let mut all = BTreeSet::new();
    for line in context.open(source)?.lines() {
        let line = line.map_err(source.in_input())?;
        let accession = line.trim();
        if !accession.is_empty() {
            all.insert(accession.to_owned());
        }
    }
    Ok(all)
}

/// A file of a model's folder that a converted model does not have.
fn in_folder(folder: &Path, name: &str) -> Result<Option<Vec<u8>>> {
    let source = Source::File(folder.join(name));
    let is_there = source.path().is_some_and(Path::is_file);
    is_there.then(|| source.read_all()).transpose()
}

fn summary(folder: &Path) -> Result<Option<Summary>> {
    let Some(text) = in_folder(folder, SUMMARY_FILE)? else {
        return Ok(None);
    };
    let source = Source::File(folder.join(SUMMARY_FILE));
    let parsed = serde_json::from_slice(&text).map_err(|e| Error::data(e.to_string()));
    parsed.map_err(source.in_input()).map(Some)
}
