//! Tables, labels, vocabulary and split of a training run, opened and checked against each other.

use super::Args;
use crate::{
    Error, Result,
    annot::{
        concept::ConceptsFile,
        label::Label,
        label_index::{LabelCollector, LabelIndex},
    },
    cli::{Context, Source, args::OnBad, log},
    commands::shared,
    error::Context as _,
    sae::settings::Training,
    split::partition::{Part, Partition, PartitionError},
    table::{
        TableError,
        activations::{ActivationInfo, ActivationReader},
        labels,
    },
    train::{
        data::{
            dataset::{Dataset, DatasetBuilder},
            labels::TrainingLabels,
            pipe::{self, Pipe, RowKind},
        },
        driver::{Event, RunOptions, Task, Trained, TrainingData, train, train_on_pipe},
    },
};
use std::collections::HashSet;

/// Everything that is trained on.
pub(super) struct Inputs {
    /// Name of the first table.
    pub(super) name: String,
    /// What the tables say of themselves.
    pub(super) info: ActivationInfo,
    /// Width of the activations.
    pub(super) width: usize,
    labels: TrainingLabels,
    split: Option<Partition>,
    on_bad: OnBad,
    rows: Rows,
}

/// The activations.
enum Rows {
    Tables { data: Dataset, parts: Parts },
    Pipe(Source, Box<ActivationReader>),
}

/// Numbers of the proteins for training and for validation.
struct Parts {
    train: Vec<u32>,
    valid: Vec<u32>,
}

/// Refuses streams that would have to be read twice, or together.
pub(super) fn check_streams(args: &Args, training: &Training) -> Result<()> {
    let pipe = args.is_pipe();
    if pipe && (training.epochs != 1 || args.run.resume) {
        return Err(Error::usage(
            "a pipe can be read once: it takes --epochs 1 and no --resume; write the activations to a file",
        ));
    }
    if !pipe && args.input.contains(&Source::Stdin) {
        return Err(Error::usage(
            "standard input cannot be one of several tables",
        ));
    }
    Ok(())
}

/// Concepts, and the labels that name them.
pub(super) struct Labelled {
    pub(super) concepts: ConceptsFile,
    labels: LabelIndex,
}

impl Labelled {
    /// Reads both; the vocabulary is that of the labels where none is given.
    pub(super) fn read(args: &Args, context: &Context) -> Result<Self> {
        if let Some(path) = &args.concepts {
            let concepts = shared::read_concepts(context, path)?;
            let labels = shared::read_labels(context, &args.labels, &concepts)?;
            return Ok(Self { concepts, labels });
        }
        let mut all = Vec::new();
        labels::read(context.open_table(&args.labels)?, |label: Label| {
            all.push(label);
            Ok::<_, Error>(())
        })
        .map_err(args.labels.in_input())?;
        let concepts = ConceptsFile::of_labels(&all);
        let mut collector = LabelCollector::new(&concepts);
        for label in all {
            collector.add(label);
        }
        let labels = collector.finish().map_err(args.labels.in_input())?;
        Ok(Self { concepts, labels })
    }

    /// The labels as rows carry them.
    pub(super) fn join(self, training: &Training) -> (ConceptsFile, TrainingLabels) {
        let (level, unlabelled) = (training.label_level, training.unlabelled);
        let labels = TrainingLabels::new(self.labels, &self.concepts, level, unlabelled);
        (self.concepts, labels)
    }
}

/// Opens all tables, which must be of one PLM, layer and site, and of rows of one kind.
fn open_tables<'a>(
    args: &'a Args,
    context: &Context,
) -> Result<Vec<(&'a Source, ActivationReader)>> {
    let mut readers = Vec::new();
    for source in &args.input {
        let reader =
            ActivationReader::new(context.open_table(source)?).map_err(source.in_input())?;
        readers.push((source, reader));
    }
    let Some((first, others)) = readers.split_first() else {
        return Ok(readers);
    };
    let (name, info) = (first.0.to_string(), first.1.info());
    for (source, reader) in others {
        same_info(info, &name, reader.info(), &source.to_string())?;
    }
    if info.plm.is_none() {
        log::warn(&format!(
            "{name} does not say which PLM its activations are of, so the model will not either"
        ));
    }
    Ok(readers)
}

impl Inputs {
    /// Opens and checks all inputs.
    pub(super) fn open(args: &Args, context: &Context, labels: TrainingLabels) -> Result<Self> {
        let split = match &args.split {
            None => None,
            Some(source) => {
                Some(Partition::read(context.open(source)?).during(&source.to_string())?)
            }
        };
        let mut readers = open_tables(args, context)?;
        let Some((first, reader)) = readers.first() else {
            return Err(Error::usage("no input"));
        };
        let (name, info) = (first.to_string(), reader.info().clone());
        let (width, rows) = if args.is_pipe() {
            let (source, reader) = readers.remove(0);
            let width = reader.width().ok_or_else(|| {
                Error::data("the activations are no fixed-size lists; a pipe must say their width")
                    .context(source.to_string())
            })?;
            (width, Rows::Pipe(source.clone(), Box::new(reader)))
        } else {
            let data = read_tables(readers)?;
            if info.sample.is_none() && info.pool.is_none() {
                data.check_labels(&labels).map_err(args.labels.in_input())?;
            }
            let parts = assign(&data, split.as_ref(), args.on_bad.on_bad, context)?;
            (data.width(), Rows::Tables { data, parts })
        };
        Ok(Self {
            name,
            info,
            width,
            labels,
            split,
            on_bad: args.on_bad.on_bad,
            rows,
        })
    }

