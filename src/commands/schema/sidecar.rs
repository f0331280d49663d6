//! Schemas of the JSON and YAML files beside tables and models, from the types that read them.

use crate::{
    annot::concept::ConceptsFile,
    cli::{Provenance, context::Counts},
    commands::train::grid,
    report::{calls::Document, page::data::Document as Report},
    sae::folder::ModelConfig,
    score::{comparison::Comparison, dictionary::Dictionary, metrics::Metrics},
    train::{driver::Summary, meter::LogLine},
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

fn of<T: JsonSchema>(name: &str) -> (String, Value) {
    let generator = SchemaSettings::draft2020_12().into_generator();
    (
        name.to_owned(),
        generator.into_root_schema_for::<T>().to_value(),
    )
}

/// Every sidecar by name.
pub(super) fn all() -> std::collections::BTreeMap<String, Value> {
    [
        of::<Document>("calls"),
        of::<ConceptsFile>("concepts"),
        of::<Counts>("counts"),
        of::<Dictionary>("dictionary"),
        of::<grid::Table>("grid"),
        of::<LogLine>("log"),
        of::<Comparison>("comparison"),
        of::<Metrics>("metrics"),
        of::<ModelConfig>("model-config"),
        of::<Provenance>("provenance"),
        of::<Report>("report"),
        of::<Summary>("model-summary"),
    ]
    .into()
}
