//! Column names, metadata keys and Arrow schemas of the four tables: the one place for each.

use arrow_schema::{DataType, Field, Metadata, Schema};
use std::sync::Arc;

/// Accession of the protein.
pub const PROTEIN: &str = "protein";
/// Position of the residue in its protein, 1-based.
pub const POSITION: &str = "position";
/// One-letter code of the residue.
pub const RESIDUE: &str = "residue";
/// Activation of the PLM (`activations/1`) or of latents (`features/2`).
pub const ACTIVATION: &str = "activation";
/// Indices of latents.
pub const LATENT: &str = "latent";
/// Indices of concepts (`features/2`, `proteins/1`) or a concept's id (`labels/1`).
pub const CONCEPT: &str = "concept";
/// Probabilities of concepts.
pub const PROBABILITY: &str = "probability";
/// Indices of the concepts that a whole protein is called with (`features/2`: on its last row); null where nothing calls.
pub const CALL: &str = "call";
/// Probability that each call is right.
pub const CALL_PROBABILITY: &str = "call_probability";
/// Number of residues of the protein.
pub const LENGTH: &str = "length";
/// Mean probability over the residues of the protein.
pub const PROBABILITY_MEAN: &str = "probability_mean";
/// Largest probability over the residues of the protein.
pub const PROBABILITY_MAX: &str = "probability_max";
/// Mean activation over the residues of the protein.
pub const ACTIVATION_MEAN: &str = "activation_mean";
/// Largest activation over the residues of the protein.
pub const ACTIVATION_MAX: &str = "activation_max";
/// First residue of a label, 1-based.
pub const START: &str = "start";
/// Last residue of a label, 1-based, inclusive.
pub const END: &str = "end";
/// Number of the occurrence within protein and concept.
pub const INSTANCE: &str = "instance";
/// Where a label comes from.
pub const SOURCE: &str = "source";
/// Evidence code of a label.
pub const EVIDENCE: &str = "evidence";

/// The training protein nearest to a protein that has the concept of a call, or an empty string.
pub const DONOR: &str = "donor";
/// The cosine of the activations of both, 0 without one.
pub const DONOR_SCORE: &str = "donor_score";
/// The share of the nearest training proteins, by similarity, that have the concept of a call.
pub const NEIGHBOUR_SCORE: &str = "neighbour_score";

/// Metadata key: format and version of the table.
pub const META_FORMAT: &str = "protsae.format";
/// Metadata key: version of the program that wrote the table.
pub const META_VERSION: &str = "protsae.version";
/// Metadata key: name of the PLM.
pub const META_PLM_NAME: &str = "plm.name";
/// Metadata key: SHA-256 of the PLM's weights.
pub const META_PLM_SHA256: &str = "plm.sha256";
/// Metadata key: number of the block.
pub const META_PLM_LAYER: &str = "plm.layer";
/// Metadata key: site within the block.
pub const META_PLM_SITE: &str = "plm.site";
/// Metadata key: what the residual stream of the last layer is.
pub const META_PLM_CONVENTION: &str = "plm.convention";
/// Metadata key: family of the PLM; absent in tables of before, which are of ESM-2.
pub const META_PLM_FAMILY: &str = "plm.family";
/// Metadata key: width of the activations.
pub const META_PLM_WIDTH: &str = "plm.width";
/// Metadata key: residues kept of each protein; absent when all are.
pub const META_PLM_SAMPLE: &str = "plm.sample";
/// Metadata key: precision of the PLM's products; absent in tables of before, which are of f32.
pub const META_PLM_COMPUTE: &str = "plm.compute";
/// Metadata key: how residues were pooled; absent when they were not.
pub const META_PLM_POOL: &str = "plm.pool";
/// Value of [`META_PLM_POOL`]: the mean over all residues.
pub const POOL_MEAN: &str = "mean";
/// Metadata key: SHA-256 of the SAE's weights.
pub const META_SAE_SHA256: &str = "sae.sha256";
/// Metadata key: latents of the SAE.
pub const META_SAE_LATENTS: &str = "sae.latents";
/// Metadata key: defined latents (concepts) of the SAE.
pub const META_SAE_CONCEPTS: &str = "sae.concepts";
/// Metadata key: SHA-256 of the dictionary by which probabilities are calibrated; absent where they are the model's own.
pub const META_DICTIONARY_SHA256: &str = "dictionary.sha256";
/// Metadata key: K of the SAE's `TopK`.
pub const META_SAE_K: &str = "sae.k";

