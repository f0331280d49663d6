//! Tables for MultiQC.

use super::error::CheckError;
use serde_json::{Map, Value};

fn object<'a>(value: &'a Value, field: &str) -> Result<&'a Map<String, Value>, CheckError> {
    value.as_object().ok_or_else(|| CheckError::Value {
        field: field.into(),
        found: value.to_string(),
        expected: "an object".into(),
    })
}

/// A table: what it is.
pub(super) fn check(table: &Value) -> Result<String, CheckError> {
    for field in ["id", "section_name", "plot_type"] {
        if !table[field].is_string() {
            return Err(CheckError::Value {
                field: field.into(),
                found: table[field].to_string(),
                expected: "a string".into(),
            });
        }
    }
    let headers = object(&table["headers"], "headers")?;
    for (key, header) in headers {
        if !header["title"].is_string() {
            return Err(CheckError::Value {
                field: format!("headers.{key}.title"),
                found: header["title"].to_string(),
                expected: "a string".into(),
            });
        }
    }
    let samples = object(&table["data"], "data")?;
    for (sample, row) in samples {
        for (key, value) in object(row, sample)? {
            if !headers.contains_key(key) {
                return Err(CheckError::UnknownField {
                    line: None,
                    field: format!("data.{sample}.{key}"),
                });
            }
            if !value.is_number() && !value.is_string() {
                return Err(CheckError::Value {
                    field: format!("data.{sample}.{key}"),
                    found: value.to_string(),
                    expected: "a number or a string".into(),
                });
            }
        }
    }
    Ok(format!("MultiQC table of {} samples", samples.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_without_a_header_are_found() {
        let table = |key: &str, value: Value| {
            json!({
                "id": "x", "section_name": "X", "plot_type": "table",
                "headers": {"a": {"title": "A"}}, "data": {"s": {key: value}},
            })
        };
        assert!(check(&table("a", json!(1))).is_ok());
        assert!(check(&table("b", json!(1))).is_err());
        assert!(check(&table("a", json!([]))).is_err());
    }
}