    /// Rows that will be trained on, where that is known.
    pub(super) fn total(&self, training: &Training) -> Option<u64> {
        let Rows::Tables { data, parts } = &self.rows else {
            return None;
        };
        let rows: u64 = parts.train.iter().map(|&p| u64::from(data.rows(p))).sum();
        let all = rows.saturating_mul(training.epochs.into());
        let most = training
            .max_steps
            .map(|s| s.saturating_mul(training.batch as u64));
        Some(most.map_or(all, |most| most.min(all)))
    }

    /// Trains a model a task.
    pub(super) fn train(
        self,
        tasks: &[Task<'_>],
        options: &RunOptions,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<Vec<Trained>> {
        match self.rows {
            Rows::Tables { data, parts } => {
                let data = TrainingData {
                    data: &data,
                    labels: &self.labels,
                    train: parts.train,
                    valid: parts.valid,
                };
                train(tasks, &data, options, on_event)
            }
            Rows::Pipe(source, reader) => {
                let [task] = tasks else {
                    return Err(Error::usage("--grid needs tables, not a pipe"));
                };
                let arriving = reader.map(|batch| batch.map_err(source.in_input()));
                let mut seen = HashSet::new();
                let (split, on_bad) = (self.split, self.on_bad);
                let assign = move |protein: &str| {
                    if !seen.insert(protein.to_owned()) {
                        let protein = protein.to_owned();
                        return Err(TableError::Scattered { protein }.into());
                    }
                    let Some(split) = &split else {
                        return Ok(pipe::Part::Train);
                    };
                    match split.of(protein) {
                        Some(Part::Train) => Ok(pipe::Part::Train),
                        Some(Part::Valid) => Ok(pipe::Part::Valid),
                        Some(Part::Test) => Ok(pipe::Part::Neither),
                        None if on_bad == OnBad::Skip => {
                            log::warn(&format!(
                                "protein '{protein}' is not in the split: left out"
                            ));
                            Ok(pipe::Part::Neither)
                        }
                        None => Err(PartitionError::Missing {
                            count: 1,
                            examples: protein.into(),
                        }
                        .into()),
                    }
                };
                let kind = match (&self.info.pool, &self.info.sample) {
                    (Some(_), _) => RowKind::Pooled,
                    (None, Some(_)) => RowKind::Sample,
                    (None, None) => RowKind::Residues,
                };
                let training = &task.training;
                let mut pipe = Pipe::new(
                    Box::new(arriving),
                    Box::new(assign),
                    &self.labels,
                    kind,
                    training.shuffle.then_some(training.seed),
                    training.batch,
                );
                Ok(vec![train_on_pipe(task, &mut pipe, options, on_event)?])
            }
        }
    }
}

fn read_tables(readers: Vec<(&Source, ActivationReader)>) -> Result<Dataset> {
    let mut builder: Option<DatasetBuilder> = None;
    for (source, reader) in readers {
        let pooled = reader.info().pool.is_some();
        let schema_width = reader.width();
        let mut named = false;
        for batch in reader {
            let batch = batch.map_err(source.in_input())?;
            let builder = builder.get_or_insert_with(|| DatasetBuilder::new(batch.width()));
            if !named {
                builder.table(&source.to_string());
                named = true;
            }
            builder.batch(&batch, pooled).map_err(source.in_input())?;
        }
        if builder.is_none()
            && let Some(width) = schema_width
        {
            builder = Some(DatasetBuilder::new(width));
        }
    }
    Ok(builder.unwrap_or_default().finish())
}

/// Numbers of the proteins for training and for validation.
fn assign(
    data: &Dataset,
    split: Option<&Partition>,
    on_bad: OnBad,
    context: &Context,
) -> Result<Parts> {
    let all = 0..data.len() as u32;
    let Some(split) = split else {
        return Ok(Parts {
            train: all.collect(),
            valid: Vec::new(),
        });
    };
    if on_bad == OnBad::Error {
        split.check(all.clone().map(|p| data.accession(p)))?;
    }
    let of = |part| {
        let proteins = all.clone();
        proteins.filter(move |&p| split.of(data.accession(p)) == Some(part))
    };
    let skipped: Vec<&str> = all
        .clone()
        .map(|p| data.accession(p))
        .filter(|p| split.of(p).is_none())
        .collect();
    if !skipped.is_empty() {
        log::warn(&format!(
            "{} proteins are not in the split and left out: {}",
            skipped.len(),
            skipped
                .iter()
                .take(10)
                .copied()
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    context.metric("skipped_proteins", skipped.len());
    Ok(Parts {
        train: of(Part::Train).collect(),
        valid: of(Part::Valid).collect(),
    })
}

/// What all tables say of themselves.
fn same_info(
    first: &ActivationInfo,
    first_name: &str,
    other: &ActivationInfo,
    other_name: &str,
) -> Result<()> {
    if let (Some(a), Some(b)) = (&first.plm, &other.plm) {
        a.check_same(first_name, b, other_name)?;
    }
    if first.pool != other.pool {
        return Err(Error::mismatch(format!(
            "{first_name} holds rows {}, {other_name} rows {}",
            rows_of(first),
            rows_of(other)
        )));
    }
    Ok(())
}

fn rows_of(info: &ActivationInfo) -> String {
    match &info.pool {
        None => "of residues".into(),
        Some(pool) => format!("pooled by '{pool}'"),
    }
}
