//! Metadata of RO-Crates.

use super::error::CheckError;
use crate::report::ro_crate::METADATA;
use serde_json::Value;
use std::collections::BTreeSet;

/// Entities, each with an id of its own, among them the metadata and the root, and none that others name is missing:
/// what it is.
pub(super) fn check(document: &Value) -> Result<String, CheckError> {
    let wrong = |field: &str, found: &Value, expected: &str| CheckError::Value {
        field: field.into(),
        found: found.to_string(),
        expected: expected.into(),
    };
    let graph = &document["@graph"];
    let entities = (graph.as_array()).ok_or_else(|| wrong("@graph", graph, "a list"))?;
    let mut ids = BTreeSet::new();
    for entity in entities {
        let id = &entity["@id"];
        let text = id.as_str().ok_or_else(|| wrong("@id", entity, "a text"))?;
        if !ids.insert(text) {
            return Err(wrong("@id", id, "an id of its own"));
        }
        if entity["@type"].is_null() {
            return Err(wrong(&format!("{text}: @type"), &Value::Null, "a type"));
        }
    }
    for id in [METADATA, "./"] {
        if !ids.contains(id) {
            return Err(wrong("@graph", &Value::Null, &format!("an entity '{id}'")));
        }
    }
    for entity in entities {
        if let Some(missing) = missing(entity, &ids) {
            let field = entity["@id"].as_str().unwrap_or_default();
            let expected = "an entity of this crate, or an address";
            return Err(wrong(field, &missing.into(), expected));
        }
    }
    let count = |kind: &str| entities.iter().filter(|e| e["@type"] == kind).count();
    Ok(format!(
        "RO-Crate of {} files and {} runs",
        count("File"),
        count("CreateAction")
    ))
}

/// The first id that a value names, of no entity and no address.
fn missing(value: &Value, ids: &BTreeSet<&str>) -> Option<String> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| match value.as_str() {
            Some(id) if key == "@id" => {
                let known = ids.contains(id) || id.starts_with("http");
                (!known).then(|| id.to_owned())
            }
            _ => missing(value, ids),
        }),
        Value::Array(items) => items.iter().find_map(|item| missing(item, ids)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entities_that_are_named_and_missing_are_found() {
        let with = |part: &str| {
            let graph = json!([
                {"@id": METADATA, "@type": "CreativeWork", "about": {"@id": "./"}},
                {"@id": "./", "@type": "Dataset", "hasPart": [{"@id": part}]},
                {"@id": "a.txt", "@type": "File"},
            ]);
            check(&json!({ "@graph": graph })).map_err(|e| e.to_string())
        };
        assert_eq!(with("a.txt").unwrap(), "RO-Crate of 1 files and 0 runs");
        assert!(with("b.txt").unwrap_err().contains("b.txt"));
        let twice =
            json!({ "@graph": [{"@id": "a", "@type": "File"}, {"@id": "a", "@type": "File"}] });
        assert!(
            check(&twice)
                .unwrap_err()
                .to_string()
                .contains("an id of its own")
        );
        assert!(check(&json!({ "@graph": [] })).is_err());
    }
}
