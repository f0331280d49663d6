//! Configurations of tools (`--config`), held against their schemas.

use super::{config, error::CheckError};
use serde_json::Value;

/// The schema of a configuration with this file name (`train.yaml`, `protsae-train.yml`).
pub(super) fn schema_of(file: &str) -> Option<(String, Value)> {
    let stem = file
        .strip_suffix(".yaml")
        .or_else(|| file.strip_suffix(".yml"))?;
    let tool = stem.strip_prefix("protsae-").unwrap_or(stem);
    let name = format!("config-{tool}");
    config::all().find(|(other, _)| *other == name)
}

/// Holds a configuration against its schema.
pub(super) fn check(content: &Value, schema: &Value) -> Result<(), CheckError> {
    let empty = serde_json::Map::new();
    let options = match content {
        // an empty file says nothing
        Value::Null => &empty,
        Value::Object(options) => options,
        other => return Err(wrong("the configuration", other, "options by their names")),
    };
    for (name, value) in options {
        let Some(schema) = schema["properties"].get(name) else {
            return Err(CheckError::UnknownField {
                line: None,
                field: name.clone(),
            });
        };
        if !value.is_null() && !fits(value, schema) {
            return Err(wrong(name, value, &expected(schema)));
        }
    }
    Ok(())
}

fn wrong(field: &str, found: &Value, expected: &str) -> CheckError {
    CheckError::Value {
        field: field.into(),
        found: found.to_string(),
        expected: expected.into(),
    }
}

/// Whether a value is what the part of JSON Schema says that [`config`] writes.
fn fits(value: &Value, schema: &Value) -> bool {
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().any(|schema| fits(value, schema));
    }
    if let Some(known) = schema["enum"].as_array() {
        return known.contains(value);
    }
    let is = |kind: &str| match kind {
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value
            .as_array()
            .is_some_and(|items| items.iter().all(|item| fits(item, &schema["items"]))),
        _ => false,
    };
    match &schema["type"] {
        Value::String(kind) => is(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}

fn expected(schema: &Value) -> String {
    let part = ["anyOf", "enum", "type"]
        .into_iter()
        .find_map(|key| schema.get(key).map(|value| (key, value)));
    match part {
        Some(("anyOf", Value::Array(any))) => {
            let all: Vec<String> = any.iter().map(expected).collect();
            all.join(" or ")
        }
        Some((_, Value::Array(values))) => {
            let all: Vec<String> = values.iter().map(ToString::to_string).collect();
            format!("one of {}", all.join(", "))
        }
        Some((_, Value::String(kind))) => kind.clone(),
        _ => "something else".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_options_and_values_of_another_kind_are_found() {
        let (_, schema) = schema_of("annotate.yaml").unwrap();
        let message = |content: Value| check(&content, &schema).err().map(|e| e.to_string());
        assert_eq!(message(json!({"format": "tsv", "min-run": 2})), None);
        assert_eq!(message(Value::Null), None);
        assert!(message(json!({"min-runs": 2})).is_some_and(|m| m.contains("'min-runs'")));
        assert!(message(json!({"min-run": -1})).is_some_and(|m| m.contains("integer")));
        assert!(message(json!({"format": "gif"})).is_some_and(|m| m.contains("gff3")));
        assert!(schema_of("model.yaml").is_none());
    }
}
