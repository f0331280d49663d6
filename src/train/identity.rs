//! What a run is trained on, as checkpoints remember it: going on with anything else would give a model
//! of neither.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    data::{batch::Batch, order::EpochOrder},
    options::RunOptions,
    task::{STATISTICS_ROWS, SURVEY_ROWS, TrainingData},
};
use crate::sae::error::SaeError;
use crate::{annot::concept::ConceptsFile, hash};

/// The inputs of a run, each by a digest of its content, and what else decides the bytes of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DataIdentity {
    /// Proteins to train on, with their rows.
    training_proteins: String,
    /// Proteins to select the model by, with their rows.
    validation_proteins: String,
    /// Activations of rows that are drawn alike whatever the seed: all, where there are no more.
    activations: String,
    /// Labels of these proteins, joined to concepts.
    labels: String,
    /// The vocabulary without its axioms.
    concepts: String,
    /// The axioms.
    axioms: String,
    /// Steps per line of the log.
    log_every: u64,
    /// What computes: a CPU and a GPU round differently.
    device: String,
}

impl DataIdentity {
    /// Of the data of a run.
    ///
    /// # Errors
    /// Where rows cannot be read.
    pub(crate) fn of(
        data: &TrainingData<'_>,
        concepts: &ConceptsFile,
        options: &RunOptions,
    ) -> Result<Self, SaeError> {
        let device = options.device.name();
        let mut vocabulary = concepts.clone();
        let axioms = std::mem::take(&mut vocabulary.axioms);
        Ok(Self {
            training_proteins: proteins(data, &data.train),
            validation_proteins: proteins(data, &data.valid),
            activations: activations(data)?,
            labels: labels(data),
            concepts: format!(
                "{} concepts, {}",
                concepts.concepts.len(),
                digest_json(&vocabulary)
            ),
            axioms: digest_json(&axioms),
            log_every: options.log_every,
            device: device.split(':').next().unwrap_or_default().to_owned(),
        })
    }

    /// The first thing in which two differ.
    #[must_use]
    pub(crate) fn difference(&self, other: &Self) -> Option<Difference> {
        let fields = |of: &Self| {
            [
                ("training proteins", of.training_proteins.clone()),
                ("validation proteins", of.validation_proteins.clone()),
                ("activations", of.activations.clone()),
                ("labels", of.labels.clone()),
                ("concepts", of.concepts.clone()),
                ("axioms", of.axioms.clone()),
                ("log_every", of.log_every.to_string()),
                ("device", of.device.clone()),
            ]
        };
        let mut pairs = fields(self).into_iter().zip(fields(other));
        let ((what, own), (_, theirs)) = pairs.find(|(own, theirs)| own != theirs)?;
        Some(Difference { what, own, theirs })
    }
}

/// What differs between two runs, with the values of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    pub(crate) own: String,
    pub(crate) theirs: String,
}

fn finish(hasher: Sha256) -> String {
    format!("SHA-256 {}", hash::hex(&hasher.finalize()))
}

fn digest_json(content: &impl Serialize) -> String {
    // names and numbers alone: this cannot fail
    let json = serde_json::to_vec(content).unwrap_or_default();
    format!("SHA-256 {}", hash::sha256(&json))
}

fn proteins(data: &TrainingData<'_>, proteins: &[u32]) -> String {
    let mut hasher = Sha256::new();
    for &protein in proteins {
        let (name, rows) = (data.data.accession(protein), data.data.rows(protein));
        hasher.update(format!("{name} {rows}\n"));
    }
    format!("{}, {}", proteins.len(), finish(hasher))
}

fn activations(data: &TrainingData<'_>) -> Result<String, SaeError> {
    let mut hasher = Sha256::new();
    let mut row = Batch::default();
    for (proteins, most) in [(&data.train, STATISTICS_ROWS), (&data.valid, SURVEY_ROWS)] {
        let mut order = EpochOrder::new(proteins, 0, true, 1);
        for _ in 0..most {
            let Some(at) = order.next(data.data) else {
                break;
            };
            let labels = data.labels.protein(data.data.accession(at.protein));
            row.clear();
            data.data.append(at, 1.0, labels, &mut row)?;
            for value in row.x.iter() {
                hasher.update(value.to_le_bytes());
            }
        }
    }
    Ok(finish(hasher))
}

fn labels(data: &TrainingData<'_>) -> String {
    let mut hasher = Sha256::new();
    let mut ranges = 0;
    for &protein in data.train.iter().chain(&data.valid) {
        let labels = data.labels.protein(data.data.accession(protein));
        hasher.update(labels.groups.to_le_bytes());
        for range in labels.ranges {
            ranges += 1;
            // a whole protein is hashed as 1 to 0
            for number in [range.concept, range.start.max(1), range.end] {
                hasher.update(number.to_le_bytes());
            }
        }
        // no label has this number
        hasher.update(u32::MAX.to_le_bytes());
    }
    format!("{ranges}, {}", finish(hasher))
}