/// Format of activation tables.
pub const ACTIVATIONS_FORMAT: &str = "activations/1";
/// Format of feature tables.
pub const FEATURES_FORMAT: &str = "features/2";
/// The format of feature tables before, without calls of whole proteins.
pub const FEATURES_FORMAT_1: &str = "features/1";
/// Format of protein tables.
pub const PROTEINS_FORMAT: &str = "proteins/2";
/// Format of protein tables without calls.
pub const PROTEINS_FORMAT_1: &str = "proteins/1";
/// Format of label tables.
pub const LABELS_FORMAT: &str = "labels/1";

/// Format of tables of training proteins with their mean activations.
pub const NEIGHBOURS_FORMAT: &str = "neighbours/1";

/// Name of the value field inside list columns, as pyarrow names it.
pub const LIST_ITEM: &str = "item";

/// Type of the numbers in an activation table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivationType {
    /// IEEE half precision.
    F16,
    /// IEEE single precision.
    F32,
}

impl ActivationType {
    /// Bytes of a number.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }

    /// Largest magnitude of a number.
    #[must_use]
    pub const fn largest(self) -> f32 {
        match self {
            // (2 - 2^-10) x 2^15
            Self::F16 => 65504.0,
            Self::F32 => f32::MAX,
        }
    }
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, false)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::UInt32, false)
}

/// The field inside a list column of this element type.
#[must_use]
pub fn item(of: DataType) -> Arc<Field> {
    Arc::new(Field::new(LIST_ITEM, of, false))
}

fn list(name: &str, of: DataType) -> Field {
    Field::new(name, DataType::List(item(of)), false)
}

/// Columns of an activation table: one row a residue, or one a protein when `pooled`.
#[must_use]
pub fn activations(width: usize, of: ActivationType, pooled: bool) -> Vec<Field> {
    let element = match of {
        ActivationType::F16 => DataType::Float16,
        ActivationType::F32 => DataType::Float32,
    };
    let width = i32::try_from(width).unwrap_or(i32::MAX);
    let vector = Field::new(
        ACTIVATION,
        DataType::FixedSizeList(item(element), width),
        false,
    );
    if pooled {
        vec![text(PROTEIN), vector]
    } else {
        vec![text(PROTEIN), number(POSITION), text(RESIDUE), vector]
    }
}

/// Columns of a feature table: one row a residue, none left out.
#[must_use]
pub fn features() -> Vec<Field> {
    vec![
        text(PROTEIN),
        number(POSITION),
        text(RESIDUE),
        list(LATENT, DataType::UInt32),
        list(ACTIVATION, DataType::Float32),
        list(CONCEPT, DataType::UInt32),
        list(PROBABILITY, DataType::Float32),
        list(CALL, DataType::UInt32).with_nullable(true),
        list(CALL_PROBABILITY, DataType::Float32).with_nullable(true),
    ]
}

/// Columns of a protein table: one row a protein.
#[must_use]
pub fn proteins() -> Vec<Field> {
    vec![
        text(PROTEIN),
        number(LENGTH),
        list(CONCEPT, DataType::UInt32),
        list(PROBABILITY_MEAN, DataType::Float32),
        list(PROBABILITY_MAX, DataType::Float32),
        list(LATENT, DataType::UInt32),
        list(ACTIVATION_MEAN, DataType::Float32),
        list(ACTIVATION_MAX, DataType::Float32),
        list(CALL, DataType::UInt32).with_nullable(true),
        list(CALL_PROBABILITY, DataType::Float32).with_nullable(true),
        list(DONOR, DataType::Utf8).with_nullable(true),
        list(DONOR_SCORE, DataType::Float32).with_nullable(true),
        list(NEIGHBOUR_SCORE, DataType::Float32).with_nullable(true),
    ]
}

/// Columns of a table of training proteins: one row a protein.
#[must_use]
pub fn neighbours(width: usize) -> Vec<Field> {
    let mut fields = activations(width, ActivationType::F32, true);
    fields.push(list(CONCEPT, DataType::UInt32));
    fields
}

/// Columns of a label table: one row a label.
#[must_use]
pub fn labels() -> Vec<Field> {
    vec![
        text(PROTEIN),
        text(CONCEPT),
        Field::new(START, DataType::UInt32, true),
        Field::new(END, DataType::UInt32, true),
        number(INSTANCE),
        text(SOURCE),
        Field::new(EVIDENCE, DataType::Utf8, true),
    ]
}

/// A schema of these columns with the format, the program's version and further metadata.
#[must_use]
pub fn with_metadata(
    fields: Vec<Field>,
    format: &str,
    more: impl IntoIterator<Item = (String, String)>,
) -> Arc<Schema> {
    let mut metadata: Metadata = more.into_iter().collect();
    metadata.insert(META_FORMAT, format);
    metadata.insert(META_VERSION, env!("CARGO_PKG_VERSION"));
    Arc::new(Schema::new_with_metadata(fields, metadata))
}
