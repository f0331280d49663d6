//! Schemas of the Arrow tables: a row as JSON, with the Arrow type and the metadata beside it.

use super::config::DRAFT;
use crate::table::schema::{self as s, ActivationType};
use arrow_schema::{DataType, Field};
use serde_json::{Map, Value, json};

/// Width that stands for "the width of the PLM" in the schema of activations.
const ANY_WIDTH: usize = 0;

/// Every table by name.
pub(super) fn all() -> Vec<(String, Value)> {
    let plm = [
        s::META_PLM_NAME,
        s::META_PLM_SHA256,
        s::META_PLM_LAYER,
        s::META_PLM_SITE,
        s::META_PLM_WIDTH,
        s::META_PLM_SAMPLE,
    ];
    let sae = [
        s::META_SAE_SHA256,
        s::META_SAE_LATENTS,
        s::META_SAE_CONCEPTS,
        s::META_SAE_K,
    ];
    let pooled = [&plm[..], &[s::META_PLM_POOL]].concat();
    let proteins = [&plm[..], &sae[..]].concat();
    let features = [&proteins[..], &[s::META_DICTIONARY_SHA256]].concat();
    let activations = s::activations(ANY_WIDTH, ActivationType::F16, false);
    [
        (s::ACTIVATIONS_FORMAT, activations, &pooled[..]),
        (s::FEATURES_FORMAT, s::features(), &features[..]),
        (s::LABELS_FORMAT, s::labels(), &[]),
        (
            s::NEIGHBOURS_FORMAT,
            s::neighbours(ANY_WIDTH),
            &features[..],
        ),
        (s::PROTEINS_FORMAT, s::proteins(), &proteins[..]),
    ]
    .map(|(format, fields, metadata)| {
        let name = format.split('/').next().unwrap_or(format);
        (format!("table-{name}"), schema(format, &fields, metadata))
    })
    .into()
}

fn schema(format: &str, fields: &[Field], metadata: &[&str]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        properties.insert(field.name().clone(), property(field));
    }
    let required: Vec<&str> = fields
        .iter()
        .filter(|f| !f.is_nullable())
        .map(|f| f.name().as_str())
        .collect();
    let metadata = [&[s::META_FORMAT, s::META_VERSION], metadata].concat();
    json!({
        "$schema": DRAFT,
        "title": format,
        "description": "One row of the table, as JSON; x-arrow-type is the column's type, x-metadata the keys of the schema's metadata",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
        "x-metadata": metadata,
    })
}

fn property(field: &Field) -> Value {
    let (json_type, arrow_type) = match field.data_type() {
        DataType::Utf8 => (json!({"type": "string"}), "utf8".to_owned()),
        DataType::UInt32 => (
            json!({"type": "integer", "minimum": 0}),
            "uint32".to_owned(),
        ),
        DataType::List(item) => (array(item), format!("list<{}>", element(item))),
        DataType::FixedSizeList(item, _) => (
            array(item),
            "fixed_size_list<float16 or float32>[width]".to_owned(),
        ),
        other => (json!({}), other.to_string()),
    };
    let mut property = json_type;
    if field.is_nullable() {
        property["type"] = json!([property["type"].clone(), "null"]);
    }
    property["x-arrow-type"] = arrow_type.into();
    property
}

fn element(item: &Field) -> &'static str {
    match item.data_type() {
        DataType::UInt32 => "uint32",
        _ => "float32",
    }
}

fn array(item: &Field) -> Value {
    let of = match item.data_type() {
        DataType::UInt32 => json!({"type": "integer", "minimum": 0}),
        _ => json!({"type": "number"}),
    };
    json!({"type": "array", "items": of})
}
